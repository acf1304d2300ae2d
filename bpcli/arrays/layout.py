"""Named parameters in one flat vector."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import prod

import numpy as np

from bpcli.arrays.memory import Array


@dataclass(frozen=True)
class Slot:
    """One named array within a flat vector; `weight` says that penalties and weight decay apply to it.

    No number in it is ever below `least`.
    """

    name: str
    shape: tuple[int, ...]
    weight: bool = False
    least: float = float("-inf")

    @property
    def size(self) -> int:
        """How many numbers it holds."""
        return prod(self.shape)


@dataclass(frozen=True)
class Layout:
    """The order of named arrays in one flat vector: all weights first, then all the others.

    A gradient and an optimizer's moments have the layout of the parameters, so that a penalty is a slice, a norm a
    dot product, and a sum over workers one call.
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
        """The slot of a number of the flat vector, and its place in that; raises IndexError."""
        for slot in self.slots:
            if 0 <= index < slot.size:
                return slot, tuple(int(i) for i in np.unravel_index(index, slot.shape))
            index -= slot.size
        raise IndexError("beyond the end of the vector")

    def views(self, flat: Array) -> dict[str, Array]:
        """Each slot's part of `flat` in its own shape; writing to a view writes to `flat`.

        Of vectors (members, size) each view has the members in front, unless there is but one: (size,) and (1, size)
        have the same views.
        """
        flat = flat[0] if flat.ndim == 2 and len(flat) == 1 else flat
        members, views, start = flat.shape[:-1], {}, 0
        for slot in self.slots:
            views[slot.name] = flat[..., start : start + slot.size].reshape(*members, *slot.shape)
            start += slot.size
        return views
