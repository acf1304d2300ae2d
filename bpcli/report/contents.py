"""Contents of a run's report, by section."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import yaml

from bpcli.decision.cuts import Cuts
from bpcli.documents.scores import Group, ScoreReport, Scores
from bpcli.documents.table import MOST_CLASSES, Table
from bpcli.errors import DataError
from bpcli.inspection.attributions import sampled_attributions
from bpcli.inspection.importance import permutation_importance
from bpcli.inspection.pictured import pictured_images
from bpcli.inspection.term_ranking import ranked_terms
from bpcli.inspection.track import Track, untracked
from bpcli.models.decision import decision_report
from bpcli.models.evaluation import SplitRows, known_classes, own_data
from bpcli.models.model import Model
from bpcli.models.narrowed import few_rows, narrowed, text_names
from bpcli.models.row_names import file_names
from bpcli.models.summary import NetworkSummary
from bpcli.models.tables import layer_table
from bpcli.pages.page import Section, as_sentence, number, page, spaced
from bpcli.pages.tables import Counts, Listing
from bpcli.report.baselines import baselines_section
from bpcli.report.calibration import calibration_table
from bpcli.report.curves import probability_charts, reliability_by_name, residual_charts
from bpcli.report.data import data_section
from bpcli.report.forecasts import forecasts_section
from bpcli.report.health import health_section
from bpcli.report.importance import importance_section
from bpcli.report.learning import learning_section
from bpcli.report.network_pictures import pictures_section
from bpcli.report.terms import terms_section
from bpcli.report.thresholds import threshold_charts
from bpcli.spec import type_name
from bpcli.storage.records import EpochRecord, Summary
from bpcli.storage.run_directory import RunDirectory
from bpcli.training.scoring import remarks, summary_names
from bpcli.wording import amount, counted, grouped, quoted, sized

GROUPS: dict[Group, str] = {
    "class": "Each class against the rest",
    "label": "Each label",
    "target": "Each target",
}
"""Titles of the groups of scores in a report."""


@dataclass(frozen=True)
class Report:
    """HTML page, and notes on what it lacks."""

    html: str
    notes: list[str]


def report_of(directory: RunDirectory, cache: bool = True, track: Track = untracked) -> Report:
    """Build the report of a run with a best checkpoint.

    Raises:
        CheckpointError: there is no best checkpoint.
    """
    model = Model.load(directory.path)
    summary = directory.read_summary()
    records = list(directory.records.read())
    layers = {layer.index: f"layer {layer.index} ({layer.type})" for layer in model.inference.network.layers}
    health = health_section(records, summary, layers)
    compared = baselines_section(summary.baselines)
    sections = [*compared, learning_section(records, summary), *([health] if health else [])]
    notes: list[str] = []
    scores: Scores = {}
    own = None
    try:
        own = own_data(model, cache)
        rows = own.rows(None)
        section, report, notes = _evaluation(rows.model, rows)
        scores, steps = report.scores, list(report.groups.values())
        known = known_classes(model, rows)
        forecasts = forecasts_section(model, rows, scores, steps)
        sections = [*([] if forecasts is None else [forecasts]), *sections, section]
        sections += _importance(model, known, track)
        names = file_names(model, cache)
        files = None if names is None else [names[row - 1] for row in known.numbers]
        pictured = pictured_images(model, known.table, known.numbers, files, only_mistakes=True, track=track)
        pictures = pictures_section(pictured)
        sections += [pictures] if pictures is not None else []
    except DataError as error:
        notes = [f"no evaluation: {error}"]
        sections.append(Section("Evaluation", [f"No evaluation: {error}"]))
    sections += [data_section(model, own, summary), _network(model), _environment(model, summary)]
    task = model.target.task
    shown = [(name, number(scores[name])) for name in summary_names(task, scores)]
    name = summary.name or directory.path.name
    started = (summary.started_at or "at an unknown time").replace("T", " ")
    subtitle = f"{directory.path.name}: {_ending(directory, summary, records)}, started {started}"
    return Report(page(name, subtitle, shown, sections), notes)


def _importance(model: Model, known: SplitRows, track: Track) -> list[Section]:
    """Sections on the importance of columns, and of the terms of texts."""
    looked_at = known.table.take(few_rows(model, known.table)) if text_names(model) else known.table
    model = narrowed(model, looked_at)
    sections = [importance_section(permutation_importance(model, looked_at, track=track))]
    if text_names(model):
        added = sampled_attributions(model, looked_at, track)
        sections.append(terms_section(ranked_terms(model, looked_at, added)))
    return sections


def _ending(directory: RunDirectory, summary: Summary, records: Sequence[EpochRecord]) -> str:
    """Phrase for the end of a run: `finished after 100 epochs (all epochs done)`, `died of SIGSEGV after 1 epoch`."""
    epochs = records[-1].epoch if directory.is_marked_running() and records else summary.epochs
    after = "" if epochs is None else f" after {counted(epochs, 'epoch')}"
    reason = summary.stop_explanation or spaced(summary.stop_reason or "")
    status = directory.death() if directory.has_died() else summary.status or "unknown"
    return f"{status}{after}{f' ({reason})' if reason else ''}"


def _evaluation(model: Model, rows: SplitRows) -> tuple[Section, ScoreReport, list[str]]:
    answers, _ = model.answers(rows.table)
    report = answers.report
    names, task = model.classes, model.target.task
    tables: list[Table | Counts | Listing] = []
    if task == "regression":
        # Of a forecast, the first and the last step.
        shown = [0, len(names) - 1] if model.header.windows is not None and len(names) > 1 else list(range(len(names)))
        true, predicted = answers.true[:, shown], answers.predicted[:, shown]
        charts = list(residual_charts(true, predicted, [names[place] for place in shown]))
    elif (known := answers.with_probabilities) is not None:
        true, probabilities, weight = known
        charts = list(probability_charts(true, probabilities, names, weight))
        if report.positive is not None:
            cuts = Cuts.of(probabilities[:, 1], true == 1, weight)
            values, aim = model.decision.values, model.header.config.decision.aim
            charts += threshold_charts(cuts, report.positive, None if values is None else values[0], aim)
        tables.append(calibration_table(reliability_by_name(true, probabilities, names, weight)))
    else:
        charts = []
    matrix = report.confusion_matrix
    if matrix and len(matrix) <= MOST_CLASSES:
        tables.append(Counts("Confusion matrix", list(report.groups), matrix))
    if report.group is not None:
        columns = list(next(iter(report.groups.values())))
        cells = [[name, *(number(group[column]) for column in columns)] for name, group in report.groups.items()]
        tables.append(Table(GROUPS[report.group], [report.group, *map(spaced, columns)], cells))
    tables.append(_all_metrics(report))
    sentences = [as_sentence(f"{rows.source}: {counted(report.rows, 'row')}")]
    if report.weight_sum is not None:
        by = quoted(model.preprocessor.weight or "")
        sentences.append(f"Scores and curves are weighted by {by}, total weight {amount(report.weight_sum)}.")
    decision = decision_report(model, rows.table)
    about = [*report.about_positive, *(decision.lines() if decision else ())]
    sentences += map(as_sentence, [*about, *grouped(rows.notes_of_answers), *remarks(report)])
    return Section("Evaluation", sentences, charts, tables), report, rows.notes_of_answers


def _all_metrics(report: ScoreReport) -> Table:
    """Table of the scalar metrics, with a column of unweighted values if row weights change any."""
    rows = [[spaced(name), number(value)] for name, value in report.scores.items() if value is not None]
    if report.unweighted is None or not report.differing:
        return Table("All metrics", ["metric", "value"], rows)
    plain = {spaced(name): number(value) for name, value in report.unweighted.scores.items()}
    return Table("All metrics", ["metric", "weighted", "unweighted"], [[*row, plain[row[0]]] for row in rows])


def _network(model: Model) -> Section:
    network = NetworkSummary.of(model.preprocessor, model.inference.network, model.loss)
    optimizer = type_name(model.header.config.optimizer)
    total = sized(network.parameters, model.members)
    sentences = [f"{total}; the loss is {network.loss}, the optimizer {optimizer}."]
    return Section("Network", sentences, (), [layer_table(network)])


def _environment(model: Model, summary: Summary) -> Section:
    versions = [[name, version] for name, version in model.header.versions.items()]
    versions.append(["seconds of training", number(summary.training_seconds)])
    config = model.header.config.model_dump(mode="json", by_alias=True)
    text = yaml.safe_dump(config, sort_keys=False, allow_unicode=True, width=100)
    table = Table("Environment", ["what", "version"], versions, words=True)
    return Section("Config and environment", (), (), [table, Listing("config.yaml", text)])
