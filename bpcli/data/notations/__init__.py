"""Notations of cells: numbers with units, separators and signs; dates and times of day."""

from bpcli.data.notations.base import Notation
from bpcli.data.notations.dates import DateNotation, Order, TimeNotation
from bpcli.data.notations.numbers import NumberNotation

__all__ = ["DateNotation", "Notation", "NumberNotation", "Order", "TimeNotation"]
