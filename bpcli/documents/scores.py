"""A report of scores: every metric of a model on some rows, and the same of each class, label or target."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from bpcli.documents.json_value import Json, items, measured, members, whole

Scores = Mapping[str, float | None]
"""Value by metric; None where it is undefined."""

Group = Literal["class", "label", "target"]

GROUPS: tuple[Group, ...] = ("class", "label", "target")


@dataclass(frozen=True)
class ScoreReport:
    """Scores on `rows` rows.

    scores: every scalar metric. group: what `groups` are, each with scores of its own by name; None where the rows
    are not divided. confusion_matrix: of classes, a row for each true one.
    """

    rows: int
    scores: Scores
    group: Group | None = None
    groups: Mapping[str, Scores] = field(default_factory=dict)
    confusion_matrix: Sequence[Sequence[int]] | None = None

    def to_json(self) -> dict[str, Json]:
        """The report as it is written."""
        document: dict[str, Json] = {"rows": self.rows, **self.scores}
        if self.confusion_matrix is not None:
            document["confusion_matrix"] = self.confusion_matrix
        if self.group is not None:
            document[f"per_{self.group}"] = self.groups
        return document

    @classmethod
    def from_json(cls, document: Mapping[str, Json]) -> ScoreReport:
        """The report of a document; what is not as `to_json` writes it is left out."""
        group = next((group for group in GROUPS if f"per_{group}" in document), None)
        matrix = [[whole(count) or 0 for count in items(row)] for row in items(document.get("confusion_matrix"))]
        return cls(
            rows=whole(document.get("rows")) or 0,
            scores={
                name: measured(value)
                for name, value in document.items()
                if name not in ("rows", f"per_{group}") and isinstance(value, float | int | None)
            },
            group=group,
            groups={
                name: {metric: _figure(value) for metric, value in members(figures).items()}
                for name, figures in members(document.get(f"per_{group}")).items()
            },
            confusion_matrix=matrix if "confusion_matrix" in document else None,
        )


def _figure(value: Json) -> float | None:
    """A number as it is written; counts stay whole."""
    count = whole(value)
    return measured(value) if count is None else count
