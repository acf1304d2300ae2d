"""Spread of scores over several runs."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

from bpcli.frozen import dataclass
from bpcli.storage.run_listing import ListedRun


@dataclass(frozen=True)
class Spread:
    """Mean, sample standard deviation (denominator n − 1), minimum, maximum and number of the defined values."""

    mean: float | None
    std: float | None
    min: float | None
    max: float | None
    count: int

    @classmethod
    def of(cls, values: Sequence[float | None]) -> Spread:
        """Spread of values. The standard deviation is None for fewer than two."""
        defined = [value for value in values if value is not None and math.isfinite(value)]
        return cls(
            mean=statistics.fmean(defined) if defined else None,
            std=statistics.stdev(defined) if len(defined) > 1 else None,
            min=min(defined, default=None),
            max=max(defined, default=None),
            count=len(defined),
        )


def spreads(runs: Sequence[ListedRun]) -> dict[str, Spread]:
    """Spread of every metric over runs, by its name in `ListedRun.metrics`."""
    names = dict.fromkeys(name for run in runs for name in run.metrics)
    return {name: Spread.of([run.metrics.get(name) for run in runs]) for name in names}
