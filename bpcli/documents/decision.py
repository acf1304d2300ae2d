"""Report of a model's decision: thresholds and calibration, with what they reach and on which rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from bpcli.documents.json_value import Json, measured, members, text, whole
from bpcli.documents.scores import Scores
from bpcli.frozen import dataclass
from bpcli.wording import counted, number, printable

BEFORE, AFTER = "before", "after"

ROWS = {
    "validation": "validation rows (of the fit, so optimistic)",
    "test": "test rows",
    "evaluated": "these rows",
}
"""Description of the rows that calibration is scored on."""


@dataclass(frozen=True)
class ThresholdReport:
    """Threshold of a class or label. score: value of the aim on the rows of the choice; None for a given number.

    positives: number of positive rows of the choice; None for a given number, and in older checkpoints.
    """

    value: float
    score: float | None = None
    met: bool = True
    positives: int | None = None


@dataclass(frozen=True)
class DecisionReport:
    """Thresholds by class or label, with the aim by which they were chosen, and calibration.

    aim, calibration: None if there is none. rows: validation rows of the fit. scores: by key of ROWS, scores of the
    probabilities before and after calibration.
    """

    thresholds: Mapping[str, ThresholdReport] = field(default_factory=dict)
    aim: str | None = None
    calibration: str | None = None
    rows: int = 0
    scores: Mapping[str, Mapping[str, Scores]] = field(default_factory=dict)

    def lines(self) -> list[str]:
        """Lines of text."""
        several = len(self.thresholds) > 1
        lines = [
            f"threshold{f' of {printable(name)}' if several else ''} {one.value:.4g} ({self._reason(name, one)})"
            for name, one in self.thresholds.items()
        ]
        if self.calibration is not None:
            fitted = f"fitted on {counted(self.rows, 'validation row')}"
            lines.append(f"calibration: {self.calibration}; {fitted}")
        for part, scores in self.scores.items():
            changes = ", ".join(
                f"{name.replace('_', ' ')} {number(value)} → {number(scores.get(AFTER, {}).get(name))}"
                for name, value in scores.get(BEFORE, {}).items()
            )
            lines.append(f"{ROWS.get(part, part)}, before → after calibration: {changes}")
        return lines

    def _reason(self, name: str, one: ThresholdReport) -> str:
        if self.aim is None:
            return "given"
        rows = counted(self.rows, "validation row")
        if one.score is None:
            return f"not chosen by {self.aim}: the {rows} are all of one kind"
        missed = "" if one.met else "; no threshold reaches the bound"
        positive = "" if one.positives is None else f", {one.positives:,} of them {printable(name)}"
        return f"{self.aim}, chosen on {rows}{positive}, where it is {number(one.score)}{missed}"

    def to_json(self) -> dict[str, Json]:
        """Report as a JSON object."""
        return {
            "thresholds": {name: dict(vars(one)) for name, one in self.thresholds.items()},
            "aim": self.aim,
            "calibration": self.calibration,
            "rows": self.rows,
            "scores": {rows: {when: dict(one) for when, one in both.items()} for rows, both in self.scores.items()},
        }

    @classmethod
    def from_json(cls, document: Json) -> DecisionReport | None:
        """Parse a report, ignoring invalid entries; None if it is not an object."""
        if not isinstance(document, dict):
            return None
        found = {name: members(one) for name, one in members(document.get("thresholds")).items()}
        return cls(
            {
                name: ThresholdReport(
                    value, measured(one.get("score")), one.get("met") is not False, whole(one.get("positives"))
                )
                for name, one in found.items()
                if (value := measured(one.get("value"))) is not None
            },
            text(document.get("aim")),
            text(document.get("calibration")),
            whole(document.get("rows")) or 0,
            {
                rows: {
                    when: {name: measured(value) for name, value in members(scores).items()}
                    for when, scores in members(both).items()
                }
                for rows, both in members(document.get("scores")).items()
            },
        )
