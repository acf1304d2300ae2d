from pathlib import Path
from typing import Any

import numpy as np
import pytest
from experiments import write_csv
from pydantic import ValidationError

from bpcli.data.examples.selection import Examples, select_examples
from bpcli.data.files.source import open_source
from bpcli.data.spec import DataSpec
from bpcli.errors import DataError, ExitCode, MismatchError
from bpcli.spec import type_name

DATASETS = Path(__file__).parents[3] / "datasets"
ROWS = 40


def columns(rows: int = ROWS) -> dict[str, Any]:
    return {
        "a": [number / 4 for number in range(rows)],
        "b": [f"name{number % 3}" for number in range(rows)],
        "y": ["yes" if number % 2 else "no" for number in range(rows)],
        "w": [1 + number % 2 for number in range(rows)],
        "part": ["train", "test", "validation", "train"] * (rows // 4),
    }


def select(folder: Path, seed: int = 0, loss: Any = None, **data: Any) -> Examples:
    return select_examples(
        open_source(DataSpec.model_validate(data), folder), DataSpec.model_validate(data), seed, loss
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_csv(tmp_path / "t.csv", columns())
    return tmp_path


def rows_by_part(selection: Examples) -> list[list[int]]:
    return [selection.split.part(part).tolist() for part in ("train", "validation", "test")]


def test_inputs_are_what_is_neither_target_nor_excluded_nor_of_another_use(folder: Path) -> None:
    assert select(folder, path="t.csv", target="y").inputs == ["a", "b", "w", "part"]
    split = {"column": "part"}
    assert select(folder, path="t.csv", target="y", weight="w", split=split).inputs == ["a", "b"]
    assert select(folder, path="t.csv", target="y", exclude=["a", "part"]).inputs == ["b", "w"]


def test_a_weight_or_split_column_may_be_excluded_from_the_inputs_by_name(folder: Path) -> None:
    selection = select(folder, path="t.csv", target="y", exclude=["w", "part"], weight="w", split={"column": "part"})
    assert selection.inputs == ["a", "b"]
    assert selection.table["w"].values.tolist() == columns()["w"]
    assert len(selection.split.test) == ROWS // 4


def test_the_loss_is_chosen_from_the_target_and_said(folder: Path) -> None:
    chosen = select(folder, path="t.csv", target="y")
    assert type_name(chosen.loss) == "binary_cross_entropy"
    assert chosen.notes == ["loss: binary_cross_entropy, as the target has 2 distinct names"]
    given = select(folder, loss=chosen.loss, path="t.csv", target="y")
    assert given.notes == []


def test_yes_and_no_stay_the_names_of_the_classes(folder: Path) -> None:
    column = select(folder, path="t.csv", target="y").table["y"]
    assert (column.kind, column.categories) == ("categorical", ("no", "yes"))
    as_said = select(folder, path="t.csv", target="y", columns={"y": "boolean"}).table["y"]
    assert as_said.kind == "boolean"


def test_yes_in_more_than_one_spelling_is_true_and_no_is_false(folder: Path) -> None:
    spellings = ["yes", "no", "Yes", "NO"] * (ROWS // 4)
    write_csv(folder / "t.csv", columns() | {"y": spellings})
    selection = select(folder, path="t.csv", target="y")
    assert type_name(selection.loss) == "binary_cross_entropy"
    assert selection.table["y"].labels() == ["true", "false"] * (ROWS // 2)


def test_kinds_are_as_the_config_says(folder: Path) -> None:
    assert select(folder, path="t.csv", target="y").table["w"].kind == "numeric"
    assert select(folder, path="t.csv", target="y", columns={"w": "categorical"}).table["w"].categories == ("1", "2")


def test_the_same_seed_selects_the_same_rows(folder: Path) -> None:
    first, again, other = (rows_by_part(select(folder, seed, path="t.csv", target="y")) for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_rows_without_a_target_are_left_out_and_counted_aloud() -> None:
    selection = select(DATASETS, path="auto_mpg.csv", target="Miles_per_Gallon", exclude=["Name"])
    missing = np.flatnonzero(selection.table["Miles_per_Gallon"].missing())
    assert len(missing) == 8
    together = np.concatenate([selection.split.train, selection.split.validation, selection.split.test])
    assert len(together) == 406 - 8
    assert not set(missing) & set(together)
    assert "8 rows left out: no value in target 'Miles_per_Gallon'" in selection.notes


def test_a_row_that_lacks_one_of_several_targets_is_left_out(tmp_path: Path) -> None:
    write_csv(tmp_path / "t.csv", {"a": range(9), "y": [None, *range(8)], "z": [*range(8), None]})
    selection = select(tmp_path, path="t.csv", target=["y", "z"])
    assert "2 rows left out: no value in target 'y', 'z'" in selection.notes
    assert {0, 8}.isdisjoint(row for rows in rows_by_part(selection) for row in rows)


def test_a_column_can_name_the_splits(folder: Path) -> None:
    train, validation, test = rows_by_part(select(folder, path="t.csv", target="y", split={"column": "part"}))
    assert validation == list(range(2, ROWS, 4))
    assert test == list(range(1, ROWS, 4))
    assert len(train) == ROWS // 2


def test_each_split_can_be_a_file(tmp_path: Path) -> None:
    for name, rows in (("train", 20), ("validation", 8), ("test", 12)):
        write_csv(tmp_path / f"{name}.csv", columns(rows))
    files = {"train": "train.csv", "validation": "validation.csv", "test": "test.csv"}
    assert list(map(len, rows_by_part(select(tmp_path, target="y", **files)))) == [20, 8, 12]
    del files["validation"]
    assert list(map(len, rows_by_part(select(tmp_path, target="y", **files)))) == [17, 3, 12]
    assert list(map(len, rows_by_part(select(tmp_path, target="y", train="train.csv")))) == [14, 3, 3]
    none = select(tmp_path, target="y", split={"validation": 0.0}, **files)
    assert list(map(len, rows_by_part(none))) == [20, 0, 12]


def test_an_archive_can_bring_its_test_rows() -> None:
    selection = select(DATASETS, path="fashion_mnist_2k.npz", split={"validation": 0.1})
    assert selection.targets == ["y"]
    assert selection.inputs == ["X"]
    assert selection.table["X"].shape == (28, 28)
    assert list(map(len, rows_by_part(selection))) == [1620, 180, 200]
    assert selection.split.test.tolist() == list(range(1800, 2000))
    counts = np.bincount(selection.table["y"].values[selection.split.validation])
    assert counts.tolist() == [18] * 10, "validation rows are stratified"


def test_rows_in_order_of_time_are_not_shuffled(folder: Path) -> None:
    split = {"order": "time", "validation": 0.1, "test": 0.2}
    train, validation, test = rows_by_part(select(folder, path="t.csv", target="y", split=split))
    assert (train, validation, test) == (list(range(28)), list(range(28, 32)), list(range(32, 40)))


@pytest.mark.parametrize(
    ("data", "path", "words"),
    [
        ({"target": "why"}, "data.target", "no column 'why' in 't.csv'; it has 'a', 'b', 'y'"),
        ({"target": ["y", "aa"]}, "data.target.1", "no column 'aa' in 't.csv'; did you mean 'a'?"),
        ({"target": ["a", "a"]}, "data.target", "a column is named twice"),
        ({"target": "y", "exclude": ["b", "Part"]}, "data.exclude.1", "did you mean 'part'?"),
        ({"target": "y", "columns": {"c": "numeric"}}, "data.columns.c", "no column 'c'"),
        ({"target": "y", "weight": "weights"}, "data.weight", "no column 'weights'"),
        ({"target": "y", "group": "parts"}, "data.group", "did you mean 'part'?"),
        ({"target": "y", "group": ["part", "bb"]}, "data.group.1", "no column 'bb'"),
        ({"target": "y", "group": "y"}, "data.target", "column 'y' cannot be the target and have another role"),
        ({"target": "y", "time": "parts"}, "data.time", "no column 'parts' in 't.csv'; did you mean 'part'?"),
        ({"target": "y", "time": ["a", "bb"]}, "data.time", "no column 'bb'"),
        ({"target": "y", "split": {"column": "parts"}}, "data.split.column", "did you mean 'part'?"),
        ({"target": "y", "exclude": ["y"]}, "data.target", "'y' cannot be the target and have another role"),
        ({"target": "w", "weight": "w"}, "data.target", "'w' cannot be the target and have another role"),
        ({"target": "y", "exclude": ["a", "b", "w", "part"]}, "data", "no input columns left"),
        ({}, "data", "target is missing: name the column to predict, one of 'a', 'b', 'y', 'w', 'part'"),
        (
            {"target": "a", "split": {"stratify": True}},
            "data.split.stratify",
            "stratification requires a target of classes",
        ),
        ({"target": "y", "split": {"column": "b"}}, "data.split.column", "column 'b' holds 'name0'; its cells must be"),
    ],
)
def test_a_config_that_does_not_fit_its_data_is_an_error_at_its_place(
    folder: Path, data: dict[str, Any], path: str, words: str
) -> None:
    with pytest.raises(MismatchError) as caught:
        select(folder, path="t.csv", **data)
    assert ".".join(map(str, caught.value.mismatches[0].path)) == path
    assert words in caught.value.mismatches[0].what
    assert caught.value.exit_code == ExitCode.CONFIG == 2


def test_all_columns_that_are_not_there_are_reported_at_once(folder: Path) -> None:
    with pytest.raises(MismatchError) as caught:
        select(folder, path="t.csv", target="why", exclude=["b", "B2"], columns={"c": "numeric"}, weight="v")
    found = [(".".join(map(str, mismatch.path)), mismatch.at_key) for mismatch in caught.value.mismatches]
    # A column that `columns` names stands in the config as a key.
    assert found == [
        ("data.target", False),
        ("data.exclude.1", False),
        ("data.columns.c", True),
        ("data.weight", False),
    ]
    assert len(caught.value.messages) == 4


def test_an_archive_without_its_targets_is_an_error(tmp_path: Path) -> None:
    np.savez(tmp_path / "t.npz", X=np.zeros((4, 2)), labels=np.arange(4))
    with pytest.raises(MismatchError, match="no array 'y' or 'y_train'") as caught:
        select(tmp_path, path="t.npz")
    assert caught.value.mismatches[0].path == ("data", "arrays", "y")
    assert select(tmp_path, path="t.npz", arrays={"y": "labels"}, split={"stratify": False}).targets == ["labels"]


def test_data_without_rows_or_without_targets_is_an_error_of_the_data(tmp_path: Path) -> None:
    write_csv(tmp_path / "empty.csv", {"a": [], "y": []})
    write_csv(tmp_path / "missing.csv", {"a": [1, 2], "y": ["NA", "?"]})
    with pytest.raises(DataError, match=r"empty\.csv: no rows below the header"):
        select(tmp_path, path="empty.csv", target="y")
    with pytest.raises(DataError, match=r"missing\.csv: no row has a value in target 'y'"):
        select(tmp_path, path="missing.csv", target="y")
    with pytest.raises(DataError, match=r"gone\.csv"):
        select(tmp_path, path="gone.csv", target="y")


def images(folder: Path, **arrays: Any) -> Path:
    x = np.arange(ROWS * 6, dtype=np.uint8).reshape(ROWS, 2, 3)
    np.savez(folder / "images.npz", **{"X": x, "y": np.arange(ROWS) % 2, **arrays})
    return folder


def test_an_array_is_one_input_of_its_shape(tmp_path: Path) -> None:
    selection = select(images(tmp_path), path="images.npz")
    assert (selection.inputs, selection.table["X"].shape) == (["X"], (2, 3))
    selection = select(images(tmp_path, y=np.arange(2 * ROWS).reshape(ROWS, 2) % 4), path="images.npz", target="y1")
    assert (selection.inputs, selection.targets) == (["X", "y0"], ["y1"])


@pytest.mark.parametrize(
    "data",
    [
        {"exclude": ["X3"]},
        {"columns": {"X3": "numeric"}},
        {"target": "X3"},
        {"weight": "X3"},
    ],
)
def test_an_array_of_which_a_position_is_named_is_a_column_for_each_of_them(tmp_path: Path, data: Any) -> None:
    selection = select(images(tmp_path), path="images.npz", **{"target": "y", **data})
    left = {"exclude", "target", "weight"} & data.keys()
    expected = [f"X{place}" for place in range(6) if not left or place != 3]
    assert [name for name in selection.inputs if name != "y"] == expected


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"target": "X"}, "'X' is an array of 2 × 3, and cannot be the target"),
        ({"weight": "X"}, "'X' is an array of 2 × 3, and cannot be a weight"),
        ({"time": "X"}, "'X' is an array of 2 × 3, and cannot be a time"),
        ({"columns": {"X": "categorical"}}, "'X' is an array of 2 × 3, and cannot be categorical"),
        ({"exclude": ["X9"]}, "no column 'X9' in 'images.npz'"),
        ({"exclude": ["X"]}, "no input columns left"),
    ],
)
def test_an_array_cannot_be_what_only_a_column_is(tmp_path: Path, data: Any, message: str) -> None:
    with pytest.raises(MismatchError, match=message):
        select(images(tmp_path), path="images.npz", **{"target": "y", **data})


GROUPS = [f"c{number // 4}" for number in range(ROWS)]


def test_a_group_column_is_no_input_and_its_rows_stay_together(folder: Path) -> None:
    write_csv(folder / "t.csv", columns() | {"id": GROUPS, "house": [number % 2 for number in range(ROWS)]})
    selection = select(folder, path="t.csv", target="y", group="id", exclude=["part"])
    assert selection.inputs == ["a", "b", "w", "house"]
    assert selection.groups_of_parts == {"train": 7, "validation": 2, "test": 1}
    found = [{GROUPS[row] for row in rows} for rows in rows_by_part(selection)]
    assert sum(map(len, found)) == len(set(GROUPS)) == 10
    both = select(folder, path="t.csv", target="y", group=["id", "house"])
    assert both.inputs == ["a", "b", "w", "part"]
    assert both.groups_of_parts is not None
    assert sum(both.groups_of_parts.values()) == 20
    assert select(folder, path="t.csv", target="y").groups_of_parts is None


def test_an_excluded_column_may_tell_groups_apart(folder: Path) -> None:
    selection = select(folder, path="t.csv", target="y", group="b", exclude=["b", "part"])
    assert selection.inputs == ["a", "w"]
    assert selection.groups_of_parts == {"train": 1, "validation": 1, "test": 1}


def test_groups_are_those_of_the_cells_as_text(folder: Path) -> None:
    write_csv(folder / "t.csv", columns() | {"id": [["01", "1", "1.0", "2"][number % 4] for number in range(ROWS)]})
    selection = select(folder, path="t.csv", target="y", group="id")
    assert selection.groups_of_parts is not None
    assert sum(selection.groups_of_parts.values()) == 4


def test_rows_without_a_group_are_one_group_and_counted(folder: Path) -> None:
    write_csv(folder / "t.csv", columns() | {"id": [None, None, *GROUPS[2:]]})
    selection = select(folder, path="t.csv", target="y", group="id")
    assert "data.group: no value of 'id' in 2 rows; a missing value counts as one" in selection.notes
    assert selection.groups is not None
    assert selection.groups[:5].tolist() == [0, 0, 1, 1, 2]


def test_shares_that_large_groups_do_not_allow_are_said(folder: Path) -> None:
    write_csv(folder / "t.csv", columns() | {"id": ["big"] * 34 + list("aabbcc")})
    selection = select(folder, path="t.csv", target="y", group="id", split={"stratify": False})
    assert list(map(len, rows_by_part(selection))) == [34, 4, 2]
    assert selection.notes[-2:] == [
        "data.group: validation has 10% of the rows instead of 15%, since groups stay together",
        "data.group: test has 5% of the rows instead of 15%, since groups stay together",
    ]


@pytest.mark.parametrize("split", [{"column": "part"}, {"order": "time"}])
def test_groups_and_splits_that_contradict_them_are_refused(split: Any) -> None:
    with pytest.raises(ValidationError, match=r"group excludes split\.(column|order)"):
        DataSpec.model_validate({"path": "t.csv", "target": "y", "group": "b", "split": split})


def test_repeated_rows_are_dropped_before_the_split_and_counted(tmp_path: Path) -> None:
    a, y, note = [1.5, 2.5, 1.5, 1.5, -0.0, 0.0, 2.5, None, None] * 2, list("ppqpqqpqq") * 2, range(18)
    write_csv(tmp_path / "t.csv", {"a": a, "note": note, "y": y, "w": [2] * 9 + [5] * 9})
    chosen = {"path": "t.csv", "target": "y", "exclude": ["note"], "weight": "w", "drop_duplicates": True}
    selection = select(tmp_path, **chosen, split={"validation": 0, "test": 0})
    assert selection.split.train.tolist() == [0, 1, 2, 4, 7]
    assert "13 rows left out: equal to an earlier row in all inputs and targets" in selection.notes
    assert len(select(tmp_path, **{**chosen, "exclude": []}, split={"validation": 0, "test": 0}).split.train) == 18


def test_of_repeated_rows_in_several_splits_of_the_data_the_training_row_is_kept(tmp_path: Path) -> None:
    write_csv(
        tmp_path / "t.csv",
        {
            "a": [5, 6, 5, 7, 6, 8],
            "y": ["p", "q", "p", "q", "q", "p"],
            "part": ["test", "validation", "train", "train", "test", "test"],
        },
    )
    selection = select(
        tmp_path, path="t.csv", target="y", split={"column": "part"}, drop_duplicates=True, columns={"a": "numeric"}
    )
    assert rows_by_part(selection) == [[2, 3], [1], [5]]


def test_rows_repeated_in_other_cells_than_inputs_and_targets_stay(folder: Path) -> None:
    assert not [
        note for note in select(folder, path="t.csv", target="y", drop_duplicates=True).notes if "equal" in note
    ]


def test_folds_are_balanced_by_classes_or_numbers_of_the_target(folder: Path) -> None:
    found = select(folder, path="t.csv", target="y", split={"fold": "3/4"})
    assert [found.table["y"].take(found.split.test).labels().count(name) for name in ("yes", "no")] == [5, 5]
    tested = [select(folder, path="t.csv", target="a", split={"fold": f"{fold}/4"}).split.test for fold in (1, 2, 3, 4)]
    # Of four rows that follow one another in the order of the target, each is in another fold.
    assert [np.unique(rows // 4).tolist() for rows in tested] == [list(range(10))] * 4


def test_rows_after_a_fold_in_time_are_in_no_split_and_said(folder: Path) -> None:
    found = select(folder, path="t.csv", target="y", split={"fold": "1/4", "order": "time", "validation": 0.2})
    assert rows_by_part(found) == [list(range(16)), list(range(16, 20)), list(range(20, 25))]
    assert "data.split.fold: 15 rows after the test rows left out, as data.split.order is time" in found.notes
    last = select(folder, path="t.csv", target="y", split={"fold": "4/4", "order": "time"})
    assert not any(note.startswith("data.split.fold") for note in last.notes)
