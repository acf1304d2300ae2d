"""Contributions of terms of texts to predictions, summed up over rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from threading import Lock

from bpcli.inspection.attributions import Attributions
from bpcli.inspection.explained_regions import MOST_ROWS
from bpcli.wording import counted, printable

STRONGEST = 6
"""Number of terms named."""


class ExplainedTerms:
    """Sums of contributions by term of each column of texts, over any number of rows.

    Rows are added in any order; those of the first call are described one by one if there are few in all.
    """

    def __init__(self) -> None:
        self._rows = 0
        self._sizes: dict[str, dict[str, float]] = {}
        self._first: dict[str, list[list[tuple[str, float]]]] = {}
        self._lock = Lock()

    def add(self, found: Attributions) -> None:
        """Add the contributions of some rows. Threads may add at the same time."""
        with self._lock:
            self._add(found)

    def _add(self, found: Attributions) -> None:
        rows = len(found.explained)
        if rows <= MOST_ROWS and len(found.outputs) == 1 and not self._rows:
            self._first = {terms.column: terms.strongest(0, STRONGEST) for terms in found.terms}
        self._rows += rows
        for terms in found.terms:
            sizes = self._sizes.setdefault(terms.column, {})
            for output in range(len(found.outputs)):
                for name, _, _, size in terms.sums(output):
                    sizes[name] = sizes.get(name, 0.0) + size / len(found.outputs)

    def lines(self) -> Iterator[str]:
        """Yield lines on the strongest terms: of each row, if there are few, else of their mean size."""
        for column, sizes in self._sizes.items():
            name = f"{printable(column)}, contributions by term"
            first = self._first.get(column, [])
            if len(first) == self._rows:
                for row, strongest in enumerate(first, 1):
                    if strongest:
                        yield f"row {row} of {name}: {shown(strongest, '+.4g')}"
                continue
            most = sorted(sizes.items(), key=lambda item: -item[1])[:STRONGEST]
            means = [(term, size / self._rows) for term, size in most]
            if means:
                yield f"{name}, mean size over {counted(self._rows, 'row')}: {shown(means)}"


def shown(terms: Sequence[tuple[str, float]], form: str = ".4g") -> str:
    """Terms with their numbers on one line: `not good (-1.9); great (+0.8)`."""
    return "; ".join(f"{printable(name)} ({value:{form}})" for name, value in terms)
