"""Columns of predictions for tables of rows, one after another or several at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from bpcli.data.columns import Surprise
from bpcli.data.files.cells import ReadOptions, typed
from bpcli.data.table import Column, Table
from bpcli.errors import DataError
from bpcli.models.model import Model
from bpcli.models.prediction_lines import Lines
from bpcli.training.scoring import require_finite


class Explainer(Protocol):
    """Source of additional columns that explain predictions."""

    header: list[str]

    def columns(self, table: Table, lines: Lines) -> list[Sequence[Any]]:
        """Column for each name in the header, with one cell per row, as `lines` writes it. Needs no target."""


class Answered(NamedTuple):
    """Columns of the output for some rows, and the error of the row after them, if that has one."""

    columns: list[Sequence[Any]]
    surprises: Counter[Surprise]
    failure: DataError | None = None
    clipped: int = 0
    """Predictions moved into the target's range."""

    @property
    def rows(self) -> int:
        """Number of rows."""
        return len(self.columns[0])


@dataclass(frozen=True)
class Answers:
    """Predictions of a model as columns of an output, in which the `keep` columns of the input come first.

    where: the data, for messages. source: the file, or None for a stream.
    """

    model: Model
    options: ReadOptions
    keep: Sequence[str]
    probabilities: bool
    explainer: Explainer | None
    lines: Lines
    where: str
    source: Path | None = None

    def _typed(self, column: Column, first_row: int) -> Column:
        """Kept column of text as the model takes it."""
        if column.name in self.options.pictures:
            from bpcli.data.files.picture_columns import with_pictures

            return with_pictures(Table([column]), self.source, self.options)[column.name]
        return typed(column, self.options, self.where, first_row)

    def __call__(self, numbered: tuple[int, Table]) -> Answered:
        """Answer a table that follows a number of rows, up to the first row that cannot be answered.

        Raises DataError for a kept input that does not fit its column.
        """
        before, table = numbered
        # Kept inputs were read as text, to be written unchanged, and are typed here.
        inputs = [
            self._typed(table[name], before + 1) if name in self.keep else table[name] for name in self.options.kinds
        ]
        kept, rows = [table[name] for name in self.keep], Table(inputs, rows=table.rows)
        try:
            return self._answered(kept, rows)
        except DataError as error:
            if not rows.rows:
                raise DataError(f"{self.where}: {error}") from error
            known, failure = self._rows_before_failure(rows), error
        try:
            answered = self._answered([column.take(slice(known)) for column in kept], rows.slice(0, known))
        except DataError as error:  # not of a row, but of a column
            raise DataError(f"{self.where}: {error}") from error
        try:
            self._predicted(rows.slice(known, known + 1))
        except DataError as error:
            failure = error
        return answered._replace(failure=DataError(f"{self.where}: row {before + known + 1:,}: {failure}"))

    def _answered(self, kept: Sequence[Column], rows: Table) -> Answered:
        columns: list[Sequence[Any]] = [self.lines.cells(_texts(column)) for column in kept]
        predicted = self._predicted(rows)
        return predicted._replace(columns=[*columns, *predicted.columns])

    def _predicted(self, rows: Table) -> Answered:
        """Columns of the predictions and their explanations. Raises DataError for a row that cannot be answered."""
        outcome, surprises = self.model.outcome(rows)
        columns: list[Sequence[Any]] = []
        if self.model.target.class_names:
            columns.append(self._classes[outcome.predicted].tolist())
        else:
            require_finite(outcome.predicted)  # they may overflow in the user's units
            columns += outcome.predicted.T.tolist()
        if self.probabilities:
            columns += self.model.require_probabilities(outcome).T.tolist()
        explained = () if self.explainer is None else self.explainer.columns(rows, self.lines)
        return Answered([*columns, *explained], surprises, clipped=outcome.clipped)

    @cached_property
    def _classes(self) -> NDArray[np.object_]:
        return np.array(self.lines.cells(self.model.classes), dtype=object)

    def _rows_before_failure(self, rows: Table) -> int:
        """Number of rows before the first that cannot be answered, of rows that cannot be answered together."""
        known, failing = 0, rows.rows
        while failing - known > 1:
            middle = (known + failing) // 2
            try:
                self._predicted(rows.slice(known, middle))
                known = middle
            except DataError:
                failing = middle
        return known


def _texts(column: Column) -> list[str | None]:
    """Cells as text, None for those missing."""
    if column.kind != "categorical":
        return [text or None for text in column.labels()]
    texts: list[str | None] = np.array([*column.categories, None], dtype=object)[column.values].tolist()
    return texts
