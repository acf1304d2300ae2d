"""Blocks of delimited text, typed by Polars: several at the same time, and given out in order."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import chain, islice
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bpcli.data.files.cells import ReadOptions, first_not_boolean
from bpcli.data.files.polars_cells import Coded, TextCoder, plain_numbers, worded_numbers
from bpcli.data.files.regular_text import Blocks, find_rows
from bpcli.data.files.text_source import TextTable
from bpcli.system.threads import available_cores, in_order

if TYPE_CHECKING:
    import polars as pl

_MOST_THREADS = 4
"""The most blocks in work at the same time, as each takes some 40 MB. Polars itself takes one core for a block."""

_MAGIC = (b"\xef\xbb\xbf", b"x\x01", b"x^", b"x\x9c", b"x\xda")
"""Polars drops a byte order mark at the beginning of any block, and unpacks what begins as zlib data do."""

Cells = Mapping[str, NDArray[np.float64] | Coded]
"""The wanted columns of a block."""


class Block(NamedTuple):
    """Text of whole rows, where each ends (rows,), the number of its lines, and its cells."""

    text: bytes
    ends: NDArray[np.intp]
    lines: int
    cells: Cells


class _Doubt(Exception):
    """What Polars gives may not be what the NumPy reader gives."""


class Typing:
    """How the blocks of a file are typed; what a block teaches of the columns makes the next ones quicker.

    `names` are the columns that are wanted, and `numeric` those that are tried as numbers.
    """

    def __init__(self, text: TextTable, options: ReadOptions, text_only: bool = False) -> None:
        kinds = ("numeric",) if text_only else ("numeric", None)
        self.names = [name for name in text.header if options.wants(name)]
        self.numeric = frozenset(name for name in self.names if options.kind(name) in kinds)
        self._header = text.header
        self._delimiter = text.delimiter
        self._options = options
        self._missing = frozenset(options.missing)
        self._worded: set[str] = set()  # numeric columns in which there was more than numbers and empty cells
        self._coder = TextCoder()

    def block(self, text: bytes) -> Block | bytes:
        """A block of text, typed; or the text itself if only the NumPy reader is sure of it, or words the error."""
        rows = find_rows(text, self._delimiter, len(self._header))
        if rows is None or text.startswith(_MAGIC):
            return text
        try:
            return Block(text, rows.ends, rows.lines, self._cells(text, len(rows.ends)) if self.names else {})
        except _Doubt:
            return text

    def _cells(self, text: bytes, rows: int) -> Cells:
        floats = [name for name in self.names if name in self.numeric and name not in self._worded]
        try:
            frame = self._read(text, rows, self.names, floats)
        except _Doubt:  # as where a cell is no number for Polars
            frame, floats = self._read(text, rows, self.names), []
        numbers = plain_numbers(frame.select(floats), self._missing)
        texts = list(frame.drop(floats))
        doubtful = [name for name in floats if name not in numbers]
        if doubtful:
            texts.extend(self._read(text, rows, doubtful))
        for cells in texts:
            if cells.name in self.numeric and (values := self._worded_numbers(cells)) is not None:
                numbers[cells.name] = values
        return {**numbers, **self._coded([cells for cells in texts if cells.name not in numbers])}

    def _read(self, text: bytes, rows: int, names: Collection[str], floats: Collection[str] = ()) -> pl.DataFrame:
        """Some columns, as text but for `floats`."""
        import polars as pl

        schema = {name: pl.Float64 if name in floats else pl.String for name in self._header}
        wanted = [position for position, name in enumerate(self._header) if name in names]
        try:
            frame = pl.read_csv(
                text, has_header=False, schema=schema, columns=wanted, separator=self._delimiter.decode()
            )
        except pl.exceptions.PolarsError:
            raise _Doubt from None
        if frame.height != rows:
            raise _Doubt
        return frame

    def _worded_numbers(self, cells: pl.Series) -> NDArray[np.float64] | None:
        found = worded_numbers(cells, self._missing)
        if found is None or not found.plain:
            self._worded.add(cells.name)
        if found is None and self._options.kind(cells.name) == "numeric":
            raise _Doubt
        return None if found is None else found.values

    def _coded(self, columns: Sequence[pl.Series]) -> dict[str, Coded]:
        found = self._coder.coded(columns) if columns else {}
        for name, cells in found.items():
            if self._options.kind(name) == "boolean" and first_not_boolean(cells.texts, self._missing) is not None:
                raise _Doubt
        return found


def typed_blocks(text: TextTable, typing: Typing) -> Iterator[Block]:
    """The rows of a file, some megabytes at a time.

    Ends early at the first block that the NumPy reader must read, where `text` then stands; else `text.rest` is empty.
    """
    source = Blocks(text)
    remaining = iter(source)
    threads = min(available_cores(), _MOST_THREADS)
    left: list[bytes] = []
    # The first block is typed alone, since the others are read as it teaches.
    for block in chain(map(typing.block, islice(remaining, 1)), in_order(typing.block, remaining, threads)):
        if isinstance(block, bytes) or left:
            source.stop()
            left.append(block if isinstance(block, bytes) else block.text)
        else:
            text.offset += len(block.text)
            text.line += block.lines
            yield block
    text.rest = b"".join(left) + source.rest
