"""Fitted windows: everything by which rows of series become examples."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from bpcli.data.origins import OriginColumns
from bpcli.data.series.forecast_spec import Normalize
from bpcli.data.series.time_axis import TimeAxis
from bpcli.data.table import Kind
from bpcli.spec import Sequence, Spec, Text

FROM_LAST = ("last_scale", "last", "seasonal", "log")
"""Normalizations by which a window is counted from its last value, which then says nothing."""

Count = Annotated[int, Field(ge=1)]


class SeriesScale(Spec):
    """Scale of one series in its training rows.

    center, spread: mean and standard deviation. window: mean standard deviation of a window. error: mean absolute error
    of the seasonal naive forecast, by which scores are scaled, in all rows before the test rows. All but `error` are of
    logarithms where these are scaled.
    """

    names: Sequence[str] = Field(default=(), description="Cells of the columns of groups.")
    center: float
    spread: float = Field(gt=0)
    window: float = Field(gt=0)
    error: float = Field(ge=0)


class FittedWindows(Spec):
    """Windows of series, fitted on the training rows; stored in checkpoints."""

    axis: TimeAxis
    target: Text
    groups: Sequence[Text] = Field(default=(), description="Columns that tell the series apart.")
    series_are_inputs: bool = Field(default=True, description="Whether the columns of groups are inputs.")
    past: Sequence[Text] = Field(default=(), description="Numeric columns that are known up to the origin.")
    latest: Sequence[Text] = Field(default=(), description="Other columns, of which the latest value is an input.")
    known: Sequence[Text] = Field(default=(), description="Columns whose values are known ahead.")
    spreads: dict[str, float] = Field(
        default={}, description="Mean standard deviation of a training window, of each column of `past`."
    )
    kinds: dict[str, Kind] = Field(description="Kinds of the columns, those of the time aside.")
    horizon: Count
    window: Count
    other_window: Count
    season: Count
    normalize: Normalize
    returns: bool = Field(default=False, description="Whether relative changes of the target are forecast.")
    cycles: Sequence[str] = Field(default=(), description="Cycles of the calendar that are inputs.")
    validation_step: int = Field(description="First time step of the validation rows.")
    test_step: int = Field(description="First time step of the test rows.")
    scales: Sequence[SeriesScale] = Field(min_length=1, description="Scales of the series.")

    @property
    def targets(self) -> tuple[str, ...]:
        """Names of the coming values: co2+1, co2+2, …"""
        return tuple(f"{self.target}{step:+d}" for step in range(1, self.horizon + 1))

    @property
    def history(self) -> int:
        """Number of past time steps, the present one among them, that an example needs or refers to."""
        return max(self.window, self.other_window, self.season) + self.returns

    @property
    def counts_from_last(self) -> bool:
        """Whether a window is counted from its last value, which is then 0 and no input."""
        return self.normalize in FROM_LAST and not self.returns

    @property
    def origins(self) -> OriginColumns:
        """Names of the columns of origins in a table of windows."""
        return OriginColumns.beside(self.target, self.normalize == "log", self.returns)

    @property
    def usual(self) -> SeriesScale:
        """Scale of a series that had no training rows: the median of each figure."""
        middle = {
            name: sorted(getattr(scale, name) for scale in self.scales)[len(self.scales) // 2]
            for name in ("center", "spread", "window", "error")
        }
        return SeriesScale(**middle)

    @property
    def columns(self) -> list[str]:
        """Columns of the source, those of the time aside."""
        return [*self.groups, self.target, *self.past, *self.latest, *self.known]
