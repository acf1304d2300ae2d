"""The `tune` section of a config: a search for better settings, its budget, and the space of settings."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from bpcli.config.distribution import SpaceEntry
from bpcli.spec import Sequence, Spec

Sampler = Literal["random", "tpe", "cma_es", "qmc", "grid", "nsga2"]

OF_TRIALS = ("seconds", "parameters")
"""Metrics of a trial that are no scores: seconds of training, and number of parameters."""

Metric = Annotated[str, Field(pattern=rf"^(validation_\w+|{'|'.join(OF_TRIALS)})$")]

AT_ONCE = 4
"""Usual number of trials that are asked for together."""

POPULATION = 10
"""The same of a genetic algorithm, whose generation it is."""


class Halving(Spec):
    """Successive halving: the best trials of those begun together go on."""

    first_epochs: int = Field(ge=1, description="Epochs of every trial before the first choice.")
    factor: int = Field(default=3, ge=2, description="One trial in so many goes on, for so many times the epochs.")


class Median(Spec):
    """Median stopping rule: a trial stops where it is behind the median of earlier ones."""

    first_epochs: int = Field(default=5, ge=1, description="Epochs before a trial may stop.")
    first_trials: int = Field(default=5, ge=1, description="Trials that must have come as far before one may stop.")


class Asha(Spec):
    """Asynchronous successive halving: a trial stops where it is not among the best of earlier ones."""

    first_epochs: int = Field(ge=1, description="Epochs before the first choice.")
    factor: int = Field(default=3, ge=2, description="One trial in so many goes on, for so many times the epochs.")


class Budget(Spec):
    """Bound on the time of a search, in seconds of training of all trials together."""

    seconds: float = Field(gt=0, description="No trials are begun after so many seconds of training.")


class TuneSpec(Spec):
    """Search by `bpcli tune`. Other commands ignore it."""

    metric: Metric | Annotated[Sequence[Metric], Field(min_length=1)] = Field(
        default="validation_loss",
        description="Value of the best epoch to improve, such as validation_loss; or several, with seconds or "
        "parameters beside it.",
    )
    trials: int = Field(default=30, ge=1, description="Number of trials in all, also of a search that is resumed.")
    sampler: Sampler = Field(default="tpe", description="How the settings of trials are chosen.")
    at_once: int | None = Field(
        default=None,
        ge=1,
        description="Number of trials that are asked for together. It changes the result; the number of workers does "
        "not. Default: 4; with halving, as many as leave one trial at the end; with nsga2, a generation of 10.",
    )
    halving: Halving | None = Field(default=None, description="Stop bad trials early. Default: train all to the end.")
    median: Median | None = Field(default=None, description="Stop trials behind the median of earlier ones.")
    asha: Asha | None = Field(default=None, description="Stop trials that are not among the best of earlier ones.")
    folds: int | None = Field(
        default=None, ge=2, description="Cross-validate each trial in so many folds, whose mean value counts."
    )
    seeds: int = Field(default=1, ge=1, description="Number of seeds of each trial, whose mean value counts.")
    budget: Budget | None = Field(default=None, description="Bound on the time. Default: none.")
    space: dict[str, SpaceEntry] = Field(
        default={},
        description="Settings to choose: config keys such as optimizer.learning_rate, and distributions. Default: with "
        "a recipe, its learning rate, weight decay and dropout.",
    )

    @property
    def metrics(self) -> tuple[str, ...]:
        """Metrics to improve; the first decides which config is written as the best."""
        return (self.metric,) if isinstance(self.metric, str) else tuple(self.metric)

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.metrics[0] in OF_TRIALS:
            raise ValueError(f"begin metric with a score, such as [validation_loss, {self.metrics[0]}]")
        if len(set(self.metrics)) < len(self.metrics):
            raise ValueError("list different metrics")
        rules = [name for name in ("halving", "median", "asha") if getattr(self, name) is not None]
        if len(rules) > 1:
            raise ValueError(f"{rules[0]} and {rules[1]} both stop trials early; omit one of them")
        if rules and len(self.metrics) > 1:
            raise ValueError(f"{rules[0]} compares trials by one metric; omit it, or the others")
        if self.sampler == "cma_es" and len(self.metrics) > 1:
            raise ValueError("cma_es improves one metric; for several, take nsga2 or tpe")
        if self.folds is not None and self.seeds > 1:
            raise ValueError("folds and seeds exclude each other; omit one of them")
        if rules and rules[0] != "halving" and (self.folds is not None or self.seeds > 1):
            raise ValueError(f"{rules[0]} stops single trainings; with folds or seeds, take halving")
        return self
