"""Time axis of series: steps of stamps, and stamps of steps."""

from __future__ import annotations

from collections.abc import Sequence as Several
from typing import TYPE_CHECKING, Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from bpcli.data.series.frequency import Frequency
from bpcli.data.series.grid import Grid
from bpcli.data.series.stamps_base import JOINT, StampsBase
from bpcli.data.series.time_spec import TimeSpec
from bpcli.data.table import Column
from bpcli.errors import DataError, Mismatch, MismatchError
from bpcli.spec import Family, Sequence, Spec, Text
from bpcli.wording import counted, listed, quoted

if TYPE_CHECKING:
    from bpcli.data.series.words import StampWords

Groups = NDArray[np.intp]
Rows = NDArray[np.intp]
Steps = NDArray[np.int64]

Stamps = Annotated[
    StampsBase,
    Family(
        {
            "date": "bpcli.data.series.stamps:DateStamps",
            "fractional_years": "bpcli.data.series.stamps:FractionalYears",
            "count": "bpcli.data.series.stamps:CountStamps",
        }
    ),
]


class TimeAxis(Spec):
    """Fitted time axis: a regular grid of stamps, with steps counted from the first stamp of the rows it was fitted on.

    All groups have one grid; a series may begin and end at any step of it. Steps before the first are negative.
    """

    columns: Sequence[Text] = Field(description="Columns that are the time together.")
    stamps: Stamps = Field(description="How stamps are written.")
    grid: Grid

    @classmethod
    def fit(
        cls, columns: Several[Column], spec: TimeSpec, groups: Groups | None, source: str, rows: Rows | None = None
    ) -> TimeAxis:
        """Fit on the columns of `spec.columns`, in any order of rows.

        groups: number of the series of each row, (rows,), or None for one series. source: data files, for messages.
        rows: number of each row in the source, from 0, for messages; None if all are given.

        Raises:
            MismatchError: the cells are no stamps, or the frequency in the config does not fit them, or no regular
                grid is found; at data.time.
            DataError: a cell is no stamp, or missing.
        """
        from bpcli.data.series.recognition import recognise_stamps
        from bpcli.data.series.regularity import find_frequency
        from bpcli.data.series.words import stamp_words

        words = stamp_words(columns)
        _require_all(words, columns, source, rows)
        stamps = recognise_stamps(words.words, spec)
        values = _values(stamps, words, columns, source, rows)
        step = spec.step or find_frequency(values, groups, stamps.are_counts)
        if (step.unit == "count") != stamps.are_counts:
            held, written = ("numbers", "number, such as 1") if stamps.are_counts else ("dates", "unit, such as 1d")
            raise MismatchError(Mismatch(("data", "time", "frequency"), f"the stamps are {held}; write a {written}"))
        return cls(columns=tuple(spec.columns), stamps=stamps, grid=Grid.through(values, step))

    @property
    def frequency(self) -> Frequency:
        """Step of the grid."""
        return self.grid.frequency

    @property
    def noted(self) -> str:
        """Note on how the time was understood: its frequency, its first stamp, and what stamps were taken for."""
        first = self.texts(np.zeros(1, np.int64))[0]
        return f"time: {self.frequency.shown} from {quoted(first)}, read as {self.stamps.read_as}"

    def steps(self, columns: Several[Column], groups: Groups | None, source: str, rows: Rows | None = None) -> Steps:
        """Step of each row, (rows,).

        rows: number of each row in the source, from 0, for messages; None if all are given.

        Raises DataError, with row and stamp, for cells that are no stamps, missing stamps, stamps off the grid, and
        stamps repeated within a group.
        """
        from bpcli.data.series.words import stamp_words

        words = stamp_words(columns)
        _require_all(words, columns, source, rows)
        values = _values(self.stamps, words, columns, source, rows)
        steps, on_grid = self.grid.steps(values)
        self._require_regular(steps, on_grid, words, source, rows)
        self._require_unrepeated(steps, groups, words, source, rows)
        return steps

    def seconds(self, steps: Steps) -> NDArray[np.float64] | None:
        """Seconds since 1970-01-01T00:00 of steps, also of coming ones; None for counts."""
        return None if self.stamps.are_counts else self.grid.values(steps)

    def labels(self, steps: Steps) -> dict[str, list[str]]:
        """Cells of the time columns at steps, by column, written as in the rows of the fit."""
        cells = [text.split(JOINT) for text in self._written(steps)]
        return {name: [parts[place] for parts in cells] for place, name in enumerate(self.columns)}

    def texts(self, steps: Steps) -> list[str]:
        """Stamps of steps in one text each, with blanks between columns, for messages and charts."""
        return [text.replace(JOINT, " ") for text in self._written(steps)]

    def _written(self, steps: Steps) -> list[str]:
        different, places = np.unique(steps, return_inverse=True)
        texts = self.stamps.write(self.grid.values(different))
        return [texts[place] for place in places.tolist()]

    def calendar(self, steps: Steps) -> dict[str, NDArray[np.float64]]:
        """Position of steps in the cycles that the frequency can follow, by name of the cycle, in [0, 1).

        Names: minute_of_hour, hour_of_day, day_of_week, day_of_year, month_of_year, quarter_of_year. Empty for counts
        and yearly steps.
        """
        from bpcli.data.series.cycles import cycles_of

        seconds = self.seconds(steps)
        return {} if seconds is None else cycles_of(seconds, self.frequency)

    @property
    def seasons(self) -> tuple[int, ...]:
        """Likely lengths of seasons in steps, ascending: (24, 168) if hourly, (7, 365) daily, (12,) monthly."""
        return self.frequency.seasons

    def _require_regular(
        self, steps: Steps, on_grid: NDArray[np.bool_], words: StampWords, source: str, rows: Rows | None
    ) -> None:
        """Raise DataError for the first stamp off the grid."""
        off = np.flatnonzero(~on_grid)
        if len(off):
            first = int(off[0])
            near = self.texts(steps[off[:1]])[0]
            more = _one_of(len(off), "row")
            raise DataError(
                f"{source}: row {_number(first, rows)}: {_shown(words, first)} is off the regular time axis, "
                f"{self.frequency.shown}, whose nearest stamp is {quoted(near)}{more}; correct it, or set "
                "data.time.frequency"
            )

    def _require_unrepeated(
        self, steps: Steps, groups: Groups | None, words: StampWords, source: str, rows: Rows | None
    ) -> None:
        """Raise DataError for the first stamp that occurs twice in one series."""
        from bpcli.data.series.repeats import repeated_stamp

        repeated = repeated_stamp(steps, groups)
        if repeated is not None:
            first, second = repeated.rows
            series = "" if groups is None else " in one series"
            more = _one_of(len(repeated.later), "pair")
            raise DataError(
                f"{source}: rows {_number(first, rows)} and {_number(second, rows)} are both {_shown(words, first)}"
                f"{series}{more}; {self._hint_at_repeats(steps[repeated.later], groups)}"
            )

    def _hint_at_repeats(self, steps: Steps, groups: Groups | None) -> str:
        """What to do about repeated stamps: clocks going back, several series, or a row too many."""
        from bpcli.data.series.repeats import are_of_clock_changes

        seconds = self.seconds(steps)
        if seconds is not None and self.frequency.unit == "second" and are_of_clock_changes(seconds):
            return "clocks go back then: write the times in UTC, or omit one of the two"
        if groups is None:
            return (
                "omit one of them, name further columns of the time in data.time, or name the column that tells the "
                "series apart in data.group"
            )
        return "omit one of them, or add a column to data.group that tells the series apart"


def _require_all(words: StampWords, columns: Several[Column], source: str, rows: Rows | None) -> None:
    """Raise DataError for a row without a stamp."""
    missing = np.flatnonzero(words.codes < 0)
    if len(missing):
        first = int(missing[0])
        name = next(column.name for column in columns if column.missing()[first])
        more = _one_of(len(missing), "row")
        raise DataError(
            f"{source}: row {_number(first, rows)} has no time in column {quoted(name)}{more}; fill it in, "
            "or omit the row"
        )


def _values(
    stamps: Stamps, words: StampWords, columns: Several[Column], source: str, rows: Rows | None
) -> NDArray[np.float64]:
    """Value of each row's stamp (rows,). Raises DataError for a word that is no stamp."""
    values = stamps.values(words.words)
    wrong = np.flatnonzero(np.isinf(values))
    if len(wrong):
        row = int(np.argmax(np.isin(words.codes, wrong)))
        raise DataError(
            f"{source}: row {_number(row, rows)}: {listed(column.name for column in columns)}: {_shown(words, row)} "
            f"is not {stamps.expected}; correct it, or set data.time.format"
        )
    return words.of_rows(values)


def _one_of(count: int, noun: str) -> str:
    """That a message names the first of several."""
    return f", the first of {counted(count, f'such {noun}')}" if count > 1 else ""


def _shown(words: StampWords, row: int) -> str:
    return quoted(words.words[words.codes[row]].replace(JOINT, " "))


def _number(row: int, rows: Rows | None) -> str:
    """Number of a row in messages, from 1."""
    return f"{(row if rows is None else int(rows[row])) + 1:,}"
