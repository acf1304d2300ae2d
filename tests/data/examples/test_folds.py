"""Assignment of rows to folds: equal sizes, equal distributions, groups together, and time only forward."""

from __future__ import annotations

import numpy as np
import pytest

from bpcli.data.examples.folds import folds_at_random, folds_in_order
from bpcli.errors import MismatchError


@pytest.mark.parametrize("rows", [8, 9, 61, 1000])
def test_folds_have_nearly_as_many_rows(rows: int) -> None:
    counts = np.bincount(folds_at_random(rows, 8, seed=0), minlength=8)
    assert counts.sum() == rows
    assert counts.max() - counts.min() <= 1


def test_every_class_is_dealt_to_all_folds() -> None:
    classes = np.random.default_rng(0).permutation(np.repeat([0, 1, 2], [800, 160, 16]))
    folds = folds_at_random(len(classes), 8, 3, classes)
    for code, count in ((0, 100), (1, 20), (2, 2)):
        of_class = np.bincount(folds[classes == code], minlength=8)
        assert np.abs(of_class - count).max() <= 1


def test_numbers_have_nearly_the_same_distribution_in_every_fold() -> None:
    values = np.random.default_rng(0).lognormal(size=800)
    folds = folds_at_random(800, 8, 3, values)
    medians = [np.median(values[folds == fold]) for fold in range(8)]
    assert np.ptp(medians) < 0.05
    at_random = folds_at_random(800, 8, 3)
    assert np.ptp([np.median(values[at_random == fold]) for fold in range(8)]) > np.ptp(medians)


def test_a_group_is_in_one_fold() -> None:
    groups = np.random.default_rng(0).integers(0, 60, 900) * 7
    folds = folds_at_random(900, 5, 1, groups=groups)
    assert all(len(set(folds[groups == group])) == 1 for group in np.unique(groups))
    assert np.ptp(np.bincount(folds)) < 30


def test_another_seed_gives_other_folds_and_the_same_seed_the_same() -> None:
    first, again, other = (folds_at_random(100, 4, seed).tolist() for seed in (0, 0, 1))
    assert first == again != other


def test_rows_in_time_order_have_folds_in_their_second_half() -> None:
    assert folds_in_order(13, 3).tolist() == [-1] * 6 + [0, 0, 0, 1, 1, 2, 2]


def test_fewer_rows_or_groups_than_folds_are_an_error() -> None:
    with pytest.raises(MismatchError, match="3 rows cannot be divided into 4 folds"):
        folds_at_random(3, 4, 0)
    with pytest.raises(MismatchError, match="2 groups cannot be divided into 4 folds"):
        folds_at_random(30, 4, 0, groups=np.arange(30) % 2)
    with pytest.raises(MismatchError, match="3 rows cannot be divided into 4 folds"):
        folds_in_order(6, 4)
