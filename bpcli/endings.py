"""How a run ended, in words."""

from __future__ import annotations

from typing import Any

from bpcli.text import counted

STOPS = {
    "epochs": "all epochs done",
    "early_stopping": "early stopping: nothing better for a while",
    "tolerance": "converged: the training loss no longer falls",
    "goal": "goal reached",
    "max_time": "time is up",
}


def stop_words(reason: Any) -> str:
    """Why training stopped: what a summary has as `stop_reason`, in words."""
    return STOPS.get(str(reason), str(reason))


def ending(summary: dict[str, Any]) -> str:
    """`finished after 100 epochs (all epochs done)`, `interrupted after 1 epoch`, from a run's summary."""
    status, epochs, reason = summary.get("status", "unknown"), summary.get("epochs"), summary.get("stop_reason")
    after = f" after {counted(epochs, 'epoch')}" if isinstance(epochs, int) else ""
    return f"{status}{after}{f' ({stop_words(reason)})' if reason else ''}"
