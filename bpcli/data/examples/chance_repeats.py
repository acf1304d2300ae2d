"""Number of rows across splits that are equal by chance, since a table has few columns or few values."""

from __future__ import annotations

from collections.abc import Sequence
from math import log

import numpy as np
from numpy.typing import NDArray

from bpcli.data.examples.duplicates import first_of_equals
from bpcli.data.examples.row_keys import bits, row_keys
from bpcli.data.examples.split import Split
from bpcli.data.table import PARTS, Part, Table

Codes = NDArray[np.intp]

ROWS_A_CLASS = 20
"""Rows per target value from which columns are taken for independent within each value, not over all rows."""

DEPENDENCE = 3.0
"""Factor on the estimate, since columns that depend on each other repeat more often than independent ones."""

CHANCE = 1e-3
"""Significance level: repeats are more than chance if so many have at most this probability."""

NEGLIGIBLE = 1e-6
"""Expected number below which further columns are not looked at: no repeat is due to chance."""


def is_more_than_chance(found: int, expected: float) -> bool:
    """Whether there are more repeats than chance explains, by the Chernoff bound of a Poisson distribution."""
    mean = DEPENDENCE * max(expected, NEGLIGIBLE)
    return found > mean and found - mean + found * log(mean / found) <= log(CHANCE)


def expected_repeats(
    table: Table, inputs: Sequence[str], targets: Sequence[str], split: Split, pairs: Sequence[tuple[Part, Part]]
) -> dict[tuple[Part, Part], float]:
    """Expected number, for each pair of splits, of rows of the second that equal a row of the first.

    Columns are taken for independent of each other within a class. A target of many values is another column, unless
    rows with equal inputs mostly have equal targets, so that it follows from the inputs. A row with cells of the
    frequencies p1, p2, … among the n rows of its class in the first split then has an equal one with probability
    1 - exp(-n p1 p2 …). If there is such a row, it is left out of the frequencies once, unless there is one column.
    """
    parts = {part: split.part(part) for part in PARTS}
    together = np.concatenate([parts[part] for part in PARTS])
    bounds = np.cumsum([len(parts[part]) for part in PARTS])
    slices = {part: slice(int(end) - len(parts[part]), int(end)) for part, end in zip(PARTS, bounds, strict=True)}
    classes, names = np.zeros(len(together), np.intp), [*inputs]
    for name in targets:
        codes = _codes(table, name, together)
        if (codes.max(initial=0) + 1) * ROWS_A_CLASS <= len(together):
            _, classes = np.unique(classes * (codes.max(initial=0) + 1) + codes, return_inverse=True)
        elif not _follows(table, inputs, name, together):
            names.append(name)
    flat = table.flat(names)
    keys = row_keys(table.flat([*inputs, *targets]), together)
    nothing = np.zeros(len(together), np.bool_)
    copies = {
        (first, second): np.isin(keys[slices[second]], keys[slices[first]])
        if len(flat) > 1
        else nothing[slices[second]]
        for first, second in pairs
    }
    logs = {pair: np.zeros(len(parts[pair[1]])) for pair in pairs}
    for name in flat:
        codes = _codes(flat, name, together)
        cells = np.unique(classes * (codes.max(initial=0) + 1) + codes, return_inverse=True)[1]
        for first, second in pairs:
            logs[first, second] += _log_frequencies(
                cells, classes, slices[first], slices[second], copies[first, second]
            )
        if all(len(together) * np.exp(of_rows).sum() < NEGLIGIBLE for of_rows in logs.values()):
            break
    sizes = {part: np.bincount(classes[slices[part]], minlength=classes.max(initial=0) + 1) for part in PARTS}
    return {
        (first, second): float(-np.expm1(-sizes[first][classes[slices[second]]] * np.exp(of_rows)).sum())
        for (first, second), of_rows in logs.items()
    }


def _follows(table: Table, inputs: Sequence[str], target: str, rows: NDArray[np.intp]) -> bool:
    """Whether at least half the rows that repeat the inputs of an earlier row also repeat its target."""
    repeats = [np.count_nonzero(~first_of_equals(table, names, rows)) for names in (inputs, [*inputs, target])]
    return bool(2 * repeats[1] >= repeats[0])


def _codes(table: Table, name: str, rows: NDArray[np.intp]) -> Codes:
    return np.unique(bits(table[name].take(rows)), return_inverse=True)[1]


def _log_frequencies(
    cells: Codes, classes: Codes, first: slice, second: slice, copies: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Logarithm of the frequency, in its class in the first split, of the cell of each row of the second.

    copies: rows of the second that equal one of the first, which does not count.
    """
    counts = np.bincount(cells[first], minlength=int(cells.max(initial=0)) + 1)[cells[second]] - copies
    totals = np.bincount(classes[first], minlength=int(classes.max(initial=0)) + 1)[classes[second]]
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(counts) - np.log(np.maximum(totals, 1)))
