"""Names and numbers as a page shows them."""

from __future__ import annotations

from bpcli import wording as text


def spaced(name: str) -> str:
    """`validation_loss` as `validation loss`."""
    return name.replace("_", " ")


def number(value: float | int | None) -> str:
    """A number as the terminal shows it, but – for none."""
    return text.number(value, "–")


def as_sentence(line: str) -> str:
    """A note or warning, which begin small and end bare, as a sentence among others."""
    return f"{line[:1].upper()}{line[1:]}{'' if line.endswith('.') else '.'}"
