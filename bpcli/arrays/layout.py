"""Named parameters in one flat vector."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import prod

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

    def views(self, flat: Array) -> dict[str, Array]:
        """Each slot's part of `flat`, shape (size,), in its own shape; writing to a view writes to `flat`."""
        views, start = {}, 0
        for slot in self.slots:
            views[slot.name] = flat[start : start + slot.size].reshape(slot.shape)
            start += slot.size
        return views
