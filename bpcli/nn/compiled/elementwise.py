"""Elementwise operations of a step of several members, in one pass each, with the bits of NumPy.

Every number is computed by the operations of NumPy's layers and optimizers in their order, without reordered sums and
without fused multiply-adds. Arrays are float32.
"""

from __future__ import annotations

from typing import Any

from bpcli.nn.compiled.functions import ONE, ZERO, compiled
from bpcli.nn.compiled.updates import adam

BLOCK = 4_096
"""Parameters updated at a time, so that they are still in the L1 cache when they are averaged."""


@compiled
def add_bias_and_rectify(z: Any, bias: Any) -> None:
    """Z ← max(Z + bias, 0), with z (members, rows, units) and bias (members, units)."""
    for member in range(len(z)):
        b = bias[member]
        for row in z[member]:
            for j in range(len(row)):
                total = row[j] + b[j]
                row[j] = ZERO if total <= ZERO else total  # unlike max, this propagates NaN


@compiled
def drop(y: Any, pool: Any, places: Any, piece: int, dropped: int, scale: Any) -> None:
    """Y ← y · mask, with mask 0 where the number of the pool is below `dropped`, else `scale`.

    y is (members, numbers), and `places`, (members, pieces), are the places of the pool for each `piece` numbers.
    """
    for member in range(len(y)):
        for index in range(places.shape[1]):
            part = y[member, index * piece : (index + 1) * piece]
            place = places[member, index]
            numbers = pool[place : place + len(part)]
            for i in range(len(part)):
                part[i] *= ZERO if numbers[i] < dropped else scale


@compiled
def rectify_back(d: Any, y: Any, scale: Any) -> None:
    """D ← d · scale where y > 0, else d · 0; (rows, units) each."""
    for row in range(len(d)):
        d_row, y_row = d[row], y[row]
        for j in range(len(d_row)):
            d_row[j] *= scale if y_row[j] > ZERO else ZERO


@compiled
def update(
    params: Any,
    grads: Any,
    m: Any,
    v: Any,
    average: Any,
    segments: Any,
    coefficients: Any,
    decayed: int,
    keep: Any,
    rest: Any,
) -> None:
    """Step of Adam, with weight decay of the first `decayed` parameters, and of a moving average.

    Vectors are (members, size); `average` is empty if there is none. segments: start, stop, and row of `coefficients`.
    """
    for member in range(len(params)):
        p, g, of_m, of_v = params[member], grads[member], m[member], v[member]
        for first, last, factor in segments:
            beta1, beta2, a, e = coefficients[factor]
            for start in range(first, last, BLOCK):
                stop = min(start + BLOCK, last)
                if keep != ONE:
                    for i in range(start, min(stop, decayed)):
                        p[i] *= keep
                adam(p[start:stop], g[start:stop], of_m[start:stop], of_v[start:stop], beta1, beta2, a, e)
                if average.size > 0:
                    of_average = average[member]
                    for i in range(start, stop):
                        of_average[i] += (p[i] - of_average[i]) * rest
