"""Time axis of series: steps of stamps, and stamps of steps."""

from __future__ import annotations

from collections.abc import Sequence as Several

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from bpcli.data.series.frequency import Frequency
from bpcli.data.series.time_spec import TimeSpec
from bpcli.data.table import Column
from bpcli.spec import Sequence, Spec, Text

Groups = NDArray[np.intp]
Steps = NDArray[np.int64]


class TimeAxis(Spec):
    """Fitted time axis: a regular grid of stamps, with steps counted from the first stamp of the rows it was fitted on.

    All groups have one grid; a series may begin and end at any step of it. Steps before the first are negative.
    """

    columns: Sequence[Text] = Field(description="Columns that are the time together.")
    frequency: Frequency

    @classmethod
    def fit(cls, columns: Several[Column], spec: TimeSpec, groups: Groups | None, source: str) -> TimeAxis:
        """Fit on the columns of `spec.columns`, in any order of rows.

        groups: number of the series of each row, (rows,), or None for one series. source: data files, for messages.

        Raises:
            MismatchError: the format or the frequency in the config does not fit the stamps, or no regular grid is
                found; at data.time.
            DataError: a cell is no stamp, or a stamp is missing.
        """
        raise NotImplementedError

    def steps(
        self, columns: Several[Column], groups: Groups | None, source: str, rows: NDArray[np.intp] | None = None
    ) -> Steps:
        """Step of each row, (rows,).

        rows: number of each row in the source, from 0, for messages; None if all are given.

        Raises DataError, with row and stamp, for cells that are no stamps, missing stamps, stamps off the grid, and
        stamps repeated within a group.
        """
        raise NotImplementedError

    def seconds(self, steps: Steps) -> NDArray[np.float64] | None:
        """Seconds since 1970-01-01T00:00 of steps, also of coming ones; None for counts."""
        raise NotImplementedError

    def labels(self, steps: Steps) -> dict[str, list[str]]:
        """Cells of the time columns at steps, by column, written as in the rows of the fit."""
        raise NotImplementedError

    def stamps(self, steps: Steps) -> list[str]:
        """Stamps of steps in one text each, for messages and charts."""
        raise NotImplementedError

    def calendar(self, steps: Steps) -> dict[str, NDArray[np.float64]]:
        """Position of steps in the cycles that the frequency can follow, by name of the cycle, in [0, 1).

        Names: minute_of_hour, hour_of_day, day_of_week, day_of_year, month_of_year, quarter_of_year. Empty for counts
        and yearly steps.
        """
        raise NotImplementedError

    @property
    def seasons(self) -> tuple[int, ...]:
        """Likely lengths of seasons in steps, ascending: (24, 168) if hourly, (7, 365) daily, (12,) monthly."""
        return self.frequency.seasons
