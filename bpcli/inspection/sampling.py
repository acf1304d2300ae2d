"""Sampled rows and predictions in bounded memory, for inspections."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bpcli.arrays.memory import Array, Features
from bpcli.data.table import Table
from bpcli.models.model import Model

MOST_MULTIPLICATIONS = 5e10
"""Maximum number of multiplications of one inspection, a few seconds; beyond it, fewer rows are sampled."""

LEAST_ROWS = 30
"""Minimum number of sampled rows, if there are as many. Fewer give a noisy mean and are hardly faster, as each pass
reads all weights (3.6 million in float64: 6 ms for 3 rows, 9 ms for 30)."""

MOST_INPUTS = 1 << 27
"""Maximum number of network inputs in memory for all sampled rows."""

WIDE = 1_000
"""Features from which on changes of a few are passed on. In narrower tables, all sums are computed again."""

MOST_NUMBERS = 1 << 22
"""Maximum number of inputs, or of outputs of all layers, in memory per block."""


def evenly_spaced(rows: int, most: float, least: int = LEAST_ROWS) -> NDArray[np.intp]:
    """Indices of evenly spaced rows, at most `most` but at least `least`, including the first and the last row."""
    return np.linspace(0, rows - 1, int(min(rows, max(least, most)))).astype(np.intp)


def features_of(model: Model, table: Table) -> Array:
    """Features (rows, width) of a table's rows, in the dtype of the model."""
    encoded, _ = model.preprocessor.encode(table, model.dtype)
    features = model.inference.features(encoded)
    return features.reshape(len(features), model.inference.width).astype(model.dtype, copy=False)


def logits_of(model: Model, x: Array) -> Array:
    """Logits (rows, outputs) for dense features x, in blocks of bounded memory.

    The last bit may differ from the model's own.
    """
    network = model.inference.network
    block = max(1, MOST_NUMBERS // (model.inference.width + sum(layer.n_out for layer in network.layers)))
    out = np.empty((len(x), network.n_out))
    with np.errstate(all="ignore"), model.threads.single():
        for start in range(0, len(x), block):
            out[start : start + block] = model.inference.continued(-1, x[start : start + block])
    return out


class ChangedRows:
    """Logits of rows x in which the features of one column change.

    From `wide` features on, only the change passes through a dense first layer, so that a pass costs the same for any
    number of features.
    """

    def __init__(self, model: Model, x: Array, wide: int = WIDE) -> None:
        self._model, self._x = model, x
        is_wide = x.shape[1] >= wide and model.inference.takes_changes
        with np.errstate(all="ignore"), model.threads.single():
            self._sums = model.inference.weighted_sums(x, 0) if is_wide else None
        numbers = len(x) * (x.shape[1] + sum(layer.n_out for layer in model.inference.network.layers))
        of_images = model.inference.takes_images and numbers <= MOST_NUMBERS
        self._scratch = model.inference.scratch(len(x)) if is_wide or of_images else None

    def logits(self, features: Features, values: Array) -> Array:
        """Logits (rows, outputs) with other values (rows, width) of some features, valid until the next call.

        To be called within the model's limit to one thread, which costs more than the pass of a small network.
        """
        before = self._x[:, features].copy()
        if self._sums is not None:
            change = values.astype(self._sums.dtype) - before
            with np.errstate(all="ignore"):
                return self._model.inference.changed(self._sums, features, change, self._scratch)
        self._x[:, features] = values
        if self._scratch is not None:
            with np.errstate(all="ignore"):
                found = self._model.inference.continued(-1, self._x, self._scratch)
        else:
            found = logits_of(self._model, self._x)
        self._x[:, features] = before
        return found


def predictions(model: Model, x: Array) -> Array:
    """Predictions for dense features x: the model's link applied to `logits_of`."""
    out = logits_of(model, x)
    with np.errstate(all="ignore"):
        model.link.link(out, out)
    return out
