"""Monitor and goal of a run, and the metrics computed for them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from bpcli.config.experiment import ExperimentConfig
from bpcli.data.batches import Dataset
from bpcli.data.targets import TargetBase
from bpcli.errors import Mismatch, MismatchError
from bpcli.metrics import METRICS
from bpcli.nn.losses import LossBase
from bpcli.training.monitor import Monitor
from bpcli.training.scoring import HEADLINES, EpochScore, metric_names
from bpcli.wording import quoted, suggestion

SteeringPart = Literal["train", "validation"]


@dataclass(frozen=True)
class Watched:
    """Monitored values: the monitor selects the best epoch, the goal ends training."""

    monitor: Monitor
    goal: Monitor | None
    score: EpochScore


def watched(
    config: ExperimentConfig, target: TargetBase, loss: LossBase, train: Dataset, validation: Dataset | None
) -> Watched:
    """Monitor, goal and epoch score from the config.

    Raises MismatchError for a metric that does not apply to the target, is undefined on its rows, or refers to a
    missing split.
    """
    metrics = _metrics(config, target, loss)
    score = EpochScore(target, loss, list(metrics))
    part: SteeringPart = "train" if validation is None else "validation"
    named = _monitored(config, part)
    _require_defined(metrics, score, train if validation is None else validation)
    goal = config.training.goal
    return Watched(
        monitor=_monitor(*named, target),
        goal=None if goal is None else _monitor(part, goal.metric, target),
        score=score,
    )


def _metrics(config: ExperimentConfig, target: TargetBase, loss: LossBase) -> dict[str, tuple[str, ...]]:
    """Headline metric and metrics of goal and early stopping, each with the path of its config key."""
    headline = HEADLINES[target.task] if config.forecast is None else "mae"
    named: dict[str, tuple[str, ...]] = {headline: ()}
    if config.training.goal is not None:
        named[config.training.goal.metric] = ("training", "goal", "metric")
    if config.training.early_stopping is not None:
        prefix, _, metric = config.training.early_stopping.monitor.partition("_")
        if prefix not in ("train", "validation") or not metric:
            raise MismatchError(
                Mismatch(
                    ("training", "early_stopping", "monitor"),
                    "must be train_loss, validation_loss, or validation_ and the name of a metric",
                )
            )
        named[metric] = ("training", "early_stopping", "monitor")
    named.pop("loss", None)
    possible = metric_names(target, loss)
    for metric, path in named.items():
        if metric not in possible:
            hint = suggestion(metric, [*possible, "loss"]) or f"; available: loss, {', '.join(possible)}"
            raise MismatchError(Mismatch(path, f"no metric {quoted(metric)} for a {target.task} target{hint}"))
    return named


def _require_defined(metrics: Mapping[str, tuple[str, ...]], score: EpochScore, dataset: Dataset) -> None:
    """Raise MismatchError if a monitored metric is undefined on these rows.

    Definedness depends on the true values alone, so constant predictions suffice.
    """
    target, loss = score.target, score.loss
    predictions = np.zeros((dataset.rows, target.outputs), dataset.x.dtype)
    loss.link(predictions, predictions)
    values = score(predictions, dataset)
    for metric, path in metrics.items():
        if path and values[metric] is None:
            raise MismatchError(Mismatch(path, f"{metric} is undefined on the monitored rows; use loss"))


def _monitored(config: ExperimentConfig, part: SteeringPart) -> tuple[SteeringPart, str]:
    """Split and metric that select the best epoch; `part` is the split that metrics are computed on."""
    stopping, goal = config.training.early_stopping, config.training.goal
    if stopping is None:
        return part, goal.metric if goal else "loss"  # keeps the epoch that reaches the goal
    path = ("training", "early_stopping", "monitor")
    prefix, _, metric = stopping.monitor.partition("_")
    if prefix == "validation" and part != "validation":
        raise MismatchError(
            Mismatch(path, "there are no validation rows; set data.split.validation, or monitor train_loss")
        )
    if prefix == "train" and metric != "loss" and part == "validation":
        raise MismatchError(
            Mismatch(path, "metrics are computed on the validation rows; use validation_ and the metric's name")
        )
    return "validation" if prefix == "validation" else "train", metric


def _monitor(part: SteeringPart, metric: str, target: TargetBase) -> Monitor:
    known = METRICS[target.task].get(metric)
    return Monitor(part, metric, known is not None and known.greater_is_better)
