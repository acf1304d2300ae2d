"""Test rows of one fold of cross-validation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bpcli.data.examples.folds import folds_at_random, folds_in_order
from bpcli.data.examples.groups import majority_classes
from bpcli.data.split_spec import SplitSpec
from bpcli.data.table import PARTS
from bpcli.errors import Mismatch, MismatchError
from bpcli.wording import counted, quoted

KEY = ("data", "split", "fold")
UNUSED = -1
"""Split of rows that are in none."""


def hold_out_fold(
    parts: NDArray[np.int8],
    spec: SplitSpec,
    seed: int,
    classes: NDArray[np.integer[Any]] | None = None,
    names: Sequence[str] = (),
    groups: NDArray[np.intp] | None = None,
    order: NDArray[Any] | None = None,
) -> NDArray[np.int8]:
    """Split of each row, with the fold that `spec` names as test rows; without one, `parts`.

    parts: split of each row as given by the data, indices into PARTS; folds are made of its training rows. With
    `order: time`, training rows after the fold are UNUSED. seed: that of the run, used unless the spec has its own.
    classes, names, groups: as for `split_table`. order: values by which rows without classes are balanced, or None.

    Raises MismatchError if the data has test rows of its own, or too few rows, groups or, for `stratify: true`, rows of
    a class.
    """
    if spec.fold_of_folds is None:
        return parts
    fold, count = spec.fold_of_folds
    test = PARTS.index("test")
    if np.any(parts == test):
        what = "the data has test rows of its own, which cross-validation would not use; omit fold, or those rows"
        raise MismatchError(Mismatch(KEY, what))
    free = np.flatnonzero(parts == PARTS.index("train"))
    result = parts.copy()
    if spec.order == "time":
        folds = folds_in_order(len(free), count, KEY)
        result[free[folds > fold - 1]] = UNUSED
    else:
        among = None if groups is None else groups[free]
        if spec.stratify is False:
            order = None
        elif classes is not None:
            order = classes[free]
            if spec.stratify:
                _require_classes(order, names, among, count)
        elif order is not None:
            order = None if among is not None else order[free]  # a group has no one value
        drawn_from = seed if spec.seed is None else spec.seed
        folds = folds_at_random(len(free), count, drawn_from, order, among, "test_folds", KEY)
    result[free[folds == fold - 1]] = test
    return result


def _require_classes(
    classes: NDArray[np.integer[Any]], names: Sequence[str], groups: NDArray[np.intp] | None, count: int
) -> None:
    """Raise MismatchError for a class of fewer rows, or groups of which it is that of most rows, than folds."""
    if groups is not None:
        _, groups = np.unique(groups, return_inverse=True)
        classes = majority_classes(groups, classes)
    for code, there in enumerate(np.bincount(classes).tolist()):
        if 0 < there < count:
            has = f"{counted(there, 'row')}" if groups is None else f"most rows in {counted(there, 'group')}"
            what = (
                f"class {quoted(names[code])} has {has}, too few for {count} folds; set it to false, or drop that class"
            )
            raise MismatchError(Mismatch(("data", "split", "stratify"), what))
