"""Folds of cross-validation: every row tests once, validation rows come from the others, and time goes forward."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from bpcli.data.examples.folds import folds_at_random
from bpcli.data.examples.split import Split, split_table
from bpcli.data.split_spec import SplitSpec
from bpcli.errors import MismatchError

TRAIN, VALIDATION, TEST = 0, 1, 2


def split(rows: int, fold: str, seed: int = 0, **options: Any) -> Split:
    of_table = {name: options.pop(name, None) for name in ("parts", "classes", "groups", "order_by")}
    spec = SplitSpec.model_validate({"fold": fold, **options})
    classes = of_table["classes"]
    names = [] if classes is None else [f"c{code}" for code in range(int(classes.max()) + 1)]
    parts = None if of_table["parts"] is None else np.array(of_table["parts"], np.int8)
    rows_of = np.arange(rows)
    return split_table(rows_of, spec, seed, parts, classes, names, of_table["groups"], of_table["order_by"])


def all_folds(rows: int, folds: int, **options: Any) -> list[Split]:
    return [split(rows, f"{fold}/{folds}", **options) for fold in range(1, folds + 1)]


def sizes(of: Split) -> tuple[int, int, int]:
    return len(of.train), len(of.validation), len(of.test)


@pytest.mark.parametrize(("rows", "folds"), [(103, 5), (10, 10), (50, 2)])
def test_every_row_is_a_test_row_of_one_fold(rows: int, folds: int) -> None:
    splits = all_folds(rows, folds, validation=0.2)
    assert sorted(np.concatenate([one.test for one in splits]).tolist()) == list(range(rows))
    for one in splits:
        assert len(one.test) in (rows // folds, -(-rows // folds))
        assert sorted(np.concatenate([one.train, one.validation, one.test]).tolist()) == list(range(rows))


def test_validation_rows_are_a_share_of_the_rows_that_do_not_test() -> None:
    assert sizes(split(100, "2/5", validation=0.25)) == (60, 20, 20)
    assert sizes(split(100, "2/5")) == (68, 12, 20)
    assert sizes(split(100, "2/5", validation=0)) == (80, 0, 20)
    assert split(100, "2/5", validation=0.25).shares == (0.25, 0)


def test_folds_follow_from_the_seed_of_the_split_alone() -> None:
    def tested(seed: int, own: int | None = None) -> list[int]:
        spec = SplitSpec(fold="1/4", seed=own)
        return split_table(np.arange(100), spec, seed).test.tolist()

    assert tested(1) == tested(1) == tested(0, own=1) == tested(2, own=1)
    assert tested(1) != tested(2)


def test_folds_that_test_are_not_those_of_an_ensemble_of_the_same_seed() -> None:
    of_ensemble = folds_at_random(100, 4, 0)
    assert split(100, "1/4").test.tolist() != np.flatnonzero(of_ensemble == 0).tolist()
    own = folds_at_random(100, 4, 0, purpose="test_folds")
    assert split(100, "1/4").test.tolist() == np.flatnonzero(own == 0).tolist()


def test_classes_are_in_equal_parts_in_every_fold_unless_stratify_is_false() -> None:
    classes = np.random.default_rng(0).permutation(np.repeat([0, 1], [90, 10]))
    counts = [np.bincount(classes[one.test]).tolist() for one in all_folds(100, 5, classes=classes)]
    assert counts == [[18, 2]] * 5
    free = [np.bincount(classes[one.test]).tolist() for one in all_folds(100, 5, classes=classes, stratify=False)]
    assert free != counts


def test_a_class_of_fewer_rows_than_folds_is_an_error_only_with_stratify() -> None:
    classes = np.repeat([0, 1], [20, 3])
    with pytest.raises(MismatchError, match="stratify: class 'c1' has 3 rows, too few for 5 folds"):
        split(23, "1/5", classes=classes, stratify=True)
    tested = [np.count_nonzero(classes[one.test] == 1) for one in all_folds(23, 5, classes=classes)]
    assert sorted(tested) == [0, 0, 1, 1, 1]
    groups = np.arange(23) // 3
    with pytest.raises(MismatchError, match="class 'c1' has most rows in 1 group, too few for 2 folds"):
        split(23, "1/2", classes=classes, stratify=True, groups=groups)


def test_numbers_have_nearly_the_same_distribution_in_every_fold() -> None:
    values = np.random.default_rng(0).lognormal(size=500)
    medians = [np.median(values[one.test]) for one in all_folds(500, 5, order_by=values)]
    free = [np.median(values[one.test]) for one in all_folds(500, 5, order_by=values, stratify=False)]
    assert np.ptp(medians) < np.ptp(free) / 4


@pytest.mark.parametrize("order_by", [None, np.arange(300.0)], ids=["alone", "with numbers"])
def test_a_group_is_in_one_fold_and_one_split(order_by: Any) -> None:
    groups = np.random.default_rng(1).integers(0, 40, 300)
    splits = all_folds(300, 5, groups=groups, order_by=order_by, validation=0.2)
    assert sorted(np.concatenate([one.test for one in splits]).tolist()) == list(range(300))
    for one in splits:
        apart = [set(groups[part].tolist()) for part in (one.train, one.validation, one.test)]
        assert sum(map(len, apart)) == len(set.union(*apart)) == len(np.unique(groups))
        assert abs(len(one.test) - 60) < 15


def test_more_than_127_folds_of_groups_are_distinct() -> None:
    splits = all_folds(130, 130, groups=np.arange(130), validation=0)
    assert sorted(np.concatenate([one.test for one in splits]).tolist()) == list(range(130))


def test_in_order_of_time_a_fold_is_tested_by_what_comes_before_and_later_rows_are_in_no_split() -> None:
    first, second, third = all_folds(12, 3, order="time", validation=0.25)
    assert (first.train.tolist(), first.validation.tolist(), first.test.tolist()) == ([0, 1, 2, 3], [4, 5], [6, 7])
    assert (second.train.tolist(), second.validation.tolist(), second.test.tolist()) == (
        [0, 1, 2, 3, 4, 5],
        [6, 7],
        [8, 9],
    )
    assert third.test.tolist() == [10, 11]
    assert sizes(third) == (8, 2, 2)


def test_validation_rows_of_the_data_are_in_no_fold() -> None:
    parts = [TRAIN] * 8 + [VALIDATION] * 2
    splits = all_folds(10, 4, parts=parts)
    assert [one.validation.tolist() for one in splits] == [[8, 9]] * 4
    assert sorted(np.concatenate([one.test for one in splits]).tolist()) == list(range(8))


def test_test_rows_of_the_data_are_an_error() -> None:
    with pytest.raises(MismatchError, match=r"^data\.split\.fold: the data has test rows of its own"):
        split(4, "1/2", parts=[TRAIN, TRAIN, TRAIN, TEST])


@pytest.mark.parametrize("options", [{}, {"order": "time"}, {"groups": np.arange(20) // 8}], ids=str)
def test_fewer_rows_or_groups_than_folds_are_an_error(options: dict[str, Any]) -> None:
    with pytest.raises(MismatchError, match=r"^data\.split\.fold: .* cannot be divided into 25 folds"):
        split(20, "1/25", **options)


def validated(rows: int, folds: int, **options: Any) -> list[Split]:
    """Splits of a table, of which each holds another fold out for validation."""
    classes = options.pop("classes", None)
    names = [] if classes is None else [f"c{code}" for code in range(int(classes.max()) + 1)]
    groups = options.pop("groups", None)
    specs = [SplitSpec(validation_fold=f"{fold}/{folds}", **options) for fold in range(1, folds + 1)]
    return [split_table(np.arange(rows), spec, 0, None, classes, names, groups) for spec in specs]


@pytest.mark.parametrize("options", [{}, {"classes": np.arange(100) % 3}, {"groups": np.arange(100) // 4}])
def test_every_row_that_is_not_for_testing_validates_in_one_fold(options: dict[str, Any]) -> None:
    classes, groups = options.get("classes"), options.get("groups")
    names = [] if classes is None else ["c0", "c1", "c2"]
    plain = split_table(np.arange(100), SplitSpec(), 0, None, classes, names, groups)
    splits = validated(100, 4, **options)
    for one in splits:
        assert one.test.tolist() == plain.test.tolist()
        assert sorted([*one.train, *one.validation, *one.test]) == list(range(100))
    pooled = np.sort(np.concatenate([plain.train, plain.validation])).tolist()
    assert np.sort(np.concatenate([one.validation for one in splits])).tolist() == pooled
    if groups is not None:
        assert not any(set(groups[one.train]) & set(groups[one.validation]) for one in splits)


def test_folds_that_validate_in_order_of_time_come_after_what_is_learned() -> None:
    for one in validated(40, 3, order="time", test=0.25):
        assert one.train.max() < one.validation.min() <= one.validation.max() < one.test.min() == 30


def test_validation_rows_of_the_data_exclude_a_fold_for_them() -> None:
    parts = np.array([TRAIN] * 8 + [VALIDATION] * 2, np.int8)
    with pytest.raises(MismatchError, match="the data has validation rows of its own"):
        split_table(np.arange(10), SplitSpec(validation_fold="1/4"), 0, parts)
