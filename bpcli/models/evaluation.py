"""Evaluation of a trained model on a split of its own data or on a file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bpcli.data.examples.selection import Examples, select_examples
from bpcli.data.files.query import Location
from bpcli.data.files.source import open_source, read_together
from bpcli.data.spec import DataSpec
from bpcli.data.table import PARTS, Part, Table
from bpcli.documents.scores import ScoreReport
from bpcli.errors import DataError, MismatchError, errors_in
from bpcli.experiment.scale_notes import notes_of_scale
from bpcli.experiment.surprises import notes_of_clipped, notes_of_targets, notes_of_unseen_classes, surprise_notes
from bpcli.models.decision import decision_report
from bpcli.models.file_rows import file_rows, trained_on
from bpcli.models.model import Model
from bpcli.models.new_rows import notes_of_sheets
from bpcli.storage.header import Header
from bpcli.storage.run_checkpoint import unfinished_notes
from bpcli.storage.run_directory import RunDirectory
from bpcli.training.scoring import remarks
from bpcli.wording import counted, listed, printable, quoted

if TYPE_CHECKING:
    from bpcli.documents.decision import DecisionReport

CHANGED = (
    "the data file has changed since training: the rows differ from those of the run, and some may be training rows"
)

OF_FIRST = (
    "scores of the first training's best model: the final model, which predicts, has trained on the validation rows too"
)

SEEN_BY_FINAL = "the final model, which is explained, has trained on these validation rows too"

FITTED_HERE = "threshold and calibration were fitted on these rows, so scores on them may be too optimistic"


@dataclass(frozen=True)
class Evaluation:
    """Metrics, the rows they were computed on, and notes for the user."""

    source: str
    report: ScoreReport
    notes: list[str]
    decision: DecisionReport | None = None
    """Thresholds and calibration, unless they are the default."""


@dataclass(frozen=True)
class SplitRows:
    """Rows of a split of the run's own data, without missing targets.

    numbers: row numbers in the data, counted from 1, as in `bpcli trace --row`. model: the one that answers for them:
    of rows in folds, one that answers each out of fold.
    """

    table: Table
    numbers: NDArray[np.intp]
    part: Part
    source: str
    notes: list[str]
    model: Model

    @property
    def notes_of_answers(self) -> list[str]:
        """Notes on answers of `model`, which those of a final model on validation rows are not."""
        is_first = self.model.path.name == RunDirectory(self.model.path.parent.parent).validated.name
        return [*self.notes, *([OF_FIRST] if is_first else [])]


@dataclass(frozen=True)
class OwnData:
    """Current state of the data that a model was trained on, with the split of its training."""

    model: Model
    selection: Examples
    shown: str
    """Data files, formatted for messages."""

    @property
    def is_changed(self) -> bool:
        """Whether the files have changed since training."""
        return self.selection.digest != self.model.header.data.sha256

    def rows(self, part: Part | None) -> SplitRows:
        """Rows of the given split; by default test, else validation, else training.

        Raises:
            DataError: the run has no such split, or the data lacks its rows or a column of the model.
        """
        part = _known_part(self.model, part)
        table, model = self.selection.table, self.model
        if part == "validation" and model.header.all_rows:
            model = validated_model(model)
        table.require(list(self.model.preprocessor.evaluation_kinds), self.shown)
        rows, named = self.selection.split.part(part), f"{part} rows"
        if part == "validation" and model.header.config.folds:
            if self.is_changed:
                raise DataError(
                    f"{self.shown}: the data has changed since training, so the folds are unknown; predictions out of "
                    "fold are in oof.csv of the run"
                )
            from bpcli.models.out_of_fold import out_of_fold

            model, rows = out_of_fold(model, self.selection)
            named = "training rows, out of fold,"
        if not len(rows):
            raise DataError(f"{self.selection.source}: no longer has {part} rows")
        notes = [*self.selection.notes, *([CHANGED] if self.is_changed else [])]
        return SplitRows(table.take(rows), rows + 1, part, f"{named} of {self.shown}", notes, model)


def validated_model(model: Model) -> Model:
    """Best model of the first training, which has not seen the validation rows, before the final one of `model`.

    Raises DataError if it is not in the run directory of the final model.
    """
    run = RunDirectory(model.path.resolve().parent.parent)
    if not run.validated.is_file():
        raise DataError(
            f"{printable(str(model.path))}: the model of a final training has seen the validation rows, and "
            f"{run.validated.name}, the model before it, is missing; evaluate test rows, or new rows with --data"
        )
    return Model.load(run.validated)


def own_data(model: Model, cache: bool = True, otherwise: str = "give it with --data") -> OwnData:
    """Read a model's own data.

    cache: as for `prepare`. otherwise: advice for the message if the data is missing.

    Raises:
        DataError: the data is missing or cannot be read.
    """
    return next(data_of_each([model], cache, otherwise))


def data_of_each(models: Sequence[Model], cache: bool, otherwise: str) -> Iterator[OwnData]:
    """Yield each model's own data. Data that models share is read once. Raises as `own_data`."""
    specs, sources = [], []
    for model in models:
        spec, folder = find_data(model.header, model.path, otherwise)
        specs.append(spec)
        sources.append(open_source(spec, folder, model.evaluation_kinds, cache))
    for model, spec, source in zip(models, specs, read_together(sources), strict=True):
        config = model.header.config
        if model.header.windows is not None:
            from bpcli.models.new_windows import own_windows

            source, spec = own_windows(source, spec, model.header.windows)
        weightless = model.header.data.weightless
        examples = select_examples(source, spec, config.seed, config.loss, True, weightless)
        yield OwnData(model, examples, source.shown_from_here)


def split_rows(model: Model, part: Part | None, cache: bool = True) -> SplitRows:
    """Rows of a split of a model's own data, as chosen by `OwnData.rows`. Raises DataError as it and `own_data` do."""
    _known_part(model, part)  # before reading anything
    return own_data(model, cache).rows(part)


def known_classes(model: Model, rows: SplitRows) -> SplitRows:
    """Rows of classes that have training rows, with a note on the others.

    Raises DataError if there are none.
    """
    unseen = model.preprocessor.unseen_classes(rows.table)
    if not unseen:
        return rows
    target = model.preprocessor.target
    truth = target.truth_of([rows.table[name] for name in target.names])
    known = np.flatnonzero(truth.values < len(target.class_names))
    if not len(known):
        raise DataError(f"{rows.source}: no row has a class that the model was trained on")
    notes = [*rows.notes, f"{counted(sum(unseen.values()), 'row')} left out, of {listed(unseen)}, not seen in training"]
    return replace(rows, table=rows.table.take(known), numbers=rows.numbers[known], notes=notes)


def _known_part(model: Model, part: Part | None) -> Part:
    """The requested split, or by default the last that the run has. Raises DataError if the run has no such split."""
    rows = model.header.data.rows
    have = [name for name in PARTS if rows[name] or (name == "validation" and model.header.config.folds)]
    if part is not None and part not in have:
        raise DataError(f"the run has no {part} rows; it has {listed(have)}")
    return part or have[-1]


def chosen_rows(has_target: NDArray[np.bool_], model: Model, shown: str) -> tuple[NDArray[np.intp], list[str]]:
    """Indices of the rows of `shown`, the data in messages, that have a target, and a note on the rows left out.

    Raises:
        DataError: no row has a target.
    """
    rows = np.flatnonzero(has_target)
    if not len(rows):
        raise DataError(f"{shown}: no row has a value in target {listed(model.preprocessor.target.names)}")
    left_out = len(has_target) - len(rows)
    return rows, [f"{counted(left_out, 'row')} left out: no value in the target"] if left_out else []


def weighing_rows(model: Model, table: Table, source: str) -> tuple[NDArray[np.intp], list[str]]:
    """Indices of the rows of a table without those of weight 0, and notes on these and on missing weights.

    Raises:
        DataError: a weight is missing or negative, or all are 0.
    """
    name, rows = model.preprocessor.weight, np.arange(table.rows)
    try:
        weights = model.preprocessor.row_weights(table)
    except MismatchError as error:
        raise DataError(f"{source}: {error.mismatches[0].what}") from error
    if name is None:
        return rows, []
    if weights is None:
        return rows, [f"no column {quoted(name)} of weights: metrics are unweighted"]
    rows = np.flatnonzero(weights)
    left_out = table.rows - len(rows)
    return rows, [f"{counted(left_out, 'row')} left out: weight 0 in {quoted(name)}"] if left_out else []


def evaluate_split(model: Model, part: Part | None, cache: bool = True) -> Evaluation:
    """Evaluate a model on a split of its own data, as chosen by `split_rows`."""
    rows = split_rows(model, part, cache)
    fitted = [FITTED_HERE] if rows.part == "validation" and model.decision.rows else []
    return _evaluated(
        rows.model, rows.table, rows.source, [*rows.notes_of_answers, *fitted, *warnings_of_training(model)]
    )


def evaluate_file(model: Model, path: Path, cache: bool = True) -> Evaluation:
    """Evaluate a model on all rows of a file that have a target. Raises as `file_rows` and `chosen_rows`."""
    return evaluate_data(model, [path], cache)


def evaluate_data(model: Model, data: Sequence[Location], cache: bool = True) -> Evaluation:
    """Evaluate a model on all rows of files, or of a query, that have a target. Raises as `evaluate_file`."""
    found = file_rows(model, data, cache)
    shown = found.source.shown
    rows, notes = chosen_rows(found.has_target, model, shown)
    notes = [*notes_of_sheets(found.source.locations, found.source.options), *notes]
    if (trained := trained_on(model, found)) is not None:
        notes = [trained, *notes]
    return _evaluated(model, found.table.take(rows), shown, notes)


def _evaluated(model: Model, table: Table, source: str, notes: list[str]) -> Evaluation:
    rows, of_weights = weighing_rows(model, table, source)
    table, notes = table.take(rows) if len(rows) < table.rows else table, [*notes, *of_weights]
    with errors_in(source):
        answers, surprises = model.answers(table)
        decision = decision_report(model, table)
    known = " ".join(notes)
    unseen = [line for line in notes_of_unseen_classes(model.preprocessor, table) if line not in known]
    told = [*unfinished_notes(model.path), *model.decision_notes, *notes, *unseen, *surprise_notes(surprises)]
    told += [
        *notes_of_targets(model.preprocessor, table),
        *notes_of_scale(model.preprocessor, table),
        *notes_of_clipped(model.target, answers.clipped),
        *remarks(answers.report),
    ]
    return Evaluation(source, answers.report, told, decision)


def warnings_of_training(model: Model) -> list[str]:
    """Data warnings of the model's training; empty if its run directory is missing or has none."""
    summary = RunDirectory(model.path.resolve().parent.parent).read_summary()
    return [f"warning during training: {printable(line)}" for line in summary.warnings]


def find_data(header: Header, checkpoint: Path, otherwise: str) -> tuple[DataSpec, Path]:
    """Locate a run's data. Returns its spec and the folder its paths are relative to.

    The paths of the run's config are tried first, then those of the training. otherwise: advice for the message.

    Raises:
        DataError: the data is in neither place.
    """
    data = header.config.data
    folder = checkpoint.resolve().parent.parent
    if all(path.exists() for path, _ in data.sources(folder)):
        return data, folder
    absolute = data.with_paths(header.data.paths)
    missing = next((path for path, _ in absolute.sources(folder) if not path.exists()), None)
    if missing is not None:
        raise DataError(f"{printable(str(missing))}: the data of this run no longer exists; {otherwise}")
    return absolute, folder
