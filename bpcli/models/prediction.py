"""Prediction from file to file, in constant memory and in the order of the rows."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from bpcli.arrays.memory import Array
from bpcli.data.columns import Surprise
from bpcli.data.files.cells import shown_path, typed
from bpcli.data.files.read import read_chunks, read_header
from bpcli.data.files.source import read_options
from bpcli.data.table import Table, require_columns
from bpcli.data.targets import Outcome
from bpcli.errors import BpcliError, DataError, UsageError, errors_in
from bpcli.experiment.notes import notes_of_scale
from bpcli.models.model import Model
from bpcli.spec import type_name
from bpcli.storage.run_directory import RunDirectory
from bpcli.system.files import is_stream
from bpcli.system.threads import available_cores, in_order
from bpcli.training.scoring import require_finite
from bpcli.wording import composed, printable, quoted, without_formula

if TYPE_CHECKING:
    from _typeshed import SupportsWrite

CHUNK_ROWS = 8_192
"""Rows in memory at a time."""

EXPLAINED_ROWS = 512
"""Rows in memory at a time with explanations: 784 columns give 400,000 contributions, as text."""

MOST_SURPRISES = 1000
"""Maximum number of unseen values counted by value, to keep memory constant."""


@dataclass
class Tally:
    """Counts of rows and of surprises during prediction."""

    rows: int = 0
    surprises: Counter[Surprise] = field(default_factory=Counter)
    ignored: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    """Further notes about the first rows."""

    def add(self, surprises: Counter[Surprise]) -> None:
        """Count surprises, by value for the first MOST_SURPRISES, then by column only."""
        for surprise, count in surprises.items():
            if surprise.value is not None and len(self.surprises) >= MOST_SURPRISES and surprise not in self.surprises:
                surprise = Surprise(column=surprise.column, value="(others)")
            self.surprises[surprise] += count


class Explainer(Protocol):
    """Source of additional columns that explain predictions."""

    header: list[str]

    def columns(self, table: Table) -> list[Sequence[Any]]:
        """Column for each name in the header, with one entry per row. Needs no target."""


def newest_model(source: Path | None, runs: Path) -> Model:
    """Model of the last finished run in `runs` for a file, or for standard input if `source` is None.

    A pipe, like standard input, can be read only once: whether it fits is seen when it is read.

    Raises:
        CheckpointError: there is no finished run or it is damaged.
        DataError: the file lacks a column of the model; the message names a run that fits the file.
    """
    newest, *others = RunDirectory.finished(runs)
    model = Model.load(newest.path)
    if source is None or is_stream(source):
        return model
    header = _header_of(source, model)
    try:
        require_columns(_columns_in(model, header), header, shown_path(source))
    except DataError as error:
        fitting = next((run for run in others if _takes(run, source)), None)
        other = "RUN" if fitting is None else printable(str(fitting.path))
        what = "for another run" if fitting is None else "for one that takes this file"
        taken = f"{printable(str(newest.path))} is the newest finished run; {what} add --checkpoint {other}"
        raise DataError(f"{error}; {taken}") from error
    return model


def _header_of(source: Path, model: Model) -> list[str]:
    return read_header(source, read_options(model.header.config.data, model.preprocessor.input_kinds))


def _columns_in(model: Model, header: list[str]) -> list[str]:
    """Columns that a model reads from a file with this header."""
    return list(model.preprocessor.input_kinds_in(header))


def _takes(run: RunDirectory, source: Path) -> bool:
    """Whether a file has all columns of the run's model."""
    try:
        model = Model.load(run.path)
        header = _header_of(source, model)
        return set(_columns_in(model, header)) <= set(header)
    except BpcliError:
        return False


def predict_file(
    model: Model,
    source: Path | None,
    out: SupportsWrite[str],
    probabilities: bool = False,
    keep: Sequence[str] = (),
    spreadsheet_safe: bool = False,
    explainer: Explainer | None = None,
) -> Tally:
    """Write predictions to `out` as CSV, one line for each row of a file, or of standard input if `source` is None.

    The columns in `keep` come first, unchanged from the input. With `probabilities`, a column for each class follows
    the prediction; the columns of `explainer` come last. With `spreadsheet_safe`, text that a spreadsheet would read as
    a formula is escaped.

    Raises:
        DataError: the file cannot be read, a column is missing, or a value does not fit its column.
        UsageError: the model has no probabilities, or two output columns would have the same name.
    """
    keep, data = tuple(map(composed, keep)), model.header.config.data
    options = read_options(data, model.preprocessor.input_kinds)
    options = replace(options, split_arrays=options.split_arrays or any(map(options.names_position, keep)))
    kinds = model.preprocessor.input_kinds_in(model.whole_arrays(source, options))
    options = replace(options, kinds=kinds, columns=frozenset(kinds) | frozenset(keep), verbatim=frozenset(keep))
    if probabilities and not model.loss.gives_probabilities:
        raise UsageError(f"--probabilities: a model with loss {quoted(type_name(model.loss))} gives none")
    explaining = [] if explainer is None else explainer.header
    header = [*keep, *_names_of_predictions(model, probabilities), *explaining]
    twice = next((name for index, name in enumerate(header) if name in header[:index]), None)
    if twice is not None:
        whose = "--explain writes a column of that name" if twice in explaining else "the predictions have that name"
        why = "named twice" if header.count(twice) == keep.count(twice) else whose
        raise UsageError(f"--keep: {quoted(twice)}: {why}; output columns must have different names")
    chunk_rows = CHUNK_ROWS if explainer is None else EXPLAINED_ROWS
    tables = read_chunks(source, options, chunk_rows)
    first = next(tables)
    where = shown_path(source)
    model.require_positions(source, first.header)
    first.require([*kinds, *keep], where)
    known = {*model.preprocessor.target.names, *data.exclude, data.weight, data.split.column, *data.groups}
    tally = Tally(ignored=tuple(name for name in first.ignored if name not in known))
    model.require_width(source, tally.ignored)
    whole = next((name for name in keep if first[name].shape), None)
    if whole is not None:
        raise UsageError(f"--keep: {quoted(whole)} is an array; name positions of it, such as {quoted(whole + '0')}")

    def written(texts: list[str]) -> list[str]:
        return list(map(without_formula, texts)) if spreadsheet_safe else texts

    classes = np.array(written(list(model.classes)), dtype=object)

    def answer(numbered: tuple[int, Table]) -> tuple[list[Sequence[Any]], Counter[Surprise]]:
        number, table = numbered
        kept = [written(table[name].labels()) for name in keep]
        # Kept inputs were read as text, to be written unchanged, and are typed here.
        inputs = {
            name: typed(table[name], options, where, number * chunk_rows + 1) if name in keep else table[name]
            for name in kinds
        }
        table = Table(list(inputs.values()), rows=table.rows)
        with errors_in(where):
            outcome, surprises = model.outcome(table)
            columns = _columns(model, outcome, classes, probabilities)
            return [*kept, *columns, *(() if explainer is None else explainer.columns(table))], surprises

    writer, careful = csv.writer(out, lineterminator="\n"), csv.writer(_LineFeeds(out), lineterminator="\r\n")
    threads = available_cores() if first.rows == chunk_rows else 1
    with model.threads.single():
        for number, (columns, surprises) in enumerate(in_order(answer, enumerate(chain([first], tables)), threads)):
            if not number:
                careful.writerow(written(header))
            texts = chain(classes, *columns[: len(keep)])
            (careful if "\r" in "".join(texts) else writer).writerows(zip(*columns, strict=True))
            tally.rows += len(columns[0])
            tally.add(surprises)
    if not kinds.keys() & set(keep):  # kept columns are text
        tally.notes = tuple(notes_of_scale(model.preprocessor, first))
    return tally


class _LineFeeds:
    """Converts CRLF at the end of rows to LF. Before Python 3.13, `csv` quotes a CR only if rows end in CRLF.

    It costs a call per row, a tenth of the time to predict a million rows.
    """

    def __init__(self, out: SupportsWrite[str]) -> None:
        self._write = out.write

    def write(self, row: str) -> object:
        return self._write(f"{row[:-2]}\n")


def _names_of_predictions(model: Model, probabilities: bool) -> list[str]:
    target = model.preprocessor.target
    is_one = target.class_names or len(target.names) == 1
    names = ["prediction"] if is_one else [f"prediction_{name}" for name in target.names]
    return [*names, *([f"probability_{name}" for name in model.classes] if probabilities else [])]


def _columns(model: Model, outcome: Outcome, classes: NDArray[np.object_], probabilities: bool) -> list[Sequence[Any]]:
    columns: list[Sequence[Any]] = []
    predicted = outcome.predicted
    if model.target.class_names:
        columns.append(classes[predicted].tolist())
    elif predicted.dtype.kind == "f":
        with np.errstate(over="ignore"):
            numbers = predicted.astype(model.dtype)
        require_finite(numbers)
        columns += digits(numbers)
    else:
        columns += list(predicted.T)
    if probabilities:
        columns += digits(model.require_probabilities(outcome))
    return columns


def digits(values: Array) -> list[Sequence[str]]:
    """Format each column as text, with the fewest digits that round-trip in its dtype."""
    return [column.astype(str).tolist() for column in values.T]
