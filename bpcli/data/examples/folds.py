"""Assignment of rows to folds: of training rows to members of an ensemble, or of all rows to tests."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bpcli.data.examples.groups import assign_groups, majority_classes
from bpcli.errors import Mismatch, MismatchError
from bpcli.randomness import Purpose, Stream
from bpcli.wording import counted

FoldNumbers = NDArray[np.int16]


ConfigPath = tuple[str, ...]
OF_MEMBERS: ConfigPath = ("ensemble", "folds")


def folds_in_order(rows: int, count: int, key: ConfigPath = OF_MEMBERS) -> FoldNumbers:
    """Fold of each of the rows, which are in time order; -1 for the first half, on which every network trains.

    The second half is divided into `count` folds, one after another, so that a network that trains only on earlier
    folds has at least half of the rows. key: config key of the folds, for errors.
    """
    _require(rows - rows // 2, count, "row", key)
    first = rows // 2
    numbers = np.arange(rows) - first
    return np.where(numbers < 0, -1, numbers * count // (rows - first)).astype(np.int16)


def folds_at_random(
    rows: int,
    count: int,
    seed: int,
    order: NDArray[Any] | None = None,
    groups: NDArray[np.intp] | None = None,
    purpose: Purpose = "folds",
    key: ConfigPath = OF_MEMBERS,
) -> FoldNumbers:
    """Fold of each row, drawn so that the folds have nearly as many rows, and nearly the same distribution of `order`.

    order: class, or value of the target, of each row: of `count` rows that follow one another in its order, each goes
    to another fold. groups: group of each row, whose rows stay together; `order` is then taken as classes. purpose:
    stream of random numbers. key: config key of the folds, for errors.

    Raises MismatchError for fewer rows, or groups, than folds.
    """
    generator = Stream(seed, purpose).at()
    if groups is not None:
        _, groups = np.unique(groups, return_inverse=True)
        sizes = np.bincount(groups)
        _require(len(sizes), count, "group", key)
        strata = None
        if order is not None:
            _, classes = np.unique(order, return_inverse=True)
            strata = majority_classes(groups, classes)
        return assign_groups(sizes, [rows / count] * count, strata, generator)[groups]
    _require(rows, count, "row", key)
    shuffled = generator.permutation(rows)
    if order is not None:
        shuffled = shuffled[np.argsort(order[shuffled], kind="stable")]
    hands = -(-rows // count)
    dealt = generator.permuted(np.tile(np.arange(count, dtype=np.int16), (hands, 1)), axis=1)
    folds = np.empty(rows, np.int16)
    folds[shuffled] = dealt.ravel()[:rows]
    return folds


def _require(there: int, count: int, what: str, key: ConfigPath) -> None:
    if there < count:
        fewer = f"set ensemble.members to {there} or less, or ensemble.folds to false"
        remedy = f"; {fewer}" if key[0] == "ensemble" else ""
        raise MismatchError(Mismatch(key, f"{counted(there, what)} cannot be divided into {count} folds{remedy}"))
