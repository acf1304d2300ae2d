"""Source of windows: the rows of a source of series, as a table of examples."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from bpcli.data.columns.encoders import NoScaling
from bpcli.data.columns.numeric_encoders import NumericEncoder
from bpcli.data.columns.spec import ColumnSpec, NumericColumn
from bpcli.data.files.source import Source
from bpcli.data.spec import DataSpec
from bpcli.data.split_spec import SplitSpec
from bpcli.data.table import PARTS, Table
from bpcli.data.windows.fitted import FittedWindows
from bpcli.data.windows.windows import Windows
from bpcli.errors import DataError, Mismatch, MismatchError
from bpcli.wording import counted

MOST_FILLED = 0.5
"""Share of coming values that may be missing in a training window, where each is the value before it."""

UNSCALED: NumericEncoder = NoScaling()


class WindowSource(Source):
    """Windows of the series of another source, each an example."""

    def __init__(self, of: Source, windows: Windows, parts: NDArray[np.int8] | None = None) -> None:
        """Take the windows of `of`, with the split of each, indices into PARTS, or None."""
        super().__init__(of.sources, of.options, of.cache, of.without)
        self.rows, self.windows, self._parts = of, windows, parts

    @property
    def digest(self) -> str:
        """SHA-256 of the data."""
        return self.rows.digest

    @property
    def header(self) -> list[str]:
        """Names of the columns of the table of windows."""
        return list(self.table())

    def table(self) -> Table:
        """The table of windows."""
        return self._windows_table

    @cached_property
    def _windows_table(self) -> Table:
        return self.windows.table(with_targets=True, parts=self._parts)


def split_windows(windows: Windows) -> tuple[Windows, NDArray[np.int8], list[str]]:
    """Windows whose coming values are all in one split, with that split as index into PARTS, and notes.

    Coming values that are missing in the source count only in training, and there up to MOST_FILLED of a window.

    Raises MismatchError if a split has no window.
    """
    fitted = windows.fitted
    first, last = windows.steps + 1, windows.steps + fitted.horizon
    filled = windows.unobserved
    parts = np.full(len(windows.now), -1, np.int8)
    parts[last < fitted.validation_step] = 0
    parts[(first >= fitted.validation_step) & (last < fitted.test_step)] = 1
    parts[first >= fitted.test_step] = 2
    across = int(np.count_nonzero(parts < 0))
    parts[(filled > 0) & (parts != 0)] = -1
    parts[filled > MOST_FILLED * fitted.horizon] = -1
    notes = []
    if across:
        notes.append(f"{counted(across, 'window')} left out, whose coming values are in two splits")
    if lacking := int(np.count_nonzero(parts < 0)) - across:
        notes.append(f"{counted(lacking, 'window')} left out, whose coming values are missing in the data")
    return windows.take(parts >= 0), parts[parts >= 0], notes


def require_windows(parts: NDArray[np.int8], fitted: FittedWindows, shares: tuple[float, float], source: str) -> None:
    """Raise an error for a split without windows. shares: of validation and test rows, as asked."""
    if not np.any(parts == 0):
        raise DataError(
            f"{source}: no training row has a whole window of {fitted.window} and a horizon of {fitted.horizon} with "
            f"known values; the series is {fitted.axis.frequency.shown}, see data.time.frequency"
        )
    for index, share in enumerate(shares, 1):
        if share and not np.any(parts == index):
            what = (
                f"the {PARTS[index]} rows, a share of {share:g}, hold no whole horizon of {fitted.horizon} steps; "
                f"raise it, or set it to 0 for no {PARTS[index]} rows"
            )
            raise MismatchError(Mismatch(("data", "split", PARTS[index]), what))


def data_of_windows(data: DataSpec, fitted: FittedWindows) -> DataSpec:
    """Spec of the table of windows, in place of that of the series."""
    columns: dict[str, ColumnSpec] = {name: data.columns[name] for name in fitted.latest if name in data.columns}
    columns |= dict.fromkeys((fitted.target, *fitted.past), NumericColumn(encoder=UNSCALED))
    columns |= {name: spec for name, spec in data.columns.items() if name in fitted.known}
    return data.model_copy(
        update={
            "target": fitted.targets,
            "columns": columns,
            "exclude": tuple(fitted.origins.names),
            "group": None,
            "time": None,
            "known": (),
            "split": SplitSpec(validation=0.0, test=0.0, order="time"),  # the table has its own
            "target_encoder": UNSCALED,
            "target_range": "none",
        }
    )
