"""Score reports: every metric of a model on some rows, in total and by class, label or target."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import Literal

from bpcli.documents.json_value import Json, items, measured, members, text, whole
from bpcli.frozen import dataclass
from bpcli.wording import quoted

Scores = Mapping[str, float | None]
"""Value by metric name; None if undefined."""

_NUMBER_OR_NONE = (float, int, type(None))

Group = Literal["class", "label", "target"]

OF_POSITIVE = ("precision", "recall", "f1", "roc_auc", "average_precision")
"""Scores of two classes that refer to the positive class."""

GROUPS: tuple[Group, ...] = ("class", "label", "target")

_NO_SCORES = ("rows", *(f"per_{group}" for group in GROUPS), "weight_sum", "unweighted")
"""Entries of a report besides its scores."""


@dataclass(frozen=True)
class ScoreReport:
    """Scores on `rows` rows.

    scores: every scalar metric. group: kind of the entries of `groups` (class, label or target), each with its own
    scores by name; None without groups. confusion_matrix: for classification, counts with a row for each true class and
    a column for each predicted class. positive: for two classes, the one that the scores of OF_POSITIVE refer to.
    weight_sum: sum of the row weights if they count in the scores, and in supports and the confusion matrix in place of
    rows; None without weights. unweighted: the scores without them.
    """

    rows: int
    scores: Scores
    group: Group | None = None
    groups: Mapping[str, Scores] = field(default_factory=dict)
    confusion_matrix: Sequence[Sequence[float]] | None = None
    positive: str | None = None
    weight_sum: float | None = None
    unweighted: ScoreReport | None = None

    @property
    def about_positive(self) -> list[str]:
        """Line on the positive class; empty unless there are two classes."""
        return about_positive(self.positive)

    def of_positive(self, name: str) -> str | None:
        """Class that a score refers to; None if it refers to all."""
        return self.positive if name in OF_POSITIVE else None

    @property
    def differing(self) -> dict[str, float | None]:
        """Unweighted values of the scalar metrics that weights change; empty without weights."""
        plain: Scores = {} if self.unweighted is None else self.unweighted.scores
        return {name: value for name, value in plain.items() if not _same(value, self.scores.get(name))}

    def to_json(self) -> dict[str, Json]:
        """Report as a JSON object."""
        document: dict[str, Json] = {"rows": self.rows, **self.scores}
        if self.positive is not None:
            document["positive"] = self.positive
        if self.confusion_matrix is not None:
            document["confusion_matrix"] = self.confusion_matrix
        if self.group is not None:
            document[f"per_{self.group}"] = self.groups
        if self.weight_sum is not None:
            document["weight_sum"] = self.weight_sum
        if self.unweighted is not None:
            document["unweighted"] = self.unweighted.to_json()
        return document

    @classmethod
    def from_json(cls, document: Mapping[str, Json]) -> ScoreReport:
        """Parse a report, ignoring entries that do not have the format of `to_json`."""
        group = next((group for group in GROUPS if f"per_{group}" in document), None)
        matrix = [[_figure(count) or 0 for count in items(row)] for row in items(document.get("confusion_matrix"))]
        plain = document.get("unweighted")
        return cls(
            rows=whole(document.get("rows")) or 0,
            scores=scores_in(document),
            group=group,
            groups={
                name: {metric: _figure(value) for metric, value in members(figures).items()}
                for name, figures in members(document.get(f"per_{group}")).items()
            },
            confusion_matrix=matrix if "confusion_matrix" in document else None,
            positive=text(document.get("positive")),
            weight_sum=_figure(document.get("weight_sum")),
            unweighted=cls.from_json({**plain, "unweighted": None}) if isinstance(plain, dict) else None,
        )


def about_positive(positive: str | None) -> list[str]:
    """Line on the positive class; empty unless there are two classes."""
    if positive is None:
        return []
    return [f"precision, recall, F1 and curves refer to the positive class, {quoted(positive)}"]


def scores_in(document: Mapping[str, Json]) -> dict[str, float | None]:
    """Scalar metrics of a report as `ScoreReport.to_json` writes it, without its other entries."""
    return {
        name: measured(value)
        for name, value in document.items()
        if isinstance(value, _NUMBER_OR_NONE) and name not in _NO_SCORES
    }


def _same(value: float | None, other: float | None) -> bool:
    if value is None or other is None:
        return value is other
    return math.isclose(value, other, rel_tol=1e-9, abs_tol=1e-12)


def _figure(value: Json) -> float | None:
    """Number as written to JSON; integers stay integers."""
    count = whole(value)
    return measured(value) if count is None else count
