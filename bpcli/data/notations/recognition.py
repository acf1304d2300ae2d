"""Recognition of the notation of numbers from the words of a column."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from bpcli.data.notations.numbers import MINUS, SPACES, NumberNotation

FEWEST_WITH_LETTERS = 10
"""Distinct words from which letters behind a number are a unit: below, words such as 1A and 2A are rather classes."""

_CURRENCIES = (
    "usd",
    "eur",
    "gbp",
    "chf",
    "jpy",
    "cny",
    "inr",
    "rs",
    "rs.",
    "cad",
    "aud",
    "brl",
    "r$",
    "us$",
    "kr",
    "zł",
)

_AROUND = rf"[{MINUS}+(){SPACES}]*"
_UNIT = rf"[^\d\s.,'+(){MINUS[1:]}{MINUS[0]}]*"
_WORD = (
    rf"{_AROUND}(?P<before>{_UNIT}){_AROUND}"
    rf"(?P<number>[.,]?\d[\d.,'{SPACES}]*?)(?P<exponent>[A-Za-z][{MINUS}+]?\d+)?"
    rf"[{SPACES}]*(?P<behind>{_UNIT}){_AROUND}"
)

_SEPARATORS = ((".", None), (".", ","), (",", None), (",", "."), (".", " "), (",", " "), (".", "'"), (",", "'"))
"""Decimal and thousands separators, in the order in which they are tried: 1,234 is read as 1234, and 12,5 as 12.5."""


def recognise_numbers(words: Sequence[str]) -> NumberNotation | None:
    """Notation in which all words are numbers with one unit at most, or None.

    Plain numbers have no notation. Words of one letter and a number, such as A1, are names.
    """
    matches = [re.fullmatch(_WORD, word) for word in words]
    found = [match for match in matches if match is not None]
    if not words or len(found) < len(words):
        return None
    units = {match[side] for match in found for side in ("before", "behind")} - {""}
    if len(units) > 1:
        return None
    unit = next(iter(units), None)
    if unit is not None and not _is_unit(unit, found):
        return None
    letters = {match["exponent"][0].upper() for match in found if match["exponent"]} - {"E"}
    exponent = letters.pop() if letters == {"D"} else None
    for decimal, thousands in _SEPARATORS:
        notation = NumberNotation(
            unit=unit,
            decimal=decimal,
            thousands=thousands,
            parentheses=any("(" in word for word in words),
            trailing=any(word[-1] in MINUS for word in words),
            exponent=exponent,
        )
        if np.isfinite(notation.values(words)).all():
            return None if notation == NumberNotation() else notation
    return None


def _is_unit(unit: str, found: list[re.Match[str]]) -> bool:
    if not any(char.isalpha() for char in unit) or unit.lower() in _CURRENCIES:
        return True
    return len(found) >= FEWEST_WITH_LETTERS and all(match["before"] == "" for match in found)
