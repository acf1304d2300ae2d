"""Windows know nothing that comes after their origin, and what is fitted is fitted on the training rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from forecasts import bits, config, days, differences, waves, windowed

from bpcli.data.table import PARTS, Table
from bpcli.data.windows.windows import Windows
from bpcli.experiment.windowing import Windowed
from bpcli.models.new_windows import rows_of_series

COUNT, HORIZON = 60, 3
VALIDATION_STEP, TEST_STEP = 36, 48
NORMALIZATIONS = ["last_scale", "last", "mean_std", "seasonal", "log", "none"]


def columns(**changes: Any) -> dict[str, list[Any]]:
    """Sixty days of a target with one gap, and of inputs of each role."""
    random = np.random.default_rng(1)
    found = {
        "day": days(COUNT),
        "y": waves(COUNT),
        "past": random.normal(size=COUNT).round(3).tolist(),
        "flag": [str(bool(step % 3)).lower() for step in range(COUNT)],
        "kind": [f"k{step % 4}" for step in range(COUNT)],
        "price": random.normal(size=COUNT).round(3).tolist(),
        "holiday": [f"h{step % 2}" for step in range(COUNT)],
    }
    return found | changes


def settings(**forecast: Any) -> Any:
    return config({"season": "auto", "window": "auto", **forecast}, {"known": ["price", "holiday"]})


def changed_after(values: list[Any], step: int) -> list[Any]:
    """Other values after a step: numbers elsewhere, texts exchanged."""
    other = [
        value * 7 + 100 if isinstance(value, float) else values[(place + 1) % len(values)]
        for place, value in enumerate(values)
    ]
    return values[: step + 1] + other[step + 1 :]


def table_of(found: Windowed) -> Table:
    return found.source.table()


def of_origins(table: Table, steps: Any, keep: Any, without: tuple[str, ...] = ()) -> dict[str, Any]:
    rows = np.flatnonzero(keep(steps))
    whole = bits(Table([table[name].take(rows) for name in table if name not in without]))
    whole.pop("")
    labels = {
        name: [*table[name].take(rows).labels()]
        for name in table
        if table[name].kind == "categorical" and name not in without
    }
    return {name: labels.get(name, value) for name, value in whole.items()}


@pytest.mark.parametrize("normalize", NORMALIZATIONS)
@pytest.mark.parametrize("column", ["y", "past", "flag", "kind", "price", "holiday"])
def test_what_comes_after_the_horizon_changes_nothing_in_earlier_windows(
    tmp_path: Path, column: str, normalize: str
) -> None:
    """The change is in the test rows; no window, scale, season or length of the rows before depends on it."""
    before = windowed(tmp_path, columns(), settings(normalize=normalize))
    values = columns()[column]
    after = windowed(tmp_path, columns(**{column: changed_after(values, TEST_STEP - 1)}), settings(normalize=normalize))
    assert after.fitted == before.fitted
    steps = before.source.windows.steps
    inside = lambda steps: steps + HORIZON < TEST_STEP  # noqa: E731
    assert of_origins(table_of(after), steps, inside) == of_origins(table_of(before), steps, inside)


@pytest.mark.parametrize("column", ["past", "flag", "kind", "y"])
def test_values_after_an_origin_are_no_inputs_unless_known(tmp_path: Path, column: str) -> None:
    before = windowed(tmp_path, columns(), settings())
    origin = 40
    after = windowed(tmp_path, columns(**{column: changed_after(columns()[column], origin)}), settings())
    steps = before.source.windows.steps
    without = (*before.fitted.targets, before.fitted.origins.scale)  # which scores are divided by

    def same(until: int) -> bool:
        a, b = (of_origins(table_of(found), steps, lambda steps: steps <= until, without) for found in (before, after))
        return a == b

    assert same(origin)
    assert not same(origin + 1)


@pytest.mark.parametrize("column", ["price", "holiday"])
def test_known_values_are_inputs_up_to_the_horizon(tmp_path: Path, column: str) -> None:
    before = windowed(tmp_path, columns(), settings())
    origin = 40
    after = windowed(tmp_path, columns(**{column: changed_after(columns()[column], origin)}), settings())
    steps = before.source.windows.steps

    def same(at: int) -> bool:
        a, b = (of_origins(table_of(found), steps, lambda steps: steps == at) for found in (before, after))
        return a == b

    assert same(origin - HORIZON)
    assert not same(origin - HORIZON + 1)


@pytest.mark.parametrize("normalize", NORMALIZATIONS)
def test_what_is_fitted_does_not_depend_on_validation_rows(tmp_path: Path, normalize: str) -> None:
    before = windowed(tmp_path, columns(), settings(normalize=normalize)).fitted
    later = {
        name: changed_after(values, VALIDATION_STEP - 1) for name, values in columns().items() if name not in ("day",)
    }
    after = windowed(tmp_path, columns(**later), settings(normalize=normalize)).fitted
    figures = [fitted.model_dump() for fitted in (before, after)]
    for figure in figures:
        for scale in figure["scales"]:
            del scale["error"]  # by which scores are scaled: of all rows before the test rows
    assert figures[0] == figures[1]


def test_windows_lie_in_one_split_with_all_their_coming_values(tmp_path: Path) -> None:
    found = windowed(tmp_path, columns(), settings())
    assert (found.fitted.validation_step, found.fitted.test_step) == (VALIDATION_STEP, TEST_STEP)
    parts, steps = table_of(found).parts, found.source.windows.steps
    assert parts is not None
    ranges = {part: (steps[parts == place].min(), steps[parts == place].max()) for place, part in enumerate(PARTS)}
    first = found.fitted.window - 1
    assert ranges == {
        "train": (first, VALIDATION_STEP - 1 - HORIZON),
        "validation": (VALIDATION_STEP - 1, TEST_STEP - 1 - HORIZON),
        "test": (TEST_STEP - 1, COUNT - 1 - HORIZON),
    }


def test_the_last_window_counts(tmp_path: Path) -> None:
    found = windowed(tmp_path, columns(), settings())
    last = table_of(found).take(np.array([table_of(found).rows - 1]))
    restored = found.fitted.origins.of(last).restored(
        np.stack([last[name].values for name in found.fitted.targets], axis=1)
    )
    assert restored == pytest.approx(np.array([columns()["y"][-HORIZON:]]))


def test_a_gap_has_the_value_before_it(tmp_path: Path) -> None:
    values = waves(COUNT)
    lacking = [None if step in (20, 21) else value for step, value in enumerate(values)]
    rows = [step for step in range(COUNT) if step != 25]
    given = columns(y=lacking)
    found = windowed(tmp_path, {name: [cells[row] for row in rows] for name, cells in given.items()}, settings())
    filled = found.source.windows.rows.values
    assert filled[[19, 20, 21, 22, 24, 25, 26]].tolist() == [values[at] for at in (19, 19, 19, 22, 24, 24, 26)]
    assert any("1 time step without a row" in note for note in found.notes)
    assert any("2 values missing" in note for note in found.notes)


def test_windows_do_not_cross_groups(tmp_path: Path) -> None:
    """Each group's windows are those of the group alone, whatever the other's values."""
    ones, others = columns(), columns(y=[1000 + value for value in waves(COUNT, 5)])
    both = {name: ones[name] + others[name] for name in ones} | {"shop": ["a"] * COUNT + ["b"] * COUNT}
    found = windowed(tmp_path, both, config(data={"group": "shop"}))
    windows = found.source.windows
    for name, values in (("a", ones["y"]), ("b", others["y"])):
        of_group = np.array(
            [windows.rows.grid.names[number] == (name,) for number in windows.rows.grid.series[windows.now]]
        )
        assert np.count_nonzero(of_group) == COUNT - 4 - 3 - 2 * 2
        coming = windows.rows.values[windows.coming[of_group]]
        steps = windows.steps[of_group]
        assert coming.tolist() == [[values[step + ahead] for ahead in (1, 2, 3)] for step in steps]
        assert (steps >= 4).all()


def test_future_rows_of_a_series_that_ends_early_are_no_training_targets(tmp_path: Path) -> None:
    """The target is not known there: repeating the last value would teach that nothing changes."""
    short = 24
    ends = [value if step < short - 2 else None for step, value in enumerate(waves(short, 3))]
    both = {"day": days(COUNT) + days(short), "y": waves(COUNT) + ends, "shop": ["a"] * COUNT + ["b"] * short}
    found = windowed(tmp_path, both, config(data={"group": "shop"}))
    windows = found.source.windows
    of_b = np.array([windows.rows.grid.names[number] == ("b",) for number in windows.rows.grid.series[windows.now]])
    assert windows.steps[of_b].max() == short - 3 - HORIZON


def test_the_spread_of_another_column_is_that_of_training_windows(tmp_path: Path) -> None:
    """It bounds the divisor of windows in which the column hardly changes, in training and in forecasts alike."""
    calm = [step % 2 / 100 if step < 40 else 1e6 * (step % 2) for step in range(COUNT)]
    calm[20:27] = [calm[20]] * 7
    found = windowed(tmp_path, columns(past=calm), config())
    windows = found.source.windows
    flat = np.flatnonzero(windows.steps == 27)
    alone = windows.take(flat).table(with_targets=True)["past"]
    assert alone.values.tobytes() == table_of(found)["past"].take(flat).values.tobytes()
    assert np.abs(alone.values).max() > 1


@pytest.mark.parametrize("order", ["reversed", "shuffled"])
def test_the_order_of_rows_in_the_file_changes_no_bit(tmp_path: Path, order: str) -> None:
    given = columns() | {"shop": ["a"] * 30 + ["b"] * 30}
    given["day"] = days(30) + days(30)
    wanted = config({"window": 4, "season": 3, "horizon": 2}, {"group": "shop", "known": ["price", "holiday"]})
    before = windowed(tmp_path, given, wanted)
    rows = list(range(COUNT))[::-1] if order == "reversed" else np.random.default_rng(0).permutation(COUNT).tolist()
    after = windowed(tmp_path, {name: [cells[row] for row in rows] for name, cells in given.items()}, wanted)
    assert after.fitted == before.fitted
    assert after.latest == before.latest
    names = list(differences(table_of(before), table_of(after)))
    assert [name for name in names if not _same_labels(before, after, name)] == []


def _same_labels(a: Windowed, b: Windowed, name: str) -> bool:
    columns = [table_of(found)[name] for found in (a, b)]
    return columns[0].kind == "categorical" and [*columns[0].labels()] == [*columns[1].labels()]


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"data": {"split": {"order": "random"}}}, "mix past and future"),
        ({"data": {"split": {"fold": "1/5"}}}, "not into folds"),
        ({"data": {"split": {"stratify": True}}}, "omit stratify"),
        ({"data": {"split": {"seed": 3}}}, "omit seed"),
        ({"ensemble": {"members": 3, "folds": True}}, "omit ensemble.folds"),
    ],
)
def test_what_would_mix_past_and_future_is_refused(tmp_path: Path, changes: dict[str, Any], what: str) -> None:
    data = changes.pop("data", {})
    with pytest.raises(ValueError, match=what):
        windowed(tmp_path, columns(), config(data=data, **changes))


def test_new_rows_are_placed_on_the_fitted_axis(tmp_path: Path) -> None:
    """Windows of the second half alone have the bits of the same windows of all rows."""
    found = windowed(tmp_path, columns(), config())
    half = windowed(tmp_path, {name: cells[30:] for name, cells in columns().items()}, config())
    rows = rows_of_series(half.source.rows.table(), found.asked.data, found.fitted, "t.csv")
    windows = Windows.with_targets(rows, found.fitted)
    steps = found.source.windows.steps
    # A season before the first row of the half lies outside it.
    late = windows.take(windows.steps >= 30 + 7)
    same = found.source.windows.take(np.isin(steps, late.steps))
    chosen = late.take(np.isin(late.steps, steps))
    assert [*differences(chosen.table(True), same.table(True))] in ([], ["kind"], ["flag", "kind"])
