"""A whole training step as machine code: what NumPy does in some thirty calls.

Arrays are flat and float32. `layers` is the table that bpcli.nn.compiled.codes describes. First the parts of a step,
then the steps of a whole block of batches.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from bpcli.nn.compiled.codes import (
    ACTIVATION,
    ADAM,
    BETA1,
    BETA2,
    BIAS,
    BOUND,
    DROPOUT,
    EPSILON,
    ERROR,
    KIND,
    L1,
    L2,
    MASK,
    MOMENTUM,
    N_IN,
    N_OUT,
    NESTEROV,
    NORM,
    OUTPUT,
    WEIGHT,
    WEIGHT_DECAY,
)
from bpcli.nn.compiled.functions import (
    ONE,
    ZERO,
    activate,
    compiled,
    loss_and_gradient,
    matrix,
    multiply,
    multiply_by_transposed,
    multiply_transposed,
    reordered,
    slope_back,
    sum_rows,
)


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
