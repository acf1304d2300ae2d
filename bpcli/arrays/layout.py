"""Named parameters in one flat vector."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from functools import cached_property
from math import prod
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bpcli.arrays.memory import Array
from bpcli.frozen import dataclass

Kind = Literal["weights", "biases", "scales", "shares"]
"""Kind of a trained parameter: weights of sums, terms of sums, factors on inputs, or shares of activations."""


class SparseRows(NamedTuple):
    """Rows `first` to `last` of a matrix, one for each column of the field `field`, whose gradient is mostly zeros."""

    field: str
    first: int
    last: int


class SparseRange(NamedTuple):
    """Sparse rows of a slot in the flat vector, from entry `start` to `stop`, `units` numbers a row."""

    field: str
    start: int
    stop: int
    units: int
    slot: Slot


@dataclass(frozen=True)
class Slot:
    """Named array within a flat vector.

    weight: penalties and weight decay apply. least: lower bound of its numbers. kind: kind of a parameter that is not a
    weight. fan_in: inputs of a weight's sum; default: the product of all axes but the last. rate: own learning-rate
    factor, instead of that of its kind. sparse: rows of a matrix of which a step changes few.
    """

    name: str
    shape: tuple[int, ...]
    weight: bool = False
    least: float = float("-inf")
    kind: Kind = "biases"
    fan_in: int = 0
    rate: float | None = None
    sparse: tuple[SparseRows, ...] = ()

    def __post_init__(self) -> None:
        if self.weight:
            object.__setattr__(self, "kind", "weights")
            object.__setattr__(self, "fan_in", self.fan_in or prod(self.shape[:-1]))

    @property
    def size(self) -> int:
        """Count of numbers."""
        return prod(self.shape)


@dataclass(frozen=True)
class Layout:
    """Order of named arrays in one flat vector: weights first, then all others.

    Gradients and optimizer moments share the layout of the parameters, so a penalty is a slice, a norm is a dot product
    and a sum over workers is one call.
    """

    slots: tuple[Slot, ...]
    size: int = field(init=False)
    weights: int = field(init=False)

    def __post_init__(self) -> None:
        ordered = sorted(self.slots, key=lambda slot: not slot.weight)
        object.__setattr__(self, "slots", tuple(ordered))
        object.__setattr__(self, "size", sum(slot.size for slot in ordered))
        object.__setattr__(self, "weights", sum(slot.size for slot in ordered if slot.weight))

    def at(self, index: int) -> tuple[Slot, tuple[int, ...]]:
        """Slot and multi-index of an entry of the flat vector. Raises IndexError beyond its end."""
        for slot in self.slots:
            if 0 <= index < slot.size:
                return slot, tuple(int(i) for i in np.unravel_index(index, slot.shape))
            index -= slot.size
        raise IndexError("beyond the end of the vector")

    @cached_property
    def sparse(self) -> tuple[SparseRange, ...]:
        """Sparse rows of all slots, as ranges of the flat vector in ascending order."""
        found, start = [], 0
        for slot in self.slots:
            for rows in slot.sparse:
                units = slot.shape[1]
                found.append(
                    SparseRange(rows.field, start + rows.first * units, start + rows.last * units, units, slot)
                )
            start += slot.size
        return tuple(found)

    def narrowed(self, flat: Array, to: Layout, columns: Mapping[str, NDArray[np.intp]]) -> Array:
        """Vector for the layout `to`, which has some of the sparse rows of each field, from one of this layout.

        flat: (size,), or (members, size). columns: indices of these rows, ascending, by the name of the field.
        """
        out = np.empty((*flat.shape[:-1], to.size), flat.dtype)
        start = end = 0
        for slot in self.slots:
            rows, at = list[NDArray[np.intp]](), 0
            for sparse in slot.sparse:
                rows += [np.arange(at, sparse.first), sparse.first + columns[sparse.field]]
                at = sparse.last
            own = flat[..., start : start + slot.size]
            if rows:
                kept = np.concatenate([*rows, np.arange(at, slot.shape[0])])
                own = own.reshape(*flat.shape[:-1], *slot.shape)[..., kept, :].reshape(*flat.shape[:-1], -1)
            out[..., end : end + own.shape[-1]] = own
            start, end = start + slot.size, end + own.shape[-1]
        return out

    def views(self, flat: Array) -> dict[str, Array]:
        """View of each slot in `flat`, in the slot's shape, by name; writing to a view writes to `flat`.

        For an ensemble, (members, size), each view has shape (members, *shape). A single member, (1, size), gives the
        same views as (size,).
        """
        flat = flat[0] if flat.ndim == 2 and len(flat) == 1 else flat
        members, views, start = flat.shape[:-1], {}, 0
        for slot in self.slots:
            views[slot.name] = flat[..., start : start + slot.size].reshape(*members, *slot.shape)
            start += slot.size
        return views
