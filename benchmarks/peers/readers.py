"""Reads a CSV file once, and prints seconds and shape: a child of the benchmark `reading`."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

CHUNK_ROWS = 50_000
Shape = tuple[int, int]


def bpcli(path: str) -> Callable[[], Shape]:
    """Typed columns, text as codes of categories."""
    from bpcli.data.files.read import ReadOptions, read_table

    def read() -> Shape:
        columns = read_table([(Path(path), None)], ReadOptions())
        return columns.rows, len(columns)

    return read


def pandas(path: str) -> Callable[[], Shape]:
    """A data frame."""
    import pandas as pd

    return lambda: pd.read_csv(path).shape


def polars(path: str) -> Callable[[], Shape]:
    """A data frame."""
    import polars as pl

    return lambda: pl.read_csv(path, infer_schema_length=10_000).shape


def pyarrow(path: str) -> Callable[[], Shape]:
    """A table."""
    from pyarrow import csv as arrow

    return lambda: arrow.read_csv(path).shape


def loadtxt(path: str) -> Callable[[], Shape]:
    """One float64 array; numbers only."""
    return lambda: np.loadtxt(path, delimiter=",", skiprows=1).shape


def stdlib(path: str) -> Callable[[], Shape]:
    """The csv module in chunks of rows: numbers to float64 arrays, text to lists of shared strings."""

    def typed(cells: tuple[str, ...]) -> Any:
        try:
            return np.array([float(cell) if cell else np.nan for cell in cells])
        except ValueError:
            return list(map(sys.intern, cells))

    def read() -> Shape:
        with Path(path).open(newline="") as file:
            rows = csv.reader(file)
            columns: list[list[Any]] = [[] for _ in next(rows)]
            total = 0
            while chunk := list(islice(rows, CHUNK_ROWS)):
                total += len(chunk)
                for column, cells in zip(columns, zip(*chunk, strict=True), strict=True):
                    column.append(typed(cells))
        return total, len(columns)

    return read


READERS = {reader.__name__: reader for reader in (bpcli, pandas, polars, pyarrow, loadtxt, stdlib)}


def main(reader: str, path: str) -> None:
    read = READERS[reader](path)
    started = perf_counter()
    shape = read()
    print(json.dumps({"seconds": perf_counter() - started, "shape": shape}))


if __name__ == "__main__":
    main(*sys.argv[1:])
