"""Requirements on the difference between two runs, as `compare --require` takes them."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from bpcli.arrays.memory import Array
from bpcli.comparison.document import BootstrapInterval, JudgedDifference, NotWorseOutcome, RunDifference
from bpcli.comparison.one_group import answers_of_group
from bpcli.errors import UsageError
from bpcli.frozen import dataclass
from bpcli.metrics import METRICS, Task, measure
from bpcli.metrics.requirement import NAMED, group_of, qualified
from bpcli.metrics.significance import CONFIDENCE
from bpcli.training.scoring import HEADLINES, Answers
from bpcli.wording import number, printable, quoted, suggestion

RESAMPLES = 2000
"""Bootstrap samples of a metric that is not a function of means over rows: each computes it from the rows."""

_SYNTAX = re.compile(
    rf"\s* (?: {NAMED} \s+ )?? not \s+ worse"
    r"(?: \s+ by (?: \s+ more \s+ than )? \s+ (?P<margin> (?: \d+\.?\d* | \.\d+ ) (?: [eE][-+]?\d+ )? ) )? \s*",
    re.VERBOSE | re.DOTALL,
)


@dataclass(frozen=True)
class NotWorse:
    """Requirement that a run is not worse than the first in a metric, by default the headline metric of the task.

    group: class, label or target that the metric is of; None for all.

    Without a margin, it is not met if the run is shown to be worse: the interval of the difference lies wholly on the
    worse side of zero and, of a metric that is tested, the test is significant too. With a margin, it is met only if
    the run is shown to be worse by at most that: so is every value of the interval (a test of noninferiority).
    """

    metric: str | None = None
    margin: float | None = None
    group: str | None = None

    @classmethod
    def parse(cls, text: str) -> NotWorse:
        """Parse a requirement such as `f1 not worse by 0.01`. Raises UsageError if `text` is not one."""
        match = _SYNTAX.fullmatch(text)
        if match is None:
            raise UsageError(
                f'--require {quoted(text)}: expected "not worse" or "not worse by 0.01", or with a metric, '
                '"f1_macro not worse" or, of a class, "Yes.recall not worse"; for bounds such as accuracy>=0.95 use '
                "bpcli evaluate"
            )
        return cls(match["metric"], None if match["margin"] is None else float(match["margin"]), group_of(match))

    def require_known(self, metrics: Sequence[str]) -> None:
        """Raise UsageError unless the metric is one of `metrics`. Metrics of a group are known once it is scored."""
        if self.group is None and self.metric is not None and self.metric not in metrics:
            hint = suggestion(self.metric, metrics) or f"; available: {', '.join(metrics)}"
            raise UsageError(f"--require: no metric {quoted(self.metric)} of all runs{hint}")

    def check(
        self,
        found: RunDifference,
        first: Answers,
        other: Answers,
        task: Task,
        seed: int,
        power: float = 0.0,
        resamples: int = RESAMPLES,
    ) -> NotWorseOutcome:
        """Judge a run by the interval that was tested, or by a bootstrap interval for any other metric.

        power: of the variance, as for `measure`. resamples: bootstrap samples of another metric.
        """
        metric = self.metric or HEADLINES[task]
        tested = next((one for one in found.tested if one.metric == metric), None)
        if self.group is not None:
            (of, first), (_, other) = (answers_of_group(one, self.group, metric, task) for one in (first, other))
            task, tested = of, None
        scores = (first.report.scores[metric], other.report.scores[metric])
        difference = None if scores[0] is None or scores[1] is None else scores[1] - scores[0]
        interval = None
        if difference is not None:
            if tested is None:
                interval = _resampled(metric, first, other, task, seed, power, resamples)
            else:
                interval = tested.interval
        losses = None
        if interval is not None:
            greater = METRICS[task][metric].greater_is_better
            losses = (-interval.high, -interval.low) if greater else (interval.low, interval.high)
        met, verdict = self._judged(losses, tested)
        return NotWorseOutcome(
            requirement=self._text(metric),
            run=found.headline.run,
            against=found.headline.against,
            metric=metric,
            difference=difference,
            interval=interval,
            margin=self.margin,
            met=met,
            verdict=verdict,
        )

    def _text(self, metric: str) -> str:
        return f"{qualified(metric, self.group)} not worse" + (
            "" if self.margin is None else f" by more than {self.margin:g}"
        )

    def _judged(self, losses: tuple[float, float] | None, tested: JudgedDifference | None) -> tuple[bool, str]:
        """Whether the requirement is met, and why.

        losses: ends of the interval, positive if worse. tested: what is said of the same metric anyway, if it is.
        """
        if losses is None:
            return False, "undefined"
        least, most = losses
        if self.margin is None:
            if tested is not None and tested.better is None:
                return True, "not shown to be worse"
            shown = "shown to be better" if most < 0 else "shown to be worse" if least > 0 else "not shown to be worse"
            return least <= 0, shown
        if most <= self.margin:
            return True, f"shown not to be worse by more than {self.margin:g}"
        return False, f"not shown: may be worse by {number(most)}"


def failures(outcomes: Sequence[NotWorseOutcome]) -> list[str]:
    """Message for each requirement that is not met."""
    return [
        f"required {printable(one.requirement)}, but {printable(one.run)} against {printable(one.against)} is "
        f"{one.verdict}"
        for one in outcomes
        if not one.met
    ]


def _resampled(
    metric: str, first: Answers, other: Answers, task: Task, seed: int, power: float, resamples: int
) -> BootstrapInterval | None:
    """Percentile interval of a metric's difference, with rows resampled by their weights; None if undefined.

    Both runs are scored on the same rows, as by `paired_bootstrap`. Samples in which the metric is undefined are left
    out.
    """
    rows, generator = len(first.true), np.random.Generator(np.random.Philox(seed))
    differences = []
    for _ in range(resamples):
        weight = np.bincount(generator.integers(0, rows, rows), minlength=rows).astype(np.float64)
        if first.weight is not None:
            weight *= first.weight
        one, two = (_measured(metric, answers, task, weight, power) for answers in (first, other))
        if one is not None and two is not None:
            differences.append(two - one)
    if not differences:
        return None
    low, high = np.quantile(differences, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    method = "paired bootstrap over rows, percentiles"
    return BootstrapInterval(CONFIDENCE, float(low), float(high), method, len(differences), seed)


def _measured(metric: str, answers: Answers, task: Task, weight: Array, power: float) -> float | None:
    classes = len(answers.report.groups) - len(answers.unseen)  # for other tasks than classes unused
    said = (answers.true, answers.predicted, answers.probabilities, classes, len(answers.unseen), weight, power)
    return measure(task, [metric], *said)[metric]
