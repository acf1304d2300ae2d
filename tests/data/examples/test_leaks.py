"""Warnings of what makes scores better than a model is: rows in several splits, giveaways, identifiers."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import CONFIGS
from experiments import write_csv

from bpcli.config.experiment import ExperimentConfig
from bpcli.config.loading import load_config
from bpcli.data.data_warning import DataWarning
from bpcli.data.examples.leaks import find_leaks
from bpcli.data.examples.selection import select_examples
from bpcli.data.files.source import open_source
from bpcli.data.spec import DataSpec

RANDOM = np.random.default_rng(0)
ROWS = 120
A, B = RANDOM.normal(size=(2, ROWS)).round(6)
SPECIES = np.array(["ada", "bob", "cat"])[RANDOM.integers(0, 3, ROWS)]
PRICE = RANDOM.uniform(1, 100, ROWS).round(2)
UNLESS = "; put it in data.exclude unless it is known before the target"


def leaks(folder: Path, table: dict[str, Any], target: Any = "y", loss: str | None = None, **data: Any) -> list[str]:
    write_csv(folder / "t.csv", table)
    values = {"data": {"path": "t.csv", "target": target, **data}, **({"loss": loss} if loss else {})}
    config = ExperimentConfig.model_validate(values)
    return texts(
        find_leaks(
            select_examples(open_source(config.data, folder), config.data, config.seed, config.loss),
            config.data.columns,
        )
    )


def texts(found: Iterable[DataWarning]) -> list[str]:
    return [warning.text for warning in found]


def test_clean_data_has_no_warning(tmp_path: Path):
    assert leaks(tmp_path, {"a": A, "b": B, "y": SPECIES}) == []
    assert leaks(tmp_path, {"a": A, "b": B, "y": PRICE}) == []


def test_rows_in_several_splits_are_counted_by_the_names_of_the_splits(tmp_path: Path):
    part = ["train"] * 80 + ["validation"] * 20 + ["test"] * 20
    a, b, y = A.copy(), B.copy(), SPECIES.copy()
    for column in (a, b, y):
        column[80:83] = column[:3]
        column[100] = column[0]
        column[101] = column[90]
    expected = (
        "duplicate rows across splits: "
        "3 of 20 validation rows also appear in the training set, 1 of 20 test rows also appear in the training set, "
        "2 of 20 test rows also appear in the validation set; none expected by chance; scores on them may be too "
        "optimistic; set "
        "data.drop_duplicates, or keep them in one split with data.group or data.split.column"
    )
    columns = {"a": a, "b": b, "note": range(ROWS), "y": y, "part": part}
    assert leaks(tmp_path, columns, exclude=["note"], split={"column": "part"}) == [expected]
    y[100] = "dan"  # equal inputs with another target are no repeat
    assert "1 of 20 test rows also appear in the validation set" in leaks(
        tmp_path, {"a": a, "b": b, "y": y, "part": part}, split={"column": "part"}
    )[0]  # fmt: skip


def test_a_column_that_says_the_class_is_warned_of(tmp_path: Path):
    code = {"ada": 7, "bob": 5, "cat": 2}
    breed = [f"{name}-{number % 3}" for number, name in enumerate(SPECIES)]
    found = leaks(tmp_path, {"a": A, "code": [code[name] for name in SPECIES], "breed": breed, "y": SPECIES})
    assert found == [
        f"column 'code': each of its 3 values occurs with only one value of target 'y'{UNLESS}",
        f"column 'breed': each of its 9 values occurs with only one value of target 'y'{UNLESS}",
    ]


def test_a_column_of_which_thresholds_say_the_class_is_warned_of(tmp_path: Path):
    within = RANDOM.uniform(0, 0.9, ROWS)
    place = {"ada": 0, "bob": 2, "cat": 1}
    hours = np.array([place[name] for name in SPECIES]) + within
    found = leaks(tmp_path, {"a": A, "hours": hours, "y": SPECIES})
    assert found == [
        f"column 'hours': 2 thresholds separate the 3 values of target 'y' in every row that has a value{UNLESS}"
    ]
    passed = (hours > 1).astype(int)
    some = [hour if row % 9 else None for row, hour in enumerate(hours)]
    found = leaks(tmp_path, {"a": A, "hours": some, "passed": passed}, "passed")
    assert found == [
        f"column 'hours': 1 threshold separates the 2 values of target 'passed' in every row that has a value{UNLESS}"
    ]


def test_one_class_of_several_that_stands_apart_gives_nothing_away(tmp_path: Path):
    petal = np.where(SPECIES == "ada", 1.5, 5.0) + RANDOM.normal(0, 0.3, ROWS)
    assert leaks(tmp_path, {"a": A, "petal": petal, "y": SPECIES}) == []


def test_a_column_that_equals_the_target_is_said_to(tmp_path: Path):
    assert leaks(tmp_path, {"a": A, "same": SPECIES, "y": SPECIES}) == [
        f"column 'same': equal to target 'y' in all rows{UNLESS}"
    ]
    assert leaks(tmp_path, {"a": A, "same": PRICE, "y": PRICE}) == [
        f"column 'same': equal to target 'y' in all rows{UNLESS}"
    ]


def test_a_straight_line_of_a_quantity_is_warned_of(tmp_path: Path):
    assert leaks(tmp_path, {"a": A, "cents": (100 * PRICE).round(), "y": PRICE}) == [
        f"column 'cents': has a correlation of 1 with target 'y'{UNLESS}"
    ]


def test_a_column_that_rises_or_falls_with_a_quantity_is_warned_of(tmp_path: Path):
    some = [None if row % 5 == 0 else price for row, price in enumerate((-(PRICE**3)).tolist())]
    found = leaks(tmp_path, {"a": A, "log": np.log(PRICE).round(3), "cube": some, "near": PRICE + 9 * A, "y": PRICE})
    assert found == [
        f"column 'log': has a rank correlation of 1 with target 'y'{UNLESS}",
        f"column 'cube': has a rank correlation of -1 with target 'y'{UNLESS}",
    ]


def test_a_value_that_settles_one_class_of_several_is_warned_of(tmp_path: Path):
    ward = np.where(SPECIES == "bob", "icu", np.array(["a", "b", "c"])[np.arange(ROWS) % 3])
    tested = [None if species == "cat" else row % 7 / 4 for row, species in enumerate(SPECIES)]
    code = np.where(SPECIES == "ada", -1, RANDOM.normal(size=ROWS).round(3))
    (tmp_path / "one").mkdir()
    names = {"a": A, "ward": ward, "tested": tested, "code": code, "y": SPECIES}
    assert leaks(tmp_path / "one", names) == [
        f"column 'ward': 'icu' in all rows of class 'bob' of target 'y' and in no others{UNLESS}",
        f"column 'tested': missing in all rows of class 'cat' of target 'y' and in no others{UNLESS}",
        f"column 'code': '-1' in all rows of class 'ada' of target 'y' and in no others{UNLESS}",
    ]
    two = np.where(SPECIES == "cat", "yes", "no")
    tested = [None if species == "cat" else float(value) for species, value in zip(SPECIES, A, strict=True)]
    assert leaks(tmp_path, {"b": B, "tested": tested, "y": two}) == [
        f"column 'tested': missing in all rows of class 'yes' of target 'y' and in no others{UNLESS}"
    ]


def test_warnings_of_columns_have_names_and_columns(tmp_path: Path):
    ward = np.where(SPECIES == "bob", "icu", np.array(["a", "b", "c"])[np.arange(ROWS) % 3])
    write_csv(tmp_path / "t.csv", {"a": A, "ward": ward, "same": SPECIES, "id": range(ROWS), "y": SPECIES})
    config = ExperimentConfig.model_validate({"data": {"path": "t.csv", "target": "y"}})
    found = find_leaks(select_examples(open_source(config.data, tmp_path), config.data, 0, None))
    assert [(warning.name, warning.column) for warning in found] == [
        ("class_copy", "ward"),
        ("target_copy", "same"),
        ("identifier", "id"),
    ]


@pytest.mark.parametrize("target", ["quantity", "two", "three"])
def test_columns_of_noise_give_nothing_away(target: str, tmp_path: Path):
    random = np.random.default_rng(3)
    for rows in (21, 200):
        y = {"quantity": random.normal(size=rows), "two": np.arange(rows) % 2, "three": np.arange(rows) % 3}[target]
        x = np.concatenate(
            [random.normal(size=(rows, 700)), random.integers(0, 2, (rows, 700)), random.integers(0, 9, (rows, 600))], 1
        )
        x[:, ::3] = np.where(random.random((rows, 667)) < 0.2, np.nan, x[:, ::3])
        np.savez(tmp_path / "t.npz", X=x, y=y)
        config = ExperimentConfig.model_validate({"data": {"path": "t.npz", "split": {"validation": 0, "test": 0}}})
        assert find_leaks(select_examples(open_source(config.data, tmp_path), config.data, 0, None)) == []


def test_a_quantity_can_be_given_away_by_names_too(tmp_path: Path):
    kinds = np.arange(ROWS) % 12
    found = leaks(tmp_path, {"a": A, "product": [f"p{kind}" for kind in kinds], "y": PRICE[kinds]})
    assert found[-1] == f"column 'product': each of its 12 values occurs with only one value of target 'y'{UNLESS}"


def test_each_of_several_targets_is_looked_at(tmp_path: Path):
    flag = (A + B > 0).astype(int)
    found = leaks(tmp_path, {"a": A, "b": B, "copy": 1 - flag, "y": (A > B).astype(int), "z": flag}, target=["y", "z"])
    assert found == [f"column 'copy': each of its 2 values occurs with only one value of target 'z'{UNLESS}"]


def test_identifiers_are_warned_of_once(tmp_path: Path):
    identifiers = {"id": range(1, ROWS + 1), "name": [f"n{number}" for number in range(ROWS)]}
    found = leaks(tmp_path, {"a": A, **identifiers, "y": SPECIES})
    otherwise = "; put it in data.exclude, or in data.columns if it is intended"
    assert found == [
        f"column 'id': counts the rows from 1 to 120, like an identifier{otherwise}",
        "column 'name': 120 distinct names in 120 rows, like an identifier or free text; each becomes an "
        f"input{otherwise}",
    ]


def test_a_column_that_the_config_says_what_it_is_of_is_no_identifier(tmp_path: Path):
    columns = {"a": A, "year": range(1900, 1900 + ROWS), "y": SPECIES}
    assert len(leaks(tmp_path, columns)) == 1
    assert leaks(tmp_path, columns, columns={"year": "numeric"}) == []


def test_what_is_excluded_gives_nothing_away(tmp_path: Path):
    columns = {"a": A, "id": range(ROWS), "same": SPECIES, "weight": range(1, ROWS + 1), "y": SPECIES}
    assert leaks(tmp_path, columns, exclude=["id", "same"], weight="weight") == []


def test_a_lone_input_is_what_it_is(tmp_path: Path):
    x = np.arange(ROWS)
    assert leaks(tmp_path, {"x": x, "y": 2 * x}, loss="mse") == []


def test_names_are_shown_with_their_controls_escaped(tmp_path: Path):
    (found,) = leaks(tmp_path, {"a": A, "[red]\x1b[2J": SPECIES, "\u202ey": SPECIES}, target="\u202ey")
    assert found.startswith("column '[red]\\x1b[2J': equal to target '\\u202ey' in all rows")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("auto_mpg", []),
        (
            "concrete",
            [
                "6 of 154 validation rows also appear in the training set, 8 of 206 test rows also appear in the "
                "training set, 3 of 206 test rows also appear in the validation set;"
            ],
        ),
        (
            "credit",
            [
                "1 of 668 validation rows also appear in the training set, 1 of 891 test rows also appear in the "
                "training set;"
            ],
        ),
        ("digits", []),
        ("fashion", []),
        ("penguins", []),
        ("xor", []),
    ],
)
def test_shipped_data_is_warned_of_only_for_rows_that_it_really_repeats(name: str, expected: list[str]):
    loaded = load_config(CONFIGS / f"{name}.yaml")
    config = loaded.config
    found = texts(
        find_leaks(
            select_examples(open_source(config.data, loaded.folder), config.data, config.seed, config.loss),
            config.data.columns,
        )
    )
    assert len(found) == len(expected)
    assert all(words in warning for words, warning in zip(expected, found, strict=True))


def leaks_of_images(folder: Path, x: Any, y: Any) -> list[str]:
    np.savez(folder / "t.npz", X=x, y=y)
    config = ExperimentConfig.model_validate({"data": {"path": "t.npz"}})
    return texts(find_leaks(select_examples(open_source(config.data, folder), config.data, 0, None)))


def test_positions_of_an_array_are_told_of_in_one_line(tmp_path: Path):
    y = RANDOM.integers(0, 3, ROWS)
    x = RANDOM.normal(size=(ROWS, 4, 5)).round(6)
    assert leaks_of_images(tmp_path, x, y) == []
    x[:, 1, 2] = y
    assert leaks_of_images(tmp_path, x, y) == [f"column 'X7': equal to target 'y' in all rows{UNLESS}"]
    x[:, 1, 3] = -y
    x[:, 3, 3] = y * 10
    assert leaks_of_images(tmp_path, x, y) == [
        f"3 positions of 'X', such as 'X7': equal to target 'y' in all rows{UNLESS}"
    ]


def test_equal_arrays_in_several_splits_are_counted(tmp_path: Path):
    x, y = RANDOM.integers(0, 200, (ROWS, 3, 3)).astype(np.uint8), RANDOM.integers(0, 2, ROWS)
    x[60:], y[60:] = x[:60], y[:60]
    (line,) = leaks_of_images(tmp_path, x, y)
    assert line.startswith("duplicate rows across splits: ")
    x[60:, 2, 2] += 1
    assert leaks_of_images(tmp_path, x, y) == []


def test_a_column_that_says_the_class_of_one_hot_columns_is_warned_of_once(tmp_path: Path):
    classes = {name: (name == SPECIES).astype(int) for name in ("ada", "bob", "cat")}
    columns = {"a": A, "b": B, "breed": SPECIES, "is_bob": 5 + classes["bob"], **classes}
    determined = "each of its {} values occurs with only one value of target {}"
    assert leaks(tmp_path, columns, list(classes)) == [
        f"column 'breed': equal to target 'ada, bob, cat' in all rows{UNLESS}",
        f"column 'is_bob': {determined.format(2, repr('bob'))}{UNLESS}",
    ]
    assert len(leaks(tmp_path, columns, list(classes), loss="binary_cross_entropy")) == 4


def test_a_single_input_is_reported_if_it_is_the_target_under_another_name(tmp_path: Path):
    price = f"column 'copy': equal to target 'y' in all rows{UNLESS}"
    assert leaks(tmp_path, {"copy": PRICE, "y": PRICE}) == [price]
    line = f"column 'euros': has a correlation of 1 with target 'y'{UNLESS}"
    assert leaks(tmp_path, {"euros": (PRICE * 0.5 + 3).round(4), "y": PRICE}) == [line]
    codes = np.unique(SPECIES, return_inverse=True)[1]
    renamed = f"column 'code': each of its 3 values occurs with only one value of target 'y'{UNLESS}"
    found = leaks(tmp_path, {"code": codes, "y": SPECIES}, split={"stratify": True}, accept=["duplicate_rows"])
    assert renamed in found


def test_a_single_input_from_which_the_target_follows_is_what_is_to_be_learned(tmp_path: Path):
    digits = np.arange(ROWS) % 10
    found = leaks(tmp_path, {"digit": digits, "y": np.where(digits % 2, "odd", "even")})
    assert not [line for line in found if "'digit'" in line]
    assert leaks(tmp_path, {"a": A, "y": np.exp(A).round(6)}) == []


def test_pixels_of_images_are_not_searched(tmp_path: Path) -> None:
    y = np.arange(60) % 2
    x = np.random.default_rng(0).integers(0, 9, (60, 3, 3, 1))
    x[:, 1, 1, 0] = y
    np.savez(tmp_path / "x.npz", X=x.astype(np.uint8), y=y)
    spec = DataSpec(path="x.npz")
    selection = select_examples(open_source(spec, tmp_path), spec, 0, None)
    assert [warning.name for warning in find_leaks(selection)] == ["target_copy"]
    assert find_leaks(selection, images=["X"]) == []
