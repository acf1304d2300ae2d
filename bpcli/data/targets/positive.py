"""Suggestion of the positive class of a target of two classes."""

from __future__ import annotations

import numpy as np

from bpcli.data.table import TRUE_WORDS, Column
from bpcli.frozen import dataclass
from bpcli.wording import counted

NATURAL = (*TRUE_WORDS, "1")
"""Words for the positive class, by which equally frequent classes are decided."""


@dataclass(frozen=True)
class PositiveChoice:
    """Suggested positive class, and the reason."""

    name: str
    reason: str


def suggest_positive(column: Column) -> PositiveChoice | None:
    """Positive class to suggest for a target column: the rarer one. None unless there are two classes."""
    known = column.known()
    _, first, counts = np.unique(known.values, return_index=True, return_counts=True)
    if len(counts) != 2:
        return None
    names = known.take(first).labels()
    if counts[0] != counts[1]:
        rarer = int(np.argmin(counts))
        return PositiveChoice(names[rarer], f"the rarer class, {counts[rarer]:,} of {counted(len(known), 'row')}")
    natural = [name for name in names if name.lower() in NATURAL]
    return PositiveChoice((natural or names)[-1], f"both classes have {counted(int(counts[0]), 'row')}")
