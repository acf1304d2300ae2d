from collections import Counter
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from bpcli.data.examples.split import Split, parts_from_column, split_table
from bpcli.data.split_spec import SplitSpec
from bpcli.data.table import Column
from bpcli.errors import DataError, ExitCode, MismatchError

TRAIN, VALIDATION, TEST = 0, 1, 2


def spec(**options: Any) -> SplitSpec:
    return SplitSpec.model_validate(options)


def split(count: int, seed: int = 0, classes: Any = None, parts: Any = None, **options: Any) -> Split:
    codes = None if classes is None else np.unique(classes, return_inverse=True)[1]
    names = [] if classes is None else [str(name) for name in np.unique(classes)]
    parts = None if parts is None else np.array(parts, np.int8)
    return split_table(np.arange(count), spec(**options), seed, parts, codes, names)


def sizes(of: Split) -> tuple[int, int, int]:
    return len(of.train), len(of.validation), len(of.test)


def same(a: Split, b: Split) -> bool:
    return all(np.array_equal(a.part(part), b.part(part)) for part in ("train", "validation", "test"))


@pytest.mark.parametrize("count", [4, 7, 50, 501])
@pytest.mark.parametrize(
    "options",
    [{}, {"validation": 0.3}, {"validation": 0.4, "test": 0.5}, {"order": "time", "test": 0.3}, {"stratify": False}],
    ids=str,
)
def test_every_row_stands_in_exactly_one_split_and_in_order(count: int, options: dict[str, Any]) -> None:
    classes = np.arange(count) // 5 % 2 if count >= 50 else None
    result = split(count, classes=classes, **options)
    together = np.concatenate([result.train, result.validation, result.test])
    assert sorted(together.tolist()) == list(range(count))
    for part in (result.train, result.validation, result.test):
        assert np.all(np.diff(part) > 0)


def test_the_indices_are_those_of_the_rows_given() -> None:
    rows = np.arange(20) * 10
    result = split_table(rows, spec(), 0)
    assert sorted(np.concatenate([result.train, result.validation, result.test]).tolist()) == rows.tolist()


@pytest.mark.parametrize("options", [{}, {"stratify": True}], ids=str)
def test_a_split_with_a_seed_of_its_own_does_not_depend_on_that_of_the_run(options: dict[str, Any]) -> None:
    classes = np.arange(100) % 3
    with_own = [
        split_table(np.arange(100), spec(seed=5, **options), seed, None, classes, ["a", "b", "c"]) for seed in (1, 2)
    ]
    assert same(*with_own)
    assert same(with_own[0], split(100, seed=5, classes=classes, **options))
    assert not same(with_own[0], split(100, seed=1, classes=classes, **options))


def test_a_split_follows_from_the_seed_alone() -> None:
    classes = np.arange(100) % 3
    assert same(split(100, seed=5), split(100, seed=5))
    assert not same(split(100, seed=5), split(100, seed=6))
    assert same(split(100, seed=5, classes=classes), split(100, seed=5, classes=classes))
    assert same(split(100, seed=5, order="time"), split(100, seed=6, order="time"))


def test_rows_are_shuffled() -> None:
    assert not np.array_equal(split(100).test, np.arange(85, 100))


def test_shares_are_right_to_a_row() -> None:
    assert sizes(split(100, validation=0.2, test=0.1)) == (70, 20, 10)
    assert sizes(split(1001, validation=0.1, test=0.25)) == (651, 100, 250)


def test_left_out_each_share_is_fifteen_percent() -> None:
    assert sizes(split(200)) == (140, 30, 30)


def test_a_share_of_zero_leaves_a_split_out() -> None:
    assert sizes(split(100, validation=0.0, test=0.2)) == (80, 0, 20)
    assert sizes(split(4, validation=0.0, test=0.0, classes=[0, 1, 1, 0])) == (4, 0, 0)


def test_classes_keep_their_shares_in_each_split() -> None:
    classes = np.repeat([0, 1, 2], [600, 300, 100])
    result = split(1000, classes=classes, validation=0.2, test=0.1)
    assert Counter(classes[result.validation].tolist()) == {0: 120, 1: 60, 2: 20}
    assert Counter(classes[result.test].tolist()) == {0: 60, 1: 30, 2: 10}


def test_many_small_classes_do_not_distort_the_shares_of_the_whole() -> None:
    classes = np.repeat(np.arange(20), 7)
    result = split(140, classes=classes, validation=0.2, test=0.2)
    assert sizes(result) == (84, 28, 28)
    assert set(Counter(classes[result.test].tolist()).values()) <= {1, 2}


def test_without_stratify_classes_fall_as_they_may() -> None:
    classes = np.repeat([0, 1], [90, 10])
    counts = {int(classes[split(100, seed, classes=classes, stratify=False).test].sum()) for seed in range(20)}
    assert len(counts) > 1
    counts = {int(classes[split(100, seed, classes=classes, test=0.2).test].sum()) for seed in range(20)}
    assert counts == {2}


def test_a_class_stands_in_every_split_however_the_shares_are() -> None:
    classes = np.repeat([0, 1], [97, 3])
    result = split(100, classes=classes, validation=0.8, test=0.1)
    assert [int(classes[result.part(part)].sum()) for part in ("train", "validation", "test")] == [1, 1, 1]


def test_a_class_too_rare_for_all_splits_is_an_error_where_stratify_is_asked_for() -> None:
    classes = ["common"] * 20 + ["rare"] * 2
    with pytest.raises(MismatchError, match="class 'rare' has 2 rows, too few for 3 splits") as caught:
        split(22, classes=classes, stratify=True)
    assert caught.value.mismatches[0].path == ("data", "split", "stratify")
    assert caught.value.exit_code == ExitCode.CONFIG == 2
    without_validation = split(22, classes=classes, stratify=True, validation=0.0)
    assert [without_validation.part(part).max() >= 20 for part in ("train", "test")] == [True, True]


def test_rows_of_a_class_too_rare_all_train_where_nothing_is_said() -> None:
    classes = np.array([0] * 20 + [1] * 2)
    result = split(22, classes=classes)
    assert {20, 21} <= set(result.train.tolist())
    assert sizes(result) == (16, 3, 3)


def test_in_order_of_time_the_first_rows_train_and_the_last_ones_test() -> None:
    result = split(10, order="time", validation=0.2, test=0.3, classes=np.arange(10) % 2)
    assert result.train.tolist() == [0, 1, 2, 3, 4]
    assert result.validation.tolist() == [5, 6]
    assert result.test.tolist() == [7, 8, 9]


def test_splits_that_the_data_brings_are_taken_as_they_are() -> None:
    parts = [TRAIN, TEST, TRAIN, VALIDATION, TRAIN]
    result = split(5, parts=parts)
    assert (result.train.tolist(), result.validation.tolist(), result.test.tolist()) == ([0, 2, 4], [3], [1])


def test_validation_rows_come_out_of_the_training_rows_where_the_data_brings_a_test_split_only() -> None:
    parts = np.repeat([TRAIN, TEST], [80, 20])
    result = split(100, parts=parts, validation=0.25)
    assert result.test.tolist() == list(range(80, 100))
    assert sizes(result) == (60, 20, 20)
    assert sizes(split(100, parts=parts)) == (68, 12, 20)
    assert sizes(split(100, parts=np.repeat([TRAIN, VALIDATION], [80, 20]))) == (80, 20, 0)


def test_a_column_that_names_the_splits_leaves_nothing_to_chance() -> None:
    assert sizes(split(10, parts=np.repeat([TRAIN, TEST], [8, 2]), column="part")) == (8, 0, 2)
    assert sizes(split(10, parts=np.repeat([TRAIN], 10), column="part")) == (10, 0, 0)


def test_a_share_for_a_split_that_the_data_brings_is_refused() -> None:
    with pytest.raises(MismatchError, match="the data has its own test rows") as caught:
        split(10, parts=np.repeat([TRAIN, TEST], [8, 2]), test=0.2)
    assert caught.value.mismatches[0].path == ("data", "split", "test")


def test_a_share_that_comes_to_no_row_is_refused() -> None:
    with pytest.raises(MismatchError, match=r"data\.split\.validation: a share of 0\.15 of 2 rows is less than one"):
        split(2)
    with pytest.raises(MismatchError, match=r"a share of 0\.01 of 10 rows is less than one row"):
        split(10, order="time", validation=0.01, test=0.2)


def test_a_share_that_leaves_nothing_beside_the_default_of_the_other_is_refused() -> None:
    with pytest.raises(
        MismatchError, match=r"data\.split\.validation: leaves no training rows, since data\.split\.test is 15%"
    ):
        split(100, validation=0.9)
    with pytest.raises(MismatchError, match=r"data\.split\.test: leaves no training rows"):
        split(100, test=0.85, order="time")
    assert sizes(split(100, validation=0.9, test=0.0)) == (10, 90, 0)


def test_data_without_training_rows_is_refused() -> None:
    with pytest.raises(DataError, match="no training rows"):
        split(3, parts=[TEST, TEST, VALIDATION])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"validation": 0.5, "test": 0.5}, "no training rows"),
        ({"validation": 1.0}, "less than 1"),
        ({"test": -0.1}, "greater than or equal to 0"),
        ({"order": "time", "stratify": True}, "order: time and stratify"),
        ({"order": "time", "seed": 1}, "order: time draws nothing, so it excludes seed"),
        ({"column": "part", "test": 0.2}, "column excludes"),
        ({"column": "part", "stratify": True}, "column excludes"),
        ({"fold": "2/5", "test": 0.2}, "the test rows are those of fold, which excludes test"),
        ({"fold": "2/5", "test": 0.0}, "the test rows are those of fold, which excludes test"),
        ({"fold": "2/5", "column": "part"}, "column sets the split of each row, so it excludes fold"),
        ({"fold": "2 of 5"}, "such as 2/5 for the second of 5"),
        ({"fold": "0/5"}, "such as 2/5 for the second of 5"),
        ({"fold": "6/5"}, "there are 5 folds; the first number must be from 1 to 5"),
        ({"fold": "1/1"}, "the number of folds must be from 2 to 1000"),
        ({"fold": "1/1001"}, "the number of folds must be from 2 to 1000"),
    ],
)
def test_what_contradicts_itself_is_refused(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        spec(**options)


def test_a_column_names_splits_in_any_letter_case() -> None:
    assert parts_from_column(names("train", " Test", "VALIDATION", "train")).tolist() == [0, 2, 1, 0]


@pytest.mark.parametrize(("other", "shown"), [("dev", "dev"), (None, "")])
def test_a_column_of_splits_holds_nothing_else(other: str | None, shown: str) -> None:
    words = f"column 'part' holds '{shown}'; its cells must be train, validation or test"
    with pytest.raises(MismatchError, match=words) as caught:
        parts_from_column(names("train", "test", other, "zebra"))
    assert caught.value.mismatches[0].path == ("data", "split", "column")


def names(*values: str | None) -> Column:
    categories = tuple(sorted({value for value in values if value is not None}))
    codes = [-1 if value is None else categories.index(value) for value in values]
    return Column("part", "categorical", np.array(codes, np.int32), categories)
