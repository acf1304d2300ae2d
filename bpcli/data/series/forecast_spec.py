"""Config section `forecast`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator

from bpcli.spec import Sequence, Spec

Normalize = Literal["last_scale", "last", "mean_std", "seasonal", "log", "none"]

MOST_STEPS = 10_000
"""Limit of a horizon, a window and a season."""

Steps = Annotated[int, Field(ge=1, le=MOST_STEPS)]

Level = Annotated[float, Field(gt=0, lt=1)]


class ForecastSpec(Spec):
    """Forecast of the target's coming values from a window of past ones."""

    horizon: Steps = Field(description="Number of coming time steps to forecast, all from the same window.")
    window: Steps | Literal["auto"] = Field(
        default="auto",
        description="Number of past time steps that a forecast is made from. auto: two seasons, at least three "
        "horizons, at most a quarter of the training rows.",
    )
    other_window: Steps | Literal["auto"] = Field(
        default="auto",
        description="Number of past time steps of the other numeric columns. auto: 4, or the window if it is shorter.",
    )
    season: Steps | Literal["auto"] = Field(
        default="auto",
        description="Length of a season in time steps, 1 for none: of the seasonal naive forecast, and of the mean "
        "absolute scaled error. auto: the one that suits the frequency and shows in the training rows.",
    )
    normalize: Normalize = Field(
        default="last_scale",
        description="Scaling of each window and its coming values. last: minus the last value. last_scale: also "
        "divided by the standard deviation of the window. mean_std: minus its mean, divided by that. seasonal: "
        "last_scale, of coming values minus those a season before. log: last_scale of logarithms. none: one scaling "
        "for all rows.",
    )
    difference: Literal["none", "return"] = Field(
        default="none", description="return: forecast relative changes from step to step, as of prices."
    )
    calendar: Literal["auto", "none"] | Sequence[str] = Field(
        default="auto",
        description="Cycles of the calendar whose position at the first coming step is an input: hour_of_day, "
        "day_of_week, day_of_year, week_of_year, month_of_year, quarter_of_year. auto: those too long for the window.",
    )
    blend: Literal["auto", "none"] = Field(
        default="auto",
        description="Blend of the model's forecast with exponential smoothing and a naive forecast. auto: where the "
        "output layer takes the window itself (skip: linear, or no layers), in shares that the validation windows "
        "favor.",
    )
    intervals: Sequence[Level] = Field(
        default=(0.8, 0.95), description="Shares of coming values that the intervals of a forecast are to hold."
    )

    @field_validator("intervals")
    @classmethod
    def _ascending(cls, levels: tuple[float, ...]) -> tuple[float, ...]:
        if list(levels) != sorted(set(levels)):
            raise ValueError("levels must be ascending and different, such as [0.8, 0.95]")
        return levels
