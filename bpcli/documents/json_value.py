"""Values of JSON, and what can be read from one that somebody else may have written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import TypeAlias

Json: TypeAlias = "bool | int | float | str | Sequence[Json] | Mapping[str, Json] | None"
"""Anything that JSON can hold, as `json` reads and writes it."""


def measured(value: object) -> float | None:
    """`value` as a finite number; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value) if isfinite(value) else None
    except OverflowError:
        return None


def whole(value: object) -> int | None:
    """`value` where it is a whole number, else None."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def text(value: object) -> str | None:
    """`value` where it is text, else None."""
    return value if isinstance(value, str) else None


def items(value: Json) -> Sequence[Json]:
    """The items of a list; none of anything else."""
    return value if isinstance(value, list) else ()


def members(value: Json) -> Mapping[str, Json]:
    """The members of an object; none of anything else."""
    return value if isinstance(value, dict) else {}
