"""What a search improves: values of a trial, their directions, and the trials that none other beats."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bpcli.config.tune import OF_TRIALS
from bpcli.metrics import greater_is_better
from bpcli.tuning.trial import Trial


@dataclass(frozen=True)
class Objective:
    """Metrics of a search, such as `validation_loss` and `seconds`."""

    metrics: Sequence[str]

    @property
    def first(self) -> str:
        """Metric that decides which trial is the best."""
        return self.metrics[0]

    @property
    def maximize(self) -> bool:
        """Whether greater values of the first metric are better."""
        return is_maximized(self.first)

    @property
    def is_timed(self) -> bool:
        """Whether results depend on the machine."""
        return "seconds" in self.metrics

    def values(self, trial: Trial) -> list[float] | None:
        """Value of each metric; None if one is undefined, or the trial failed."""
        found = [value_of(trial, metric) for metric in self.metrics]
        known = [value for value in found if value is not None]
        return known if len(known) == len(found) and trial.state != "failed" else None

    def rank(self, trial: Trial) -> float:
        """Score as a number of which the least is the best."""
        assert trial.score is not None
        return self.loss(trial.score)

    def loss(self, score: float) -> float:
        """Score, negated if greater ones are better."""
        return -score if self.maximize else score

    def best(self, trials: Sequence[Trial]) -> Trial | None:
        """The complete trial with the best score; of equal ones, the first."""
        found = [trial for trial in trials if trial.state == "complete" and trial.score is not None]
        return min(found, key=self.rank, default=None)

    def front(self, trials: Sequence[Trial]) -> list[Trial]:
        """Complete trials that no other beats in one metric without being worse in another, the best first."""
        found = {
            trial.number: [
                -value if is_maximized(name) else value for name, value in zip(self.metrics, of, strict=True)
            ]
            for trial in trials
            if trial.state == "complete" and (of := self.values(trial)) is not None
        }

        def is_beaten(values: list[float]) -> bool:
            return any(
                other != values and all(one <= own for one, own in zip(other, values, strict=True))
                for other in found.values()
            )

        return sorted(
            (trial for trial in trials if trial.number in found and not is_beaten(found[trial.number])),
            key=lambda trial: found[trial.number],
        )


def is_maximized(metric: str) -> bool:
    """Whether greater values of a metric are better."""
    return metric not in OF_TRIALS and greater_is_better(metric.removeprefix("validation_"))


def value_of(trial: Trial, metric: str) -> float | int | None:
    """Value of a metric, None if it is undefined."""
    if metric == "seconds":
        return trial.seconds
    if metric == "parameters":
        return trial.parameters
    return trial.metrics.get(metric)
