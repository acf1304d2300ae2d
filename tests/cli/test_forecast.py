"""Series that do not suit a forecast: an answer, or one line that says where, what, and what to do."""

from __future__ import annotations

import json
import re
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import pytest
from commands import Result, bpcli
from experiments import write_csv
from forecasts import config, days, waves

from bpcli.config.experiment import ExperimentConfig
from bpcli.data.files.source import open_source
from bpcli.experiment.windowing import Windowed

COUNT = 60


def columns(**changes: Any) -> dict[str, list[Any]]:
    return {"day": days(COUNT), "y": waves(COUNT), **changes}


def train(folder: Path, given: dict[str, list[Any]], settings: Any) -> Result:
    write_csv(folder / "t.csv", given)
    (folder / "c.json").write_text(json.dumps(settings))
    return bpcli("train", folder / "c.json", "--run-dir", folder / "run")


def forecast(folder: Path) -> list[float]:
    return [float(row["forecast"]) for row in bpcli("forecast", folder / "run").ok().rows]


def refused(found: Result, message: str) -> None:
    """One line, of the user, with what is wrong."""
    assert found.code in (2, 3), found.err
    lines = [line for line in found.err.splitlines() if not line.startswith("note:")]
    assert len(lines) == 1, found.err
    assert re.search(message, lines[0]), lines[0]


TOO_LARGE = r"t.csv: row 1: column '[yz]': 1e\+308 is too large, beyond 1e\+150; correct it, or divide"

AUTO: dict[str, Any] = {"window": "auto", "season": "auto"}

REFUSED: dict[str, tuple[dict[str, list[Any]], dict[str, Any], dict[str, Any], str]] = {
    "one row": ({"day": days(1), "y": [1.0]}, AUTO, {}, "data.time.frequency: no series has two different stamps"),
    "two rows": ({"day": days(2), "y": [1.0, 2.0]}, AUTO, {}, "t.csv"),
    "no rows": ({"day": [], "y": []}, AUTO, {}, "t.csv: no rows below the header"),
    "shorter than window and horizon": (
        {"day": days(12), "y": waves(12)},
        {"window": 5, "horizon": 4},
        {},
        r"t.csv: 7 training rows of a series are fewer than a window of 5 and a horizon of 4; a horizon of at most 2",
    ),
    "shorter than the window": (
        {"day": days(12), "y": waves(12)},
        {"window": 20},
        {},
        r"7 training rows .* window of 20 .* use a shorter forecast.window",
    ),
    "short, with a window of its own": (
        {"day": days(12), "y": waves(12)},
        AUTO | {"horizon": 12},
        {},
        r"7 training rows .* a horizon of at most 5 would fit",
    ),
    "a target without values": (columns(y=[None] * COUNT), {}, {}, "t.csv: column 'y' has no value"),
    "a target of text": (columns(y=["soon"] * COUNT), {}, {}, "data.target: column 'y' holds text"),
    "two targets": (columns(z=waves(COUNT)), {}, {"target": ["y", "z"]}, "one target"),
    "a horizon longer than the test rows": (
        columns(),
        {"horizon": 13},
        {},
        r"c.json:1:\d+: data.split.(validation|test): .* hold no whole horizon of 13 steps; raise it, or set it to 0",
    ),
    "repeated stamps": (columns(day=days(COUNT - 1) + days(1)), {}, {}, "rows 1 and 60 are both '2023-01-01'"),
    "a missing stamp": (columns(day=[*days(COUNT - 1), None]), {}, {}, "row 60 has no time in column 'day'"),
    "stamps that are none": (columns(day=["x"] * COUNT), {}, {}, "data.time"),
    "an infinite value": (columns(y=[*waves(COUNT - 1), "inf"]), {}, {}, "'y'|row 60"),
    "a value beyond float64": (columns(y=[*waves(COUNT - 1), "1e999"]), {}, {}, "'y'|row 60"),
    "huge values": (columns(y=[1e308 * (-1) ** step for step in range(COUNT)]), {}, {}, TOO_LARGE),
    "a huge input": (columns(z=[1e308 * (-1) ** step for step in range(COUNT)]), {}, {}, TOO_LARGE),
    "logarithms of values below 0": (
        columns(y=[*waves(COUNT - 1), -1.0]),
        {"normalize": "log"},
        {},
        r"c.json:1:\d+: forecast.normalize: log requires values above 0, and column 'y' has others; omit it",
    ),
    "logarithms of 0": (columns(y=[0.0, *waves(COUNT - 1)]), {"normalize": "log"}, {}, "log requires values above 0"),
    "changes of 0": (
        columns(y=[*waves(30), 0.0, 0.0, *waves(28)]),
        {"difference": "return"},
        {},
        "forecast.difference: return requires values other than 0, and column 'y' has others",
    ),
    "a frequency that does not fit": (columns(), {}, {"time": {"column": "day", "frequency": "7d"}}, "data.time.freq"),
    "a frequency of counts": (columns(), {}, {"time": {"column": "day", "frequency": 1}}, "data.time.frequency"),
    "a frequency in no unit": (columns(), {}, {"time": {"column": "day", "frequency": "1q2"}}, "data.time.frequency"),
    "a gap that is an error": (
        {name: [*cells[:20], *cells[21:]] for name, cells in columns().items()},
        {},
        {"time": {"column": "day", "missing": "error"}},
        "no row for '2023-01-21'",
    ),
    "a time that is no column": (columns(), {}, {"time": "when"}, "'when'"),
    "a group that is no column": (columns(), {}, {"group": "shop"}, "'shop'"),
    "a known column that is none": (columns(), {}, {"known": ["price"]}, "'price'"),
    "a known target": (columns(), {}, {"known": ["y"]}, "known names 'y', which is the target"),
    "a known time": (columns(), {}, {"known": ["day"]}, "known"),
    "a cycle that the frequency has not": (columns(), {"calendar": ["hour_of_day"]}, {}, "forecast.calendar: no cycle"),
    "parts of files": (columns(), {}, {"path": None, "train": "t.csv", "test": "t.csv"}, "split by time, not by files"),
}


@pytest.mark.parametrize(("given", "of_forecast", "data", "message"), REFUSED.values(), ids=REFUSED)
def test_series_that_cannot_be_forecast_are_refused(
    tmp_path: Path, given: Any, of_forecast: Any, data: Any, message: str
) -> None:
    settings = config(of_forecast, data)
    settings["data"] = {name: value for name, value in settings["data"].items() if value is not None}
    if "train" in settings["data"]:
        settings["data"].pop("split")
    refused(train(tmp_path, given, settings), message)


NORMALIZATIONS = ["last_scale", "last", "mean_std", "seasonal", "none"]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("normalize", NORMALIZATIONS)
@pytest.mark.parametrize("value", [0.0, 5.0, -1e12, 1e-300])
def test_a_constant_series_is_forecast(tmp_path: Path, value: float, normalize: str, dtype: str) -> None:
    train(tmp_path, columns(y=[value] * COUNT), config({"normalize": normalize}, dtype=dtype)).ok()
    found = forecast(tmp_path)
    assert found == pytest.approx([value] * 3, abs=abs(value) * 1e-4 + 2)
    assert bpcli("evaluate", tmp_path / "run", "--json").ok().json["mase"] is None
    bpcli("predict", tmp_path / "t.csv", "--run", tmp_path / "run").ok()


MONTH_ENDS = (
    (np.arange("2000-02", "2005-02", dtype="M8[M]").astype("M8[D]") - np.timedelta64(1, "D")).astype(str).tolist()
)

ANSWERED: dict[str, tuple[dict[str, list[Any]], dict[str, Any], dict[str, Any]]] = {
    "a horizon of 1": (columns(), {"horizon": 1}, {}),
    "a window of 1": (columns(), {"window": 1}, {}),
    "a window and a horizon of 1": (columns(), {"window": 1, "horizon": 1, "season": 1}, {}),
    "a window of 1 of seasons": (columns(), {"window": 1, "normalize": "seasonal"}, {}),
    "a window of 1 of its mean": (columns(), {"window": 1, "normalize": "mean_std"}, {}),
    "a season longer than the series": (columns(), {"season": 500}, {}),
    "changes of negative values": (columns(y=[-value for value in waves(COUNT)]), {"difference": "return"}, {}),
    "a boolean target": (columns(y=[str(bool(step % 3)).lower() for step in range(COUNT)]), {}, {}),
    "large values": (columns(y=[1e140 * value for value in waves(COUNT)]), {}, {}),
    "small values": (columns(y=[1e-150 * value for value in waves(COUNT)]), {}, {}),
    "values that begin late": (columns(y=[None] * 20 + waves(40)), {}, {}),
    "an input without values": (columns(z=[None] * COUNT), {}, {}),
    "an input that begins late": (columns(z=[None] * 20 + waves(40)), {}, {}),
    "a constant input": (columns(z=[3.0] * COUNT), {}, {}),
    "a constant known input": (
        {"day": days(COUNT + 3), "y": [*waves(COUNT), *[None] * 3], "z": [3.0] * (COUNT + 3)},
        {},
        {"known": ["z"]},
    ),
    "counts": (columns(day=list(range(COUNT))), {}, {}),
    "months": (columns(day=[f"{2000 + step // 12}-{step % 12 + 1:02}" for step in range(COUNT)]), {}, {}),
    "ends of months": (columns(day=MONTH_ENDS), {}, {}),
    "no validation rows": (columns(), {}, {"split": {"validation": 0, "test": 0.2}}),
    "no test rows": (columns(), {}, {"split": {"validation": 0.2, "test": 0}}),
    "the usual split": (columns(), AUTO, {"split": {}}),
    "a series that has no values": (
        {"day": days(COUNT) * 2, "y": waves(COUNT) + [None] * COUNT, "shop": ["a"] * COUNT + ["b"] * COUNT},
        {},
        {"group": "shop"},
    ),
    "a series of one row": (
        {"day": [*days(COUNT), "2023-01-05"], "y": [*waves(COUNT), 3.0], "shop": ["a"] * COUNT + ["b"]},
        {},
        {"group": "shop"},
    ),
    "a series without a name": (
        {"day": days(COUNT) * 2, "y": waves(COUNT) * 2, "shop": ["a"] * COUNT + [None] * COUNT},
        {},
        {"group": "shop"},
    ),
    "a series of test rows alone": (
        {"day": days(COUNT) + days(12, 48), "y": waves(COUNT) + waves(12), "shop": ["a"] * COUNT + ["b"] * 12},
        {},
        {"group": "shop"},
    ),
}


@pytest.mark.parametrize("linear", [False, True], ids=["plain", "linear"])
@pytest.mark.parametrize(("given", "of_forecast", "data"), ANSWERED.values(), ids=ANSWERED)
def test_series_at_the_limits_are_forecast(
    tmp_path: Path, given: Any, of_forecast: Any, data: Any, linear: bool
) -> None:
    more: dict[str, Any] = {"ensemble": {"members": 1, "linear": True}} if linear else {}
    train(tmp_path, given, config(of_forecast, data, **more)).ok()
    run = tmp_path / "run"
    assert np.isfinite(forecast(tmp_path)).all()
    bpcli("predict", tmp_path / "t.csv", "--run", run).ok()
    bpcli("report", run, "--output", tmp_path / "r.html").ok()
    if "split" not in data or data["split"].get("test") != 0:
        bpcli("evaluate", run).ok()


def test_the_forecast_begins_after_the_last_value_with_the_known_values_of_coming_rows(tmp_path: Path) -> None:
    holidays = [float(step % 9 == 0) for step in range(COUNT + 3)]
    given = {"day": days(COUNT + 3), "y": [*waves(COUNT), *[None] * 3], "holiday": holidays}
    train(tmp_path, given, config(data={"known": ["holiday"]})).ok()
    found = bpcli("forecast", tmp_path / "run").ok()
    assert [row["day"] for row in found.rows] == days(3, COUNT)
    given["holiday"][-1] = 1.0 - given["holiday"][-1]
    write_csv(tmp_path / "other.csv", given)
    other = bpcli("forecast", tmp_path / "run", tmp_path / "other.csv").ok()
    assert [row["forecast"] for row in other.rows] != [row["forecast"] for row in found.rows]


def test_ends_of_months_are_continued(tmp_path: Path) -> None:
    train(tmp_path, columns(day=MONTH_ENDS), config()).ok()
    rows = bpcli("forecast", tmp_path / "run").ok().rows
    assert [row["day"] for row in rows] == ["2005-01-31", "2005-02-28", "2005-03-31"]


def test_names_of_many_series_are_no_inputs(tmp_path: Path) -> None:
    """Nor do they stand in the way of a forecast of each."""
    count, length = 1_001, 12
    shops = [f"s{number}" for number in range(count) for _ in range(length)]
    given = {"day": days(length) * count, "y": waves(length * count), "shop": shops}
    settings = config({"window": 2, "horizon": 1, "season": 1}, {"group": "shop"}, training={"epochs": 1})
    found = train(tmp_path, given, settings).ok()
    assert "'shop' not an input: 1,001 series are more than 1,000" in found.err
    assert "; 1 input," in found.err
    assert len(forecast(tmp_path)) == count


@pytest.mark.exhaustive
def test_ten_thousand_series_take_seconds(tmp_path: Path) -> None:
    count, length = 10_000, 30
    numbers = np.random.default_rng(0).normal(size=count * length).round(2).tolist()
    shops = [f"s{number}" for number in range(count) for _ in range(length)]
    given = {"day": days(length) * count, "y": numbers, "shop": shops}
    write_csv(tmp_path / "t.csv", given)
    settings = ExperimentConfig.model_validate(config({"season": "auto"}, {"group": "shop"}))
    started = perf_counter()
    found = Windowed.of(settings, open_source(settings.data, tmp_path, cache=False))
    assert found.source.table().rows == count * (length - 4 - 3 - 2 * 2)
    assert perf_counter() - started < 30
