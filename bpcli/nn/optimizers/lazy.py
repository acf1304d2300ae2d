"""Lazy update: of the rows of a matrix that a batch touches, as of the words of a text, and of no others."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bpcli.arrays.layout import SparseRange
from bpcli.arrays.memory import Array
from bpcli.nn.optimizers.adam import Adam
from bpcli.nn.optimizers.adam_variants import Adamw
from bpcli.nn.optimizers.adaptive import Adagrad
from bpcli.nn.optimizers.base import OptimizerBase, OptimizerState
from bpcli.nn.optimizers.sgd import Sgd
from bpcli.nn.optimizers.update import Coefficients, Update


def is_lazy(rule: OptimizerBase) -> bool:
    """Whether the optimizer has a lazy form: without it, rows that a batch does not touch would change too."""
    if isinstance(rule, Sgd):
        return not rule.momentum
    return isinstance(rule, Adagrad | Adamw) or (isinstance(rule, Adam) and not rule.amsgrad)


def as_items(matrix: Array) -> NDArray[Any]:
    """View of a contiguous matrix (rows, units) as a vector of rows, which is written to 2 to 7 times as fast."""
    size = matrix.shape[1] * matrix.itemsize
    item = {4: np.int32, 8: np.int64, 16: np.complex128}.get(size, np.dtype((np.void, size)))
    return matrix.view(item).reshape(-1)


class LazyUpdate:
    """Update of sparse rows of one matrix, of the parameters (size,) of one network.

    Moments and weight decay of a row advance only in the steps that touch it, as in LazyAdam of TensorFlow Addons and
    SparseAdam of PyTorch; the step that corrects their bias is that of the whole run.
    """

    def __init__(
        self, update: Update, of: SparseRange, params: Array, state: OptimizerState, rule: OptimizerBase, most: int
    ) -> None:
        """Take rows of `params` and of the vectors of `state`. most: rows that a batch may touch."""
        self._rule = rule
        self._factor = dict(update.sparse)[of.start]
        self._decays = bool(update.decayed)
        vectors = [params, *(slot[0] for slot in state.slots.values())]
        self._rows = [vector[of.start : of.stop].reshape(-1, of.units) for vector in vectors]
        dtype: np.dtype[Any] = params.dtype
        self._taken = [np.empty((most, of.units), dtype) for _ in self._rows]
        self._items = [(as_items(rows), as_items(taken)) for rows, taken in zip(self._rows, self._taken, strict=True)]
        self._scratch = [np.empty((most, of.units), dtype) for _ in range(2)]

    def apply(self, rows: NDArray[np.intp], grads: Array, coefficients: Coefficients) -> None:
        """Update these rows, by the coefficients of the step and their gradient (rows, units)."""
        count = len(rows)
        taken = [array[:count] for array in self._taken]
        for array, of in zip(taken, self._rows, strict=True):
            np.take(of, rows, axis=0, out=array, mode="clip")
        params, *slots = taken
        if self._decays:
            np.multiply(params, coefficients.keep, out=params)
        scratch = tuple(array[:count] for array in self._scratch)
        self._rule.kernel(params, grads, tuple(slots), scratch, coefficients.of_factors[self._factor])
        for of, items in self._items:
            of[rows] = items[:count]
