"""Elementwise functions shared by activations and losses."""

from __future__ import annotations

import numpy as np

from bpcli.arrays.memory import Array


def sigmoid(z: Array, out: Array) -> None:
    """σ(z) = 1 / (1 + exp(-z)), as (1 + tanh(z/2)) / 2, which cannot overflow; `out` may be `z`."""
    np.multiply(z, 0.5, out=out)
    np.tanh(out, out=out)
    np.multiply(out, 0.5, out=out)
    np.add(out, 0.5, out=out)


def softplus(z: Array, out: Array, scratch: Array) -> None:
    """log(1 + exp(z)), as max(z, 0) + log1p(exp(-|z|)), which cannot overflow; `out` may be `z`."""
    np.abs(z, out=scratch)
    np.negative(scratch, out=scratch)
    np.exp(scratch, out=scratch)
    np.log1p(scratch, out=scratch)
    np.maximum(z, 0.0, out=out)
    np.add(out, scratch, out=out)
