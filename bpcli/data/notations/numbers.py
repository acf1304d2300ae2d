"""Numbers as people and programs write them: €1,234.56, 12 %, (1,234), 83 kg, 3.5D-04."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from bpcli.data.notations.base import Notation
from bpcli.data.table import Kind

SPACES = " \u00a0\u202f\u2009"
"""Blanks within a cell; any of them, given as the mark between thousands, means all."""

MINUS = "-\u2212\u2013"
"""Minus signs: hyphen, minus sign, and the en dash that word processors put in place of it."""


def digits_pattern(decimal: str, thousands: str | None) -> str:
    """Pattern of an unsigned number. Digits are grouped in threes, as in 12,34,567, or not at all."""
    point, whole = re.escape(decimal), "[0-9]+"
    if thousands:
        mark = f"[{re.escape(SPACES if thousands in SPACES else thousands)}]"
        whole = rf"(?:[0-9]{{1,3}}(?:{mark}[0-9]{{3}})+|[0-9]{{1,2}}(?:{mark}[0-9]{{2}})+{mark}[0-9]{{3}}|[0-9]+)"
    return rf"(?:{whole}(?:{point}[0-9]*)?|{point}[0-9]+)"


class NumberNotation(Notation):
    """Notation of numbers with one unit or currency, before or behind the number.

    Numbers without the unit are read too. `parentheses`: (5) is -5. `trailing`: 5- is -5, which is read
    in all notations, but not in plain numbers. `exponent`: letter before an exponent besides e.
    """

    unit: str | None = None
    decimal: str = "."
    thousands: str | None = None
    parentheses: bool = False
    trailing: bool = False
    exponent: str | None = None

    @property
    def kind(self) -> Kind:
        """Numeric."""
        return "numeric"

    @property
    def expected(self) -> str:
        """A number in this notation."""
        number = f"1{self.thousands or ''}234{self.decimal}5"
        unit = self.unit or ""
        shown = f"{unit}{number}" if len(unit) == 1 and not unit.isalnum() and unit != "%" else f"{number} {unit}"
        return f"a number such as {shown.strip()}" + (
            " or (5)" if self.parentheses else " or 5-" if self.trailing else ""
        )

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        gap = f"[{SPACES}]*"
        unit = rf"(?:{re.escape(self.unit)}{gap})?" if self.unit else ""
        behind = rf"(?:{gap}{re.escape(self.unit)})?" if self.unit else ""
        letters = "eE" + (self.exponent.lower() + self.exponent.upper() if self.exponent else "")
        sign, digits = f"[{MINUS}+]?{gap}", digits_pattern(self.decimal, self.thousands)
        number = rf"(?P<number>{digits})(?:[{letters}](?P<exponent>[{MINUS}+]?[0-9]+))?"
        plain = rf"(?P<before>{sign}){unit}(?P<after>{sign}){number}{behind}(?P<last>[{MINUS}]?)"
        if not self.parentheses:
            return re.compile(plain)
        return re.compile(rf"(?P<open>{unit}\({gap}{unit})?{plain}(?(open){gap}\){behind})")

    def values(self, words: Sequence[str]) -> NDArray[np.float64]:
        """Value of each word (words,), infinity for a word that is no number in this notation."""
        return np.fromiter(map(self._value, words), np.float64, len(words))

    def _value(self, word: str) -> float:
        match = self._pattern.fullmatch(word)
        if match is None:
            return np.inf
        found = match.groupdict()
        signs = (found["before"] + found["after"] + found["last"]).strip(SPACES)
        in_parentheses = found.get("open") is not None
        if len(signs) + in_parentheses > 1:
            return np.inf
        number = found["number"]
        if self.thousands:
            number = re.sub(f"[{re.escape(SPACES if self.thousands in SPACES else self.thousands)}]", "", number)
        number = number.replace(self.decimal, ".")
        exponent = found["exponent"] or "0"
        value = float(f"{number}e{re.sub(f'[{MINUS}]', '-', exponent)}")
        return -value if in_parentheses or (signs and signs in MINUS) else value
