"""How the cells of a column are written."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bpcli.data.table import Kind
from bpcli.spec import Spec


class Notation(Spec):
    """Notation of a column: what its words mean, beyond plain numbers, names and truth words."""

    @property
    @abstractmethod
    def kind(self) -> Kind:
        """Kind of the column that is read."""

    @property
    @abstractmethod
    def expected(self) -> str:
        """Description of a valid cell, for errors, such as `a number such as €1,234.56`."""

    @abstractmethod
    def values(self, words: Sequence[str]) -> NDArray[np.float64]:
        """Value of each word (words,), infinity for a word that has none. Words have no blanks at their ends."""
