"""Products of a batch of sparse rows with weights, entry by entry."""

from __future__ import annotations

from typing import Any

from bpcli.nn.compiled.functions import compiled


@compiled
def number_columns(
    columns: Any, values: Any, starts: Any, stops: Any, slot: Any, used: Any, local: Any, held: Any, ends: Any
) -> int:
    """Number the columns that occur in the order of their first entry, and copy the entries of the rows.

    columns, values: the pool; starts, stops: range of each row in it. slot: memory for each column, of any content.
    Writes the columns to `used`, number and value of each entry to `local` and `held`, and the end of each row to
    `ends`. Returns how many columns occur.
    """
    count = at = 0
    for row in range(len(starts)):
        for entry in range(starts[row], stops[row]):
            column = columns[entry]
            number = slot[column]
            if number < 0 or number >= count or used[number] != column:
                number = slot[column] = count
                used[count] = column
                count += 1
            local[at] = number
            held[at] = values[entry]
            at += 1
        ends[row] = at
    return count


@compiled
def add_product(local: Any, held: Any, ends: Any, used: Any, weight: Any, out: Any) -> None:
    """Add x W to `out`, (rows, units)."""
    at = 0
    for row in range(len(ends)):
        sums = out[row]
        for entry in range(at, ends[row]):
            value, weights = held[entry], weight[used[local[entry]]]
            for unit in range(len(sums)):
                sums[unit] += value * weights[unit]
        at = ends[row]


@compiled
def write_gradient(local: Any, held: Any, ends: Any, dz: Any, out: Any) -> None:
    """Write xᵀ dz to `out`, (columns that occur, units)."""
    out[:] = 0
    at = 0
    for row in range(len(ends)):
        errors = dz[row]
        for entry in range(at, ends[row]):
            value, sums = held[entry], out[local[entry]]
            for unit in range(len(errors)):
                sums[unit] += value * errors[unit]
        at = ends[row]
