"""Steps over a block of batches in one call, instead of about thirty NumPy calls per batch.

Each thread calls `steps`. All take the same steps together and wait at a barrier for each other's results. The division
into parts does not depend on the number of threads (`lanes`), so neither does the result.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from bpcli.nn.compiled.arguments import Block, Code, ImageLayers, Vectors
from bpcli.nn.compiled.barrier import wait
from bpcli.nn.compiled.codes import (
    DENSE,
    ERROR,
    FIRST,
    IMAGES,
    IS_WEIGHT,
    KIND,
    LAYER,
    NORM,
    START,
    STOP,
    WEIGHT_DECAY,
)
from bpcli.nn.compiled.functions import ONE, compiled
from bpcli.nn.compiled.images import add_parts, images_backward, images_forward
from bpcli.nn.compiled.passes import (
    backward,
    forward,
    gradient,
    lowest_dense,
    output,
)
from bpcli.nn.compiled.updates import apply_rules, factors, norm_factor, squared_norm, update


@compiled
def steps(
    code: Code,
    vectors: Vectors,
    data: Block,
    taken: int,
    rates: Any,
    losses: Any,
    barrier: Any,
    lane: int,
    lanes: int,
    images: ImageLayers | None,
) -> int:
    """Take one step per batch of a block, after `taken` earlier ones, and write the summed losses to `losses`.

    images: numba compiles no code for them where they are None.
    Returns the number of steps taken before one diverged.
    """
    # Arrays are unpacked here: taken from tuples in the functions below, they made a small step a fifth slower.
    gemm, layers, slopes, loss, smoothing, optimizer, coefficients, rules, cuts, blocks, ends = code
    params, grads, m, v, memory, sums = vectors
    x, y, weight, masks, rows, batch = data
    depth, lowest, parts = len(layers), lowest_dense(layers), len(ends) - 1
    bottom = 0
    if images is not None:
        bottom = 1
        lowest -= 1
    bounded = rules[NORM] < np.inf
    count = (rows + batch - 1) // batch
    for index in range(count):
        begin = index * batch
        size = min(batch, rows - begin)
        if images is not None:
            for part in range(lane, parts, lanes):
                images_forward(gemm, images, params, memory, x, masks, begin, size, part, parts)
            if not wait(barrier, lane, lanes):
                return index
        for layer in range(bottom, depth - 1):
            for part in range(lane, parts, lanes):
                forward(gemm, layers, slopes, layer, params, memory, x, masks, begin, size, cuts, part)
            if layers[layer + 1, KIND] == DENSE and not wait(barrier, lane, lanes):
                return index
        for part in range(lane, parts, lanes):
            sums[0, part] = output(
                gemm, layers, slopes, loss, smoothing, params, memory, x, y, weight, begin, size, part, parts
            )
        if not wait(barrier, lane, lanes):
            return index
        total = sums[0].sum()
        if lane == 0:
            losses[index] = total
        if not np.isfinite(total):
            return index
        for layer in range(depth - 1, lowest, -1):
            if layers[layer, KIND] == DENSE:
                for part in range(lane, parts, lanes):
                    backward(gemm, layers, slopes, layer, params, memory, masks, begin, size, cuts, part)
                if not wait(barrier, lane, lanes):
                    return index
        if images is not None:
            for part in range(lane, parts, lanes):
                images_backward(gemm, images, params, memory, x, masks, begin, size, layers[0, ERROR], part, parts)
            if not wait(barrier, lane, lanes):
                return index
        rate = rates[index]
        scaled = factors(optimizer, coefficients, rate, taken + index + 1)
        keep = np.float32(1.0 - rate * coefficients[WEIGHT_DECAY])
        for part in range(lane, parts, lanes):
            sums[1, part] = 0.0
            for block in range(ends[part], ends[part + 1]):
                start, stop = blocks[block, START], blocks[block, STOP]
                if images is not None and layers[blocks[block, LAYER], KIND] == IMAGES:
                    add_parts(images, memory, blocks[block, FIRST], parts, grads[start:stop])
                else:
                    gradient(gemm, layers, blocks[block], memory, x, grads, begin, size)
                apply_rules(rules, params, grads, start, stop, blocks[block, IS_WEIGHT])
                if bounded:
                    sums[1, part] += squared_norm(grads[start:stop])
                else:
                    kept = keep if blocks[block, IS_WEIGHT] else ONE
                    update(optimizer, coefficients, scaled, params, grads, m, v, start, stop, kept, ONE)
        if not wait(barrier, lane, lanes):
            return index
        if bounded:
            scale = norm_factor(rules, sums[1])
            for part in range(lane, parts, lanes):
                for block in range(ends[part], ends[part + 1]):
                    start, stop = blocks[block, START], blocks[block, STOP]
                    kept = keep if blocks[block, IS_WEIGHT] else ONE
                    update(optimizer, coefficients, scaled, params, grads, m, v, start, stop, kept, scale)
            if not wait(barrier, lane, lanes):
                return index
    return count
