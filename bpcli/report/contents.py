"""What a report of a run says, section by section."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from bpcli.errors import DataError
from bpcli.evaluation import SplitRows, split_rows
from bpcli.inspection.importance import permutation_importance
from bpcli.model import Model
from bpcli.nn.layers import DenseLayer
from bpcli.report.charts import Chart, Counts, Series
from bpcli.report.curves import probability_charts, residual_charts
from bpcli.report.page import Listing, Section, Table, page
from bpcli.report.scale import wants_logarithm
from bpcli.runs import RunDirectory
from bpcli.scoring import SUMMARIES
from bpcli.spec import type_name
from bpcli.text import counted, quoted

MOST_CLASSES = 30
"""A confusion matrix of more classes than this is left to `bpcli evaluate --json`."""

MOST_COLUMNS = 30
"""Columns in the table of importance."""


@dataclass(frozen=True)
class Report:
    """A page, and what could not be put on it."""

    html: str
    notes: list[str]


def report_of(directory: RunDirectory, cache: bool = True) -> Report:
    """The report of a run that has a best checkpoint.

    Raises:
        CheckpointError: there is none.
    """
    model = Model.load(directory.path)
    summary, records = directory.read_summary(), list(directory.read_metrics())
    sections = [_learning(records, summary)]
    notes: list[str] = []
    scores: dict[str, Any] = {}
    try:
        rows = split_rows(model, None, cache)
        section, scores, notes = _evaluation(model, rows)
        sections += [section, _importance(model, rows)]
    except DataError as error:
        notes = [f"no evaluation: {error}"]
        sections.append(Section("Evaluation", [f"There is none: {error}"]))
    sections += [_data(model), _network(model), _environment(directory, model, summary)]
    task = model.interpreter.task
    shown = [(name, _number(scores[name])) for name in SUMMARIES[task] if name in scores]
    name = summary.get("name") or directory.path.name
    stop = f", {_words(str(summary['stop_reason']))}" if summary.get("stop_reason") else ""
    subtitle = (
        f"{directory.path.name}: {summary.get('status', 'unknown')}{stop}, "
        f"{counted(int(summary.get('epochs', 0)), 'epoch')}, started {summary.get('started_at', 'at an unknown time')}"
    )
    return Report(page(str(name), subtitle, shown, sections), notes)


def _learning(records: list[dict[str, Any]], summary: dict[str, Any]) -> Section:
    if not records:
        return Section("Learning", ["No epoch was finished."])
    epochs = [record["epoch"] for record in records]
    best = summary.get("best", {}).get("epoch")
    mark = (float(best), f"best epoch, {best}") if best else None

    def chart(title: str, label: str, keys: Sequence[str], loss: bool = False) -> Chart:
        series = [Series(_words(key), epochs, [record.get(key) for record in records]) for key in keys]
        values = [value for one in series for value in one.y if value is not None]
        wide = loss and wants_logarithm(values)
        return Chart(title, "epoch", label, series, logarithmic=wide, mark=mark)

    keys = list(records[-1])
    losses = [key for key in ("train_loss", "validation_loss") if key in keys]
    metrics = [key for key in keys if key.startswith("validation_") and key not in losses]
    charts = [chart("Loss", "loss a row", losses, loss=True)]
    charts += [chart(_words(key).capitalize(), _words(key), [key]) for key in metrics]
    if len({record.get("learning_rate") for record in records}) > 1:
        charts.append(chart("Learning rate", "learning rate", ["learning_rate"]))
    sentence = f"Epochs are compared by {_words(str(summary.get('monitor', 'train_loss')))}"
    sentence += f"; the best is epoch {best}, and the model that is kept is the one of that epoch." if best else "."
    return Section("Learning", [sentence], charts)


def _evaluation(model: Model, rows: SplitRows) -> tuple[Section, dict[str, Any], list[str]]:
    report, _ = model.report(rows.table)
    outcome, truth = model.answers(rows.table)
    names, task = model.classes, model.interpreter.task
    if task == "regression":
        charts = list(residual_charts(truth, outcome.predicted, names))
    elif outcome.probabilities is not None:
        charts = list(probability_charts(truth, outcome.probabilities, names))
    else:
        charts = []
    tables: list[Table | Counts | Listing] = []
    matrix = report.get("confusion_matrix")
    if matrix and len(matrix) <= MOST_CLASSES:
        tables.append(Counts("Confusion matrix", names, matrix))
    for key in ("per_class", "per_label", "per_target"):
        if groups := report.get(key):
            columns = list(next(iter(groups.values())))
            cells = [[name, *(_number(group[column]) for column in columns)] for name, group in groups.items()]
            tables.append(Table(["", *map(_words, columns)], cells))
    scalars = [[_words(name), _number(value)] for name, value in report.items() if isinstance(value, float)]
    tables.append(Table(["metric", "value"], scalars))
    sentences = [f"{rows.source[0].upper()}{rows.source[1:]}: {counted(report['rows'], 'row')}."]
    if task == "binary":
        sentences.append(f"Precision, recall and f1 by themselves are those of {quoted(names[1])}.")
    return Section("Evaluation", [*sentences, *rows.notes], charts, tables), report, rows.notes


def _importance(model: Model, rows: SplitRows) -> Section:
    found = permutation_importance(model, rows.table)
    sentence = (
        f"How much worse {_words(found.metric)} gets where a column's cells stand in another order, on "
        f"{counted(found.rows, 'row')}. Of columns that say the same, each looks unimportant."
    )
    cells = [[one.column, _number(round(one.loss, 9)), f"± {_number(one.deviation)}"] for one in found.columns]
    left_out = len(cells) - MOST_COLUMNS
    sentences = [sentence, *([f"{left_out:,} columns of less importance are left out."] if left_out > 0 else [])]
    return Section("Importance", sentences, (), [Table(["column", "worse by", ""], cells[:MOST_COLUMNS])])


def _data(model: Model) -> Section:
    header, preprocessor = model.header, model.preprocessor
    rows = [[part, _number(count)] for part, count in header.data.rows.items()]
    inputs = [[column.name, column.type, _number(column.width)] for column in preprocessor.inputs]
    sentences = [
        f"{counted(len(inputs), 'input column')} make {counted(len(preprocessor.features), 'feature')}; "
        f"the target is {', '.join(quoted(name) for name in preprocessor.target.names)}.",
        f"SHA-256 of the data: {header.data.sha256}",
    ]
    return Section(
        "Data", sentences, (), [Table(["split", "rows"], rows), Table(["input", "kind", "features"], inputs)]
    )


def _network(model: Model) -> Section:
    config = model.header.config
    rows = []
    for layer in model.inference.network.layers:
        activation = type_name(layer.activation) if isinstance(layer, DenseLayer) else ""
        size = sum(slot.size for slot in layer.parameters())
        rows.append([f"{layer.index} {layer.type}", activation, *map(_number, (layer.n_in, layer.n_out, size))])
    assert config.loss is not None
    total = counted(model.inference.network.layout.size, "parameter")
    sentences = [f"{total}; the loss is {type_name(config.loss)}, the optimizer {type_name(config.optimizer)}."]
    return Section("Network", sentences, (), [Table(["layer", "activation", "inputs", "outputs", "parameters"], rows)])


def _environment(directory: RunDirectory, model: Model, summary: dict[str, Any]) -> Section:
    versions = [[name, version] for name, version in model.header.versions.items()]
    versions.append(["seconds of training", _number(summary.get("training_seconds"))])
    config = model.header.config.model_dump(mode="json", by_alias=True)
    text = yaml.safe_dump(config, sort_keys=False, allow_unicode=True, width=100)
    return Section("Config and environment", (), (), [Table(["what", "version"], versions, words=True), Listing(text)])


def _words(name: str) -> str:
    return name.replace("_", " ")


def _number(value: float | int | None) -> str:
    if value is None:
        return "–"
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:.4f}" if value == 0 or 1e-3 <= abs(value) < 1e4 else f"{value:.4g}"
