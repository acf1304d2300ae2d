"""Prediction from file to file, in constant memory and in the order of the rows."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path
from typing import TextIO

from bpcli.data.columns import Surprise
from bpcli.data.files.cells import ReadOptions, shown_path
from bpcli.data.files.read import read_chunks, read_stream
from bpcli.data.table import Table
from bpcli.errors import UsageError
from bpcli.experiment.scale_notes import notes_of_scale
from bpcli.models.model import Model
from bpcli.models.new_rows import notes_of_sheets, options_of_new_rows
from bpcli.models.prediction_columns import Answered, Answers, Explainer
from bpcli.models.prediction_lines import CsvLines, Lines
from bpcli.models.repeated_sources import notes_of_repeats
from bpcli.spec import type_name
from bpcli.system.files import is_stream
from bpcli.system.threads import available_cores, in_order
from bpcli.wording import composed, quoted

CHUNK_ROWS = 8_192
"""Rows in memory at a time."""

EXPLAINED_ROWS = 512
"""Rows in memory at a time with explanations: 784 columns give 400,000 contributions, as text."""

MOST_SURPRISES = 1000
"""Maximum number of unseen values counted by value, to keep memory constant."""


@dataclasses.dataclass
class Tally:
    """Counts of rows and of surprises during prediction."""

    rows: int = 0
    surprises: Counter[Surprise] = field(default_factory=Counter)
    clipped: int = 0
    """Predictions moved into the target's range."""
    ignored: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    """Further notes about the first rows."""

    def add(self, answered: Answered) -> None:
        """Count rows and surprises: by value for the first MOST_SURPRISES, then by column only."""
        self.rows += answered.rows
        self.clipped += answered.clipped
        for surprise, count in answered.surprises.items():
            if surprise.value is not None and len(self.surprises) >= MOST_SURPRISES and surprise not in self.surprises:
                surprise = Surprise(column=surprise.column, value="(others)")
            self.surprises[surprise] += count


def predict_files(
    model: Model,
    sources: Sequence[Path | None],
    out: TextIO,
    probabilities: bool = False,
    keep: Sequence[str] = (),
    explainer: Explainer | None = None,
    lines_of: Callable[[Sequence[str]], Lines] = CsvLines,
) -> Tally:
    """Write predictions to `out`, one line for each row of the files, in their order; None reads standard input.

    The columns in `keep` come first, unchanged from the input. With `probabilities`, a column for each class follows
    the prediction; the columns of `explainer` come last. `lines_of` makes the format of the output from its header.

    Raises:
        DataError: a file cannot be read, a column is missing, or a value does not fit its column.
        UsageError: the model has no probabilities, or two output columns would have the same name.
    """
    keep = tuple(map(composed, keep))
    if probabilities and not model.loss.gives_probabilities:
        raise UsageError(f"--probabilities: a model with loss {quoted(type_name(model.loss))} gives none")
    if model.header.windows is not None:
        if explainer is not None:
            raise UsageError("--explain: not for series; `bpcli inspect` shows what their forecasts rest on")
        from bpcli.models.series_prediction import predict_series

        rows, notes = predict_series(model, sources, out, keep, lines_of)
        return Tally(rows, notes=tuple(notes))
    lines = lines_of(_header(model, probabilities, keep, [] if explainer is None else explainer.header))
    tally, beginning = Tally(notes=tuple(notes_of_repeats(sources, keep))), lines.beginning()
    for source in sources:
        table = Input.open(model, source, keep, CHUNK_ROWS if explainer is None else EXPLAINED_ROWS)
        answers = Answers(model, table.options, keep, probabilities, explainer, lines, table.where, source)
        with model.threads.single():
            for answered in in_order(answers, _numbered(table.chunks), table.threads):
                if answered.rows or answered.failure is None:
                    out.write(beginning + lines.rows(answered.columns))
                    out.flush()
                    beginning = ""
                tally.add(answered)
                if answered.failure is not None:
                    raise answered.failure
        tally.ignored = tuple(dict.fromkeys([*tally.ignored, *table.ignored]))
        tally.notes += tuple(notes_of_sheets([source], table.options))
        if not table.options.kinds.keys() & set(keep):  # kept columns are text
            place = f"{table.where}: " if len(sources) > 1 else ""
            tally.notes += tuple(place + note for note in notes_of_scale(model.preprocessor, table.first))
    return tally


@dataclass(frozen=True)
class Input:
    """Rows of one file or stream, as a model takes them."""

    where: str
    """Name in messages."""
    options: ReadOptions
    first: Table
    """The first rows."""
    chunks: Iterator[Table | None]
    """All rows; None before a read that would wait."""
    ignored: tuple[str, ...]
    """Columns that the model does not know."""
    threads: int

    @classmethod
    def open(cls, model: Model, source: Path | None, keep: Sequence[str], chunk_rows: int) -> Input:
        """Read the first rows. Raises DataError and UsageError as `predict_files`."""
        data = model.header.config.data
        options = options_of_new_rows(data, model.preprocessor.input_kinds, model.preprocessor)
        options = replace(options, split_arrays=options.split_arrays or any(map(options.names_position, keep)))
        kinds = model.preprocessor.input_kinds_in(model.whole_arrays(source, options))
        options = replace(
            options, kinds=kinds, columns=frozenset(kinds) | frozenset(keep), verbatim=options.verbatim | set(keep)
        )
        # Kept paths stay text, to be written unchanged; their pictures are read when they are predicted.
        unkept = replace(options, pictures={name: form for name, form in options.pictures.items() if name not in keep})
        tables: Iterator[Table | None]
        if arrives := source is None or is_stream(source):
            tables = read_stream(source, unkept, chunk_rows)
        else:
            tables = read_chunks(source, unkept, chunk_rows)
        first, where = next(table for table in tables if table is not None), shown_path(source)
        model.require_positions(source, first.header)
        first.require([*kinds, *keep], where)
        known = {*model.preprocessor.target.names, *data.exclude, data.weight, data.split.column, *data.groups}
        ignored = tuple(name for name in first.ignored if name not in known)
        model.require_width(source, ignored)
        whole = next((name for name in keep if first[name].shape), None)
        if whole is not None:
            raise UsageError(
                f"--keep: {quoted(whole)} is an array; name positions of it, such as {quoted(whole + '0')}"
            )
        threads = available_cores() if arrives or first.rows == chunk_rows else 1
        return cls(where, options, first, chain([first], tables), ignored, threads)


def _numbered(tables: Iterable[Table | None]) -> Iterator[tuple[int, Table] | None]:
    """Yield each table with the number of rows before it, and None for None."""
    rows = 0
    for table in tables:
        yield None if table is None else (rows, table)
        rows += 0 if table is None else table.rows


def _header(model: Model, probabilities: bool, keep: Sequence[str], explaining: Sequence[str]) -> list[str]:
    """Names of the columns of the output. Raises UsageError if two are the same."""
    header = [*keep, *_names_of_predictions(model, probabilities), *explaining]
    twice = next((name for name, times in Counter(header).items() if times > 1), None)
    if twice is not None:
        whose = "--explain writes a column of that name" if twice in explaining else "the predictions have that name"
        why = "named twice" if header.count(twice) == keep.count(twice) else whose
        raise UsageError(f"--keep: {quoted(twice)}: {why}; output columns must have different names")
    return header


def _names_of_predictions(model: Model, probabilities: bool) -> list[str]:
    target = model.preprocessor.target
    is_one = target.class_names or len(target.names) == 1
    names = ["prediction"] if is_one else [f"prediction_{name}" for name in target.names]
    return [*names, *([f"probability_{name}" for name in model.classes] if probabilities else [])]
