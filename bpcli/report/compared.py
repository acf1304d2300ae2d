"""The page of a comparison: what its document says, as charts and tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bpcli.comparison.compare import OF_THESE_MODELS
from bpcli.metrics import METRICS
from bpcli.pages.charts import Chart
from bpcli.pages.intervals import Interval, Intervals
from bpcli.pages.page import Section, as_sentence, number, page, spaced
from bpcli.pages.tables import Table
from bpcli.report.curves import MOST_CURVES
from bpcli.report.learning import metric_chart
from bpcli.training.scoring import HEADLINES, SUMMARIES
from bpcli.wording import counted, plain

BETTER = "★"
"""Beside the best score of a line."""


def comparison_page(document: dict[str, Any]) -> str:
    """The page of what `compare_runs` has found."""
    labels = [run["label"] for run in document["runs"]]
    headline = HEADLINES[document["task"]]
    scores = [(f"{label}: {headline}", number(report[headline])) for label, report in document["scores"].items()]
    subtitle = f"{document['rows']['source']}, {counted(document['rows']['count'], 'row')}"
    sections = [
        _verdicts(document),
        _scores(document, labels),
        _disagreement(document),
        _learning(document),
        _config(document, labels),
    ]
    return page(" against ".join(labels) if len(labels) == 2 else ", ".join(labels), subtitle, scores, sections)


def _verdicts(document: dict[str, Any]) -> Section:
    """Whether the runs differ by more than chance: sentences for each but the first, intervals and tests by metric."""
    entries = document["differences"]
    tested = [entry for entry in entries if not entry["same_model"]]
    of_probabilities = [entry["log_loss"] for entry in tested if "log_loss" in entry]
    sentences = [*map(as_sentence, document["notes"])]
    for entry in entries:
        if entry["same_model"]:
            sentences.append(f"Runs {_both(entry)} are {entry['verdict']}.")
        else:
            parts = [entry, *([entry["log_loss"]] if "log_loss" in entry else [])]
            sentences.append(" ".join(map(_verdict, parts)))
    charts: list[Intervals] = []
    tables: list[Table] = []
    for parts in (tested, of_probabilities):
        if parts:
            charts += _intervals(parts)
            tables.append(_tests(parts, len(entries)))
    about = as_sentence(OF_THESE_MODELS.replace("bpcli train --seeds", "`bpcli train --seeds`"))
    return Section("Is the difference more than chance?", [*sentences, *([about] if tested else [])], charts, tables)


def _verdict(entry: dict[str, Any]) -> str:
    """The verdict as a sentence; a run's name keeps its own letters."""
    return f"Run {entry['verdict']}." if entry["better"] else as_sentence(entry["verdict"])


def _intervals(entries: Sequence[dict[str, Any]]) -> list[Intervals]:
    """A chart of the intervals of a metric, where it is defined."""
    metric = spaced(entries[0]["metric"])
    intervals = [
        Interval(_less(entry), entry["interval"]["low"], entry["difference"], entry["interval"]["high"])
        for entry in entries
        if entry["difference"] is not None
    ]
    interval = entries[0]["interval"]
    note = (
        f"{interval['confidence']:.0%} intervals, {interval['method']}, {interval['resamples']:,} samples; one that "
        "takes in zero is within chance"
    )
    return [Intervals(f"Difference in {metric}", f"difference in {metric}", intervals, note)] if intervals else []


def _tests(entries: Sequence[dict[str, Any]], count: int) -> Table:
    """The tests of a metric, a line a run; p-values are corrected for `count` of them."""
    metric = spaced(entries[0]["metric"])
    rows = [
        [
            _less(entry),
            number(entry["difference"]),
            number(entry["interval"]["low"]),
            number(entry["interval"]["high"]),
            entry["test"],
            number(entry["p"]),
            number(entry["p_corrected"]),
        ]
        for entry in entries
    ]
    corrected = f"p, corrected (Holm, over {counted(count, 'test')})"
    header = ["runs", f"difference in {metric}", "low", "high", "test", "p", corrected]
    return Table(f"Tests of {metric}", header, rows)


def _both(entry: dict[str, Any]) -> str:
    return f"{entry['run']} and {entry['against']}"


def _less(entry: dict[str, Any]) -> str:
    return f"{entry['run']} less {entry['against']}"


def _scores(document: dict[str, Any], labels: Sequence[str]) -> Section:
    """A line a metric, its best value marked unless all are the same."""
    reports, metrics = document["scores"], METRICS[document["task"]]
    summaries = [name for name in SUMMARIES[document["task"]] if any(name in reports[label] for label in labels)]
    others = [name for name in metrics if name not in summaries and any(name in reports[label] for label in labels)]
    rows = [
        [spaced(name), *_marked([reports[label].get(name) for label in labels], metrics[name].greater_is_better)]
        for name in [*summaries, *others]
    ]
    said = f"{BETTER} marks the best value of a line, whether or not chance explains it."
    return Section("Scores on the same rows", [said], (), [Table("Scores", ["metric", *labels], rows)])


def _marked(values: Sequence[float | None], greater_is_better: bool) -> list[str]:
    known = [value for value in values if value is not None]
    best = (max if greater_is_better else min)(known, default=None)
    marked = any(value != best for value in known)
    return [f"{BETTER} {number(value)}" if marked and value == best else number(value) for value in values]


def _disagreement(document: dict[str, Any]) -> Section:
    """Where each run answers other than the first, and which of them is right there."""
    sentences, tables = [], []
    for entry in document["differences"]:
        if entry["same_model"]:
            sentences.append(f"{_both(entry)} answer alike.")
        elif document["task"] == "regression":
            tables.append(_distances(entry))
        else:
            sentences.append(_in_all(entry))
            tables.append(_answers(entry, "label" if document["task"] == "multilabel" else "true class"))
    return Section("Where they disagree", sentences, (), tables)


def _distances(entry: dict[str, Any]) -> Table:
    run, against = entry["run"], entry["against"]
    header = ["target", "rows", "mean distance", "greatest distance", f"nearer: {against}", f"nearer: {run}"]
    names = ("rows", "mean_distance", "greatest_distance")
    rows = [
        [group["name"], *(number(group[name]) for name in names), *map(number, group["nearer"].values())]
        for group in entry["disagreement"]
    ]
    return Table(f"{run} beside {against}", header, rows)


def _in_all(entry: dict[str, Any]) -> str:
    groups = entry["disagreement"]
    rows, different = (sum(group[name] for group in groups) for name in ("rows", "different"))
    alone = [
        f"{sum(group['right_by'][name] for group in groups):,} only {name} has right"
        for name in (entry["against"], entry["run"])
    ]
    return f"{_both(entry)} differ in {different:,} of {counted(rows, 'answer')}: {', '.join(alone)}."


def _answers(entry: dict[str, Any], of: str) -> Table:
    run, against = entry["run"], entry["against"]
    header = [of, "rows", "answered differently", f"only {against} right", f"only {run} right"]
    rows = [
        [group["name"], number(group["rows"]), number(group["different"]), *map(number, group["right_by"].values())]
        for group in entry["disagreement"]
    ]
    return Table(f"{run} beside {against}", header, rows)


def _learning(document: dict[str, Any]) -> Section:
    """The curves of all runs, a chart for each value, and a line for each run of how it went."""
    runs = document["runs"]
    shown = {run["label"]: run["curve"] for run in runs[:MOST_CURVES] if run["curve"]}
    keys = dict.fromkeys(key for curve in shown.values() for record in curve[-1:] for key in record)
    drawn = [key for key in keys if key == "train_loss" or key.startswith("validation_")]
    charts: list[Chart] = [metric_chart(shown, key) for key in drawn]
    names = dict.fromkeys(name for run in runs for name in run["best"] if name != "epoch")
    rows = [
        [
            run["label"],
            run["status"],
            number(run["parameters"]),
            number(run["epochs"]),
            number(run["best"].get("epoch")),
            *(number(run["best"].get(name)) for name in names),
            number(run["training_seconds"]),
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
    if any(entry["key"].startswith("loss") for entry in document["config"]):
        sentences.append("The losses are of different kinds, so that their values cannot be compared.")
    if len(runs) > MOST_CURVES:
        sentences.append(f"Curves are drawn of the first {MOST_CURVES} of {len(runs)} runs.")
    return Section("Learning", sentences, charts, [Table("Training", header, rows)])


def _config(document: dict[str, Any], labels: Sequence[str]) -> Section:
    rows = [
        [entry["key"], *(plain(entry["values"][label]) if label in entry["values"] else "–" for label in labels)]
        for entry in document["config"]
    ]
    if not rows:
        return Section("Config", ["The configs are the same."])
    return Section("Config", (), (), [Table("Differences", ["key", *labels], rows, words=True)])
