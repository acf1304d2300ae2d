"""Encoding of a row's cells as inputs and targets, as text."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest
from experiments import write_csv
from traces import prepared_in

from bpcli.data.columns import FittedInput
from bpcli.data.targets import FittedTarget
from bpcli.experiment.prepared import Prepared
from bpcli.tracing import encodings
from bpcli.tracing.encodings import inputs_made, targets_made


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    folder: Path = tmp_path_factory.mktemp("encodings")
    columns = {
        "size": [1.0, 3.0, None, 5.0],
        "open": ["true", "false", "true", "true"],
        "kind": ["p", "q", "p", None],
        "day": ["2022-02-15", "2024-02-15", "2023-05-01", None],
        "clock": ["06:00", "18:00", "12:00", "12:00"],
        "t": ["x", "y", "z", "x"],
    }
    write_csv(folder / "t.csv", columns)
    return prepared_in(folder, data={"target": "t", "columns": {"day": "date", "clock": "time_of_day"}})


def made(prepared: Prepared, row: int) -> dict[str, str]:
    assert prepared.examples is not None
    lines = inputs_made(prepared.preprocessor, prepared.examples.table.take([row]))
    return dict(zip(prepared.preprocessor.features, lines, strict=True))


def test_every_input_says_how_it_comes_about(prepared: Prepared) -> None:
    """Without the missing value, which 3 replaces, the sizes 1, 3 and 5 have mean 3 and deviation √(8/3)."""
    first, third = made(prepared, 0), made(prepared, 2)
    assert first["size"].startswith("(1 - 3) / ")
    assert third["size"].startswith("missing, replaced by 3: (3 - 3) / ")
    assert third["size is missing"] == "1 where size is missing, else 0"
    assert first["open"] == "1 for true, 0 for false"
    assert first["kind=p"] == "one-hot: 1 where kind is p, else 0; the value is p"
    assert made(prepared, 3)["kind=q"] == "one-hot: 1 where kind is q, else 0; the value is missing"


def test_dates_say_what_is_scaled_and_what_is_divided(prepared: Prepared) -> None:
    """The days from the first of the three are 0, 730 and 440: mean 390, deviation 300.11."""
    first, last = made(prepared, 0), made(prepared, 3)
    assert first["day (time)"] == "(2022-02-15 - 2023-03-12) / 300.111090543 days"
    assert first["day year"].startswith("(2022 - 2023) / 0.8164")
    month = "the month from January, 0, with the elapsed share of it"
    assert first["day month, sine"] == f"sin(2π · 1.5 / 12), {month}"
    assert first["day day of week, cosine"] == "cos(2π · 1 / 7), the day of the week from Monday, 0"
    assert first["clock (time)"] == "(06:00 - 12:00) / 4.242640687 hours"
    assert first["clock hour, cosine"] == "cos(2π · 6 / 24), the hour of the day"
    assert last["day (time)"] == last["day month, sine"] == "missing, replaced by the mean of the training rows"
    assert last["day is missing"] == "1 where day is missing, else 0"


def test_a_class_is_one_of_its_outputs(prepared: Prepared) -> None:
    assert prepared.examples is not None
    row = prepared.examples.table.take([1])
    assert targets_made(prepared.preprocessor, row, 3) == ["1 for the class of the row, y, 0 for the others"] * 3


def test_numbers_are_scaled_or_as_in_the_file(tmp_path: Path) -> None:
    write_csv(tmp_path / "t.csv", {"a": [1, 2, 3], "t": [1.5, 2.5, 6.5]})
    for encoder, expected in (("none", "as in the file"), ("min_max", "(2.5 - 1.5) / 5")):
        prepared = prepared_in(tmp_path, data={"target": "t", "target_encoder": encoder})
        assert prepared.examples is not None
        assert targets_made(prepared.preprocessor, prepared.examples.table.take([1]), 1) == [expected]


def test_a_smoothly_clipped_number_shows_its_scaling_and_its_bound(tmp_path: Path) -> None:
    """The quartiles of 1, 2, 3, 4 and 9 are 2 and 4."""
    write_csv(tmp_path / "t.csv", {"a": [1, 2, 3, 4, 9], "t": [1.5, 2.5, 6.5, 3, 4]})
    prepared = prepared_in(tmp_path, data={"target": "t", "encoders": {"numeric": "smooth_clip"}})
    assert made(prepared, 4)["a"] == "((9 - 3) / 2) / √(1 + (((9 - 3) / 2) / 3)²)"


def test_bins_show_the_share_below_the_number(tmp_path: Path) -> None:
    """The quartiles of 1, 2, 3, 4, 9 and a missing one, which 3.8 replaces, are 2, 3 and 4."""
    write_csv(tmp_path / "t.csv", {"a": [1, 2, 3, 4, 9, None], "t": [1.5, 2.5, 6.5, 3, 4, 5]})
    encoder = {"type": "piecewise_linear", "bins": 4, "beside": "standard"}
    data = {"target": "t", "encoders": {"numeric": encoder}, "split": {"validation": 0, "test": 0}}
    prepared = prepared_in(tmp_path, data=data)
    third, missing = made(prepared, 2), made(prepared, 5)
    assert third["a"].startswith("(3 - 3.8) / ")
    assert third["a 2..3"] == "3 ≥ 3, past the bin"
    assert third["a 3..4"] == "3 ≤ 3, before the bin"
    assert missing["a 3..4"] == "missing, replaced by 3.8: (3.8 - 3) / (4 - 3)"
    assert missing["a is missing"] == "1 where a is missing, else 0"


def test_every_kind_of_fitted_input_and_target_has_an_account() -> None:
    for union, account in ((FittedInput, encodings._cells), (FittedTarget, encodings._target)):
        for member in get_args(get_args(union)[0]):
            assert account.dispatch(member) is not account.dispatch(object), member


def test_rare_categories_and_signs_say_what_they_stand_for(tmp_path: Path) -> None:
    write_csv(tmp_path / "t.csv", {"a": ["x", "x", "y", "z"], "b": ["n", "o", "n", "o"], "t": [1.5, 2.5, 6.5, 3.5]})
    encoder = {"type": "one_hot", "binary": "sign", "min_count": 2}
    lines = made(prepared_in(tmp_path, data={"target": "t", "encoders": {"categorical": encoder}}), 2)
    assert lines == {
        "a=x": "one-hot: 1 where a is x, else 0; the value is y",
        "a is rare": "one-hot: 1 where a is rare or unseen in training, else 0; the value is y",
        "b=o": "1 where b is o, -1 where it is n, else 0; the value is n",
    }


def test_target_statistics_say_which_rows_they_are_of(tmp_path: Path) -> None:
    write_csv(tmp_path / "t.csv", {"a": ["x", "x", "y", "z"], "t": ["p", "q", "p", "p"]})
    prepared = prepared_in(tmp_path, data={"target": "t", "encoders": {"categorical": "target_mean"}})
    rows = "share of q in the 2 training rows of x (in those of other folds, for one of these rows)"
    assert made(prepared, 0)["a, share of q"].startswith(f"{rows} less that of all, shrunk by n / (n + 10), / ")
