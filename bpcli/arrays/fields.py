"""Fields: name, shape and type of each input array of a batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

import numpy as np

from bpcli.arrays.memory import Array

if TYPE_CHECKING:
    from bpcli.arrays.local_tokens import LocalTokens
    from bpcli.arrays.tokens import Tokens

Input: TypeAlias = "Array | Tokens | LocalTokens"
"""Values of a field in a batch: numbers (rows, *shape), codes (rows,), or tokens."""


def numbers(values: Input) -> Array:
    """The values of a field that is no field of tokens. Raises TypeError for tokens."""
    if not isinstance(values, np.ndarray):
        raise TypeError("tokens are no array of numbers")
    return values


def sparse(values: Input) -> Tokens:
    """The values of a field of tokens. Raises TypeError for others."""
    if isinstance(values, np.ndarray):
        raise TypeError("an array of numbers is no tokens")
    return values[:]


class Grid(tuple[int, ...]):
    """Shape of an image or a series: one or two axes of positions, then one of channels."""

    __slots__ = ()


@dataclass(frozen=True)
class Field:
    """One array of a batch: rows of `shape`.

    values: "real" numbers, a "code" from 0 to size - 1, with -1 for none, or "tokens", a sparse row of `size` numbers.
    places: sort keys that order the features over all fields, one for each entry of the first axis or one for the whole
    field. Fields without places keep the order of the signature.
    """

    name: str
    shape: tuple[int, ...] = ()
    values: Literal["real", "code", "tokens"] = "real"
    size: int = 0
    places: tuple[int, ...] = ()

    @property
    def width(self) -> int:
        """Number of features: one per number, one per code, or one per column of a sparse row."""
        return prod(self.shape) if self.values == "real" else self.size


Signature = tuple[Field, ...]
"""Fields of a network's input arrays, in order."""


class Batch(NamedTuple):
    """Rows of a data set: x, one array per field, (rows, *shape); y (rows, outputs); weight (rows,) or None."""

    x: tuple[Input, ...]
    y: Array
    weight: Array | None = None

    @property
    def rows(self) -> int:
        """Number of rows."""
        return len(self.y)

    def part(self, start: int, stop: int) -> Batch:
        """View of rows `start` to `stop`."""
        weight = None if self.weight is None else self.weight[start:stop]
        return Batch(tuple(values[start:stop] for values in self.x), self.y[start:stop], weight)


class Piece(NamedTuple):
    """Consecutive features from one field: its entries `first` to `last`, from feature `at` on."""

    field: int
    first: int
    last: int
    at: int

    @property
    def features(self) -> slice:
        """Range of the features."""
        return slice(self.at, self.at + self.last - self.first)


def joined(signature: Signature, widths: Sequence[int]) -> list[Piece]:
    """Pieces that make up the feature row of fields with these widths, ordered by place."""
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
