"""Bounds on metrics, as `evaluate --require` takes them."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Collection
from dataclasses import asdict

from bpcli.documents.json_value import Json
from bpcli.documents.scores import ScoreReport, Scores
from bpcli.errors import UsageError
from bpcli.frozen import dataclass
from bpcli.wording import composed, listed, printable, quoted, suggestion

_COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
    "==": operator.eq,
}

NAMED = r"""(?: (?: "(?P<quoted>(?:[^"]|"")*)" | (?P<group>[^\s"](?:.*\S)?) ) \. )? (?P<metric>\w+)"""
"""Verbose pattern of a metric, with or without the class, label or target that it is of."""

_SYNTAX = re.compile(
    r"\s*"
    + NAMED
    + r"""
    \s*(?P<operator>>=|<=|==|>|<)\s*
    (?P<bound>[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)
    \s*""",
    re.VERBOSE | re.DOTALL,
)


def group_of(match: re.Match[str]) -> str | None:
    """Class, label or target in a match of NAMED; None without one."""
    group = match["group"] if match["quoted"] is None else match["quoted"].replace('""', '"')
    return None if group is None else composed(group)


def qualified(metric: str, group: str | None) -> str:
    """Metric with its class, label or target, quoted so that NAMED matches it."""
    if group is None:
        return metric
    plain = re.fullmatch(r'[^\s"](?:.*\S)?', group, re.DOTALL)
    shown = group if plain else '"' + group.replace('"', '""') + '"'
    return f"{shown}.{metric}"


@dataclass(frozen=True)
class Checked:
    """Outcome of a requirement.

    value: None if undefined. margin: distance by which the bound is met, negative if it is not; None if undefined.
    weighted: whether row weights count in the value. positive: positive class, if the value refers to it.
    """

    name: str
    operator: str
    bound: float
    value: float | None
    margin: float | None
    met: bool
    weighted: bool
    positive: str | None = None

    @property
    def failure(self) -> str | None:
        """Message if the requirement is not met, else None."""
        if self.met:
            return None
        shown = "undefined" if self.value is None else f"{self.value:.6g}"
        weighted = " (weighted)" if self.weighted else ""
        of = "" if self.positive is None else f" of class {quoted(self.positive)}"
        return f"required {printable(self.name)}{of} {self.operator} {self.bound:g}, but it is {shown}{weighted}"

    def to_json(self) -> dict[str, Json]:
        """Outcome as a JSON object."""
        return asdict(self)


@dataclass(frozen=True)
class Requirement:
    """Bound on a metric, such as `accuracy>=0.95`, or on that of a class, label or target, as `Yes.recall>=0.8`."""

    metric: str
    comparison: str
    bound: float
    group: str | None = None

    @classmethod
    def parse(cls, text: str) -> Requirement:
        """Parse a requirement. Raises UsageError if `text` is not one.

        The name of a class ends at the last dot, so that it may contain dots, spaces and comparisons. In double quotes,
        with those of the name doubled as in CSV, it may also begin with one, or begin or end with a space.
        """
        match = _SYNTAX.fullmatch(text)
        if match is None:
            raise UsageError(
                f"--require {quoted(text)}: expected a metric, a comparison and a number, such as accuracy>=0.95, or "
                "Yes.recall>=0.8 for a class"
            )
        return cls(match["metric"], match["operator"], float(match["bound"]), group_of(match))

    @property
    def name(self) -> str:
        """Name of the value, quoted so that `parse` takes it."""
        return qualified(self.metric, self.group)

    def check(self, report: ScoreReport) -> Checked:
        """Compare the value in a report with the bound. Raises UsageError for an unknown metric or class."""
        value = self._value(report)
        margin = None
        if value is not None:
            above, below = value - self.bound, self.bound - value
            margin = above if ">" in self.comparison else below if "<" in self.comparison else min(above, below)
        met = value is not None and _COMPARISONS[self.comparison](value, self.bound)
        weighted = report.weight_sum is not None and self.name != "rows"
        positive = report.of_positive(self.metric) if self.group is None else None
        return Checked(self.name, self.comparison, self.bound, value, margin, met, weighted, positive)

    def _value(self, report: ScoreReport) -> float | None:
        if self.group is None:
            values: Scores = {"rows": report.rows, **report.scores}
            known = [name for name, value in report.scores.items() if value is not None]
            return _found(values, self.metric, known, f"no metric {quoted(self.metric)}")
        what = report.group or "class"
        unknown = f"--require: no {what} {quoted(self.group)}"
        if not report.groups:
            raise UsageError(f"{unknown}: these scores are not divided by class or target")
        if self.group not in report.groups:
            hint = suggestion(self.group, report.groups) or f"; the model has {listed(report.groups)}"
            raise UsageError(f"{unknown}{hint}")
        missing = f"no metric {quoted(self.metric)} of {what} {quoted(self.group)}"
        figures = report.groups[self.group]
        return _found(figures, self.metric, [*figures], missing)


def _found(values: Scores, metric: str, known: Collection[str], missing: str) -> float | None:
    """Value of a metric. Raises UsageError with the message `missing` and known names if there is none."""
    if metric not in values:
        hint = suggestion(metric, known) or f"; available: {', '.join(known)}"
        raise UsageError(f"--require: {missing}{hint}")
    return values[metric]
