"""Whether runs differ by more than chance on the rows that all were asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bpcli.metrics import METRICS
from bpcli.metrics.rowwise import ROWWISE
from bpcli.metrics.significance import CONFIDENCE, RESAMPLES, holm, mcnemar_exact, paired_bootstrap
from bpcli.nn.arrays import Array
from bpcli.scoring import HEADLINES
from bpcli.text import counted, printable

SIGNIFICANT = 1 - CONFIDENCE
"""A p-value above this is called chance."""


@dataclass(frozen=True)
class Answers:
    """What a model made of the rows."""

    true: Array
    predicted: Array
    report: dict[str, Any]


def differences(labels: Sequence[str], answers: Sequence[Answers], task: Any, seed: int) -> list[dict[str, Any]]:
    """For each but the first: how its headline metric differs from the first's, and whether that is more than chance.

    Of rows with one class each, McNemar's exact test decides, else the bootstrap's p-value; corrected by Holm's method
    for the number of runs that are compared with the first.
    """
    headline, rowwise = HEADLINES[task], ROWWISE[task]
    first = answers[0]
    figures = [rowwise.figures(answer.true, answer.predicted) for answer in answers]
    found: list[dict[str, Any]] = []
    for label, answer, other in zip(labels[1:], answers[1:], figures[1:], strict=True):
        bootstrap = paired_bootstrap(figures[0], other, rowwise.of_means, seed)
        entry: dict[str, Any] = {
            "run": label,
            "against": labels[0],
            "metric": headline,
            "difference": _difference(answer.report[headline], first.report[headline]),
            "interval": {
                "confidence": CONFIDENCE,
                "low": bootstrap.low,
                "high": bootstrap.high,
                "method": "paired bootstrap over rows, percentiles",
                "resamples": RESAMPLES,
                "seed": seed,
            },
            "test": "paired bootstrap",
            "p": bootstrap.p,
        }
        if task in ("binary", "multiclass"):
            right, other_right = figures[0][:, 0] > 0, other[:, 0] > 0
            only_first = int(np.count_nonzero(right & ~other_right))
            only_other = int(np.count_nonzero(other_right & ~right))
            entry |= {"test": "McNemar, exact", "p": mcnemar_exact(only_first, only_other)}
            entry |= {"right_by": {labels[0]: only_first, label: only_other}}
        found.append(entry)
    for entry, corrected in zip(found, holm([entry["p"] for entry in found]), strict=True):
        entry["p_corrected"] = corrected
        entry["better"] = _better(entry, METRICS[task][headline].greater_is_better)
        entry["verdict"] = _verdict(entry, first.report["rows"])
    return found


def _difference(value: float | None, base: float | None) -> float | None:
    return None if value is None or base is None else value - base


def _better(entry: dict[str, Any], greater_is_better: bool) -> str | None:
    """The run that is better by more than chance: the test and the interval must both say so."""
    low, high = entry["interval"]["low"], entry["interval"]["high"]
    if entry["p_corrected"] > SIGNIFICANT or low <= 0 <= high:
        return None
    name: str = entry["run"] if (low > 0) == greater_is_better else entry["against"]
    return name


def _verdict(entry: dict[str, Any], rows: int) -> str:
    on = f"on these {counted(rows, 'row')}" if rows > 1 else "on this 1 row"
    if entry["better"] is not None:
        return f"{printable(entry['better'])} is better in {entry['metric']}, by more than chance {on}"
    return f"no difference in {entry['metric']} beyond chance {on}"
