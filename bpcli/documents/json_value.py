"""JSON values, and tolerant readers for JSON from untrusted files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import TypeAlias

Json: TypeAlias = "bool | int | float | str | Sequence[Json] | Mapping[str, Json] | None"
"""Any JSON value, as the `json` module reads and writes it."""


def measured(value: object) -> float | None:
    """Return `value` as a float if it is a finite number, else None."""
    if type(value) is float:
        return value if isfinite(value) else None
    if isinstance(value, bool) or not isinstance(value, (int, float)):  # a union would be built in every call
        return None
    try:
        return float(value) if isfinite(value) else None
    except OverflowError:
        return None


def whole(value: object) -> int | None:
    """Return `value` if it is an integer, else None."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def text(value: object) -> str | None:
    """Return `value` if it is a string, else None."""
    return value if isinstance(value, str) else None


def items(value: Json) -> Sequence[Json]:
    """Items of a list; empty for any other value."""
    return value if isinstance(value, list) else ()


def members(value: Json) -> Mapping[str, Json]:
    """Members of an object; empty for any other value."""
    return value if isinstance(value, dict) else {}
