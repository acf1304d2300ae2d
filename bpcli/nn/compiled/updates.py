"""Penalties, clipping and optimizer updates for a range of parameters."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from bpcli.nn.compiled.codes import (
    ADAM,
    BETA1,
    BETA2,
    BOUND,
    EPSILON,
    L1,
    L2,
    MOMENTUM,
    NESTEROV,
    NORM,
)
from bpcli.nn.compiled.functions import ONE, ZERO, compiled, reordered


@compiled
def apply_rules(rules: Any, params: Any, grads: Any, start: int, stop: int, penalized: bool) -> None:
    """Add penalties of weights and clip by value, for parameters `start` to `stop`."""
    l1, l2, bound = rules[L1], rules[L2], rules[BOUND]
    if penalized and (l1 > ZERO or l2 > ZERO):
        for i in range(start, stop):
            grads[i] += l2 * params[i]
            grads[i] += l1 * np.sign(params[i])
    if bound < np.inf:
        for i in range(start, stop):
            grads[i] = max(min(grads[i], bound), -bound)


@reordered
def squared_norm(grads: Any) -> Any:
    """Sum of squares."""
    total = ZERO
    for i in range(len(grads)):
        total += grads[i] * grads[i]
    return total


@compiled
def norm_factor(rules: Any, squares: Any) -> Any:
    """Factor that clips the gradient by norm, from the squared norms of its parts."""
    total = 0.0
    for square in squares:
        total += square
    norm = math.sqrt(total)
    return np.float32(rules[NORM] / norm) if norm > rules[NORM] else ONE


@compiled
def adam(p: Any, g: Any, m: Any, v: Any, beta1: Any, beta2: Any, a: Any, e: Any) -> None:
    """Same arithmetic as bpcli.nn.optimizers.adam, in one pass."""
    for i in range(len(p)):
        m[i] = m[i] * beta1 + g[i]
        v[i] = v[i] * beta2 + g[i] * g[i]
        p[i] -= m[i] / (np.sqrt(v[i]) + e) * a


@compiled
def sgd(p: Any, g: Any, v: Any, lr: Any, mu: Any, nesterov: bool) -> None:
    """Same arithmetic as bpcli.nn.optimizers.sgd."""
    if len(v) == 0:
        for i in range(len(p)):
            p[i] -= g[i] * lr
    else:
        for i in range(len(p)):
            v[i] = v[i] * mu + g[i]
            p[i] -= ((v[i] * mu + g[i]) if nesterov else v[i]) * lr


@compiled
def factors(code: int, coefficients: Any, lr: float, step: int) -> Any:
    """Step size and, for Adam, ε of step `step`, counted from 1, as `update` takes them."""
    if code != ADAM:
        return np.float32(lr), ZERO
    beta1, beta2 = coefficients[BETA1], coefficients[BETA2]
    r = math.sqrt((1.0 - beta2) / (1.0 - beta2**step))
    return np.float32(lr * (1.0 - beta1) / (1.0 - beta1**step) / r), np.float32(coefficients[EPSILON] / r)


@compiled
def update(
    code: int,
    coefficients: Any,
    factors: Any,
    params: Any,
    grads: Any,
    m: Any,
    v: Any,
    start: int,
    stop: int,
    keep: Any,
    scale: Any,
) -> None:
    """Update parameters `start` to `stop`, first multiplied by `keep`, with the gradient multiplied by `scale`."""
    a, e = factors
    p, g = params[start:stop], grads[start:stop]
    if keep != ONE:
        for i in range(len(p)):
            p[i] *= keep
    if scale != ONE:
        for i in range(len(g)):
            g[i] *= scale
    if code == ADAM:
        beta1, beta2 = np.float32(coefficients[BETA1]), np.float32(coefficients[BETA2])
        adam(p, g, m[start:stop], v[start:stop], beta1, beta2, a, e)
    else:
        velocity = v[start:stop] if len(v) else v
        sgd(p, g, velocity, a, np.float32(coefficients[MOMENTUM]), coefficients[NESTEROV] > 0.0)
