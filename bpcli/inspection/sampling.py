"""What looking into a model takes: rows that stand for all, and answers to any number of them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bpcli.arrays.memory import Array
from bpcli.data.table import Table
from bpcli.models.model import Model

MOST_MULTIPLICATIONS = 5e10
"""Of all passes of one look together, some seconds; where it would be more, evenly spaced rows stand for all."""

LEAST_ROWS = 30
"""The fewest, where there are as many: a mean over fewer says little, and takes hardly less, as each pass reads all
weights (of 3.6 million in float64, 3 rows took 6 ms and 30 rows 9)."""

MOST_INPUTS = 1 << 27
"""Of all rows together that are in memory as inputs of the network."""

MOST_NUMBERS = 1 << 22
"""Of inputs, or in all layers together, that are in memory at a time."""


def evenly_spaced(rows: int, most: float) -> NDArray[np.intp]:
    """Which of `rows` rows stand for all: up to `most` but at least LEAST_ROWS, the first and the last among them."""
    return np.linspace(0, rows - 1, int(min(rows, max(LEAST_ROWS, most)))).astype(np.intp)


def features_of(model: Model, table: Table) -> Array:
    """The features of the rows of a table, (rows, width), in the dtype of the model."""
    encoded, _ = model.preprocessor.encode(table, model.dtype)
    features = model.inference.features(encoded)
    return features.reshape(len(features), model.inference.network.n_in).astype(model.dtype, copy=False)


def predictions(model: Model, x: Array) -> Array:
    """As the model's own for dense rows, but in blocks that fit them: to the last bit they may differ."""
    network = model.inference.network
    block = max(1, MOST_NUMBERS // (network.n_in + sum(layer.n_out for layer in network.layers)))
    out = np.empty((len(x), network.n_out))
    with np.errstate(all="ignore"), model.threads.single():
        for start in range(0, len(x), block):
            out[start : start + block] = model.inference.continued(-1, x[start : start + block])
        model.loss.link(out, out)
    return out
