"""Validation of probabilities, and the logarithmic loss shared by classes and labels."""

from __future__ import annotations

import numpy as np

from bpcli.metrics.metric import Array


def required(probabilities: Array | None) -> Array:
    """The probabilities. Raises ValueError if they are None."""
    if probabilities is None:
        raise ValueError("this metric requires probabilities")
    return probabilities


def check_probabilities(probabilities: Array, shape: tuple[int, ...]) -> None:
    """Raise ValueError unless the probabilities have shape `shape` and are finite."""
    if probabilities.shape != shape:
        raise ValueError(f"probabilities {probabilities.shape} must have shape {shape}")
    if not np.isfinite(probabilities).all():
        raise ValueError("probabilities must be finite")


def log_losses(of_true: Array) -> Array:
    """−log p (natural logarithm, float64) of each probability given to the true class.

    p is clipped to [ε, 1 − ε] with ε of its dtype, so that the loss of a wrong certain prediction is finite: 36.0
    in float64, 15.9 in float32.
    """
    epsilon = np.finfo(of_true.dtype).eps
    return np.asarray(-np.log(np.clip(of_true, epsilon, 1 - epsilon), dtype=np.float64))


def mean_log_loss(of_true: Array, weight: Array | None = None) -> float:
    """Mean of `log_losses` of (rows,) or (rows, labels); weight: (rows,), or None for ones."""
    return mean_of_cells(log_losses(of_true), weight)


def mean_of_cells(values: Array, weight: Array | None) -> float:
    """Mean of values (rows,) or (rows, columns), each row with its weight."""
    if weight is None:
        return float(values.mean())
    return float(np.average(values if values.ndim == 1 else values.mean(axis=1), weights=weight))
