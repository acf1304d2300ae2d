"""Bounds on metrics, as `evaluate --require` takes them."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass

from bpcli.documents.scores import ScoreReport, Scores
from bpcli.errors import UsageError
from bpcli.wording import quoted, suggestion

_COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
    "==": operator.eq,
}


@dataclass(frozen=True)
class Requirement:
    """Bound on a metric, such as `accuracy>=0.95`."""

    metric: str
    comparison: str
    bound: float

    @classmethod
    def parse(cls, text: str) -> Requirement:
        """Parse a requirement. Raises UsageError if `text` is not one."""
        match = re.fullmatch(r"\s*(\w+)\s*(>=|<=|==|>|<)\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*", text)
        if match is None:
            raise UsageError(
                f"--require {quoted(text)}: expected a metric, a comparison and a number, such as accuracy>=0.95"
            )
        return cls(match[1], match[2], float(match[3]))

    def check(self, report: ScoreReport) -> str | None:
        """Message if the requirement is not met, else None. Raises UsageError for an unknown metric."""
        values: Scores = {"rows": report.rows, **report.scores}
        if self.metric not in values:
            metrics = [name for name, value in report.scores.items() if value is not None]
            hint = suggestion(self.metric, metrics) or f"; available: {', '.join(metrics)}"
            raise UsageError(f"--require: no metric {quoted(self.metric)}{hint}")
        value = values[self.metric]
        if value is not None and _COMPARISONS[self.comparison](value, self.bound):
            return None
        shown = "undefined" if value is None else f"{value:.6g}"
        positive = report.of_positive(self.metric)
        of = "" if positive is None else f" of class {quoted(positive)}"
        return f"required {self.metric}{of} {self.comparison} {self.bound:g}, but it is {shown}"
