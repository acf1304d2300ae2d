"""HTML page of a comparison: charts and tables of its document."""

from __future__ import annotations

from collections.abc import Sequence

from bpcli.comparison.compare import OF_THESE_MODELS
from bpcli.comparison.document import (
    AnswerDisagreement,
    Comparison,
    JudgedDifference,
    MetricDifference,
    NumberDisagreement,
)
from bpcli.comparison.tables import config_table, requirement_table
from bpcli.documents.table import Table
from bpcli.metrics import METRICS, Task
from bpcli.pages.charts import Chart
from bpcli.pages.intervals import Interval, Intervals
from bpcli.pages.page import Section, as_sentence, number, page, spaced
from bpcli.report.curves import MOST_CURVES
from bpcli.report.learning import metric_chart
from bpcli.storage.records import MEMBER_LOSSES
from bpcli.training.scoring import HEADLINES, summary_names
from bpcli.wording import counted, quoted

BETTER = "★"
"""Mark of the best score in a row."""


def comparison_page(comparison: Comparison) -> str:
    """Render the HTML page of a comparison."""
    headline = HEADLINES[comparison.task]
    scores = [(f"{label}: {headline}", number(report.scores[headline])) for label, report in comparison.scores.items()]
    weight = "" if comparison.rows.weight is None else f", weighted by {quoted(comparison.rows.weight)}"
    subtitle = f"{comparison.rows.source}, {counted(comparison.rows.count, 'row')}{weight}"
    sections = [
        _verdicts(comparison),
        _scores(comparison),
        _disagreement(comparison),
        _learning(comparison),
        _config(comparison),
    ]
    entered = list(comparison.scores)
    return page(" against ".join(entered) if len(entered) == 2 else ", ".join(entered), subtitle, scores, sections)


def _verdicts(comparison: Comparison) -> Section:
    """Section on significance: verdicts for each run but the first, then intervals and tests by metric."""
    entries = comparison.differences
    tested = [entry.headline for entry in entries if not entry.same_model]
    of_probabilities = [entry.log_loss for entry in entries if not entry.same_model and entry.log_loss]
    sentences = [*map(as_sentence, comparison.notes), *(f"{peer.line}." for peer in comparison.peers)]
    for entry in entries:
        if entry.same_model:
            sentences.append(f"Runs {_both(entry.headline)} are {entry.headline.verdict}.")
        else:
            sentences.append(" ".join(map(_verdict, entry.tested)))
    charts: list[Intervals] = []
    tables: list[Table] = []
    for parts in (tested, of_probabilities):
        if parts:
            charts += _intervals(parts)
            tables.append(_tests(parts, len(entries)))
    if comparison.requirements:
        tables.append(requirement_table(comparison))
    about = as_sentence(OF_THESE_MODELS.replace("bpcli train --seeds", "`bpcli train --seeds`"))
    return Section("Is the difference significant?", [*sentences, *([about] if tested else [])], charts, tables)


def _verdict(entry: JudgedDifference) -> str:
    """Verdict as a sentence. The case of a leading run name is kept."""
    return f"Run {entry.verdict}." if entry.better else as_sentence(entry.verdict)


def _intervals(entries: Sequence[JudgedDifference]) -> list[Intervals]:
    """Chart of a metric's confidence intervals; empty if it is undefined."""
    metric = spaced(entries[0].metric)
    intervals = [
        Interval(_less(entry), entry.interval.low, entry.difference, entry.interval.high)
        for entry in entries
        if entry.difference is not None
    ]
    interval = entries[0].interval
    note = (
        f"{interval.confidence:.0%} intervals, {interval.method}, {interval.resamples:,} samples; one that includes "
        "zero is not significant"
    )
    return [Intervals(f"Difference in {metric}", f"difference in {metric}", intervals, note)] if intervals else []


def _tests(entries: Sequence[JudgedDifference], count: int) -> Table:
    """Table of a metric's tests, one row per run. P-values are corrected for `count` tests."""
    metric = spaced(entries[0].metric)
    rows = [
        [
            _less(entry),
            number(entry.difference),
            number(entry.interval.low),
            number(entry.interval.high),
            entry.test,
            number(entry.p),
            number(entry.p_corrected),
        ]
        for entry in entries
    ]
    corrected = f"p, corrected (Holm, over {counted(count, 'test')})"
    header = ["runs", f"difference in {metric}", "low", "high", "test", "p", corrected]
    return Table(f"Tests of {metric}", header, rows)


def _both(entry: MetricDifference) -> str:
    return f"{entry.run} and {entry.against}"


def _more_is_better(task: Task, name: str) -> bool:
    """Whether more of a score is better: of skill, and of some metrics."""
    return name == "skill" or (name in METRICS[task] and METRICS[task][name].greater_is_better)


def _less(entry: MetricDifference) -> str:
    return f"{entry.run} less {entry.against}"


def _scores(comparison: Comparison) -> Section:
    """Section with one row per metric, the best value marked unless all are equal."""
    scores, metrics = [report.scores for report in comparison.scores.values()], METRICS[comparison.task]
    there = {name for one in scores for name in one}
    summaries = summary_names(comparison.task, there)
    others = [name for name in metrics if name not in summaries and name in there]
    rows = [
        [spaced(name), *_marked([one.get(name) for one in scores], _more_is_better(comparison.task, name))]
        for name in [*summaries, *others]
    ]
    said = f"{BETTER} marks the best value of a row, significant or not."
    sentences = [said, *map(as_sentence, next(iter(comparison.scores.values())).about_positive)]
    return Section("Scores on the same rows", sentences, (), [Table("Scores", ["metric", *comparison.scores], rows)])


def _marked(values: Sequence[float | None], greater_is_better: bool) -> list[str]:
    known = [value for value in values if value is not None]
    best = (max if greater_is_better else min)(known, default=None)
    marked = any(value != best for value in known)
    return [f"{BETTER} {number(value)}" if marked and value == best else number(value) for value in values]


def _disagreement(comparison: Comparison) -> Section:
    """Section on rows that a run predicts differently from the first, and which of the two is right."""
    sentences, tables = [], []
    of = "label" if comparison.task == "multilabel" else "true class"
    for entry in comparison.differences:
        head = entry.headline
        numbers = [group for group in entry.disagreement if isinstance(group, NumberDisagreement)]
        answers = [group for group in entry.disagreement if isinstance(group, AnswerDisagreement)]
        if entry.same_model:
            sentences.append(f"{_both(head)} give the same answers.")
        elif numbers:
            tables.append(_distances(head, numbers))
        else:
            sentences.append(_in_all(head, answers))
            tables.append(_answers(head, answers, of))
    return Section("Where they disagree", sentences, (), tables)


def _distances(pair: MetricDifference, groups: Sequence[NumberDisagreement]) -> Table:
    run, against = pair.run, pair.against
    header = ["target", "rows", "mean distance", "greatest distance", f"nearer: {against}", f"nearer: {run}"]
    rows = [
        [
            group.name,
            *map(number, (group.rows, group.mean_distance, group.greatest_distance)),
            *map(number, group.nearer.values()),
        ]
        for group in groups
    ]
    return Table(f"{run} and {against}", header, rows)


def _in_all(pair: MetricDifference, groups: Sequence[AnswerDisagreement]) -> str:
    rows, different = sum(group.rows for group in groups), sum(group.different for group in groups)
    alone = [
        f"{sum(group.right_by[name] for group in groups):,} correct only by {name}" for name in (pair.against, pair.run)
    ]
    return f"{_both(pair)} differ in {different:,} of {counted(rows, 'answer')}: {', '.join(alone)}."


def _answers(pair: MetricDifference, groups: Sequence[AnswerDisagreement], of: str) -> Table:
    run, against = pair.run, pair.against
    header = [of, "rows", "different answers", f"only {against} correct", f"only {run} correct"]
    rows = [
        [group.name, number(group.rows), number(group.different), *map(number, group.right_by.values())]
        for group in groups
    ]
    return Table(f"{run} and {against}", header, rows)


def _learning(comparison: Comparison) -> Section:
    """Section on training: a chart of all runs for each value, and a table with one row per run."""
    runs = comparison.runs
    shown = {run.label: run.curve for run in runs[:MOST_CURVES] if run.curve}
    keys = dict.fromkeys(key for curve in shown.values() for key in curve[-1].values)
    drawn = [key for key in keys if key == "train_loss" or (key.startswith("validation_") and key != MEMBER_LOSSES)]
    charts: list[Chart] = [metric_chart(shown, key) for key in drawn]
    names = dict.fromkeys(name for run in runs for name in run.best.values)
    rows = [
        [
            run.label,
            run.status,
            number(run.parameters),
            number(run.epochs),
            number(run.best.epoch),
            *(number(run.best.values.get(name)) for name in names),
            number(run.training_seconds),
        ]
        for run in runs
    ]
    header = [
        "run",
        "status",
        "parameters",
        "epochs",
        "best epoch",
        *(f"best {spaced(name)}" for name in names),
        "seconds",
    ]
    sentences = []
    if any(entry.key.startswith("loss") for entry in comparison.config):
        sentences.append("The runs have different loss functions, whose values cannot be compared.")
    if len(runs) > MOST_CURVES:
        sentences.append(f"Curves show the first {MOST_CURVES} of {len(runs)} runs.")
    return Section("Learning", sentences, charts, [Table("Training", header, rows)])


def _config(comparison: Comparison) -> Section:
    if not comparison.config:
        same = ["The configs are the same."] if len(comparison.runs) > 1 else ["There is one run."]
        return Section("Config", same)
    return Section("Config", (), (), [config_table(comparison)])
