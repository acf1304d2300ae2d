"""Scores of predictions of test rows, the same for every contender, read from the CSV file that it wrote."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Mapping, Sequence
from math import isfinite, log, sqrt
from pathlib import Path

from benchmarks.harness import Failed

LEAST = 1e-7
"""Probabilities are raised to at least this before their logarithm: about the resolution of float32."""
CONFIDENCE_BINS = 15
"""Equally wide bins of the expected calibration error."""


def score(truth: Path, predictions: Path, classes: Sequence[str]) -> dict[str, float]:
    """Error, log loss and expected calibration error of classes; RMSE for no classes.

    The predictions have a column `prediction`, and for classes `probability_CLASS`. Raises Failed if rows are missing
    or a number is not finite.
    """
    with truth.open(newline="") as file:
        expected = [row["y"] for row in csv.DictReader(file)]
    with predictions.open(newline="") as file:
        found = list(csv.DictReader(file))
    if len(found) != len(expected):
        raise Failed(f"{len(found)} predictions of {len(expected)} rows")
    return _of_classes(expected, found, classes) if classes else _of_numbers(expected, found)


def _of_numbers(expected: Sequence[str], found: Sequence[Mapping[str, str]]) -> dict[str, float]:
    squares = [(float(row["prediction"]) - float(value)) ** 2 for value, row in zip(expected, found, strict=True)]
    return _finite({"rmse": sqrt(sum(squares) / len(squares))})


def _of_classes(
    expected: Sequence[str], found: Sequence[Mapping[str, str]], classes: Sequence[str]
) -> dict[str, float]:
    wrong, loss = 0, 0.0
    bins: dict[int, list[tuple[float, bool]]] = defaultdict(list)
    for label, row in zip(expected, found, strict=True):
        # A class without training rows has no column.
        probabilities = {name: float(row.get(f"probability_{name}", 0.0)) for name in classes}
        likeliest = max(probabilities, key=probabilities.__getitem__)
        confidence = probabilities[likeliest]
        wrong += likeliest != label
        loss -= log(max(probabilities[label], LEAST))
        bins[min(int(confidence * CONFIDENCE_BINS), CONFIDENCE_BINS - 1)].append((confidence, likeliest == label))
    rows = len(expected)
    gaps = (abs(sum(sure - right for sure, right in group)) for group in bins.values())
    # Half an error is added to every contender's, so that a ratio of no errors exists.
    return _finite({"error": (wrong + 0.5) / (rows + 1), "log_loss": loss / rows, "calibration": sum(gaps) / rows})


def _finite(scores: dict[str, float]) -> dict[str, float]:
    if not all(isfinite(value) for value in scores.values()):
        raise Failed("a prediction is not finite")
    return scores
