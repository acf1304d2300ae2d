"""Blocks of delimited text, typed by Polars: several at the same time, and given out in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import chain, repeat
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bpcli.data.cells import ReadOptions, first_not_boolean
from bpcli.data.delimited import count_lines
from bpcli.data.polars_cells import Coded, TextCoder, plain_numbers, worded_numbers
from bpcli.data.regular import Block, RegularBlocks
from bpcli.data.text_source import TextTable

if TYPE_CHECKING:
    from concurrent.futures import Future

    import polars as pl

_WORKERS = 2
"""Blocks in work while the next one is looked through; within each, Polars uses all cores too."""

_MAGIC = (b"\xef\xbb\xbf", b"x\x01", b"x^", b"x\x9c", b"x\xda")
"""Polars drops a byte order mark at the beginning of any block, and unpacks what begins as zlib data do."""

Cells = Mapping[str, NDArray[np.float64] | Coded]
"""The wanted columns of a block."""


class _Doubt(Exception):
    """A block that only the NumPy reader is sure of."""


class Typing:
    """How the blocks of a file are typed; what a block teaches of the columns makes the next ones quicker.

    `names` are the columns that are wanted, and `numeric` those that are tried as numbers.
    """

    def __init__(self, text: TextTable, options: ReadOptions, text_only: bool = False) -> None:
        kinds = ("numeric",) if text_only else ("numeric", None)
        self.names = [name for name in text.header if options.wants(name)]
        self.numeric = frozenset(name for name in self.names if options.kind(name) in kinds)
        self._header = text.header
        self._delimiter = text.delimiter.decode()
        self._options = options
        self._missing = frozenset(options.missing)
        self._worded: set[str] = set()  # numeric columns in which there was more than numbers and empty cells
        self._coder = TextCoder()

    def cells(self, block: Block) -> Cells | None:
        """The columns in a block; None if only the NumPy reader is sure of it, or words the error."""
        if not self.names:
            return {}
        if block.data.startswith(_MAGIC):
            return None
        try:
            return self._typed(block)
        except _Doubt:
            return None

    def _typed(self, block: Block) -> Cells:
        floats = [name for name in self.names if name in self.numeric and name not in self._worded]
        try:
            frame = self._read(block, self.names, floats)
        except _Doubt:  # as where a cell is no number for Polars
            frame = self._read(block, self.names)
        numbers: dict[str, NDArray[np.float64]] = {}
        texts, doubtful = [], []
        for cells in frame:
            if not cells.dtype.is_float():
                texts.append(cells)
            elif (values := plain_numbers(cells, self._missing)) is not None:
                numbers[cells.name] = values
            else:
                doubtful.append(cells.name)
        if doubtful:
            texts.extend(self._read(block, doubtful))
        for cells in texts:
            if cells.name in self.numeric and (values := self._worded_numbers(cells)) is not None:
                numbers[cells.name] = values
        return {**numbers, **self._coded([cells for cells in texts if cells.name not in numbers])}

    def _read(self, block: Block, names: Collection[str], floats: Collection[str] = ()) -> pl.DataFrame:
        """Some columns, as text but for `floats`."""
        import polars as pl

        schema = {name: pl.Float64 if name in floats else pl.String for name in self._header}
        wanted = [position for position, name in enumerate(self._header) if name in names]
        try:
            frame = pl.read_csv(block.data, has_header=False, schema=schema, columns=wanted, separator=self._delimiter)
        except pl.exceptions.PolarsError:
            raise _Doubt from None
        if frame.height != block.rows:
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


def typed_blocks(text: TextTable, typing: Typing, rows: int | None = None) -> Iterator[tuple[int, Cells]]:
    """The rows of a file in blocks, each with their number: see `RegularBlocks`.

    Ends early at the first block that the NumPy reader must read, where `text` then stands; else `text.rest` is empty.
    """
    from concurrent.futures import ThreadPoolExecutor

    waiting: deque[tuple[Block, Future[Cells | None]]] = deque()
    blocks = RegularBlocks(text, rows)
    ahead = 0  # the first block is waited for, so that the others are read as it teaches
    with ThreadPoolExecutor(_WORKERS) as pool:
        for block in chain(blocks, repeat(None)):
            if block is not None:
                waiting.append((block, pool.submit(typing.cells, block)))
                if len(waiting) <= ahead:
                    continue
            if not waiting:
                break
            cells = waiting[0][1].result()
            if cells is None:
                break
            done, _ = waiting.popleft()
            text.offset += len(done.data)
            text.line += count_lines(done.data) if b'"' in done.data else done.rows
            yield done.rows, cells
            ahead = _WORKERS
    text.rest = b"".join(block.data for block, _ in waiting) + blocks.rest
