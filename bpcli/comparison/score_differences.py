"""Whether runs differ by more than chance on the rows that all were asked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from bpcli.metrics import METRICS
from bpcli.metrics.rowwise import ROWWISE, ROWWISE_LOG_LOSS, Figures, RowwiseMetric
from bpcli.metrics.significance import CONFIDENCE, RESAMPLES, holm, mcnemar_exact, paired_bootstrap
from bpcli.training.scoring import HEADLINES, Answers
from bpcli.wording import counted, printable

SIGNIFICANT = 1 - CONFIDENCE
"""A p-value above this is called chance."""


def differences(labels: Sequence[str], answers: Sequence[Answers], task: Any, seed: int) -> list[dict[str, Any]]:
    """For each but the first: how its headline metric differs from the first's, and whether that is more than chance.

    Of rows with one class each, McNemar's exact test decides, else the bootstrap's p-value. Where all runs give
    probabilities, `log_loss` has the same of these, which may differ where all answers are alike. Each of the two
    metrics is a question of its own, whose p-values are corrected by Holm's method for the runs compared in it.
    """
    figures = [ROWWISE[task].figures(answer.true, answer.predicted) for answer in answers]
    found = _compared(labels, answers, HEADLINES[task], ROWWISE[task], figures, seed)
    if task in ("binary", "multiclass"):
        for entry, other in zip(found, figures[1:], strict=True):
            right, other_right = figures[0][:, 0] > 0, other[:, 0] > 0
            only_first = int(np.count_nonzero(right & ~other_right))
            only_other = int(np.count_nonzero(other_right & ~right))
            entry |= {"test": "McNemar, exact", "p": mcnemar_exact(only_first, only_other)}
            entry |= {"right_by": {entry["against"]: only_first, entry["run"]: only_other}}
    alike = [np.array_equal(answers[0].predicted, other.predicted) for other in answers[1:]]
    _judge(found, METRICS[task][HEADLINES[task]].greater_is_better, alike, len(answers[0].true))
    given = [answer.probabilities for answer in answers if answer.probabilities is not None]
    if len(given) == len(answers):
        rowwise = ROWWISE_LOG_LOSS[task]
        figures = [rowwise.figures(answer.true, shares) for answer, shares in zip(answers, given, strict=True)]
        of_probabilities = _compared(labels, answers, "log_loss", rowwise, figures, seed)
        alike = [np.array_equal(given[0], other) for other in given[1:]]
        _judge(of_probabilities, False, alike, len(answers[0].true))
        for entry, other_entry in zip(found, of_probabilities, strict=True):
            entry["log_loss"] = other_entry
    return found


def _compared(
    labels: Sequence[str],
    answers: Sequence[Answers],
    metric: str,
    rowwise: RowwiseMetric,
    figures: Sequence[Figures],
    seed: int,
) -> list[dict[str, Any]]:
    """How a metric of each run but the first differs from the first's, with the bootstrap's interval and p-value."""
    found = []
    for label, answer, other in zip(labels[1:], answers[1:], figures[1:], strict=True):
        bootstrap = paired_bootstrap(figures[0], other, rowwise.of_means, seed)
        found.append(
            {
                "run": label,
                "against": labels[0],
                "metric": metric,
                "difference": _difference(answer.report[metric], answers[0].report[metric]),
                "interval": {
                    "confidence": CONFIDENCE,
                    "low": bootstrap.low,
                    "high": bootstrap.high,
                    "method": "paired bootstrap over rows, percentiles",
                    "resamples": RESAMPLES,
                    "seed": seed,
                },
                "test": "paired bootstrap",
                "p": bootstrap.p,
            }
        )
    return found


def _judge(found: list[dict[str, Any]], greater_is_better: bool, alike: Sequence[bool], rows: int) -> None:
    """Put to each entry its corrected p-value, the better run, and a verdict in words."""
    corrected = holm([entry["p"] for entry in found])
    for entry, p, same in zip(found, corrected, alike, strict=True):
        entry["p_corrected"] = p
        entry["better"] = _better(entry, greater_is_better)
        entry["verdict"] = _verdict(entry, same, len(found) > 1, rows)


def _difference(value: float | None, base: float | None) -> float | None:
    return None if value is None or base is None else value - base


def _better(entry: dict[str, Any], greater_is_better: bool) -> str | None:
    """The run that is better by more than chance: the test and the interval must both say so."""
    low, high = entry["interval"]["low"], entry["interval"]["high"]
    if entry["p_corrected"] > SIGNIFICANT or low <= 0 <= high:
        return None
    name: str = entry["run"] if (low > 0) == greater_is_better else entry["against"]
    return name


def _verdict(entry: dict[str, Any], alike: bool, several: bool, rows: int) -> str:
    """In words, with the names of both runs where there are several pairs."""
    on = f"on these {counted(rows, 'row')}" if rows > 1 else "on this 1 row"
    metric, names = entry["metric"], (entry["run"], entry["against"])
    run, against = map(printable, names)
    if alike:
        both = f"{run} and {against} give" if several else "both give"
        return f"no difference in {metric}: {both} the same {_GIVEN.get(metric, 'answer')} to every row"
    if entry["better"] is not None:
        better, worse = names if entry["better"] == names[0] else reversed(names)
        than = f" than {printable(worse)}" if several else ""
        return f"{printable(better)} is better{than} in {metric}, by more than chance {on}"
    between = f" between {run} and {against}" if several else ""
    return f"no difference{between} in {metric} beyond chance {on}"


_GIVEN = {"log_loss": "probabilities"}
"""What is alike where a metric is that of equal answers."""
