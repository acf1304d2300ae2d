"""Forecasts past the last row, from stored rows, from files, and from each row of a file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import bpcli
from experiments import write_csv
from forecasts import config, days, run_of, waves

COUNT, HORIZON = 60, 3
NORMALIZATIONS = ["last_scale", "last", "mean_std", "seasonal", "log", "none"]


def columns(count: int = COUNT) -> dict[str, list[Any]]:
    random = np.random.default_rng(1)
    return {
        "day": days(count),
        "y": waves(count),
        "past": random.normal(size=count).round(3).tolist(),
        "kind": [f"k{step % 4}" for step in range(count)],
        "flag": [str(bool(step % 3)).lower() for step in range(count)],
    }


def grouped() -> dict[str, list[Any]]:
    """Three series of different lengths, one beginning without values."""
    parts = {"a": (60, 0), "b": (45, 5), "c": (30, 30)}
    found: dict[str, list[Any]] = {"shop": [], "day": [], "y": []}
    for seed, (name, (count, first)) in enumerate(parts.items()):
        values: list[Any] = waves(count, seed)
        values[:3] = [None] * 3 if name == "b" else values[:3]
        found["shop"] += [name] * count
        found["day"] += days(count, first)
        found["y"] += values
    return found


def numbers(rows: list[dict[str, str]], column: str = "forecast") -> list[float]:
    return [float(row[column]) for row in rows]


@pytest.mark.parametrize("normalize", NORMALIZATIONS)
@pytest.mark.parametrize("difference", ["none", "return"])
def test_stored_rows_forecast_as_the_whole_file(tmp_path: Path, normalize: str, difference: str) -> None:
    """A season longer than the window, gaps, and columns of each role: the same bits."""
    if (normalize, difference) == ("log", "return"):
        pytest.skip("relative changes have no logarithms")
    given = columns()
    given["y"][30] = given["y"][59 - 2] = None
    given["past"][55] = None
    run = run_of(tmp_path, given, config({"normalize": normalize, "difference": difference, "season": 9}))
    stored = bpcli("forecast", run).ok()
    assert stored.out == bpcli("forecast", run, tmp_path / "t.csv").ok().out
    assert [row["day"] for row in stored.rows] == days(HORIZON, COUNT)


def test_a_gap_before_the_last_value_is_not_the_end(tmp_path: Path) -> None:
    given = columns()
    given["y"][COUNT - 2] = None
    run = run_of(tmp_path, given, config({"difference": "return"}))
    found = bpcli("forecast", run).ok()
    assert [row["day"] for row in found.rows] == days(HORIZON, COUNT)
    changes = numbers(found.rows)
    assert numbers(found.rows, "level") == pytest.approx((given["y"][-1] * np.cumprod(1 + np.array(changes))).tolist())


@pytest.mark.parametrize("normalize", ["last_scale", "seasonal", "log"])
def test_predict_gives_the_forecast_at_the_last_row(tmp_path: Path, normalize: str) -> None:
    run = run_of(tmp_path, columns(), config({"normalize": normalize}))
    predicted = bpcli("predict", tmp_path / "t.csv", "--run", run).ok().rows
    assert [*predicted[-1].values()] == [row["forecast"] for row in bpcli("forecast", run).ok().rows]
    assert len(predicted) == COUNT
    assert [*predicted[3].values()] == ["", "", ""]
    assert all(predicted[4].values())


def test_a_row_has_the_same_bits_alone_and_among_others(tmp_path: Path) -> None:
    given = columns() | {"past": [step % 2 / 100 if step < 50 else 1e6 * (step % 2) for step in range(COUNT)]}
    run = run_of(tmp_path, given, config())
    whole = bpcli("predict", tmp_path / "t.csv", "--run", run).ok().rows
    for end in (20, 41, 59):
        write_csv(tmp_path / "part.csv", {name: cells[end - 12 : end] for name, cells in given.items()})
        part = bpcli("predict", tmp_path / "part.csv", "--run", run).ok().rows
        assert part[-1] == whole[end - 1]


def test_rows_in_any_order_are_predicted_in_theirs(tmp_path: Path) -> None:
    run = run_of(tmp_path, columns(), config())
    whole = bpcli("predict", tmp_path / "t.csv", "--run", run).ok().rows
    order = np.random.default_rng(0).permutation(COUNT).tolist()
    write_csv(tmp_path / "t2.csv", {name: [cells[row] for row in order] for name, cells in columns().items()})
    assert bpcli("predict", tmp_path / "t2.csv", "--run", run).ok().rows == [whole[row] for row in order]


def test_forecasts_after_more_rows_have_come(tmp_path: Path) -> None:
    more = columns(COUNT + 10)
    run = run_of(tmp_path, {name: cells[:COUNT] for name, cells in more.items()}, config())
    write_csv(tmp_path / "more.csv", more)
    found = bpcli("forecast", run, tmp_path / "more.csv").ok().rows
    assert [row["day"] for row in found] == days(HORIZON, COUNT + 10)
    write_csv(tmp_path / "latest.csv", {name: cells[-10:] for name, cells in more.items()})
    assert bpcli("forecast", run, tmp_path / "latest.csv").ok().rows == found


def test_each_series_is_forecast_from_its_own_end(tmp_path: Path) -> None:
    run = run_of(tmp_path, grouped(), config(data={"group": "shop"}))
    found = bpcli("forecast", run).ok()
    assert found.out == bpcli("forecast", run, tmp_path / "t.csv").ok().out
    assert [(row["shop"], row["day"]) for row in found.rows] == [
        (shop, day) for shop, end in (("a", 60), ("b", 50), ("c", 60)) for day in days(HORIZON, end)
    ]
    predicted = bpcli("predict", tmp_path / "t.csv", "--run", run, "--keep", "shop").ok().rows
    last = {row["shop"]: [*row.values()][1:] for row in predicted}
    assert {shop: [row["forecast"] for row in found.rows if row["shop"] == shop] for shop in "abc"} == last


def test_a_series_without_enough_values_is_left_out_with_a_note(tmp_path: Path) -> None:
    run = run_of(tmp_path, grouped(), config(data={"group": "shop"}))
    given = grouped()
    for name, cells in {"shop": ["new"] * 2, "day": days(2), "y": [1.0, 2.0]}.items():
        given[name] += cells
    write_csv(tmp_path / "more.csv", given)
    found = bpcli("forecast", run, tmp_path / "more.csv").ok()
    assert {row["shop"] for row in found.rows} == {"a", "b", "c"}
    assert "1 series left out, 'new': fewer than 5 known values" in found.err


KNOWN: dict[str, Any] = {"known": ["price", "holiday"]}


def with_known(count: int) -> dict[str, list[Any]]:
    prices = np.random.default_rng(2).normal(size=count).round(3).tolist()
    return columns(count) | {"price": prices, "holiday": [f"h{step % 2}" for step in range(count)]}


def test_values_known_ahead_come_from_a_file_or_from_rows_without_a_target(tmp_path: Path) -> None:
    whole = with_known(COUNT + HORIZON)
    run = run_of(tmp_path, {name: cells[:COUNT] for name, cells in whole.items()}, config(data=KNOWN))
    future = {name: whole[name][COUNT:] for name in ("day", "price", "holiday")}
    write_csv(tmp_path / "future.csv", future)
    found = bpcli("forecast", run, "--future", tmp_path / "future.csv").ok()
    assert bpcli("forecast", run, tmp_path / "t.csv", "--future", tmp_path / "future.csv").ok().out == found.out
    for name in ("y", "past", "kind", "flag"):
        whole[name][COUNT:] = [None] * HORIZON
    write_csv(tmp_path / "all.csv", whole)
    assert bpcli("forecast", run, tmp_path / "all.csv").ok().out == found.out
    other = tmp_path / "other"
    other.mkdir()
    assert bpcli("forecast", run_of(other, whole, config(data=KNOWN))).ok().out == found.out
    write_csv(tmp_path / "future.csv", future | {"price": [9.0] * HORIZON})
    assert bpcli("forecast", run, "--future", tmp_path / "future.csv").ok().out != found.out


def test_predict_leaves_rows_empty_whose_coming_known_values_are_missing(tmp_path: Path) -> None:
    """Those of the next series, or the last ones again, are none."""
    one = with_known(40)
    both = {name: cells + cells for name, cells in one.items()} | {"shop": ["a"] * 40 + ["b"] * 40}
    both["price"][40:] = [1000.0 + value for value in both["price"][40:]]
    run = run_of(tmp_path, both, config(data=KNOWN | {"group": "shop"}))
    found = bpcli("predict", tmp_path / "t.csv", "--run", run).ok()
    empty = [row for row, cells in enumerate(found.rows) if not any(cells.values())]
    assert empty == [*range(4), *range(37, 44), *range(77, 80)]
    assert "6 rows left empty: values of 'price', 'holiday' must be known 3 steps ahead" in found.err


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            None,
            "known ahead, and 'price' has no value at 2023-03-02; give the coming 3 rows of each series with --future",
        ),
        ({"day": days(HORIZON, COUNT + 1)}, "'price' has no value at 2023-03-02"),
        ({"price": [1.0, None, 2.0]}, "'price' has no value at 2023-03-03"),
        ({"day": ["2023-03-02"] * 3}, "rows 1 and 2 are both '2023-03-02'"),
        ({"day": ["soon", "later", "never"]}, "'soon'"),
        ({"day": days(HORIZON, COUNT - 1)}, "future.csv: 'price', 'holiday' must be known ahead"),
        (
            {"day": days(HORIZON, COUNT - HORIZON)},
            "future.csv: the run's data has all of these rows already; give the rows after its last one",
        ),
        ({"price": ["a", "b", "c"]}, "'price'"),
        ({"holiday": None}, "holiday"),
        ({"day": None}, "day"),
    ],
)
def test_future_rows_that_do_not_fit_are_named(tmp_path: Path, known_run: Path, changes: Any, message: str) -> None:
    arguments: list[Any] = ["forecast", known_run]
    if changes is not None:
        whole = with_known(COUNT + HORIZON)
        future = {name: whole[name][COUNT:] for name in ("day", "price", "holiday")} | changes
        write_csv(tmp_path / "future.csv", {name: cells for name, cells in future.items() if cells is not None})
        arguments += ["--future", tmp_path / "future.csv"]
    found = bpcli(*arguments)
    assert found.code in (2, 3), found.err
    assert found.err.count("error: ") == 1
    assert message in found.err
    if message.startswith("row"):
        assert "future.csv" in found.err


@pytest.fixture(scope="module")
def known_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return run_of(tmp_path_factory.mktemp("known"), with_known(COUNT), config(data=KNOWN))


def test_a_calendar_that_begins_in_the_past_is_used_from_the_present_on(tmp_path: Path, known_run: Path) -> None:
    whole = with_known(COUNT + HORIZON)
    for first, name in ((COUNT, "coming"), (COUNT - 5, "calendar")):
        rows = {column: whole[column][first:] for column in ("day", "price", "holiday")}
        write_csv(tmp_path / f"{name}.csv", rows)
    coming = bpcli("forecast", known_run, "--future", tmp_path / "coming.csv").ok()
    calendar = bpcli("forecast", known_run, "--future", tmp_path / "calendar.csv").ok()
    assert calendar.out == coming.out
    assert "5 rows of" in calendar.err
    assert "not used: the run's data has them" in calendar.err


def test_series_that_end_before_the_others_are_noted(tmp_path: Path) -> None:
    one = {"day": days(40), "y": waves(40)}
    both = {name: cells + cells[:30] for name, cells in one.items()} | {"shop": ["a"] * 40 + ["b"] * 30}
    run = run_of(tmp_path, both, config(data={"group": "shop"}))
    found = bpcli("forecast", run).ok()
    assert "1 series forecast from an earlier time, 'b' from 2023-01-30: no later value is known" in found.err


def test_a_forecast_as_json_goes_to_the_file_that_is_asked_for(tmp_path: Path) -> None:
    run = run_of(tmp_path, {"day": days(40), "y": waves(40)}, config())
    found = bpcli("forecast", run, "--json", "--output", tmp_path / "f.json").ok()
    assert found.out == ""
    document = json.loads((tmp_path / "f.json").read_text())
    assert [row["step"] for row in document["forecast"]] == [1, 2, 3]
    assert document == json.loads(bpcli("forecast", run, "--json").ok().out)


def test_future_rows_of_other_series_are_named(tmp_path: Path) -> None:
    one = with_known(40)
    both = {name: cells + cells for name, cells in one.items()} | {"shop": ["a"] * 40 + ["b"] * 40}
    run = run_of(tmp_path, both, config(data=KNOWN | {"group": "shop"}))
    future = {"day": days(HORIZON, 40) * 2, "shop": ["a"] * 3 + ["z"] * 3, "price": [1.0] * 6, "holiday": ["h0"] * 6}
    write_csv(tmp_path / "future.csv", future)
    found = bpcli("forecast", run, "--future", tmp_path / "future.csv")
    assert found.code == 3
    assert "'price' has no value at 2023-02-10 for 'b'" in found.err


@pytest.mark.parametrize(
    ("forecast", "values", "message"),
    [
        ({"normalize": "log"}, [-1.0] * 20, "log requires values above 0"),
        ({"difference": "return"}, [0.0] * 20, "return requires values other than 0"),
        ({}, ["1e400"] * 20, "'y'"),
    ],
)
@pytest.mark.parametrize("command", ["forecast", "predict", "evaluate"])
def test_new_rows_outside_the_domain_are_refused(
    tmp_path: Path, forecast: Any, values: list[Any], message: str, command: str
) -> None:
    run = run_of(tmp_path, {"day": days(COUNT), "y": waves(COUNT)}, config(forecast))
    write_csv(tmp_path / "new.csv", {"day": days(20, COUNT), "y": values})
    arguments = {"forecast": (run, tmp_path / "new.csv"), "predict": (tmp_path / "new.csv", "--run", run)}
    found = bpcli(command, *arguments.get(command, (run, tmp_path / "new.csv")))
    assert found.code == 3
    assert len(found.err.splitlines()) == 1
    assert "new.csv" in found.err
    assert message in found.err


@pytest.mark.parametrize("days_of", ["2023-03-02T00:30", "monthly"])
def test_new_rows_off_the_time_axis_are_refused(tmp_path: Path, days_of: str) -> None:
    run = run_of(tmp_path, {"day": days(COUNT), "y": waves(COUNT)}, config())
    stamps = ["2023-03-02T00:30"] * 20 if days_of != "monthly" else [f"2{step:03}-01-01" for step in range(20)]
    write_csv(tmp_path / "new.csv", {"day": stamps, "y": waves(20)})
    found = bpcli("forecast", run, tmp_path / "new.csv")
    assert found.code == 3
    assert len(found.err.splitlines()) == 1
    assert "new.csv" in found.err
