"""Significance tests of score differences between runs on the same rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from bpcli.comparison.document import BootstrapInterval, JudgedDifference, MetricDifference
from bpcli.metrics import METRICS, Task
from bpcli.metrics.rowwise import ROWWISE, ROWWISE_LOG_LOSS, Figures, RowwiseMetric
from bpcli.metrics.significance import CONFIDENCE, RESAMPLES, holm, mcnemar_exact, paired_bootstrap
from bpcli.training.scoring import HEADLINES, Answers
from bpcli.wording import counted, printable

SIGNIFICANT = 1 - CONFIDENCE
"""Significance level."""


def differences(
    labels: Sequence[str], answers: Sequence[Answers], task: Task, seed: int
) -> list[tuple[JudgedDifference, JudgedDifference | None]]:
    """Tested differences between each run and the first, in the headline metric and in the log loss.

    The test is McNemar's exact test for single-label classification, otherwise the paired bootstrap, as with row
    weights, which are the same in all answers. The log loss is None unless all runs give probabilities; it may differ
    even if all predicted classes are equal. P-values are corrected by Holm's method over the runs, separately for each
    of the two metrics.
    """
    figures = [ROWWISE[task].figures(answer.true, answer.predicted) for answer in answers]
    tested = _compared(labels, answers, HEADLINES[task], ROWWISE[task], figures, seed, answers[0].weight)
    if task in ("binary", "multiclass"):
        weighted = answers[0].weight is not None
        tested = [_by_mcnemar(one, figures[0], other, weighted) for one, other in zip(tested, figures[1:], strict=True)]
    alike = [np.array_equal(answers[0].predicted, other.predicted) for other in answers[1:]]
    judged = _judged(tested, METRICS[task][HEADLINES[task]].greater_is_better, alike, len(answers[0].true))
    known = [rows for answer in answers if (rows := answer.with_probabilities) is not None]
    if len(known) < len(answers) or not len(known[0][0]):
        return [(one, None) for one in judged]
    rowwise = ROWWISE_LOG_LOSS[task]
    figures = [rowwise.figures(true, shares) for true, shares, _ in known]
    of_probabilities = _compared(labels, answers, "log_loss", rowwise, figures, seed, known[0][2])
    alike = [np.array_equal(known[0][1], other) for _, other, _ in known[1:]]
    return list(zip(judged, _judged(of_probabilities, False, alike, len(known[0][0])), strict=True))


def _compared(
    labels: Sequence[str],
    answers: Sequence[Answers],
    metric: str,
    rowwise: RowwiseMetric,
    figures: Sequence[Figures],
    seed: int,
    weight: Figures | None,
) -> list[MetricDifference]:
    """Difference of a metric between each run and the first, with bootstrap interval and p-value."""
    found = []
    for label, answer, other in zip(labels[1:], answers[1:], figures[1:], strict=True):
        bootstrap = paired_bootstrap(figures[0], other, rowwise.of_means, seed, weight=weight)
        found.append(
            MetricDifference(
                run=label,
                against=labels[0],
                metric=metric,
                difference=_difference(answer.report.scores[metric], answers[0].report.scores[metric]),
                interval=BootstrapInterval(
                    confidence=CONFIDENCE,
                    low=bootstrap.low,
                    high=bootstrap.high,
                    method="paired bootstrap over rows, percentiles",
                    resamples=RESAMPLES,
                    seed=seed,
                ),
                test="paired bootstrap",
                p=bootstrap.p,
            )
        )
    return found


def _by_mcnemar(tested: MetricDifference, first: Figures, other: Figures, weighted: bool) -> MetricDifference:
    """Replace the p-value of an accuracy difference by McNemar's exact test on the rows that only one run has right.

    A weighted difference keeps its p-value, since the test takes all rows as equal.
    """
    right, other_right = first[:, 0] > 0, other[:, 0] > 0
    only_first, only_other = (int(np.count_nonzero(one)) for one in (right & ~other_right, other_right & ~right))
    right_by = {tested.against: only_first, tested.run: only_other}
    if weighted:
        return replace(tested, right_by=right_by)
    return replace(tested, test="McNemar, exact", p=mcnemar_exact(only_first, only_other), right_by=right_by)


def _judged(
    tested: Sequence[MetricDifference], greater_is_better: bool, alike: Sequence[bool], rows: int
) -> list[JudgedDifference]:
    """Add corrected p-values, the better run and a verdict."""
    judged = []
    for one, p, same in zip(tested, holm([one.p for one in tested]), alike, strict=True):
        better = _better(one, p, greater_is_better)
        verdict = _verdict(one, better, same, len(tested) > 1, rows)
        judged.append(JudgedDifference(**vars(one), p_corrected=p, better=better, verdict=verdict))
    return judged


def _difference(value: float | None, base: float | None) -> float | None:
    return None if value is None or base is None else value - base


def _better(tested: MetricDifference, p_corrected: float, greater_is_better: bool) -> str | None:
    """Significantly better run. Both the test and the interval must be significant."""
    low, high = tested.interval.low, tested.interval.high
    if p_corrected > SIGNIFICANT or low <= 0 <= high:
        return None
    return tested.run if (low > 0) == greater_is_better else tested.against


def _verdict(tested: MetricDifference, better: str | None, alike: bool, several: bool, rows: int) -> str:
    """Verdict in words, with both labels if there are several pairs."""
    on = f"on these {counted(rows, 'row')}" if rows > 1 else "on this 1 row"
    metric, names = tested.metric, (tested.run, tested.against)
    run, against = map(printable, names)
    if alike:
        both = f"{run} and {against} give" if several else "both give"
        return f"no difference in {metric}: {both} the same {_GIVEN.get(metric, 'answer')} for every row"
    if better is not None:
        worse = names[1] if better == names[0] else names[0]
        than = f" than {printable(worse)}" if several else ""
        return f"{printable(better)} is significantly better{than} in {metric} {on}"
    between = f" between {run} and {against}" if several else ""
    return f"no significant difference{between} in {metric} {on}{_though(tested)}"


def _though(tested: MetricDifference) -> str:
    """Reason why a difference whose interval leaves out zero is not significant; empty for any other interval."""
    if tested.interval.low <= 0 <= tested.interval.high:
        return ""
    if tested.p <= SIGNIFICANT:
        return "; the p-value is corrected for several runs, the interval, which leaves out zero, is not"
    return f"; {tested.test}, decides: the interval, which leaves out zero, is approximate on few rows"


_GIVEN = {"log_loss": "probabilities"}
"""Name of what is compared for equality, by metric; "answer" for any other metric."""
