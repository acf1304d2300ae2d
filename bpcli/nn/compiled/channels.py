"""Sums and scales of channels, in one pass each, with the bits of NumPy.

Values are (rows, positions, channels), or (rows · positions, channels). Sums are added to 0 in NumPy's order: over the
positions of each row, then over the rows. Arrays are float32.
"""

from __future__ import annotations

from typing import Any

from bpcli.nn.compiled.functions import ZERO, compiled


@compiled
def over_rows(sums: Any, out: Any) -> None:
    """Sum (rows, channels) over the rows."""
    out[:] = ZERO
    for row in range(len(sums)):
        line = sums[row]
        for j in range(len(line)):
            out[j] += line[j]


@compiled
def total(values: Any, sums: Any, out: Any) -> None:
    """Sum over rows and positions; `sums`, (rows, channels), are those of each row."""
    sums[:] = ZERO
    for row in range(len(values)):
        line = sums[row]
        for position in range(values.shape[1]):
            value = values[row, position]
            for j in range(len(line)):
                line[j] += value[j]
    over_rows(sums, out)


@compiled
def center(x: Any, mean: Any, centered: Any, sums: Any, out: Any) -> None:
    """Write x - mean to `centered`, and the sum of its squares to `out`."""
    sums[:] = ZERO
    for row in range(len(x)):
        line = sums[row]
        for position in range(x.shape[1]):
            value, to = x[row, position], centered[row, position]
            for j in range(len(line)):
                difference = value[j] - mean[j]
                to[j] = difference
                line[j] += difference * difference
    over_rows(sums, out)


@compiled
def standardize(centered: Any, inverse: Any, scale: Any, shift: Any, out: Any) -> None:
    """Multiply `centered` by `inverse` in place, and write it, scaled and shifted, to `out`."""
    for place in range(len(out)):
        value, to = centered[place], out[place]
        for j in range(len(to)):
            normalized = value[j] * inverse[j]
            value[j] = normalized
            to[j] = normalized * scale[j] + shift[j]


@compiled
def sum_errors(dy: Any, normalized: Any, products: Any, sums: Any, of_scale: Any, of_shift: Any) -> None:
    """Sums of dy · normalized and of dy; `products` and `sums`, (rows, channels), are those of each row."""
    products[:] = ZERO
    sums[:] = ZERO
    for row in range(len(dy)):
        product, line = products[row], sums[row]
        for position in range(dy.shape[1]):
            d, value = dy[row, position], normalized[row, position]
            for j in range(len(line)):
                product[j] += d[j] * value[j]
                line[j] += d[j]
    over_rows(products, of_scale)
    over_rows(sums, of_shift)


@compiled
def pass_back(dy: Any, normalized: Any, of_scale: Any, of_shift: Any, rows: Any, factor: Any) -> None:
    """Dy ← factor · (dy - (normalized · of_scale + of_shift) / rows)."""
    for place in range(len(dy)):
        d, value = dy[place], normalized[place]
        for j in range(len(d)):
            d[j] = (d[j] - (value[j] * of_scale[j] + of_shift[j]) / rows) * factor[j]
