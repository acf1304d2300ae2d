"""Arithmetic of a step in few passes over memory: products, activations, losses.

Arrays are float32. A matrix in a flat array is given by the index of its first element.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit

from bpcli.nn.compiled.blas import sgemm
from bpcli.nn.compiled.codes import (
    BINARY_CROSS_ENTROPY,
    CROSS_ENTROPY,
    LEAKY_RELU,
    RELU,
    SIGMOID,
    TANH,
)
from bpcli.nn.compiled.library import PLAIN, TRANSPOSED

compiled = njit(nogil=True, cache=True, error_model="numpy")

reordered = njit(nogil=True, cache=True, error_model="numpy", fastmath={"reassoc", "nsz", "contract"})
"""Decorator for sums whose terms may be reordered, which lets them be vectorized."""

SMALL = 16_384
"""Largest number of multiplications for which these loops are faster than a call to BLAS."""

ZERO, HALF, ONE, TWO = (np.float32(value) for value in (0.0, 0.5, 1.0, 2.0))


@compiled
def matrix(flat: Any, at: int, rows: int, columns: int) -> Any:
    """Matrix (rows, columns) at an index of a flat array."""
    return flat[at : at + rows * columns].reshape(rows, columns)


@reordered
def multiply(
    gemm: int, a: Any, a_at: int, b: Any, b_at: int, c: Any, c_at: int, step: int, m: int, n: int, k: int
) -> None:
    """C (m, n) = A (m, k) B (k, n); rows of B and C are `step` apart."""
    if m * n * k > SMALL:
        sgemm(gemm, PLAIN, PLAIN, m, n, k, a, a_at, k, b, b_at, step, c, c_at, step, ZERO)
        return
    for i in range(m):
        out = c[c_at + i * step : c_at + i * step + n]
        for j in range(n):
            out[j] = ZERO
        for p in range(k):
            factor = a[a_at + i * k + p]
            row = b[b_at + p * step : b_at + p * step + n]
            for j in range(n):
                out[j] += factor * row[j]


@reordered
def multiply_by_transposed(
    gemm: int, a: Any, a_at: int, b: Any, b_at: int, c: Any, c_at: int, step: int, m: int, n: int, k: int
) -> None:
    """C (m, n) = A (m, k) Bᵀ with B (n, k); rows of C are `step` apart."""
    if m * n * k > SMALL:
        sgemm(gemm, PLAIN, TRANSPOSED, m, n, k, a, a_at, k, b, b_at, k, c, c_at, step, ZERO)
        return
    for i in range(m):
        left = a[a_at + i * k : a_at + i * k + k]
        for j in range(n):
            row = b[b_at + j * k : b_at + j * k + k]
            total = ZERO
            for p in range(k):
                total += left[p] * row[p]
            c[c_at + i * step + j] = total


@reordered
def multiply_transposed(
    gemm: int,
    a: Any,
    a_at: int,
    step: int,
    b: Any,
    b_at: int,
    c: Any,
    c_at: int,
    m: int,
    n: int,
    k: int,
) -> None:
    """C (m, n) = Aᵀ B with A (k, m), whose rows are `step` apart, and B (k, n)."""
    if m * n * k > SMALL:
        sgemm(gemm, TRANSPOSED, PLAIN, m, n, k, a, a_at, step, b, b_at, n, c, c_at, n, ZERO)
        return
    for i in range(m * n):
        c[c_at + i] = ZERO
    for p in range(k):
        row = b[b_at + p * n : b_at + p * n + n]
        for i in range(m):
            factor = a[a_at + p * step + i]
            out = c[c_at + i * n : c_at + i * n + n]
            for j in range(n):
                out[j] += factor * row[j]


@reordered
def add_rows(a: Any, out: Any) -> None:
    """Add the sum over the rows of `a` to `out`."""
    rows, columns = a.shape
    for i in range(rows):
        for j in range(columns):
            out[j] += a[i, j]


@compiled
def tanh(z: Any) -> Any:
    """tanh as the rational function of Eigen (Math/MathFunctionsImpl.h), within 6 units in the last place."""
    z = min(max(z, np.float32(-7.90531110763549805)), np.float32(7.90531110763549805))
    s = z * z
    p = s * np.float32(-2.76076847742355e-16) + np.float32(2.00018790482477e-13)
    p = s * p + np.float32(-8.60467152213735e-11)
    p = s * p + np.float32(5.12229709037114e-08)
    p = s * p + np.float32(1.48572235717979e-05)
    p = s * p + np.float32(6.37261928875436e-04)
    p = s * p + np.float32(4.89352455891786e-03)
    q = s * np.float32(1.19825839466702e-06) + np.float32(1.18534705686654e-04)
    q = s * q + np.float32(2.26843463243900e-03)
    q = s * q + np.float32(4.89352518554385e-03)
    return z * p / q


@compiled
def sigmoid(z: Any) -> Any:
    """σ(z) = (1 + tanh(z/2)) / 2."""
    return HALF * tanh(HALF * z) + HALF


@compiled
def activate(y: Any, bias: Any, code: int, slope: Any) -> None:
    """Y ← f(Y + bias)."""
    rows, columns = y.shape
    if code == RELU:
        for i in range(rows):
            for j in range(columns):
                z = y[i, j] + bias[j]
                y[i, j] = ZERO if z <= ZERO else z  # unlike max, this propagates NaN
    elif code == LEAKY_RELU:
        for i in range(rows):
            for j in range(columns):
                z = y[i, j] + bias[j]
                y[i, j] = z * slope if z < z * slope else z
    elif code == TANH:
        for i in range(rows):
            for j in range(columns):
                y[i, j] = tanh(y[i, j] + bias[j])
    elif code == SIGMOID:
        for i in range(rows):
            for j in range(columns):
                y[i, j] = sigmoid(y[i, j] + bias[j])
    else:
        for i in range(rows):
            for j in range(columns):
                y[i, j] += bias[j]


@compiled
def slope_back(d: Any, y: Any, code: int, slope: Any) -> None:
    """D ← d f'(z), with f' from y = f(z)."""
    if code == RELU:
        for i in range(len(d)):
            d[i] = d[i] if y[i] > ZERO else ZERO * d[i]
    elif code == LEAKY_RELU:
        for i in range(len(d)):
            d[i] = d[i] if y[i] > ZERO else slope * d[i]
    elif code == TANH:
        for i in range(len(d)):
            d[i] *= ONE - y[i] * y[i]
    elif code == SIGMOID:
        for i in range(len(d)):
            d[i] *= y[i] * (ONE - y[i])


@reordered
def cross_entropy(z: Any, t: Any, weight: Any, first: int, d: Any, share: Any, smoothing: Any) -> float:
    """Summed loss of softmax(z) against t' = (1 - smoothing) t + smoothing / columns.

    D = (softmax(z) - t') · share · weight.
    """
    rows, columns = z.shape
    kept, spread = ONE - smoothing, smoothing / np.float32(columns)
    total: Any = 0.0
    for i in range(rows):
        largest = z[i, 0]
        for j in range(1, columns):
            largest = max(largest, z[i, j])
        of_row, likelihood = ZERO, ZERO
        for j in range(columns):
            shifted = z[i, j] - largest
            likelihood += (kept * t[i, j] + spread) * shifted
            d[i, j] = math.exp(shifted)
            of_row += d[i, j]
        w = ONE if len(weight) == 0 else weight[first + i]
        total += w * (math.log(of_row) - likelihood)
        for j in range(columns):
            d[i, j] = (d[i, j] / of_row - (kept * t[i, j] + spread)) * share * w
    return total


@reordered
def binary_cross_entropy(z: Any, t: Any, weight: Any, first: int, d: Any, share: Any) -> float:
    """Summed loss of σ(z) against t; D = (σ(z) - t) · share · weight / columns."""
    rows, columns = z.shape
    total: Any = 0.0
    for i in range(rows):
        w = ONE if len(weight) == 0 else weight[first + i]
        of_row = ZERO
        for j in range(columns):
            of_row += max(z[i, j], ZERO) + math.log1p(math.exp(-abs(z[i, j]))) - t[i, j] * z[i, j]
            d[i, j] = (sigmoid(z[i, j]) - t[i, j]) * share * w
        total += w * of_row
    return total / columns


@reordered
def squared_error(z: Any, t: Any, weight: Any, first: int, d: Any, share: Any) -> float:
    """Summed loss (z - t)²; D = 2 (z - t) · share · weight / columns."""
    rows, columns = z.shape
    total: Any = 0.0
    for i in range(rows):
        w = ONE if len(weight) == 0 else weight[first + i]
        of_row = ZERO
        for j in range(columns):
            residual = z[i, j] - t[i, j]
            of_row += residual * residual
            d[i, j] = TWO * residual * share * w
        total += w * of_row
    return total / columns


@compiled
def loss_and_gradient(code: int, smoothing: Any, z: Any, t: Any, weight: Any, first: int, d: Any, batch: int) -> float:
    """Summed loss over the rows; `d`: gradient of its mean over a batch. smoothing: of cross-entropy's targets."""
    columns = z.shape[1]
    if code == CROSS_ENTROPY:
        return cross_entropy(z, t, weight, first, d, np.float32(1.0 / batch), smoothing)
    share = np.float32(1.0 / (batch * columns))
    if code == BINARY_CROSS_ENTROPY:
        return binary_cross_entropy(z, t, weight, first, d, share)
    return squared_error(z, t, weight, first, d, share)
