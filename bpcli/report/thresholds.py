"""Charts of what a decision reaches at each threshold."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from bpcli.arrays.memory import Array
from bpcli.decision.aim import DEFAULT_THRESHOLD
from bpcli.decision.cuts import Cuts
from bpcli.decision.spec import Aim
from bpcli.pages.charts import Chart, Series
from bpcli.wording import quoted

MOST_CUTS = 2_000
"""Maximum number of thresholds in a chart, evenly spaced in rank."""


def threshold_charts(cuts: Cuts, name: str, threshold: float | None, aim: Aim | None) -> Iterator[Chart]:
    """Precision, recall and F1 of the class `name` by threshold, and the cost if it is the aim.

    threshold: that of the model, which is marked; None for the default.
    """
    if not (cuts.positives and cuts.negatives):
        return
    used = DEFAULT_THRESHOLD if threshold is None else threshold
    mark = (used, f"threshold {used:.4g}")
    taken = np.linspace(0, len(cuts.thresholds) - 1, min(len(cuts.thresholds), MOST_CUTS)).astype(np.intp)
    x = cuts.thresholds[taken].tolist()
    predicted = (cuts.true_positives + cuts.false_positives)[taken] > 0
    curves = {"precision": cuts.precision, "recall": cuts.recall, "F1": cuts.f1}
    series = [
        Series(
            title, x, [value if any_row else None for value, any_row in zip(_of(curve, taken), predicted, strict=True)]
        )
        for title, curve in curves.items()
    ]
    note = f"positive class: {quoted(name)}; predicted if its probability is above the threshold"
    yield Chart("Threshold", "threshold", "share", series, unit_square=True, mark=mark, note=note)
    curve = None if aim is None else aim.curve(cuts)
    if curve is not None:
        label, values = curve
        yield Chart(
            "Cost by threshold", "threshold", label, [Series(label, x, _of(values, taken))], mark=mark, note=note
        )


def _of(values: Array, taken: Array) -> list[float]:
    found: list[float] = values[taken].tolist()
    return found
