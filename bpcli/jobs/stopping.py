"""Explanations of why training ended."""

from __future__ import annotations

from collections.abc import Sequence

from bpcli.documents.layer_health import LayerHealth
from bpcli.training.epochs import CONVERGED_EPOCHS
from bpcli.training.spec import StopWhen, TrainingSpec
from bpcli.training.state import StopReason
from bpcli.wording import counted


def stop_explanation(reason: StopReason, training: TrainingSpec, monitor: str, health: Sequence[LayerHealth]) -> str:
    """Explain why training ended, with the relevant numbers.

    health: that of the last epoch.
    """
    stopping, goal = training.early_stopping, training.goal
    if reason == "early_stopping" and stopping is not None:
        by = f" by more than {stopping.min_delta:g}" if stopping.min_delta else ""
        return f"early stopping: {monitor} has not improved{by} for {counted(stopping.patience, 'epoch')}"
    if reason == "tolerance" and training.tolerance is not None:
        return f"converged: train_loss has not fallen by more than {training.tolerance:g} in {CONVERGED_EPOCHS} epochs"
    if reason == "goal" and goal is not None:
        return f"goal reached: {goal.metric} {goal.value:g}"
    if reason == "max_time" and training.max_time is not None:
        return f"time is up: {training.max_time:g} s"
    if reason == "stop_when" and training.stop_when is not None:
        return f"stop_when: {_exceeded(training.stop_when, health)}"
    return "all epochs done"


def _exceeded(when: StopWhen, health: Sequence[LayerHealth]) -> str:
    """Describe the first measure of the first layer that exceeds its threshold."""
    so_long = "" if when.epochs == 1 else f", for {when.epochs} epochs in a row"
    for layer in health:
        for name, value in when.exceeded(layer).items():
            bound = getattr(when, name)
            what = {
                "gradient_norm": f"gradient norm {value:.3g}, above {bound:g}",
                "update_ratio": f"a step changed the parameters by {value:.3g} of their norm, above {bound:g}",
            }.get(name, f"{100 * value:.3g}% of units are {name}, above {100 * bound:.3g}%")
            return f"layer {layer.layer}: {what}{so_long}"
    return "a layer was out of bounds"
