"""The table of windows, against loops that compute each cell from the rows of its series alone."""

from __future__ import annotations

from collections.abc import Sequence
from math import cos, pi, sin
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from forecasts import config, days, waves, windowed

from bpcli.data.table import Table
from bpcli.errors import MemoryLimitError
from bpcli.experiment.windowing import Windowed
from bpcli.system import memory

NORMALIZATIONS = ["last_scale", "last", "mean_std", "seasonal", "log", "none"]
WINDOW, OTHER, HORIZON, SEASON = 5, 7, 3, 9
VALIDATION, TEST = 36, 45
"""First steps behind 57 and 76 of 95 rows: 15 of one series, then 2 at each step."""
LENGTHS = {"b": (40, 15), "a": (55, 0)}
"""Number of rows of each series, and its first day; the rows of b come first in the file."""

Rows = list[dict[str, Any]]


def series(name: str, count: int, first: int) -> Rows:
    random = np.random.default_rng(count)
    values: list[Any] = waves(count, count)
    values[:2] = [None, None]  # the series begins without values
    values[20] = None
    past: list[Any] = random.normal(size=count).round(3).tolist()
    past[0] = past[25] = None
    return [
        {
            "shop": name,
            "day": day,
            "y": values[step],
            "past": past[step],
            "price": round(float(random.normal()), 3),
            "open": bool(step % 3),
            "holiday": f"h{step % 4 % 3}",
            "kind": None if step == 0 else f"k{step * step % 5}",
            "flag": bool(step % 2),
            "nothing": None,
        }
        for step, day in enumerate(days(count, first))
    ]


ROWS = {name: series(name, *ends) for name, ends in LENGTHS.items()}


def found(folder: Path, **forecast: Any) -> Windowed:
    every = [row for rows in ROWS.values() for row in rows]
    columns = {
        name: [str(row[name]).lower() if isinstance(row[name], bool) else row[name] for row in every]
        for name in every[0]
    }
    known = ["price", "open", "holiday"]
    lengths = {"window": WINDOW, "horizon": HORIZON, "other_window": OTHER, "season": SEASON}
    wanted = {**lengths, "calendar": ["day_of_week"], **forecast}
    return windowed(folder, columns, config(wanted, {"group": "shop", "known": known}))


def filled(cells: Sequence[Any]) -> list[Any]:
    """Cells with the latest one before each that is missing."""
    latest, out = None, []
    for cell in cells:
        latest = cell if cell is not None else latest
        out.append(latest)
    return out


class Reference:
    """What the table must hold, of one series."""

    def __init__(self, rows: Rows, first: int, normalize: str, returns: bool) -> None:
        self.first = first
        self.columns = {name: filled([row[name] for row in rows]) for name in rows[0]}
        self.given = [row["y"] is not None for row in rows]
        levels = self.columns["y"]
        self.values = levels
        if returns:
            pairs = zip([None, *levels], levels, strict=False)
            self.values = [None if was is None or now is None else (now - was) / was for was, now in pairs]
            self.given = [self.given[at] and at > 0 and self.given[at - 1] for at in range(len(levels))]
        self.normalize, self.returns = normalize, returns
        known = [value for at, value in enumerate(self.values) if value is not None and first + at < VALIDATION]
        scaled = np.log(known) if normalize == "log" else np.array(known)
        self.center, self.spread = scaled.mean(), scaled.std()
        self.usual = np.mean([scaled[at : at + WINDOW].std() for at in range(len(scaled) - WINDOW + 1)])
        before = [value for at, value in enumerate(self.values) if value is not None and first + at < TEST]
        self.error = np.mean([abs(now - was) for was, now in zip(before, before[SEASON:], strict=False)])

    def origins(self) -> list[tuple[int, str]]:
        """Origin of each window, and its split."""
        places = []
        for now in range(len(self.values)):
            window = self.values[max(now - WINDOW + 1, 0) : now + 1]
            coming = [self.first + now + ahead for ahead in range(1, HORIZON + 1)]
            if len(window) < WINDOW or None in window or now + HORIZON >= len(self.values):
                continue
            lacking = sum(not self.given[now + ahead] for ahead in range(1, HORIZON + 1))
            part = next(
                (
                    part
                    for part, low, high in (
                        ("train", -1, VALIDATION),
                        ("validation", VALIDATION, TEST),
                        ("test", TEST, 999),
                    )
                    if low <= coming[0] and coming[-1] < high
                ),
                None,
            )
            if part is None or (lacking and part != "train") or lacking > HORIZON / 2:
                continue
            places.append((now, part))
        return places

    def season_before(self, now: int, ahead: int) -> Any:
        place = now + ahead
        while place > now:
            place -= SEASON
        begin = next(at for at, value in enumerate(self.values) if value is not None)
        return self.values[place if place >= begin else now]

    def others(self, now: int) -> Any:
        """Values of the other column up to now, NaN before the series."""
        cells = [None] * OTHER + self.columns["past"][: now + 1]
        return np.array([np.nan if value is None else value for value in cells[-OTHER:]])

    def row(self, now: int, past_spread: float) -> dict[str, Any]:
        """Cells of a window."""
        logarithm = np.log if self.normalize == "log" else np.array
        window = logarithm(self.values[now - WINDOW + 1 : now + 1])
        coming = logarithm([self.values[now + ahead] for ahead in range(1, HORIZON + 1)])
        seasonal = [self.season_before(now, ahead) for ahead in range(1, HORIZON + 1)]
        last, spread = window[-1], max(window.std(), 0.1 * self.usual)
        from_last = self.normalize in ("last_scale", "last", "seasonal", "log")
        center, base, by = {
            "last_scale": (last, last, spread),
            "log": (last, last, spread),
            "last": (last, last, self.usual),
            "seasonal": (last, seasonal, spread),
            "mean_std": (window.mean(), window.mean(), spread),
            "none": (self.center, self.center, self.spread),
        }[self.normalize]
        if from_last and self.returns:
            center = base = 0.0
        inputs = (window - center) / by
        past = self.others(now)
        place = (self.first + now + 1 + 6) % 7 / 7  # 2023-01-01 is a Sunday, and weeks begin on Mondays
        ahead = slice(now + 1, now + HORIZON + 1)
        return {
            "y": inputs[:-1] if from_last and not self.returns else inputs,
            "past": (past[:-1] - past[-1]) / max(past.std(), 0.1 * past_spread),
            "shop": self.columns["shop"][now],
            "kind": self.columns["kind"][now] or "",
            "flag": float(self.columns["flag"][now]),
            "price": self.columns["price"][ahead],
            "open": np.array(self.columns["open"][ahead], float),
            **{f"holiday+{step}": self.columns["holiday"][now + step] for step in range(1, HORIZON + 1)},
            "day_of_week sine": sin(2 * pi * place),
            "day_of_week cosine": cos(2 * pi * place),
            **{f"y+{step}": value for step, value in enumerate((coming - base) / by, 1)},
            "y (last value)": [0.0 if self.returns else self.values[now]],
            "y (a season before)": seasonal,
            "y (usual seasonal error)": [self.error],
        }


@pytest.mark.parametrize("normalize", NORMALIZATIONS)
@pytest.mark.parametrize("difference", ["none", "return"])
def test_each_cell_is_that_of_the_reference(tmp_path: Path, normalize: str, difference: str) -> None:
    if (normalize, difference) == ("log", "return"):
        pytest.skip("relative changes have no logarithms")
    result = found(tmp_path, normalize=normalize, difference=difference)
    assert (result.fitted.validation_step, result.fitted.test_step) == (VALIDATION, TEST)
    references = [Reference(ROWS[name], LENGTHS[name][1], normalize, difference == "return") for name in ("a", "b")]
    spreads = [
        one.others(now).std()
        for one in references
        for now in range(WINDOW - 1, len(one.values) - HORIZON)
        if one.first + now < VALIDATION and None not in one.values[now - WINDOW + 1 : now + 1]
    ]
    past_spread = float(np.nanmean(spreads))
    wanted = [(one.row(now, past_spread), part) for one in references for now, part in one.origins()]
    table = result.source.table()
    assert table.rows == len(wanted)
    assert table.parts is not None
    assert [("train", "validation", "test")[part] for part in table.parts] == [part for _, part in wanted]
    for name in wanted[0][0]:
        cells = [row[name] for row, _ in wanted]
        if table[name].kind == "categorical":
            assert [*table[name].labels()] == cells, name
        else:
            np.testing.assert_allclose(table[name].values, np.array(cells), rtol=1e-9, atol=1e-12, err_msg=name)
    others = set(table) - set(wanted[0][0])
    assert others == {"y (subtracted)", "y (divided by)"}


@pytest.mark.parametrize("normalize", NORMALIZATIONS)
@pytest.mark.parametrize("difference", ["none", "return"])
def test_restored_targets_are_the_coming_values(tmp_path: Path, normalize: str, difference: str) -> None:
    if (normalize, difference) == ("log", "return"):
        pytest.skip("relative changes have no logarithms")
    result = found(tmp_path, normalize=normalize, difference=difference)
    table, windows = result.source.table(), result.source.windows
    scaled = np.stack([table[name].values for name in result.fitted.targets], axis=1)
    restored = result.fitted.origins.of(table).restored(scaled)
    np.testing.assert_allclose(restored, windows.rows.values[windows.coming], rtol=1e-12, atol=1e-15)


def test_the_positions_of_a_window_are_named_by_their_time_steps(tmp_path: Path) -> None:
    table: Table = found(tmp_path).source.table()
    assert [column.name for column in table["y"].positions()] == ["y-4", "y-3", "y-2", "y-1"]
    assert [column.name for column in table["price"].positions()] == ["price+1", "price+2", "price+3"]


def test_the_season_is_that_of_the_series_with_most_training_rows(tmp_path: Path) -> None:
    """Later rows, of which another series has more, do not count."""
    week = [float(step % 7) for step in range(60)]
    columns = {"day": days(60) + days(80, 50), "y": week + [1.0, 2.0] * 40, "shop": ["a"] * 60 + ["b"] * 80}
    settings = config({"season": "auto"}, {"group": "shop", "split": {"validation": 0.3, "test": 0.3}})
    assert windowed(tmp_path, columns, settings).fitted.season == 7


def test_memory_is_estimated_before_windows_are_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int] = []
    monkeypatch.setattr(memory, "available_memory", lambda: 2_000_000)
    monkeypatch.setattr("bpcli.data.windows.windows.Windows.origins", lambda self: made.append(1))
    columns = {"day": days(3000), "y": waves(3000)}
    with pytest.raises(MemoryLimitError, match=r"windows of the series needs .* use a shorter forecast.window"):
        windowed(tmp_path, columns, config({"window": 250})).source.table()
    assert not made
