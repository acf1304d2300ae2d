"""Formatting of numbers and products in a traced step."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from bpcli.arrays.memory import Array

Numbers = Sequence[float] | Array

MOST_TERMS = 4
"""Terms of the longest sum that is written out."""


def is_arithmetic(made: str) -> bool:
    """Whether an input's or target's origin is an arithmetic expression rather than words."""
    return "/" in made and made.lstrip("-(").removeprefix("log(").lstrip("-(")[:1].isdecimal()


class Arithmetic:
    """Formats numbers with the decimals that a floating-point type represents well."""

    def __init__(self, dtype: str, brief: bool = False) -> None:
        """`brief` formats numbers for a drawing, with four digits."""
        self._brief = brief
        self._decimals = 4 if brief else 9 if dtype == "float64" else 6

    def fixed(self, value: float) -> str:
        """Number in a column."""
        if value == 0:
            return "0"
        size, tiny = abs(value), 10.0 ** (3 - self._decimals)
        return f"{value:.{self._decimals}f}" if tiny <= size < 1e6 else f"{value:.{self._decimals - 3}e}"

    def short(self, value: float) -> str:
        """Number in a line: with the decimals of a column, but without trailing zeros."""
        if self._brief:
            return f"{value + 0.0:.{self._decimals}g}"  # -0.0 + 0.0 is 0.0
        digits, e, exponent = self.fixed(value).partition("e")
        return (digits.rstrip("0").rstrip(".") if "." in digits else digits) + e + exponent

    def constant(self, value: float) -> str:
        """Number in the config, or derived from it."""
        return f"{value:.{self._decimals}g}"

    def factor(self, value: float) -> str:
        """Number after a sign, in brackets if negative."""
        return f"({self.short(value)})" if value < 0 else self.short(value)

    def product(self, a: float, b: float) -> str:
        """A product and its value."""
        return f"{self.products([a], [b])} = {self.fixed(a * b)}"

    def products(self, a: Numbers, b: Numbers) -> str:
        """Σ a · b, written out; a negative number after a sign is in brackets."""
        first = f"{self.short(a[0])} · {self.factor(b[0])}"
        others = (f"{self.factor(left)} · {self.factor(right)}" for left, right in zip(a[1:], b[1:], strict=True))
        return " + ".join([first, *others])


def filled(right: str, values: Mapping[str, str]) -> str:
    """Right side of an equation with numbers in place of names."""
    names = "|".join(re.escape(name) for name in sorted(values, key=len, reverse=True))

    def number(found: re.Match[str]) -> str:
        value = values[found[0]]
        leads = found.start() == 0 and right[found.end() : found.end() + 1] != "²"
        return f"({value})" if value.startswith("-") and not leads else value

    return re.sub(rf"(?<![A-Za-z_])(?:{names})(?![A-Za-z_])", number, right)
