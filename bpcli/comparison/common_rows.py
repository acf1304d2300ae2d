"""Rows on which all runs are scored, unseen by each of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bpcli.comparison.contestants import Contestant
from bpcli.config.experiment import ExperimentConfig
from bpcli.data.table import Table
from bpcli.errors import DataError
from bpcli.models.evaluation import OwnData, chosen_rows, data_of_each
from bpcli.models.file_rows import FileRows, file_rows_for_each, is_copy
from bpcli.models.model import Model
from bpcli.models.new_rows import notes_of_sheets
from bpcli.wording import counted, enumerated, printable


@dataclass(frozen=True)
class CommonRows:
    """The same rows, as read by each model.

    models: those that answer for the rows: of rows in folds, models that answer each out of fold.
    """

    source: str
    tables: list[Table]
    models: list[Model]
    notes: list[str]
    train: Table | None = None
    """Training rows of the first run, if its data was read."""


def rows_of_test(contestants: Sequence[Contestant], cache: bool) -> CommonRows:
    """Test rows of the first run; if it has none and all runs have folds, the training rows, out of fold.

    Raises:
        DataError: there are neither, or a run used some of them for training or validation, or this cannot be
            determined.
    """
    first = contestants[0]
    models = [contestant.model for contestant in contestants]
    owned = []
    for contestant, data in zip(contestants, data_of_each(models, cache, "give other data with --data"), strict=True):
        if data.is_changed:
            raise DataError(
                f"{contestant.shown}: its data file has changed since, so its training rows are unknown; give rows "
                "that no run has seen with --data"
            )
        owned.append(data)
    selections = [data.selection for data in owned]
    rows = selections[0].split.test
    of_series = _forecast_alike(contestants)
    for contestant, selection in zip(contestants, selections, strict=True):
        differs = selection.table.rows != selections[0].table.rows and not of_series
        if selection.digest != selections[0].digest or differs:
            raise DataError(
                f"{contestant.shown} was trained on different data than {first.shown}, so their unseen rows are "
                "unknown; give rows that no run has seen with --data"
            )
    if not len(rows):
        return _rows_of_folds(contestants, owned)
    if of_series:
        return _test_windows(contestants, owned)
    for contestant, selection in zip(contestants, selections, strict=True):
        for seen, what in ((selection.split.train, "training"), (selection.split.validation, "validation")):
            known = int(np.isin(rows, seen).sum())
            if known:
                why = _difference(first.model.header.config, contestant.model.header.config)
                raise DataError(
                    f"of the {counted(len(rows), 'test row')} of {first.shown}, {known:,} are {what} rows of "
                    f"{contestant.shown}, as {why}; give rows that no run has seen with --data, or train with the same "
                    "seed and split"
                )
    tables = [selection.table.take(rows) for selection in selections]
    train = selections[0].table.take(selections[0].split.train)
    return CommonRows(f"test rows of {owned[0].shown}", tables, models, [], train)


def _forecast_alike(contestants: Sequence[Contestant]) -> bool:
    """Whether all runs forecast series. Raises DataError if some forecast returns, and others values."""
    first, *others = contestants
    found = [contestant.model.header.windows for contestant in contestants]
    for contestant, windows in zip(others, found[1:], strict=True):
        if windows is not None and found[0] is not None and windows.returns != found[0].returns:
            one, other = (first, contestant) if windows.returns else (contestant, first)
            raise DataError(f"{other.shown} forecasts returns, and {one.shown} values: their errors have other units")
    return None not in found


def _test_windows(contestants: Sequence[Contestant], owned: Sequence[OwnData]) -> CommonRows:
    """Test windows of series; each run may have windows of its own length.

    They are the same forecasts if they begin behind the same time step and are as many: those with a longer history are
    among those with a shorter one. Raises DataError if they are not.
    """
    first = contestants[0]
    selections = [data.selection for data in owned]
    tables = [selection.table.take(selection.split.test) for selection in selections]
    steps = [one.model.header.windows.test_step for one in contestants if one.model.header.windows is not None]
    for contestant, table, step in zip(contestants, tables, steps, strict=True):
        if step != steps[0] or table.rows != tables[0].rows:
            raise DataError(
                f"{first.shown} and {contestant.shown} have different test rows; give rows that no run has seen with "
                "--data, or train with the same data.split.test"
            )
    train = selections[0].table.take(selections[0].split.train)
    models = [contestant.model for contestant in contestants]
    return CommonRows(f"test rows of {owned[0].shown}", tables, models, [], train)


def _difference(one: ExperimentConfig, other: ExperimentConfig) -> str:
    """Keys of two configs by which their splits differ, and why a share of validation rows is one."""
    keys = [f"data.split.{key}" for key, value in one.data.split if value != getattr(other.data.split, key)]
    if one.seed != other.seed and (one.data.split.seed is None or other.data.split.seed is None):
        keys.insert(0, "seed")
    if not keys:
        return "their splits differ"
    differ = f"their {enumerated(keys)} {'differs' if len(keys) == 1 else 'differ'}"
    if "data.split.validation" not in keys or "seed" in keys:
        return differ
    return f"{differ} (test rows are drawn after the validation rows, so their share moves them)"


def _rows_of_folds(contestants: Sequence[Contestant], owned: Sequence[OwnData]) -> CommonRows:
    """Training rows of all runs, which each answers out of fold. Raises DataError unless they are the same rows."""
    first = contestants[0]
    for contestant in contestants:
        if not contestant.model.header.config.folds:
            folds = "" if contestant is first else f" but rows in folds, and {contestant.shown} has none of these"
            raise DataError(f"{first.shown} has no test rows{folds}; give other rows with --data")
    found = [data.rows("validation") for data in owned]
    for contestant, rows in zip(contestants[1:], found[1:], strict=True):
        if not np.array_equal(rows.numbers, found[0].numbers):
            raise DataError(
                f"{first.shown} and {contestant.shown} have no test rows and different rows in folds; give other rows "
                "with --data, or train with the same seed and split"
            )
    tables, models = [rows.table for rows in found], [rows.model for rows in found]
    return CommonRows(found[0].source, tables, models, ["no test rows: each row is predicted out of fold"])


def rows_of_file(contestants: Sequence[Contestant], path: Path, cache: bool) -> CommonRows:
    """All rows of a file that have a target.

    Raises:
        DataError: no row has a target, or a run was trained on the file, or their forecasts have other units.
    """
    _forecast_alike(contestants)
    models = [contestant.model for contestant in contestants]
    found = []
    for contestant, rows_of_it in zip(contestants, file_rows_for_each(models, [path], cache), strict=True):
        _require_new(contestant, path, rows_of_it)
        found.append(rows_of_it)
    has_target = np.all([one.has_target for one in found], axis=0)
    shown = printable(str(path))
    rows, left_out = chosen_rows(has_target, contestants[0].model, shown)
    sheets = dict.fromkeys(note for one in found for note in notes_of_sheets([path], one.source.options))
    notes = [f"cannot tell whether runs were trained on rows of {shown}", *sheets, *left_out]
    return CommonRows(shown, [one.table.take(rows) for one in found], models, notes)


def _require_new(contestant: Contestant, path: Path, found: FileRows) -> None:
    """Raise DataError for a file that a run was trained on, compared by path and by content."""
    header = contestant.model.header
    parts = [part for _, part in header.config.data.files]
    trained = [Path(known) for known, part in zip(header.data.paths, parts, strict=True) if part != "test"]
    if header.data.sha256 == found.source.digest or any(is_copy(path, known) for known in trained):
        raise DataError(
            f"{printable(str(path))}: {contestant.shown} was trained on rows of this file; give rows that no run has "
            "seen, or omit --data for the test rows"
        )
