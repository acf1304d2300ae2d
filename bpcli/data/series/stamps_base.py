"""Base class of the stamps of a time axis."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence as Several

import numpy as np
from numpy.typing import NDArray

from bpcli.spec import Spec

Values = NDArray[np.float64]


JOINT = "\x1f"
"""Character between the words of several columns, and between their formats."""


class StampsBase(Spec):
    """Base class of the ways to write stamps. Words of several columns are joined by `JOINT`."""

    @property
    @abstractmethod
    def expected(self) -> str:
        """Description of a valid stamp, for errors."""

    @property
    @abstractmethod
    def read_as(self) -> str:
        """What stamps were taken for, for notes."""

    @property
    def are_counts(self) -> bool:
        """Whether stamps are plain numbers, in place of seconds since 1970."""
        return False

    @abstractmethod
    def values(self, words: Several[str]) -> Values:
        """Seconds since 1970, or the count, of each word (words,); infinity for a word that is no stamp."""

    @abstractmethod
    def write(self, values: Values) -> list[str]:
        """Word of each stamp (stamps,)."""
