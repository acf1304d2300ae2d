"""Logits of an ensemble: those whose prediction is the mean of its members' predictions.

So whatever is computed from logits (calibration, decisions, losses, explanations) holds for an ensemble as for one
network. Everything is computed from logarithms, in which no probability is rounded to 0 or 1.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np

from bpcli.arrays.memory import Array
from bpcli.nn.functions import sigmoid, softplus


class Combination(ABC):
    """Function from the logits of members, (members, rows, outputs), to those of the ensemble, (rows, outputs)."""

    @abstractmethod
    def logits(self, members: Array) -> Array:
        """Logits whose prediction is the mean prediction."""

    @abstractmethod
    def gradient(self, members: Array, slope: Array) -> Array:
        """Gradient of Σ slope · logits by the members' logits, (members, rows, outputs); slope is (rows, outputs)."""


class MeanLogits(Combination):
    """Mean of the logits, for losses whose logits are the predictions."""

    def logits(self, members: Array) -> Array:
        """Σ z / members."""
        combined: Array = members.mean(axis=0)
        return combined

    def gradient(self, members: Array, slope: Array) -> Array:
        """slope / members."""
        return np.broadcast_to(slope / len(members), members.shape)


class MeanSoftmax(Combination):
    """log Σ softmax(z) / members, for probabilities of classes."""

    def logits(self, members: Array) -> Array:
        """Logarithm of the mean probabilities; in rows with a mean near 0, computed from logarithms."""
        by_class = np.ascontiguousarray(np.moveaxis(members, 2, 0))
        np.subtract(by_class, by_class.max(axis=0), out=by_class)
        np.exp(by_class, out=by_class)
        np.divide(by_class, by_class.sum(axis=0), out=by_class)
        mean = by_class.mean(axis=1)
        small = (mean < _smallest_exact(members.dtype)).any(axis=0)
        with np.errstate(divide="ignore"):
            logits: Array = np.log(mean).T
        if small.any():
            logits[small] = _log_mean(_log_softmax(members[:, small]))
        return logits

    def gradient(self, members: Array, slope: Array) -> Array:
        """With p the probabilities and r = p / Σ p over members: r slope - p Σ r slope over classes."""
        logarithms = _log_softmax(members)
        shared = _shares(logarithms) * slope
        gradient: Array = shared - np.exp(logarithms) * shared.sum(axis=2, keepdims=True)
        return gradient


class MeanSigmoid(Combination):
    """Log-odds of Σ σ(z) / members, for one probability per output."""

    def logits(self, members: Array) -> Array:
        """log of the mean of σ(z), less log of the mean of σ(-z)."""
        return _log_mean(_log_sigmoid(members)) - _log_mean(_log_sigmoid(-members))

    def gradient(self, members: Array, slope: Array) -> Array:
        """With r = σ(z) / Σ σ(z) and s = σ(-z) / Σ σ(-z): slope (r σ(-z) + s σ(z))."""
        p, q = np.empty_like(members), np.empty_like(members)
        sigmoid(members, p)
        sigmoid(-members, q)
        shared: Array = _shares(_log_sigmoid(members)) * q + _shares(_log_sigmoid(-members)) * p
        return shared * slope


class MeanExponential(Combination):
    """log Σ exp(z) / members, for positive predictions."""

    def logits(self, members: Array) -> Array:
        """Logarithm of the mean prediction."""
        return _log_mean(members)

    def gradient(self, members: Array, slope: Array) -> Array:
        """slope exp(z) / Σ exp(z)."""
        shared: Array = _shares(members) * slope
        return shared


MEAN_LOGITS, MEAN_SOFTMAX = MeanLogits(), MeanSoftmax()
MEAN_SIGMOID, MEAN_EXPONENTIAL = MeanSigmoid(), MeanExponential()


def _smallest_exact(dtype: np.dtype[Any]) -> float:
    """Probability from which on a mean loses no digit to members whose probability is 0 by underflow."""
    limits = np.finfo(dtype)
    return float(limits.tiny) / float(limits.eps)


def _log_softmax(logits: Array) -> Array:
    shifted = logits - logits.max(axis=2, keepdims=True)
    logarithms: Array = shifted - np.log(np.exp(shifted).sum(axis=2, keepdims=True))
    return logarithms


def _log_sigmoid(logits: Array) -> Array:
    out = np.empty_like(logits)
    softplus(-logits, out, np.empty_like(logits))
    return np.negative(out, out=out)


def _log_mean(logarithms: Array) -> Array:
    """log Σ exp / members."""
    most = logarithms.max(axis=0)
    mean: Array = most + np.log(np.exp(logarithms - most).mean(axis=0))
    return mean


def _shares(logarithms: Array) -> Array:
    """exp / Σ exp over members."""
    values = np.exp(logarithms - logarithms.max(axis=0))
    shares: Array = values / values.sum(axis=0)
    return shares
