"""The steps of a whole block of batches: what NumPy does in some thirty calls for each.

Each lane calls `steps`; all do the same steps together, and meet where one needs what another has done. What a part is
does not depend on how many lanes there are, so neither does what comes out.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from bpcli.nn.compiled.barrier import meet
from bpcli.nn.compiled.codes import DENSE, IS_WEIGHT, KIND, NORM, START, STOP, WEIGHT_DECAY
from bpcli.nn.compiled.functions import ONE, compiled
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
    taken: int,
    rates: Any,
    losses: Any,
    cuts: Any,
    blocks: Any,
    ends: Any,
    sums: Any,
    places: Any,
    lane: int,
    lanes: int,
) -> int:
    """Steps over all batches of a block of `rows` rows; gives how many were taken before one that diverged."""
    depth, lowest, parts = len(layers), lowest_dense(layers), len(ends) - 1
    bounded = rules[NORM] < np.inf
    count = (rows + batch - 1) // batch
    for index in range(count):
        begin = index * batch
        size = min(batch, rows - begin)
        for layer in range(depth - 1):
            for part in range(lane, parts, lanes):
                forward(gemm, layers, slopes, layer, params, memory, x, masks, begin, size, cuts, part)
            if layers[layer + 1, KIND] == DENSE and not meet(places, lane, lanes):
                return index
        for part in range(lane, parts, lanes):
            sums[0, part] = output(gemm, layers, slopes, loss, params, memory, x, y, weight, begin, size, part, parts)
        if not meet(places, lane, lanes):
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
                if not meet(places, lane, lanes):
                    return index
        rate = rates[index]
        scaled = factors(optimizer, coefficients, rate, taken + index + 1)
        keep = np.float32(1.0 - rate * coefficients[WEIGHT_DECAY])
        for part in range(lane, parts, lanes):
            sums[1, part] = 0.0
            for block in range(ends[part], ends[part + 1]):
                start, stop = blocks[block, START], blocks[block, STOP]
                gradient(gemm, layers, blocks[block], memory, x, grads, begin, size)
                apply_rules(rules, params, grads, start, stop, blocks[block, IS_WEIGHT])
                if bounded:
                    sums[1, part] += squared_norm(grads[start:stop])
                else:
                    kept = keep if blocks[block, IS_WEIGHT] else ONE
                    update(optimizer, coefficients, scaled, params, grads, m, v, start, stop, kept, ONE)
        if not meet(places, lane, lanes):
            return index
        if bounded:
            scale = norm_factor(rules, sums[1])
            for part in range(lane, parts, lanes):
                for block in range(ends[part], ends[part + 1]):
                    kept = keep if blocks[block, IS_WEIGHT] else ONE
                    start, stop = blocks[block, START], blocks[block, STOP]
                    update(optimizer, coefficients, scaled, params, grads, m, v, start, stop, kept, scale)
            if not meet(places, lane, lanes):
                return index
    return count
