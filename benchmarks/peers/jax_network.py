"""A multilayer perceptron in JAX, and an epoch of its training as one compiled scan over the batches."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import pairwise
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

Parameters = list[tuple[jax.Array, jax.Array]]
BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8


class State(NamedTuple):
    """Parameters, Adam's moments, and the number of steps taken."""

    params: Parameters
    m: Parameters
    v: Parameters
    steps: jax.Array


def new_state(sizes: Sequence[int], seed: int) -> State:
    """He-normal weights, biases and moments of 0."""
    generator = np.random.default_rng(seed)
    params = [
        (jnp.asarray(generator.normal(0.0, (2 / n_in) ** 0.5, (n_in, n_out)), jnp.float32), jnp.zeros(n_out))
        for n_in, n_out in pairwise(sizes)
    ]
    zeros = jax.tree.map(jnp.zeros_like, params)
    return State(params, zeros, jax.tree.map(jnp.zeros_like, params), jnp.zeros((), jnp.int32))


def logits(params: Parameters, x: jax.Array) -> jax.Array:
    """Dense layers with ReLU in between."""
    *hidden, (weight, bias) = params
    for w, b in hidden:
        x = jax.nn.relu(x @ w + b)
    return x @ weight + bias


def losses(params: Parameters, x: jax.Array, y: jax.Array) -> jax.Array:
    """The cross-entropy of each row."""
    return -jnp.take_along_axis(jax.nn.log_softmax(logits(params, x)), y[:, None], axis=1)[:, 0]


def batches(rows: int, batch_size: int, generator: np.random.Generator) -> np.ndarray[Any, np.dtype[np.int32]]:
    """The rows in a new order, shape (steps, batch_size); what is left of the last batch is filled with -1."""
    steps = -(-rows // batch_size)
    order = np.full(steps * batch_size, -1, np.int32)
    order[:rows] = generator.permutation(rows)
    return order.reshape(steps, batch_size)


@partial(jax.jit, donate_argnums=0)
def train_epoch(
    state: State, x: jax.Array, y: jax.Array, batches: jax.Array, learning_rate: float
) -> tuple[State, jax.Array]:
    """One pass over the batches; the new state, and the mean loss."""

    def step(state: State, rows: jax.Array) -> tuple[State, jax.Array]:
        used = (rows >= 0).astype(jnp.float32)

        def mean_loss(params: Parameters) -> jax.Array:
            return (losses(params, x[rows], y[rows]) * used).sum() / used.sum()

        loss, grads = jax.value_and_grad(mean_loss)(state.params)
        steps = state.steps + 1
        m = jax.tree.map(lambda m, g: BETA1 * m + (1 - BETA1) * g, state.m, grads)
        v = jax.tree.map(lambda v, g: BETA2 * v + (1 - BETA2) * g * g, state.v, grads)
        rate, correction = learning_rate / (1 - BETA1**steps), 1 - BETA2**steps
        params = jax.tree.map(lambda p, m, v: p - rate * m / (jnp.sqrt(v / correction) + EPSILON), state.params, m, v)
        return State(params, m, v, steps), loss * used.sum()

    state, sums = jax.lax.scan(step, state, batches)
    return state, sums.sum() / len(x)
