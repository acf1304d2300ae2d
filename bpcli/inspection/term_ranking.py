"""Terms of texts, ranked by their contributions to the answers of many rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bpcli.arrays.memory import Array
from bpcli.data.table import Table
from bpcli.documents.table import Table as Tabular
from bpcli.inspection.attributions import Attributions
from bpcli.inspection.terms import TermContributions
from bpcli.models.model import Model
from bpcli.wording import counted, number, printable

MOST_TERMS = 1_000
"""Maximum number of terms of a ranking."""

MOST_TARGETS = 4
"""Maximum number of targets with a column of their own."""


@dataclass(frozen=True)
class RankedTerm:
    """A term, and the number of rows with it.

    importance: mean size of its contribution over all rows and targets. towards: class that it speaks for, to whose
    answers it adds most; None for numbers and labels. contribution: its mean over the rows with the term, for a class
    with the sign of the answer `towards`; over the targets too, if there are several. by_target: mean for each of
    several targets or labels.
    """

    term: str
    rows: int
    importance: float
    contribution: float
    towards: str | None
    by_target: Mapping[str, float]


@dataclass(frozen=True)
class RankedTerms:
    """Terms of a column of texts, most important first, by their contributions over a number of rows."""

    column: str
    rows: int
    terms: list[RankedTerm]

    @property
    def by_class(self) -> bool:
        """Whether terms speak for classes."""
        return any(one.towards is not None for one in self.terms)

    @property
    def targets(self) -> list[str]:
        """Names of several targets or labels; empty for one."""
        return list(self.terms[0].by_target) if self.terms else []

    @property
    def meaning(self) -> str:
        """Meaning of the numbers."""
        towards = ", for the class that it speaks for" if self.by_class else ""
        if len(self.targets) > MOST_TARGETS:
            towards = f" and the {len(self.targets)} targets"
        rows = counted(self.rows, "row")
        return (
            f"terms by the mean size of their contribution to the answer over {rows} (integrated gradients); "
            f"contribution: mean over the rows with the term{towards}"
        )

    def table(self, most: int) -> Tabular:
        """Table of the terms, of which `most` are shown."""
        by_class, targets = self.by_class, self.targets if len(self.targets) <= MOST_TARGETS else []
        rows = [
            [
                printable(one.term),
                str(one.rows),
                number(one.importance),
                *([number(one.by_target[name]) for name in targets] or [number(one.contribution)]),
                *([printable(one.towards or "")] if by_class else []),
            ]
            for one in self.terms
        ]
        numbers = [f"contribution to {printable(name)}" for name in targets] or ["contribution"]
        header = ["term", "rows", "importance", *numbers, *(["towards"] if by_class else [])]
        return Tabular(f"Terms of {self.column}", header, rows, right=range(1, 3 + len(numbers)), most=most)


def ranked_terms(model: Model, table: Table, added: Attributions) -> tuple[RankedTerms, ...]:
    """Rank the terms of each column of texts by the attributions of a table's rows."""
    if not added.terms:
        return ()
    predicted = model.outcome(table)[0].predicted if model.target.class_names else None
    targets = added.outputs if len(added.outputs) > 1 else ()
    return tuple(_ranked(model, terms, predicted, targets) for terms in added.terms)


def _ranked(model: Model, of: TermContributions, predicted: Array | None, targets: Sequence[str]) -> RankedTerms:
    """Rank the terms of a column; predicted: classes (rows,), or None. targets: names of several."""
    count = len(of.names)
    rows = np.bincount(of.terms, minlength=count)
    by_target = {
        name: np.bincount(of.terms, of.contributions[:, place], minlength=count) / np.maximum(rows, 1)
        for place, name in enumerate(targets)
    }
    sizes = np.bincount(of.terms, np.abs(of.contributions).mean(axis=1), minlength=count) / max(of.count, 1)
    if predicted is None:
        means = np.bincount(of.terms, of.contributions.mean(axis=1), minlength=count) / np.maximum(rows, 1)
        towards: list[str | None] = [None] * count
    else:
        classes = model.target.class_names
        values, answer = of.contributions[:, 0], predicted[of.rows].astype(np.intp)
        pairs = of.terms * len(classes) + answer
        sums = np.bincount(pairs, values, minlength=count * len(classes))
        if len(classes) > 2:  # of two classes, what is against one is for the other
            sums[np.bincount(pairs, minlength=len(sums)) == 0] = -np.inf  # no row with the term has this answer
        best = sums.reshape(count, -1).argmax(axis=1)
        speaks = np.where(answer == best[of.terms], values, -values if len(classes) == 2 else 0.0)
        there = np.bincount(of.terms, (answer == best[of.terms]) | (len(classes) == 2), minlength=count)
        means = np.bincount(of.terms, speaks, minlength=count) / np.maximum(there, 1)
        towards = [classes[place] for place in best.tolist()]
    order = np.argsort(-sizes, kind="stable")[:MOST_TERMS]
    found = [
        RankedTerm(
            of.names[place],
            int(rows[place]),
            float(sizes[place]),
            float(means[place]),
            towards[place],
            {name: float(values[place]) for name, values in by_target.items()},
        )
        for place in order.tolist()
        if rows[place]
    ]
    return RankedTerms(of.column, of.count, found)
