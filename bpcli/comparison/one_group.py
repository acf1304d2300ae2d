"""Answers on one class, label or target alone, for scores of it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bpcli.errors import UsageError
from bpcli.metrics import METRICS, Task
from bpcli.training.scoring import Answers
from bpcli.wording import listed, quoted, suggestion


def answers_of_group(answers: Answers, name: str, metric: str, task: Task) -> tuple[Task, Answers]:
    """Answers on a class against all others, on a label, or on a target, and the task that they are of.

    The scores of their report are those of the group. Rows of classes without probabilities are left out for a metric
    that needs them.

    Raises UsageError for an unknown group or metric.
    """
    report = answers.report
    what = report.group or "class"
    if name not in report.groups:
        known = f"; there is {listed(report.groups)}" if report.groups else ": the scores are not divided"
        raise UsageError(f"--require: no {what} {quoted(name)}{suggestion(name, report.groups) or known}")
    of: Task = "regression" if task == "regression" else "binary"
    metrics = [one for one in report.groups[name] if one in METRICS[of]]
    if metric not in metrics:
        hint = suggestion(metric, metrics) or f"; available: {', '.join(metrics)}"
        raise UsageError(f"--require: no metric {quoted(metric)} of {what} {quoted(name)}{hint}")
    place = list(report.groups).index(name)
    if METRICS[of][metric].needs_probabilities and (known_rows := answers.with_probabilities) is not None:
        rows = answers.true < len(report.groups) - len(answers.unseen) if answers.unseen else slice(None)
        of_known, shares, weight = known_rows
        answers = replace(
            answers, true=of_known, predicted=answers.predicted[rows], probabilities=shares, weight=weight
        )
    probabilities = answers.probabilities
    if task == "regression":
        true, predicted = answers.true[:, place, None], answers.predicted[:, place, None]
    elif task == "multilabel":
        true, predicted = answers.true[:, place], answers.predicted[:, place]
    else:
        true, predicted = ((codes == place).astype(np.intp) for codes in (answers.true, answers.predicted))
    if probabilities is not None:
        # A class without training rows has none.
        of_it = probabilities[:, place] if place < probabilities.shape[1] else np.zeros(len(probabilities))
        probabilities = np.column_stack([1 - of_it, of_it])
    scores = {one: report.groups[name][one] for one in metrics}
    alone = replace(report, scores=scores, groups={}, group=None, confusion_matrix=None, positive=None)
    return of, Answers(true, predicted, alone, probabilities, (), answers.weight)
