"""Names and numbers as a page shows them."""

from __future__ import annotations


def spaced(name: str) -> str:
    """`validation_loss` as `validation loss`."""
    return name.replace("_", " ")


def number(value: float | int | None) -> str:
    """A number in a table: four decimals, an exponent where it is tiny or huge, separators if whole; – for none."""
    if value is None:
        return "–"
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:.4f}" if value == 0 or 1e-3 <= abs(value) < 1e4 else f"{value:.4g}"


def as_sentence(line: str) -> str:
    """A note or warning, which begin small and end bare, as a sentence among others."""
    return f"{line[:1].upper()}{line[1:]}{'' if line.endswith('.') else '.'}"
