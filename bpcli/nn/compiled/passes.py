"""Forward and backward pass, divided into parts that threads can process concurrently.

Arrays are flat and float32. `layers` is the table described in bpcli.nn.compiled.codes; `cuts` holds the first unit of
each part of the inputs and of each layer's outputs. Layers are divided along their outputs, since every product packs
the weights that it uses: a step of 784-512-256-10 took no longer in two such parts than in one, but up to a tenth
longer when its 128 rows were divided. Only the last layer, which is mostly narrow, is divided along rows.
"""

from __future__ import annotations

from typing import Any

from bpcli.nn.compiled.codes import (
    ACTIVATION,
    BIAS,
    DENSE,
    DROPOUT,
    ERROR,
    FIRST,
    IMAGES,
    IS_WEIGHT,
    KIND,
    LAYER,
    MASK,
    N_IN,
    N_OUT,
    OUTPUT,
    START,
    STOP,
    WEIGHT,
)
from bpcli.nn.compiled.functions import (
    ZERO,
    activate,
    add_rows,
    compiled,
    loss_and_gradient,
    matrix,
    multiply,
    multiply_by_transposed,
    multiply_transposed,
    slope_back,
)


@compiled
def forward(
    gemm: int,
    layers: Any,
    slopes: Any,
    index: int,
    params: Any,
    memory: Any,
    x: Any,
    masks: Any,
    begin: int,
    rows: int,
    cuts: Any,
    part: int,
) -> None:
    """Compute a part of a layer's outputs, for the batch of `rows` rows that starts at row `begin`."""
    n_in, n_out, out_at = layers[index, N_IN], layers[index, N_OUT], layers[index, OUTPUT]
    first, last = cuts[index + 1, part], cuts[index + 1, part + 1]
    columns = last - first
    if columns == 0:
        return
    source = x if index == 0 else memory
    source_at = begin * n_in if index == 0 else layers[index - 1, OUTPUT]
    if layers[index, KIND] == DROPOUT:
        mask_at = layers[index, MASK] + begin * n_out
        for i in range(rows):
            at = i * n_out + first
            for j in range(at, at + columns):
                memory[out_at + j] = source[source_at + j] * masks[mask_at + j]
        return
    weight_at, bias = layers[index, WEIGHT] + first, layers[index, BIAS] + first
    multiply(gemm, source, source_at, params, weight_at, memory, out_at + first, n_out, rows, columns, n_in)
    biases = params[bias : bias + columns]
    pieces = 1 if columns == n_out else rows
    for piece in range(pieces):
        y = matrix(memory, out_at + piece * n_out + first, rows // pieces, columns)
        activate(y, biases, layers[index, ACTIVATION], slopes[index])


@compiled
def output(
    gemm: int,
    layers: Any,
    slopes: Any,
    loss: int,
    smoothing: Any,
    params: Any,
    memory: Any,
    x: Any,
    y: Any,
    weight: Any,
    begin: int,
    rows: int,
    part: int,
    parts: int,
) -> float:
    """Compute the last layer and the gradient of the loss with respect to its pre-activations, for a part of the rows.

    Returns their summed loss.
    """
    index = len(layers) - 1
    n_in, n_out = layers[index, N_IN], layers[index, N_OUT]
    first, last = rows * part // parts, rows * (part + 1) // parts
    source = x if index == 0 else memory
    source_at = (begin + first) * n_in if index == 0 else layers[index - 1, OUTPUT] + first * n_in
    out_at, error_at = layers[index, OUTPUT] + first * n_out, layers[index, ERROR] + first * n_out
    size, bias = (last - first) * n_out, layers[index, BIAS]
    multiply(gemm, source, source_at, params, layers[index, WEIGHT], memory, out_at, n_out, last - first, n_out, n_in)
    biases = params[bias : bias + n_out]
    logits = matrix(memory, out_at, last - first, n_out)
    activate(logits, biases, layers[index, ACTIVATION], slopes[index])
    total = loss_and_gradient(
        loss,
        smoothing,
        logits,
        matrix(y, (begin + first) * n_out, last - first, n_out),
        weight,
        begin + first,
        matrix(memory, error_at, last - first, n_out),
        rows,
    )
    slope_back(
        memory[error_at : error_at + size], memory[out_at : out_at + size], layers[index, ACTIVATION], slopes[index]
    )
    return total


@compiled
def backward(
    gemm: int,
    layers: Any,
    slopes: Any,
    index: int,
    params: Any,
    memory: Any,
    masks: Any,
    begin: int,
    rows: int,
    cuts: Any,
    part: int,
) -> None:
    """Compute a part of the errors dL/dz of the previous dense layer, from those of dense layer `index`."""
    n_in, n_out, below = layers[index, N_IN], layers[index, N_OUT], layers[index - 1, ERROR]
    first, last = cuts[index, part], cuts[index, part + 1]
    columns = last - first
    if columns == 0:
        return
    weight_at = layers[index, WEIGHT] + first * n_out
    multiply_by_transposed(
        gemm, memory, layers[index, ERROR], params, weight_at, memory, below + first, n_in, rows, columns, n_out
    )
    if columns == n_in:
        rows, columns = 1, rows * columns  # as one contiguous range
    under = index - 1
    while layers[under, KIND] == DROPOUT:
        mask_at = layers[under, MASK] + begin * n_in
        for i in range(rows):
            at = i * n_in + first
            for j in range(at, at + columns):
                memory[below + j] *= masks[mask_at + j]
        under -= 1
    if layers[under, KIND] == IMAGES:
        return
    out_at = layers[under, OUTPUT]
    for i in range(rows):
        at = i * n_in + first
        slope_back(
            memory[below + at : below + at + columns],
            memory[out_at + at : out_at + at + columns],
            layers[under, ACTIVATION],
            slopes[under],
        )


@compiled
def gradient(gemm: int, layers: Any, block: Any, memory: Any, x: Any, grads: Any, begin: int, rows: int) -> None:
    """Compute the gradient of a block of parameters: weights of some inputs of a dense layer, or some of its biases."""
    index, first, start, stop = block[LAYER], block[FIRST], block[START], block[STOP]
    n_in, n_out, error_at = layers[index, N_IN], layers[index, N_OUT], layers[index, ERROR]
    if not block[IS_WEIGHT]:
        columns = stop - start
        pieces = 1 if columns == n_out else rows
        grads[start:stop] = ZERO
        for piece in range(pieces):
            errors = matrix(memory, error_at + piece * n_out + first, rows // pieces, columns)
            add_rows(errors, grads[start:stop])
        return
    source = x if index == 0 else memory
    source_at = (begin * n_in if index == 0 else layers[index - 1, OUTPUT]) + first
    inputs = (stop - start) // n_out
    multiply_transposed(gemm, source, source_at, n_in, memory, error_at, grads, start, inputs, n_out, rows)


@compiled
def lowest_dense(layers: Any) -> int:
    """Index of the first layer with weights, where the backward pass ends."""
    index = 0
    while layers[index, KIND] != DENSE:
        index += 1
    return index
