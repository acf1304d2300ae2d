"""Groups of rows stay together, and their parts have about the rows that they are to have."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bpcli.data.examples.groups import assign_groups, group_codes, majority_classes
from bpcli.data.examples.split import Split, split_table
from bpcli.data.split_spec import SplitSpec
from bpcli.data.table import Column
from bpcli.errors import MismatchError

SHARES = (0.7, 0.15, 0.15)
PARTS = ("train", "validation", "test")


def assigned(sizes: Any, shares: Any = SHARES, strata: Any = None, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Part of each group, and rows of each part."""
    sizes = np.asarray(sizes)
    targets = [share * int(sizes.sum()) for share in shares]
    parts = assign_groups(sizes, targets, strata, np.random.default_rng(seed))
    return parts, np.bincount(parts, sizes, minlength=len(shares))


# What a group is


def test_rows_that_agree_in_all_columns_are_a_group() -> None:
    city = Column("city", "categorical", np.array([1, 0, 1, 1, -1, -1], np.int32), ("a", "b"))
    house = Column("house", "numeric", np.array([2.0, 2.0, 2.0, 5.0, 2.0, 2.0]))
    assert group_codes([city]).tolist() == [0, 1, 0, 0, 2, 2]
    assert group_codes([city, house]).tolist() == [0, 1, 0, 2, 3, 3]


def test_groups_of_a_numeric_column_may_lack_a_value() -> None:
    column = Column("n", "numeric", np.array([np.nan, 1.0, np.nan, 0.0]))
    assert group_codes([column]).tolist() == [0, 1, 0, 2]


def test_a_group_is_of_the_class_of_most_of_its_rows_or_of_the_first_such_class() -> None:
    groups = np.array([0, 0, 0, 1, 1, 2, 2, 2, 2])
    classes = np.array([2, 2, 0, 1, 0, 1, 2, 2, 1])
    assert majority_classes(groups, classes).tolist() == [2, 0, 1]


# Which part a group gets


def test_equal_groups_are_divided_as_rows_are() -> None:
    assert assigned([1] * 100)[1].tolist() == [70, 15, 15]
    assert assigned([10] * 20)[1].tolist() == [140, 30, 30]
    assert assigned([7] * 50, [0.2] * 5)[1].tolist() == [70] * 5


def test_a_group_larger_than_a_part_is_to_be_stays_out_of_it() -> None:
    parts, rows = assigned([500, *[10] * 50])
    assert parts[0] == 0
    assert rows.tolist() == [700, 150, 150]


def test_every_part_gets_a_group_whatever_the_sizes_are() -> None:
    assert sorted(assigned([1000, 1000, 1])[0].tolist()) == [0, 1, 2]
    assert sorted(assigned([1, 1, 5000])[0].tolist()) == [0, 1, 2]
    parts, _ = assigned([3, 4], (0.7, 0.3, 0.0))
    assert sorted(parts.tolist()) == [0, 1]


def test_strata_are_divided_alike() -> None:
    strata = np.arange(60) % 3
    parts, rows = assigned([10] * 60, (0.5, 0.25, 0.25), strata)
    assert rows.tolist() == [300, 150, 150]
    assert [np.bincount(strata[parts == part]).tolist() for part in range(3)] == [[10] * 3, [5] * 3, [5] * 3]


def test_the_sizes_of_the_groups_of_all_parts_are_alike() -> None:
    sizes = np.random.default_rng(1).geometric(0.1, 2000)
    parts, _ = assigned(sizes)
    means = [sizes[parts == part].mean() for part in range(3)]
    assert max(means) / min(means) < 1.1


def test_the_assignment_follows_from_the_seed() -> None:
    sizes = np.arange(1, 40)
    assert np.array_equal(assigned(sizes, seed=3)[0], assigned(sizes, seed=3)[0])
    assert len({tuple(assigned(sizes, seed=seed)[0].tolist()) for seed in range(10)}) == 10


def test_shares_are_met_up_to_the_smallest_groups(record_property: Callable[[str, object], None]) -> None:
    random, cases = np.random.default_rng(0), 0
    for shares in (SHARES, (0.5, 0.3, 0.2), [0.1] * 10):
        for sizes in (
            random.integers(1, 20, 300),
            random.geometric(0.05, 300),
            (random.pareto(1.5, 300) * 5 + 1).astype(int),
        ):
            for seed in range(10):
                _, rows = assigned(sizes, shares, seed=seed)
                assert np.abs(rows - np.array(shares) * sizes.sum()).max() <= 0.005 * sizes.sum()
                cases += 1
    assert cases == 90
    record_property("cases", cases)


# Splits of tables by group


def split(groups: Any, classes: Any = None, parts: Any = None, seed: int = 0, **options: Any) -> Split:
    groups = np.asarray(groups)
    codes = None if classes is None else np.unique(classes, return_inverse=True)[1]
    names = [] if classes is None else [str(name) for name in np.unique(classes)]
    parts = None if parts is None else np.array(parts, np.int8)
    rows = np.arange(len(groups))
    return split_table(rows, SplitSpec.model_validate(options), seed, parts, codes, names, groups)


@given(
    groups=st.lists(st.integers(0, 12), min_size=3, max_size=80).filter(lambda groups: len(set(groups)) >= 3),
    classes=st.booleans(),
    seed=st.integers(0, 5),
)
def test_no_group_is_on_both_sides_of_a_split(groups: list[int], classes: bool, seed: int) -> None:
    result = split(groups, np.arange(len(groups)) % 3 if classes else None, seed=seed)
    together = np.concatenate([result.part(part) for part in ("train", "validation", "test")])
    assert sorted(together.tolist()) == list(range(len(groups)))
    found = [{groups[row] for row in result.part(part)} for part in ("train", "validation", "test")]
    assert all(found)
    assert sum(map(len, found)) == len(set(groups))


def test_classes_are_stratified_by_those_of_the_groups() -> None:
    groups = np.repeat(np.arange(40), 5)
    classes = np.where(groups % 4 == 0, "rare", "common")
    result = split(groups, classes, validation=0.2, test=0.2)
    shares = [float(np.mean(classes[result.part(part)] == "rare")) for part in ("train", "validation", "test")]
    assert shares == [0.25, 0.25, 0.25]
    assert [len(result.part(part)) for part in ("train", "validation", "test")] == [120, 40, 40]


def test_groups_of_a_class_too_rare_to_divide_are_training_groups_or_an_error() -> None:
    groups = np.repeat(np.arange(20), 5)
    classes = np.where(groups < 2, "rare", "common")
    assert {0, 1} <= set(groups[split(groups, classes).train].tolist())
    with pytest.raises(
        MismatchError, match="class 'rare' is that of most rows in 2 groups, too few for 3 splits"
    ) as caught:
        split(groups, classes, stratify=True)
    assert caught.value.mismatches[0].path == ("data", "split", "stratify")


def test_fewer_groups_than_splits_are_an_error() -> None:
    with pytest.raises(MismatchError, match="2 groups cannot be divided into 3 splits") as caught:
        split([0, 0, 1, 1, 1])
    assert caught.value.mismatches[0].path == ("data", "group")
    both = split([0, 0, 1, 1, 1], test=0.0)
    assert sorted([len(both.train), len(both.validation)]) == [2, 3]


def test_splits_that_the_data_brings_are_left_alone_and_the_others_are_drawn_by_group() -> None:
    groups = np.repeat(np.arange(20), 5)
    result = split(groups, parts=np.repeat([0, 2], [80, 20]), validation=0.25)
    assert result.test.tolist() == list(range(80, 100))
    assert not set(groups[result.train].tolist()) & set(groups[result.validation].tolist())
    assert len(result.validation) == 20
