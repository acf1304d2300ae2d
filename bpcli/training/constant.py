"""Best constant prediction on the training rows, and its loss."""

from __future__ import annotations

from math import log

import numpy as np
from numpy.typing import NDArray

from bpcli.arrays.memory import Array
from bpcli.data.batches import Dataset
from bpcli.nn.losses import LossBase, LossScratch

MOST_ROWS = 4096
"""Maximum number of rows, evenly spaced, on which the constant is sought."""

PRIOR_ROWS = 65_536
"""Maximum number of rows, evenly spaced, for the initial biases of the output layer."""

MOST_NUMBERS = 8192
"""Maximum number of targets evaluated at a time."""

HALVINGS = 40
"""Number of halvings of the interval in which a logit is sought."""

LARGEST_LOGIT = 20.0
"""Bound of a logit that is the argument of a link function."""


def best_constant(loss: LossBase, train: Dataset, outputs: int) -> Array:
    """Logits (outputs,) of the constant prediction of least mean loss.

    Every loss but the softmax's falls and then rises in each logit, so that bisection by the gradient's sign finds it.
    """
    return _best(loss, *_targets(train, outputs, np.arange(train.rows), MOST_ROWS))


def baseline_loss(loss: LossBase, train: Dataset, outputs: int) -> float:
    """Mean loss of the best constant prediction."""
    targets, weight = _targets(train, outputs, np.arange(train.rows), MOST_ROWS)
    return _evaluate(loss, _best(loss, targets, weight), targets, weight)[0]


def prior_logits(loss: LossBase, train: Dataset, outputs: int, rows: NDArray[np.intp]) -> Array:
    """Logits (outputs,) of the best constant prediction on some rows.

    Probabilities are at least half a row's share, so that the logits of a class or label without rows are finite.
    """
    targets, weight = _targets(train, outputs, rows, PRIOR_ROWS)
    logits, most = _best(loss, targets, weight), log(2.0 * len(targets))
    if loss.gives_probabilities:
        np.clip(logits, -most, most, out=logits)
    return logits


def _targets(train: Dataset, outputs: int, rows: NDArray[np.intp], most: int) -> tuple[Array, Array | None]:
    """Targets (rows, outputs) and weights of at most `most` of the rows, evenly spaced."""
    chosen = rows[:: -(-len(rows) // most)]
    (taken,) = train.target_reader(outputs, len(chosen)).take(chosen)
    weight = None if train.weight is None else train.weight[chosen].astype(np.float64)
    return np.ascontiguousarray(taken), weight


def _best(loss: LossBase, targets: Array, weight: Array | None) -> Array:
    """Logits (outputs,) of the least mean loss."""
    if _is_softmax(loss, targets.shape[1]):
        shares = np.average(targets, axis=0, weights=weight).astype(np.float64)
        logits: Array = np.log(np.maximum(shares, np.finfo(np.float64).tiny))
        return logits
    targets, weight = _distinct(targets, weight)
    low = np.minimum(targets.min(axis=0), -LARGEST_LOGIT).astype(np.float64)
    high = np.maximum(targets.max(axis=0), LARGEST_LOGIT).astype(np.float64)
    middle: Array = (low + high) / 2
    for _ in range(HALVINGS):
        rises = _evaluate(loss, middle, targets, weight)[1] > 0
        low, high = np.where(rises, low, middle), np.where(rises, middle, high)
        middle = (low + high) / 2
    return middle


def _distinct(targets: Array, weight: Array | None) -> tuple[Array, Array | None]:
    """Distinct targets of one output with the sums of their weights, if they are fewer than half of the rows."""
    if targets.shape[1] > 1:
        return targets, weight
    values, place = np.unique(targets[:, 0], return_inverse=True)
    if 2 * len(values) > len(targets):
        return targets, weight
    return values[:, None], np.bincount(place, weight, minlength=len(values)).astype(np.float64)


def _is_softmax(loss: LossBase, outputs: int) -> bool:
    """Whether the link normalizes over outputs: predictions do not change if all logits rise."""
    logits = np.zeros((1, outputs))
    loss.link(logits + 1.0, logits)
    return outputs > 1 and np.allclose(logits, 1 / outputs)


def _evaluate(loss: LossBase, logits: Array, targets: Array, weight: Array | None) -> tuple[float, Array]:
    """Mean loss of constant logits (outputs,), and its gradient."""
    rows, outputs = targets.shape
    total, slope, together = 0.0, np.zeros(outputs), max(1, MOST_NUMBERS // outputs)
    for start in range(0, rows, together):
        block = targets[start : start + together].astype(np.float64)
        weights = None if weight is None else weight[start : start + together]
        given, gradient = np.tile(logits.astype(np.float64), (len(block), 1)), np.empty_like(block)
        with np.errstate(all="ignore"):
            scratch = LossScratch(len(block), outputs, block.dtype)
            scratch.batch = rows
            total += loss.value_and_gradient(given, block, weights, gradient, scratch)
        slope += gradient.sum(axis=0)
    return total / (rows if weight is None else float(weight.sum())), slope
