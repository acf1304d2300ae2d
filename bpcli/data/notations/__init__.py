"""Notations of numbers: units, currencies, separators, accounting signs, Fortran exponents."""

from bpcli.data.notations.base import Notation
from bpcli.data.notations.numbers import NumberNotation

__all__ = ["Notation", "NumberNotation"]
