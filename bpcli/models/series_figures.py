"""Figures of the windows of series, for `bpcli check`."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bpcli.wording import counted

if TYPE_CHECKING:
    from bpcli.data.windows.fitted import FittedWindows


@dataclass(frozen=True)
class SeriesFigures:
    """Windows of series; steps are written as in the data.

    first_validation, first_test: first time step of the rows of that split, None if it has none.
    """

    series: int
    frequency: str
    horizon: int
    window: int
    season: int
    calendar: Sequence[str]
    first_validation: str | None
    first_test: str | None

    @classmethod
    def of(cls, fitted: FittedWindows, parts: Collection[str]) -> SeriesFigures:
        """Figures of fitted windows, of which there are some in `parts`."""
        steps = {"validation": fitted.validation_step, "test": fitted.test_step}
        first = {part: fitted.axis.texts(np.array([step]))[0] for part, step in steps.items() if part in parts}
        return cls(
            len(fitted.scales),
            fitted.axis.frequency.shown,
            fitted.horizon,
            fitted.window,
            fitted.season,
            fitted.cycles,
            first.get("validation"),
            first.get("test"),
        )

    @property
    def shown(self) -> str:
        """Figures in words, such as `weekly, window 104, horizon 13, season 52; test from 1993-06-05`."""
        season = "no season" if self.season == 1 else f"season {self.season}"
        several = f"{counted(self.series, 'series', 'series')}, " if self.series > 1 else ""
        splits = {"validation": self.first_validation, "test": self.first_test}
        since = ", ".join(f"{part} from {step}" for part, step in splits.items() if step is not None)
        return (
            f"{several}{self.frequency}, window {self.window}, horizon {self.horizon}, {season}"
            f"{'; ' if since else ''}{since}"
        )
