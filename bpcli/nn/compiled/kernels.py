"""A whole training step as machine code: what NumPy does in some thirty calls, with fewer passes over memory.

Arrays are flat and float32; a matrix is an array and the index at which it begins. `layers` is the table that
bpcli.nn.compiled.codes describes. First the parts of a step, then the steps of a whole block of batches.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit

from bpcli.nn.compiled.blas import PLAIN, TRANSPOSED, sgemm
from bpcli.nn.compiled.codes import (
    ACTIVATION,
    ADAM,
    BETA1,
    BETA2,
    BIAS,
    BINARY_CROSS_ENTROPY,
    BOUND,
    CROSS_ENTROPY,
    DROPOUT,
    EPSILON,
    ERROR,
    KIND,
    L1,
    L2,
    LEAKY_RELU,
    MASK,
    MOMENTUM,
    N_IN,
    N_OUT,
    NESTEROV,
    NORM,
    OUTPUT,
    RELU,
    SIGMOID,
    TANH,
    WEIGHT,
    WEIGHT_DECAY,
)

compiled = njit(nogil=True, cache=True, error_model="numpy")

reordered = njit(nogil=True, cache=True, error_model="numpy", fastmath={"reassoc", "nsz", "contract"})
"""For sums whose terms may be added in any order: only then are several added at a time."""

SMALL = 16_384
"""Multiplications of a product up to which the loops here are faster than a call of BLAS."""

ZERO, HALF, ONE, TWO = (np.float32(value) for value in (0.0, 0.5, 1.0, 2.0))


@compiled
def matrix(flat: Any, at: int, rows: int, columns: int) -> Any:
    """The matrix that begins at an index."""
    return flat[at : at + rows * columns].reshape(rows, columns)


@reordered
def multiply(gemm: int, a: Any, a_at: int, b: Any, b_at: int, c: Any, c_at: int, m: int, n: int, k: int) -> None:
    """C (m, n) = A (m, k) B (k, n)."""
    if m * n * k > SMALL:
        sgemm(gemm, PLAIN, PLAIN, m, n, k, a, a_at, k, b, b_at, n, c, c_at, n)
        return
    left, right, out = matrix(a, a_at, m, k), matrix(b, b_at, k, n), matrix(c, c_at, m, n)
    for i in range(m):
        for j in range(n):
            out[i, j] = ZERO
        for p in range(k):
            factor = left[i, p]
            for j in range(n):
                out[i, j] += factor * right[p, j]


@reordered
def multiply_by_transposed(
    gemm: int, a: Any, a_at: int, b: Any, b_at: int, c: Any, c_at: int, m: int, n: int, k: int
) -> None:
    """C (m, n) = A (m, k) Bᵀ, of B (n, k)."""
    if m * n * k > SMALL:
        sgemm(gemm, PLAIN, TRANSPOSED, m, n, k, a, a_at, k, b, b_at, k, c, c_at, n)
        return
    left, right, out = matrix(a, a_at, m, k), matrix(b, b_at, n, k), matrix(c, c_at, m, n)
    for i in range(m):
        for j in range(n):
            total = ZERO
            for p in range(k):
                total += left[i, p] * right[j, p]
            out[i, j] = total


@reordered
def multiply_transposed(
    gemm: int,
    a: Any,
    a_at: int,
    first: int,
    last: int,
    width: int,
    b: Any,
    b_at: int,
    c: Any,
    c_at: int,
    n: int,
    k: int,
) -> None:
    """Rows `first` to `last` of C (width, n) = Aᵀ B, of A (k, width) and B (k, n)."""
    m = last - first
    if m * n * k > SMALL:
        sgemm(gemm, TRANSPOSED, PLAIN, m, n, k, a, a_at + first, width, b, b_at, n, c, c_at + first * n, n)
        return
    left, right, out = matrix(a, a_at, k, width), matrix(b, b_at, k, n), matrix(c, c_at, width, n)
    for i in range(first, last):
        for j in range(n):
            out[i, j] = ZERO
    for p in range(k):
        for i in range(first, last):
            factor = left[p, i]
            for j in range(n):
                out[i, j] += factor * right[p, j]


@reordered
def sum_rows(a: Any, a_at: int, out: Any, rows: int, columns: int) -> None:
    """Σ over the rows of A (rows, columns)."""
    values = matrix(a, a_at, rows, columns)
    for j in range(columns):
        out[j] = ZERO
    for i in range(rows):
        for j in range(columns):
            out[j] += values[i, j]


@compiled
def tanh(z: Any) -> Any:
    """The rational function that Eigen uses (Math/MathFunctionsImpl.h): within 6 units in the last place."""
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
    """Y ← f(y + bias)."""
    rows, columns = y.shape
    if code == RELU:
        for i in range(rows):
            for j in range(columns):
                z = y[i, j] + bias[j]
                y[i, j] = ZERO if z <= ZERO else z  # unlike max, this lets a NaN through
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
    """D ← d f'(z), with f' from y = f(z); both are flat."""
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
def cross_entropy(z: Any, t: Any, weight: Any, first: int, d: Any, share: Any) -> float:
    """Summed loss of softmax(z) against t; D = (softmax(z) - t) · share · weight."""
    rows, columns = z.shape
    total: Any = 0.0
    for i in range(rows):
        largest = z[i, 0]
        for j in range(1, columns):
            largest = max(largest, z[i, j])
        of_row, likelihood = ZERO, ZERO
        for j in range(columns):
            shifted = z[i, j] - largest
            likelihood += t[i, j] * shifted
            d[i, j] = math.exp(shifted)
            of_row += d[i, j]
        w = ONE if len(weight) == 0 else weight[first + i]
        total += w * (math.log(of_row) - likelihood)
        for j in range(columns):
            d[i, j] = (d[i, j] / of_row - t[i, j]) * share * w
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
def loss_and_gradient(code: int, z: Any, t: Any, weight: Any, first: int, d: Any, batch: int) -> float:
    """Summed loss of the rows; D is the gradient of its mean over a batch."""
    columns = z.shape[1]
    if code == CROSS_ENTROPY:
        return cross_entropy(z, t, weight, first, d, np.float32(1.0 / batch))
    share = np.float32(1.0 / (batch * columns))
    if code == BINARY_CROSS_ENTROPY:
        return binary_cross_entropy(z, t, weight, first, d, share)
    return squared_error(z, t, weight, first, d, share)


@compiled
def rows_pass(
    gemm: int,
    layers: Any,
    slopes: Any,
    loss: int,
    params: Any,
    memory: Any,
    x: Any,
    y: Any,
    weight: Any,
    masks: Any,
    begin: int,
    batch: int,
    first: int,
    last: int,
) -> float:
    """Forward and back to the errors of each neuron, for rows `first` to `last` of the batch that begins at `begin`.

    Gives their summed loss; where that is not finite, the errors are not computed.
    """
    rows, at = last - first, begin + first
    source, source_at = x, at * layers[0, N_IN]
    depth = len(layers)
    for index in range(depth):
        n_in, n_out = layers[index, N_IN], layers[index, N_OUT]
        out_at = layers[index, OUTPUT] + first * n_out
        out = matrix(memory, out_at, rows, n_out)
        if layers[index, KIND] == DROPOUT:
            mask_at = layers[index, MASK] + at * n_out
            for i in range(rows * n_out):
                memory[out_at + i] = source[source_at + i] * masks[mask_at + i]
        else:
            weight_at, bias_at = layers[index, WEIGHT], layers[index, BIAS]
            multiply(gemm, source, source_at, params, weight_at, memory, out_at, rows, n_out, n_in)
            activate(out, params[bias_at : bias_at + n_out], layers[index, ACTIVATION], slopes[index])
        source, source_at = memory, out_at
    n_out = layers[-1, N_OUT]
    logits = matrix(memory, source_at, rows, n_out)
    errors = matrix(memory, layers[-1, ERROR] + first * n_out, rows, n_out)
    total = loss_and_gradient(loss, logits, matrix(y, at * n_out, rows, n_out), weight, at, errors, batch)
    if not np.isfinite(total):
        return total
    for index in range(depth - 1, -1, -1):
        n_in, n_out = layers[index, N_IN], layers[index, N_OUT]
        error_at, out_at = layers[index, ERROR] + first * n_out, layers[index, OUTPUT] + first * n_out
        d = memory[error_at : error_at + rows * n_out]
        if layers[index, KIND] == DROPOUT:
            mask_at = layers[index, MASK] + at * n_out
            for i in range(rows * n_out):
                d[i] *= masks[mask_at + i]
            continue
        slope_back(d, memory[out_at : out_at + rows * n_out], layers[index, ACTIVATION], slopes[index])
        if index > 0:
            below = layers[index - 1, ERROR] + first * n_in
            multiply_by_transposed(
                gemm, memory, error_at, params, layers[index, WEIGHT], memory, below, rows, n_in, n_out
            )
    return total


@compiled
def weight_gradient(
    gemm: int, layers: Any, index: int, memory: Any, x: Any, begin: int, rows: int, first: int, last: int, grads: Any
) -> None:
    """The gradient of the weights of a dense layer from its inputs `first` to `last`."""
    n_in, n_out = layers[index, N_IN], layers[index, N_OUT]
    error_at, weight_at = layers[index, ERROR], layers[index, WEIGHT]
    if index == 0:
        multiply_transposed(gemm, x, begin * n_in, first, last, n_in, memory, error_at, grads, weight_at, n_out, rows)
    else:
        below = layers[index - 1, OUTPUT]
        multiply_transposed(gemm, memory, below, first, last, n_in, memory, error_at, grads, weight_at, n_out, rows)


@compiled
def bias_gradients(layers: Any, memory: Any, rows: int, grads: Any) -> None:
    """The gradient of all biases."""
    for index in range(len(layers)):
        if layers[index, KIND] != DROPOUT:
            n_out, bias_at = layers[index, N_OUT], layers[index, BIAS]
            sum_rows(memory, layers[index, ERROR], grads[bias_at : bias_at + n_out], rows, n_out)


@compiled
def apply_rules(rules: Any, params: Any, grads: Any, start: int, stop: int, weights: int) -> None:
    """Penalties on the weights and a bound on each component, for parameters `start` to `stop`."""
    l1, l2, bound = rules[L1], rules[L2], rules[BOUND]
    if l1 > ZERO or l2 > ZERO:
        for i in range(start, min(stop, weights)):
            grads[i] += l2 * params[i]
            grads[i] += l1 * np.sign(params[i])
    if bound < np.inf:
        for i in range(start, stop):
            grads[i] = max(min(grads[i], bound), -bound)


@reordered
def norm_factor(rules: Any, grads: Any) -> Any:
    """What the gradient is to be multiplied with so that its norm is within bounds."""
    if rules[NORM] == np.inf:
        return ONE
    total = ZERO
    for i in range(len(grads)):
        total += grads[i] * grads[i]
    norm = math.sqrt(total)
    return np.float32(rules[NORM] / norm) if norm > rules[NORM] else ONE


@compiled
def adam(p: Any, g: Any, m: Any, v: Any, beta1: Any, beta2: Any, a: Any, e: Any) -> None:
    """See bpcli.nn.optimizers.adam, of which this is the same arithmetic in one pass."""
    for i in range(len(p)):
        m[i] = m[i] * beta1 + g[i]
        v[i] = v[i] * beta2 + g[i] * g[i]
        p[i] -= m[i] / (np.sqrt(v[i]) + e) * a


@compiled
def sgd(p: Any, g: Any, v: Any, lr: Any, mu: Any, nesterov: bool) -> None:
    """See bpcli.nn.optimizers.sgd."""
    if len(v) == 0:
        for i in range(len(p)):
            p[i] -= g[i] * lr
    else:
        for i in range(len(p)):
            v[i] = v[i] * mu + g[i]
            p[i] -= ((v[i] * mu + g[i]) if nesterov else v[i]) * lr


@compiled
def update(
    code: int,
    coefficients: Any,
    lr: float,
    step: int,
    params: Any,
    grads: Any,
    m: Any,
    v: Any,
    start: int,
    stop: int,
    weights: int,
    scale: Any,
) -> None:
    """Take step `step`, counted from 1, for parameters `start` to `stop`, with the gradient times `scale`."""
    if coefficients[WEIGHT_DECAY] > 0.0:
        keep = np.float32(1.0 - lr * coefficients[WEIGHT_DECAY])
        for i in range(start, min(stop, weights)):
            params[i] *= keep
    p, g = params[start:stop], grads[start:stop]
    if scale != ONE:
        for i in range(len(g)):
            g[i] *= scale
    if code == ADAM:
        beta1, beta2 = coefficients[BETA1], coefficients[BETA2]
        r = math.sqrt((1.0 - beta2) / (1.0 - beta2**step))
        a = lr * (1.0 - beta1) / (1.0 - beta1**step) / r
        e = coefficients[EPSILON] / r
        adam(p, g, m[start:stop], v[start:stop], np.float32(beta1), np.float32(beta2), np.float32(a), np.float32(e))
    else:
        velocity = v[start:stop] if len(v) else v
        sgd(p, g, velocity, np.float32(lr), np.float32(coefficients[MOMENTUM]), coefficients[NESTEROV] > 0.0)


@compiled
def steps(
    gemm: int,
    layers: Any,
    slopes: Any,
    loss: int,
    optimizer: int,
    coefficients: Any,
    rules: Any,
    params: Any,
    grads: Any,
    m: Any,
    v: Any,
    memory: Any,
    x: Any,
    y: Any,
    weight: Any,
    masks: Any,
    rows: int,
    batch: int,
    weights: int,
    taken: int,
    rates: Any,
    losses: Any,
) -> int:
    """Steps over all batches of a block of `rows` rows; gives how many were taken before one that diverged."""
    count = (rows + batch - 1) // batch
    for index in range(count):
        begin = index * batch
        size = min(batch, rows - begin)
        losses[index] = rows_pass(gemm, layers, slopes, loss, params, memory, x, y, weight, masks, begin, size, 0, size)
        if not np.isfinite(losses[index]):
            return index
        for layer in range(len(layers)):
            if layers[layer, KIND] != DROPOUT:
                weight_gradient(gemm, layers, layer, memory, x, begin, size, 0, layers[layer, N_IN], grads)
        bias_gradients(layers, memory, size, grads)
        apply_rules(rules, params, grads, 0, len(grads), weights)
        update(
            optimizer,
            coefficients,
            rates[index],
            taken + index + 1,
            params,
            grads,
            m,
            v,
            0,
            len(params),
            weights,
            norm_factor(rules, grads),
        )
    return count
