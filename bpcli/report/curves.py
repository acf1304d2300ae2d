"""Charts of an evaluation: predictions against true values."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import isfinite

import numpy as np

from bpcli.arrays.memory import Array
from bpcli.data.columns.encoders import is_negligible
from bpcli.metrics.probabilities import required
from bpcli.metrics.ranking import positives_above
from bpcli.metrics.reliability import Bin, reliability
from bpcli.metrics.weights import weighted_rows
from bpcli.pages.charts import Chart, Series
from bpcli.report.calibration import calibration_chart
from bpcli.wording import quoted

MOST_CURVES = 6
"""Maximum number of curves in a chart, those of the most frequent classes; more are hard to tell apart."""

MOST_THRESHOLDS = 10_000
"""Maximum number of thresholds of a ROC or precision-recall curve, evenly spaced. A chart resolves far fewer; all
thresholds of a million rows and six classes took 1.1 GB as Python floats."""

FAIR_SHARE = 0.2
"""Share of a linear axis that the middle 95% of the values take at least."""

MOST_DOTS = 1500
"""Maximum number of points in all scatter plots together, of evenly spaced rows."""


def probability_charts(
    truth: Array, probabilities: Array, names: Sequence[str], weight: Array | None = None
) -> Iterator[Chart]:
    """ROC, precision-recall and calibration curves, one class or label against the rest.

    truth: (rows,) classes, or (rows, labels) of 0 and 1. probabilities: (rows, names). weight: (rows,), or None for
    ones.
    """
    truth, _, shares, weight = weighted_rows(truth, truth, probabilities, weight)
    probabilities = required(shares)
    positive, known = _shown(truth, names)
    if not known:
        return
    note = f"the {len(known)} most frequent of {len(names)}" if len(names) > len(known) > 1 else ""
    note = f"positive class: {quoted(names[1])}" if _are_two_classes(truth, names) else note
    roc, precision = [], []
    for index in known:
        is_positive, scores, name = positive[:, index], probabilities[:, index], names[index]
        thresholds = positives_above(is_positive, scores, weight)
        taken = np.linspace(0, len(thresholds[0]) - 1, min(len(thresholds[0]), MOST_THRESHOLDS)).astype(np.intp)
        true_positives, false_positives = (counts[taken] for counts in thresholds)
        recall = true_positives / true_positives[-1]
        roc.append(Series(name, [0.0, *(false_positives / false_positives[-1])], [0.0, *recall]))
        precision.append(Series(name, [*recall], [*(true_positives / (true_positives + false_positives))]))
    yield Chart("ROC", "false positive rate", "true positive rate", roc, unit_square=True, diagonal=True, note=note)
    yield Chart("Precision and recall", "recall", "precision", precision, unit_square=True, note=note)
    yield calibration_chart(reliability_by_name(truth, probabilities, names, weight), note)


def reliability_by_name(
    truth: Array, probabilities: Array, names: Sequence[str], weight: Array | None = None
) -> dict[str, list[Bin]]:
    """Bins of each class or label that `probability_charts` shows, by name."""
    positive, known = _shown(truth, names)
    return {names[index]: reliability(probabilities[:, index], positive[:, index], weight) for index in known}


def _shown(truth: Array, names: Sequence[str]) -> tuple[Array, list[int]]:
    """Whether each row is of each class or label, (rows, names), and the indices of those that are shown."""
    positive = truth.astype(bool) if truth.ndim == 2 else truth[:, None] == np.arange(len(names))
    shown = [1] if _are_two_classes(truth, names) else _most_frequent(positive)
    return positive, [index for index in shown if 0 < np.count_nonzero(positive[:, index]) < len(positive)]


def _are_two_classes(truth: Array, names: Sequence[str]) -> bool:
    return truth.ndim == 1 and len(names) == 2


def residual_charts(truth: Array, predicted: Array, names: Sequence[str]) -> Iterator[Chart]:
    """Predicted against true values, and residuals, for each target.

    truth, predicted: (rows, targets), in the target's units.
    """
    shown = names[:MOST_CURVES]
    dots = min(len(truth), MOST_DOTS // max(1, len(shown)))
    rows = np.linspace(0, len(truth) - 1, dots).astype(int)
    note = f"{len(rows):,} of {len(truth):,} rows" if len(rows) < len(truth) else ""
    left_out = f"the first {len(shown)} of {len(names)} targets" if len(shown) < len(names) else ""
    for index, name in enumerate(shown):
        actual, answers = truth[:, index], predicted[:, index]
        points = Series(name, actual[rows].tolist(), answers[rows].tolist(), "points")
        size = logarithmic_from(np.concatenate([actual, answers]))
        yield Chart(
            f"{name}: predicted against true",
            "true",
            "predicted",
            [points],
            diagonal=True,
            symmetric=size,
            note="; ".join(filter(None, [note, left_out, _said(size)])),
        )
        residuals = answers - actual
        size = logarithmic_from(residuals)
        yield Chart(
            f"{name}: residuals",
            "predicted − true",
            "rows",
            [Series(name, *_histogram(residuals, size), "bars")],
            symmetric=size,
            mark=(0.0, "no error"),
            note=_said(size),
        )


def logarithmic_from(values: Array) -> float:
    """Size from which an axis of these values is to be logarithmic; 0 for a linear axis.

    A linear axis is good if the middle 95% of the values take at least a fifth of it. The size is the median of the
    values' sizes.
    """
    low, high = np.quantile(values, [0.025, 0.975])
    spread = float(np.ptp(values))
    sizes = np.abs(values[values != 0])
    if not isfinite(spread) or is_negligible(spread, float(sizes.max(initial=0.0))):
        return 0.0
    return float(np.median(sizes)) if high - low < FAIR_SHARE * spread else 0.0


def _histogram(residuals: Array, size: float) -> tuple[list[float], list[int]]:
    """Centers of the bins, equally wide on the axis, and their counts. size: as for `Chart.symmetric`."""
    on_axis = np.copysign(np.log1p(np.abs(residuals) / size), residuals) if size else residuals
    counts, edges = np.histogram(on_axis, bins=min(30, max(5, int(np.sqrt(len(residuals))))))
    centers = (edges[1:] + edges[:-1]) / 2
    if size:
        centers = np.copysign(np.expm1(np.abs(centers)) * size, centers)
    return centers.tolist(), list(map(int, counts))


def _said(size: float) -> str:
    return f"logarithmic beyond ±{size:.3g}, since a few values are far from the others" if size else ""


def _most_frequent(positive: Array) -> list[int]:
    """Indices of the most frequent columns, ascending."""
    frequent = np.argsort(-positive.sum(axis=0), kind="stable")[:MOST_CURVES]
    return sorted(int(index) for index in frequent)
