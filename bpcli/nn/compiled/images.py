"""Forward and backward pass of the layers of images, by groups of images that stay in the cache.

Each part of a step takes some of the rows through all layers. It has memory of its own, from `work` on: windows, errors
of a group, and its share of the gradient.
"""

from __future__ import annotations

from typing import Any

from bpcli.nn.compiled.arguments import ImageLayers
from bpcli.nn.compiled.blas import sgemm
from bpcli.nn.compiled.codes import (
    ACTIVATION,
    BIAS,
    CHANNELS,
    CONV,
    DROPOUT,
    ERROR,
    FILTERS,
    KERNEL_HEIGHT,
    KERNEL_WIDTH,
    KIND,
    LINES,
    MASK,
    N_IN,
    N_OUT,
    OF_BIAS,
    OF_WEIGHT,
    OUT_HEIGHT,
    OUT_WIDTH,
    OUTPUT,
    WEIGHT,
)
from bpcli.nn.compiled.functions import ONE, ZERO, activate, add_rows, compiled, matrix, slope_back
from bpcli.nn.compiled.library import PLAIN, TRANSPOSED
from bpcli.nn.compiled.windows import gather, pool, pool_back, scatter


@compiled
def images_forward(
    gemm: int,
    images: ImageLayers,
    params: Any,
    memory: Any,
    x: Any,
    masks: Any,
    begin: int,
    rows: int,
    part: int,
    parts: int,
) -> None:
    """Outputs of all image layers for a part of the batch of `rows` rows that starts at row `begin`."""
    table, slopes, group, work_at, work_size, _, _ = images
    last = rows * (part + 1) // parts
    for first in range(rows * part // parts, last, group):
        count = min(group, last - first)
        for index in range(len(table)):
            line = table[index]
            source = x if index == 0 else memory
            source_at = (begin if index == 0 else 0) * line[N_IN] + first * line[N_IN]
            if index > 0:
                source_at += table[index - 1, OUTPUT]
            out_at = line[OUTPUT] + first * line[N_OUT]
            if line[KIND] == CONV:
                _convolve(
                    gemm,
                    line,
                    slopes[index],
                    params,
                    source,
                    source_at,
                    memory,
                    out_at,
                    count,
                    work_at + part * work_size,
                )
            elif line[KIND] == DROPOUT:
                mask_at = line[MASK] + (begin + first) * line[N_OUT]
                for j in range(count * line[N_OUT]):
                    memory[out_at + j] = source[source_at + j] * masks[mask_at + j]
            else:
                pool(line, source, source_at, count, memory, out_at)


@compiled
def images_backward(
    gemm: int,
    images: ImageLayers,
    params: Any,
    memory: Any,
    x: Any,
    masks: Any,
    begin: int,
    rows: int,
    error_at: int,
    part: int,
    parts: int,
) -> None:
    """Gradient of a part of the batch, from the errors dL/dy of the last image layer, which are overwritten."""
    table, slopes, group, work_at, work_size, gradient_at, gradient_size = images
    work = work_at + part * work_size
    grads_at = work + gradient_at
    memory[grads_at : grads_at + gradient_size] = ZERO
    last = rows * (part + 1) // parts
    for first in range(rows * part // parts, last, group):
        count = min(group, last - first)
        d_at = error_at + first * table[-1, N_OUT]
        for index in range(len(table) - 1, -1, -1):
            line = table[index]
            source = x if index == 0 else memory
            source_at = (begin if index == 0 else 0) * line[N_IN] + first * line[N_IN]
            if index > 0:
                source_at += table[index - 1, OUTPUT]
            out_at = line[OUTPUT] + first * line[N_OUT]
            below_at = work + table[index - 1, ERROR] if index > 0 else -1
            if line[KIND] == CONV:
                _convolve_back(
                    gemm,
                    line,
                    slopes[index],
                    params,
                    source,
                    source_at,
                    memory,
                    out_at,
                    d_at,
                    below_at,
                    grads_at,
                    count,
                    work,
                )
            elif index > 0 and line[KIND] == DROPOUT:
                mask_at = line[MASK] + (begin + first) * line[N_OUT]
                for j in range(count * line[N_OUT]):
                    memory[below_at + j] = memory[d_at + j] * masks[mask_at + j]
            elif index > 0:
                pool_back(line, source, source_at, count, out_at, d_at, memory, below_at)
            d_at = below_at


@compiled
def add_parts(images: ImageLayers, memory: Any, first: int, parts: int, out: Any) -> None:
    """Sum of the gradients of all parts, in their order, for parameters from the `first` one on."""
    for part in range(parts):
        at = images.work_at + part * images.work_size + images.gradient_at + first
        for j in range(len(out)):
            out[j] = memory[at + j] + (out[j] if part > 0 else ZERO)


@compiled
def _convolve(
    gemm: int,
    line: Any,
    slope: Any,
    params: Any,
    x: Any,
    x_at: int,
    memory: Any,
    out_at: int,
    images: int,
    work: int,
) -> None:
    width, filters = line[OUT_WIDTH], line[FILTERS]
    numbers = line[KERNEL_HEIGHT] * line[KERNEL_WIDTH] * line[CHANNELS]
    biases = params[line[BIAS] : line[BIAS] + filters]
    lines = images * line[OUT_HEIGHT]
    for first in range(0, lines, line[LINES]):
        count = min(line[LINES], lines - first)
        windows, at = count * width, out_at + first * width * filters
        transposed = gather(line, x, x_at, first, count, memory, work)
        kind, step = (TRANSPOSED, windows) if transposed else (PLAIN, numbers)
        sgemm(
            gemm,
            kind,
            PLAIN,
            windows,
            filters,
            numbers,
            memory,
            work,
            step,
            params,
            line[WEIGHT],
            filters,
            memory,
            at,
            filters,
            ZERO,
        )
        activate(matrix(memory, at, windows, filters), biases, line[ACTIVATION], slope)


@compiled
def _convolve_back(
    gemm: int,
    line: Any,
    slope: Any,
    params: Any,
    x: Any,
    x_at: int,
    memory: Any,
    out_at: int,
    d_at: int,
    below_at: int,
    grads_at: int,
    images: int,
    work: int,
) -> None:
    """Add to the gradient and, unless `below_at` is negative, write dL/dx there."""
    width, filters = line[OUT_WIDTH], line[FILTERS]
    numbers = line[KERNEL_HEIGHT] * line[KERNEL_WIDTH] * line[CHANNELS]
    lines = images * line[OUT_HEIGHT]
    of_bias = memory[grads_at + line[OF_BIAS] : grads_at + line[OF_BIAS] + filters]
    if below_at >= 0:
        memory[below_at : below_at + images * line[N_IN]] = ZERO
    for first in range(0, lines, line[LINES]):
        count = min(line[LINES], lines - first)
        windows, at = count * width, first * width * filters
        size = windows * filters
        slope_back(
            memory[d_at + at : d_at + at + size], memory[out_at + at : out_at + at + size], line[ACTIVATION], slope
        )
        add_rows(matrix(memory, d_at + at, windows, filters), of_bias)
        transposed = gather(line, x, x_at, first, count, memory, work)
        kind, step = (PLAIN, windows) if transposed else (TRANSPOSED, numbers)
        sgemm(
            gemm,
            kind,
            PLAIN,
            numbers,
            filters,
            windows,
            memory,
            work,
            step,
            memory,
            d_at + at,
            filters,
            memory,
            grads_at + line[OF_WEIGHT],
            filters,
            ONE,
        )
        if below_at >= 0:
            sgemm(
                gemm,
                PLAIN,
                TRANSPOSED,
                windows,
                numbers,
                filters,
                memory,
                d_at + at,
                filters,
                params,
                line[WEIGHT],
                filters,
                memory,
                work,
                numbers,
                ZERO,
            )
            scatter(line, memory, work, first, count, memory, below_at)
