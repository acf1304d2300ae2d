"""What metrics ask of probabilities, and the logarithmic loss that classes and labels share."""

from __future__ import annotations

import numpy as np

from bpcli.metrics.metric import Array


def required(probabilities: Array | None) -> Array:
    """The probabilities; ValueError when there are none."""
    if probabilities is None:
        raise ValueError("this metric needs probabilities, and none were given")
    return probabilities


def check_probabilities(probabilities: Array, shape: tuple[int, ...]) -> None:
    """Raise ValueError unless they have this shape and finite values."""
    if probabilities.shape != shape:
        raise ValueError(f"probabilities {probabilities.shape} must have shape {shape}")
    if not np.isfinite(probabilities).all():
        raise ValueError("probabilities must be finite")


def log_losses(of_true: Array) -> Array:
    """−log p, natural logarithm, of each of the probabilities given to what turned out true, float64.

    p is clipped to [ε, 1 − ε] with the ε of its own dtype, so that a certainty that was wrong costs 36.0 in float64
    and 15.9 in float32, and not infinity.
    """
    epsilon = np.finfo(of_true.dtype).eps
    return np.asarray(-np.log(np.clip(of_true, epsilon, 1 - epsilon), dtype=np.float64))


def mean_log_loss(of_true: Array) -> float:
    """The mean of `log_losses`."""
    return float(log_losses(of_true).mean())
