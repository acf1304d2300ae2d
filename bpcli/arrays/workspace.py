"""Scratch memory of a network, allocated once for the largest batch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import prod
from typing import Any

import numpy as np

from bpcli.arrays.fields import Input
from bpcli.arrays.memory import Array
from bpcli.frozen import dataclass


@dataclass(frozen=True)
class Buffer:
    """A request for scratch memory of shape (rows, *shape), or `shape` if not `per_row`.

    A `shared` buffer keeps its content only until another layer runs: all requests with the same name share memory.
    A buffer of `indices` holds integers and cannot be shared.
    """

    shape: tuple[int, ...]
    per_row: bool = True
    shared: bool = False
    indices: bool = False

    def size(self, rows: int) -> int:
        """Count of numbers for a batch of `rows`."""
        return prod(self.shape) * (rows if self.per_row else 1)


Requests = Mapping[str, Buffer]
"""Buffers of one layer, by name."""


class LayerArrays(dict[str, Array]):
    """Scratch arrays of one layer, by name; `scratch` is the tuple of those named `scratch…`, in order.

    `ones`, (rows,), is a vector of ones: its product with a matrix sums over the rows faster than a reduction.
    """

    def __init__(self, arrays: Mapping[str, Array], ones: Array) -> None:
        super().__init__(arrays)
        self.scratch = tuple(array for name, array in arrays.items() if name.startswith("scratch"))
        self.ones = ones
        self.inputs: list[Array] = []
        """Inputs of the layers within the layer, in the last forward pass."""
        self._within: dict[str, LayerArrays] = {}

    def within(self, prefix: str) -> LayerArrays:
        """Arrays of a layer within the layer: those whose names begin with `prefix`, without it."""
        if prefix not in self._within:
            arrays = {name.removeprefix(prefix): array for name, array in self.items() if name.startswith(prefix)}
            self._within[prefix] = LayerArrays(arrays, self.ones)
        return self._within[prefix]


class Workspace:
    """Scratch arrays of shape (rows, *shape) for each layer, allocated once for the largest batch.

    `layers[i]` holds the arrays of layer i by name, and `inputs[i]` its input in the last forward pass. `stems` holds
    the arrays of the stems, which precede the layers, `fields` their inputs, and `gathered` the inputs of a first layer
    that gathers. `part(start, stop)` is a view of those
    rows: parts that do not overlap can be written to concurrently, unless a buffer is not per row.
    """

    inputs: list[Array]
    fields: tuple[Input, ...]
    gathered: tuple[Input, ...]

    def __init__(
        self, layers: Iterable[Requests], rows: int, dtype: np.dtype[Any], stems: Iterable[Requests] = ()
    ) -> None:
        self._stems = [dict(stem) for stem in stems]
        self._requests = [*self._stems, *(dict(layer) for layer in layers)]
        self.rows, self._is_own = rows, False
        self._ones = np.ones(rows, dtype)
        self._shared = {name: np.empty(size, dtype) for name, size in _shared_sizes(self._requests, rows).items()}
        self._own = [
            {
                name: np.empty(buffer.size(rows), np.intp if buffer.indices else dtype)
                for name, buffer in layer.items()
                if not buffer.shared
            }
            for layer in self._requests
        ]
        self._divide(0, rows)

    def _divide(self, start: int, stop: int) -> None:
        shaped = self._shaped(start, stop)
        self.stems, self.layers = shaped[: len(self._stems)], shaped[len(self._stems) :]
        self.release()

    def _shaped(self, start: int, stop: int) -> list[LayerArrays]:
        def shaped(flat: Array, buffer: Buffer) -> Array:
            size = prod(buffer.shape)
            if not buffer.per_row:
                return flat[:size].reshape(buffer.shape)
            # Layers of different sizes share memory: each row owns as much as the largest layer needs.
            row = 0 if self._is_own else len(flat) // len(self._ones)
            first = start * (row if buffer.shared else size)
            rows = stop - start
            return flat[first : first + rows * size].reshape(rows, *buffer.shape)

        ones = self._ones[start:stop]
        return [
            LayerArrays(
                {
                    name: shaped((self._shared if buffer.shared else own)[name], buffer)
                    for name, buffer in layer.items()
                },
                ones,
            )
            for layer, own in zip(self._requests, self._own, strict=True)
        ]

    def release(self) -> None:
        """Drop references to the inputs of the last forward pass."""
        self.inputs, self.fields, self.gathered = [], (), ()

    def part(self, start: int, stop: int, own: bool = False) -> Workspace:
        """View of rows `start` to `stop`. Raises ValueError.

        own: with shared memory of its own, so that parts can be written to concurrently even if a shared buffer is not
        per row.
        """
        if self._is_own:
            raise ValueError("a part with memory of its own is not divided further")
        if stop > self.rows:
            raise ValueError(f"a workspace of {self.rows} rows has no rows up to {stop}")
        part = object.__new__(Workspace)
        part._requests, part._shared, part._own, part._ones = self._requests, self._shared, self._own, self._ones
        part._stems, part._is_own = self._stems, own
        part.rows = stop - start
        if own:
            sizes = _shared_sizes(self._requests, part.rows)
            part._shared = {name: np.empty(size, self._ones.dtype) for name, size in sizes.items()}
        part._divide(start, stop)
        return part

    @property
    def is_divisible(self) -> bool:
        """Whether all buffers are per row, so that parts share no memory."""
        return _are_divisible(self._requests)

    @staticmethod
    def own_bytes(layers: Iterable[Requests], rows: int, itemsize: int) -> int:
        """Bytes of the shared memory of a part of `rows` rows that has its own; 0 if parts share none."""
        requests = list(layers)
        return 0 if _are_divisible(requests) else itemsize * sum(_shared_sizes(requests, rows).values())

    @staticmethod
    def bytes_needed(layers: Iterable[Requests], rows: int, itemsize: int) -> int:
        """Bytes of a workspace with these requests, without allocating it."""
        requests = list(layers)
        own = sum(
            buffer.size(rows) * (np.dtype(np.intp).itemsize if buffer.indices else itemsize)
            for layer in requests
            for buffer in layer.values()
            if not buffer.shared
        )
        return own + itemsize * (rows + sum(_shared_sizes(requests, rows).values()))


def _are_divisible(layers: Iterable[Requests]) -> bool:
    return all(buffer.per_row for layer in layers for buffer in layer.values())


def _shared_sizes(layers: Iterable[Requests], rows: int) -> dict[str, int]:
    """Largest size requested for each shared name, in numbers."""
    sizes: dict[str, int] = {}
    for layer in layers:
        for name, buffer in layer.items():
            if buffer.shared:
                sizes[name] = max(sizes.get(name, 0), buffer.size(rows))
    return sizes
