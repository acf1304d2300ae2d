"""Reliability of probabilities in a report: a chart, and a table with counts and intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bpcli.documents.table import Table
from bpcli.metrics.reliability import BINS, Bin
from bpcli.pages.charts import Chart, Series
from bpcli.pages.page import number

INTERVALS = "95% Wilson intervals"


def calibration_chart(bins: Mapping[str, Sequence[Bin]], note: str = "") -> Chart:
    """Observed share against mean probability in each bin, by name; with intervals if there is one name."""
    series = [
        Series(
            name,
            [one.mean for one in found],
            [one.observed for one in found],
            spans=[(one.low, one.high) for one in found] if len(bins) == 1 else (),
        )
        for name, found in bins.items()
    ]
    about = [note, f"{BINS} equal-width bins of probability, empty ones omitted"]
    about += [f"bars are {INTERVALS}"] if len(bins) == 1 else []
    return Chart(
        "Calibration",
        "mean predicted probability",
        "observed share",
        series,
        unit_square=True,
        diagonal=True,
        note="; ".join(filter(None, about)),
    )


def calibration_table(bins: Mapping[str, Sequence[Bin]]) -> Table:
    """Rows, mean probability and observed share of each bin, with its interval."""
    header = ["class", "rows", "mean probability", "observed share", "low", "high"]
    rows = [
        [name, number(one.rows), *map(number, (one.mean, one.observed, one.low, one.high))]
        for name, found in bins.items()
        for one in found
    ]
    return Table(f"Calibration by bin of probability, with {INTERVALS}", header, rows)
