"""Rows of one fold of cross-validation, held out for testing or validation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bpcli.data.examples.folds import ConfigPath, folds_at_random, folds_in_order
from bpcli.data.examples.groups import majority_classes
from bpcli.data.split_spec import SplitSpec
from bpcli.data.table import PARTS, Part
from bpcli.errors import Mismatch, MismatchError
from bpcli.randomness import Purpose
from bpcli.wording import counted, quoted

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
    """Split of each row, with the fold that `spec.fold` names as test rows; without one, `parts`.

    parts: split of each row as given by the data, indices into PARTS; folds are made of its training rows. With
    `order: time`, training rows after the fold are UNUSED. seed: that of the run, used unless the spec has its own.
    classes, names, groups: as for `split_table`. order: values by which rows without classes are balanced, or None.

    Raises MismatchError if the data has test rows of its own, or too few rows, groups or, for `stratify: true`, rows of
    a class.
    """
    if spec.fold_of_folds is None:
        return parts
    fold, count = spec.fold_of_folds
    if np.any(parts == PARTS.index("test")):
        what = "the data has test rows of its own, which cross-validation would not use; omit fold, or those rows"
        raise MismatchError(Mismatch(("data", "split", "fold"), what))
    return _held_out(parts, "test", fold, count, spec, seed, classes, names, groups, order)


def hold_out_validation_fold(
    parts: NDArray[np.int8],
    spec: SplitSpec,
    seed: int,
    classes: NDArray[np.integer[Any]] | None = None,
    names: Sequence[str] = (),
    groups: NDArray[np.intp] | None = None,
    order: NDArray[Any] | None = None,
) -> NDArray[np.int8]:
    """Split of each row, with the fold that `spec.validation_fold` names as validation rows; without one, `parts`.

    As `hold_out_fold`, but the folds are made of the training and the validation rows of `parts`.
    """
    if spec.validation_fold_of_folds is None:
        return parts
    fold, count = spec.validation_fold_of_folds
    pooled = np.where(parts == PARTS.index("validation"), np.int8(PARTS.index("train")), parts)
    return _held_out(pooled, "validation", fold, count, spec, seed, classes, names, groups, order)


def _held_out(
    parts: NDArray[np.int8],
    part: Part,
    fold: int,
    count: int,
    spec: SplitSpec,
    seed: int,
    classes: NDArray[np.integer[Any]] | None,
    names: Sequence[str],
    groups: NDArray[np.intp] | None,
    order: NDArray[Any] | None,
) -> NDArray[np.int8]:
    """Split of each row, with a fold of the training rows as another part."""
    key: ConfigPath = ("data", "split", "fold" if part == "test" else "validation_fold")
    purpose: Purpose = "test_folds" if part == "test" else "validation_folds"
    free = np.flatnonzero(parts == PARTS.index("train"))
    result = parts.copy()
    if spec.order == "time":
        folds = folds_in_order(len(free), count, key)
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
        folds = folds_at_random(len(free), count, drawn_from, order, among, purpose, key)
    result[free[folds == fold - 1]] = PARTS.index(part)
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
