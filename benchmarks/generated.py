"""Tables made from fixed seeds, so that anybody gets the same bytes: `python -m benchmarks.generated KIND SIZE PATH`.

letters, mixed and inputs (mixed without its target) are measured in rows; numbers and texts in megabytes.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

CHUNK = 20_000
"""Rows that are drawn at a time; each chunk has a seed of its own."""

Generator = np.random.Generator
Cells = list[str]
Maker = Callable[[Generator, int], dict[str, Cells]]


def letters(generator: Generator, rows: int) -> dict[str, Cells]:
    """16 whole numbers from 0 to 15 around one of four centroids for each of 26 letters."""
    centroids = np.random.default_rng(26).uniform(2, 13, (26, 4, 16))
    letter, which = generator.integers(26, size=rows), generator.integers(4, size=rows)
    x = np.clip(np.rint(generator.normal(centroids[letter, which], 2.0)), 0, 15).astype(int)
    columns = {f"x{i}": list(map(str, x[:, i].tolist())) for i in range(16)}
    return {**columns, "letter": [chr(ord("A") + i) for i in letter.tolist()]}


def mixed(generator: Generator, rows: int) -> dict[str, Cells]:
    """20 numeric and 10 categorical columns of 3 to 12 names, 3 % of them missing, and an outcome of two classes."""
    fixed = np.random.default_rng(30)
    weights, pairs = fixed.normal(size=20), fixed.normal(size=19)
    effects = [fixed.normal(size=3 + i) for i in range(10)]
    x = generator.normal(size=(rows, 20))
    codes = [generator.integers(len(effect), size=rows) for effect in effects]
    score = x @ weights + (x[:, 1:] * x[:, :-1]) @ pairs
    score += sum(effect[code] for effect, code in zip(effects, codes, strict=True))
    score += generator.normal(0.0, 2.0, rows)
    columns = {f"n{i}": decimals(x[:, i] * 10.0 ** (i % 4), 4) for i in range(20)}
    columns |= {f"c{i}": [f"level {code}" for code in codes[i].tolist()] for i in range(10)}
    columns = {name: with_gaps(cells, generator) for name, cells in columns.items()}
    return {**columns, "outcome": np.where(score > 0, "good", "bad").tolist()}


def inputs(generator: Generator, rows: int) -> dict[str, Cells]:
    """`mixed` without the outcome."""
    columns = mixed(generator, rows)
    del columns["outcome"]
    return columns


def numbers(generator: Generator, rows: int) -> dict[str, Cells]:
    """21 columns of numbers, none missing."""
    return {f"x{i}": decimals(generator.normal(0.0, 10.0 ** (i % 4), rows), 5) for i in range(21)}


def texts(generator: Generator, rows: int) -> dict[str, Cells]:
    """10 numeric columns and 4 of names, 3 % missing; 2 of quoted text with delimiters and quotes in it; a boolean."""
    columns = {f"n{i}": with_gaps(decimals(generator.normal(0.0, 100.0, rows), 5), generator) for i in range(10)}
    for i in range(4):
        names = [f"{'abcd'[i]}{code}" for code in generator.integers(5 * 10**i, size=rows).tolist()]
        columns[f"c{i}"] = with_gaps(names, generator)
    streets, remarks = generator.integers(300, size=rows).tolist(), generator.integers(100, size=rows).tolist()
    columns["address"] = [f'"{street} High Street, London"' for street in streets]
    columns["remark"] = [f'"said ""remark {remark}"", and left"' for remark in remarks]
    columns["paid"] = np.where(generator.random(rows) < 0.5, "yes", "no").tolist()
    return columns


def decimals(values: NDArray[np.float64], digits: int) -> Cells:
    """Numbers in fixed point, with so many digits after it."""
    return [f"{value:.{digits}f}" for value in values.tolist()]


def with_gaps(cells: Cells, generator: Generator) -> Cells:
    """The cells, 3 % of them emptied."""
    for row in np.flatnonzero(generator.random(len(cells)) < 0.03).tolist():
        cells[row] = ""
    return cells


BY_ROWS: dict[str, Maker] = {"letters": letters, "mixed": mixed, "inputs": inputs}
BY_MEGABYTES: dict[str, Maker] = {"numbers": numbers, "texts": texts}


def lines(kind: str, size: int) -> Iterator[str]:
    """The text of a table, header first, in pieces of a chunk."""
    make = (BY_ROWS | BY_MEGABYTES)[kind]
    left = size if kind in BY_ROWS else size * 1_000_000
    for index in count():
        columns = make(np.random.default_rng((len(kind), index)), min(CHUNK, left) if kind in BY_ROWS else CHUNK)
        if index == 0:
            yield ",".join(columns) + "\n"
        piece = "".join(f"{line}\n" for line in map(",".join, zip(*columns.values(), strict=True)))
        yield piece
        left -= CHUNK if kind in BY_ROWS else len(piece)
        if left <= 0:
            return


def main(kind: str, size: str, path: str) -> None:
    """Write the table; it appears under its name once it is whole."""
    part = Path(f"{path}.part")
    with part.open("w") as file:
        file.writelines(lines(kind, int(size)))
    part.rename(path)


if __name__ == "__main__":
    main(*sys.argv[1:])
