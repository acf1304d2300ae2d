"""Fields: what one array of a batch is, for each row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Literal, NamedTuple

from bpcli.arrays.memory import Array


@dataclass(frozen=True)
class Field:
    """One array of a batch: rows of `shape`.

    values: "real" numbers, or a "code" from 0 to size - 1, where -1 stands for none. places: where each entry of the
    first axis, or else the whole field, belongs among the features, in ascending order over all fields; fields without
    places follow their order in the signature.
    """

    name: str
    shape: tuple[int, ...] = ()
    values: Literal["real", "code"] = "real"
    size: int = 0
    places: tuple[int, ...] = ()

    @property
    def width(self) -> int:
        """Features that it makes: its numbers, or one for each code."""
        return self.size if self.values == "code" else prod(self.shape)


Signature = tuple[Field, ...]
"""What a network takes: a field for each array."""


class Batch(NamedTuple):
    """Rows of a data set: x, one array a field, (rows, *shape); y (rows, outputs); weight (rows,) or None."""

    x: tuple[Array, ...]
    y: Array
    weight: Array | None = None

    @property
    def rows(self) -> int:
        """Number of rows."""
        return len(self.y)

    def part(self, start: int, stop: int) -> Batch:
        """Rows `start` to `stop`, in the same memory."""
        weight = None if self.weight is None else self.weight[start:stop]
        return Batch(tuple(array[start:stop] for array in self.x), self.y[start:stop], weight)


class Piece(NamedTuple):
    """Consecutive features from one field: its entries `first` to `last`, from feature `at` on."""

    field: int
    first: int
    last: int
    at: int

    @property
    def features(self) -> slice:
        """Its range among the features."""
        return slice(self.at, self.at + self.last - self.first)


def joined(signature: Signature, widths: Sequence[int]) -> list[Piece]:
    """The features that fields of `widths` make together, in the order of their places."""
    entries = []
    for index, (field, width) in enumerate(zip(signature, widths, strict=True)):
        if field.values == "real" and len(field.places) > 1:
            entries += [(place, index, entry, entry + 1) for entry, place in enumerate(field.places)]
        else:
            entries.append(((field.places or (index,))[0], index, 0, width))
    pieces: list[Piece] = []
    end = 0
    for _, index, first, last in sorted(entries):
        before = pieces[-1] if pieces else None
        if before is not None and (before.field, before.last) == (index, first):
            pieces[-1] = before._replace(last=last)
        else:
            pieces.append(Piece(index, first, last, end))
        end += last - first
    return pieces
