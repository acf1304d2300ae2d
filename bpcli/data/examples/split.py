"""Splits of rows into training, validation and test set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bpcli.data.split_spec import SplitSpec
from bpcli.data.table import PARTS, Column, Part
from bpcli.errors import DataError, Mismatch, MismatchError
from bpcli.randomness import Stream
from bpcli.wording import counted, quoted

DEFAULT_SHARE = 0.15
"""Default share of validation rows and of test rows, which leaves 70% for training."""

Rows = NDArray[np.intp]


@dataclass(frozen=True)
class Split:
    """Disjoint row indices of each split, ascending."""

    train: Rows
    validation: Rows
    test: Rows
    shares: tuple[float, float]
    """Effective shares of validation and test rows; 0 if the data brings its own."""

    def part(self, name: Part) -> Rows:
        """Row indices of a split."""
        return {"train": self.train, "validation": self.validation, "test": self.test}[name]


def split_table(
    rows: Rows,
    spec: SplitSpec,
    seed: int,
    parts: NDArray[np.int8] | None = None,
    classes: NDArray[np.integer[Any]] | None = None,
    names: Sequence[str] = (),
    groups: NDArray[np.intp] | None = None,
    order: NDArray[Any] | None = None,
) -> Split:
    """Split `rows`, indices into a table.

    seed: that of the run, used unless the spec has its own. parts: split of each row as given by the data, indices into
    PARTS, or None; other splits are drawn from its training rows. classes: class of each row for stratification,
    indices into `names`, or None. groups: group of each row, whose rows stay together where splits are drawn, or None.
    order: values by which the folds of cross-validation are balanced where there are no classes, or None.

    Rows after a fold of `order: time` are in no split.

    Raises:
        MismatchError: a share is set for a split that the data brings itself, a split is empty, a class has too few
        rows for `stratify: true`, or there are fewer groups than splits, or fewer rows than folds.
        DataError: there are no rows to train on.
    """
    if parts is None:
        parts = np.zeros(len(rows), dtype=np.int8)
    if spec.fold is not None:
        from bpcli.data.examples.held_out_fold import hold_out_fold

        parts = hold_out_fold(parts, spec, seed, classes, names, groups, order)
    if spec.validation_fold is not None and np.any(parts == PARTS.index("validation")):
        what = "the data has validation rows of its own, which the folds would not use; omit it, or those rows"
        raise MismatchError(Mismatch(("data", "split", "validation_fold"), what))
    given: set[Part] = {name for index, name in enumerate(PARTS) if name != "train" and np.any(parts == index)}
    shares = _shares(spec, given)
    free = np.flatnonzero(parts == 0)
    if spec.order == "time":
        assigned = _in_order(len(free), shares)
    else:
        generator = Stream(seed if spec.seed is None else spec.seed, "split").at()
        strata = None
        if classes is not None and spec.stratify is not False and spec.column is None:
            strata = classes[free]
        strict = bool(spec.stratify)
        if groups is None:
            assigned = _at_random(len(free), shares, strata, names, strict, generator)
        else:
            assigned = _by_group(groups[free], shares, strata, names, strict, generator)
    result = parts.copy()
    result[free] = assigned
    if spec.validation_fold is not None:
        from bpcli.data.examples.held_out_fold import hold_out_validation_fold

        result = hold_out_validation_fold(result, spec, seed, classes, names, groups, order)
    train, validation, test = (rows[result == index] for index in range(len(PARTS)))
    split = Split(train, validation, test, shares)
    _require_rows(split, shares, len(rows))
    return split


def _shares(spec: SplitSpec, given: set[Part]) -> tuple[float, float]:
    shares = []
    asked: tuple[tuple[Part, float | None], ...] = (("validation", spec.validation), ("test", spec.test))
    for name, share in asked:
        if name in given and share:
            raise MismatchError(Mismatch(("data", "split", name), f"the data has its own {name} rows; omit this share"))
        # Data with some splits of its own still gets validation rows by default, but no test rows.
        absent = spec.column is not None or (bool(given) and name == "test")
        default = 0.0 if name in given or absent else DEFAULT_SHARE
        shares.append(0.0 if name in given else default if share is None else share)
    if sum(shares) >= 1:
        full, other = ("validation", "test") if spec.validation else ("test", "validation")
        raise MismatchError(
            Mismatch(
                ("data", "split", full),
                f"leaves no training rows, since data.split.{other} is {DEFAULT_SHARE:.0%} by default; set it too",
            )
        )
    return shares[0], shares[1]


def _in_order(count: int, shares: tuple[float, float]) -> NDArray[np.int8]:
    validation, test = (round(count * share) for share in shares)
    assigned = np.zeros(count, dtype=np.int8)
    assigned[count - test - validation : count - test] = 1
    assigned[count - test :] = 2
    return assigned


def _at_random(
    count: int,
    shares: tuple[float, float],
    strata: NDArray[np.integer[Any]] | None,
    names: Sequence[str],
    strict: bool,
    generator: np.random.Generator,
) -> NDArray[np.int8]:
    shuffled = generator.permutation(count)
    if strata is None:
        groups = [shuffled]
    else:
        # NumPy's stable sort is a radix sort, linear in time, for integers of up to 16 bits.
        narrow = strata.astype(np.min_scalar_type(int(strata.max(initial=0))))
        by_class = shuffled[np.argsort(narrow[shuffled], kind="stable")]
        groups = np.split(by_class, np.cumsum(np.bincount(strata))[:-1])
    asked = [part for part, share in enumerate(shares) if share]
    needed = 1 + len(asked)
    if not strict and all(len(group) < needed for group in groups):
        groups = [shuffled]  # every class is too rare to stratify
    assigned = np.zeros(count, dtype=np.int8)
    # Rounding the running total instead of each class keeps the overall shares exact to one row.
    total, taken = 0, [0, 0]
    for code, group in enumerate(groups):
        if len(group) < needed:
            if strict and strata is not None and len(group):
                raise MismatchError(
                    Mismatch(
                        ("data", "split", "stratify"),
                        f"class {quoted(names[code])} has {counted(len(group), 'row')}, too few for {needed} splits; "
                        "set it to false, or drop that class",
                    )
                )
            continue
        total += len(group)
        start = 0
        for place, part in enumerate(asked):
            room = len(group) - start - (len(asked) - place)  # reserves one row for each later split and for training
            size = min(max(round(total * shares[part]) - taken[part], 1), room)
            assigned[group[start : start + size]] = part + 1
            start += size
            taken[part] += size
    return assigned


def _by_group(
    groups: NDArray[np.intp],
    shares: tuple[float, float],
    strata: NDArray[np.integer[Any]] | None,
    names: Sequence[str],
    strict: bool,
    generator: np.random.Generator,
) -> NDArray[np.int8]:
    """Split of each row such that groups stay together. A group belongs to the stratum of most of its rows."""
    from bpcli.data.examples.groups import assign_groups, majority_classes

    _, groups = np.unique(groups, return_inverse=True)
    sizes = np.bincount(groups)
    needed = 1 + sum(share > 0 for share in shares)
    if len(sizes) < needed:
        raise MismatchError(
            Mismatch(
                ("data", "group"),
                f"{counted(len(sizes), 'group')} cannot be divided into {needed} splits; set data.split.validation or "
                "data.split.test to 0",
            )
        )
    majority = np.zeros(len(sizes), np.intp) if strata is None else majority_classes(groups, strata)
    rare = np.zeros(len(sizes), np.bool_)
    if strata is not None:
        counts = np.bincount(majority, minlength=len(names))
        few = [code for code in np.unique(strata).tolist() if counts[code] < needed]
        if strict and few:
            raise MismatchError(
                Mismatch(
                    ("data", "split", "stratify"),
                    f"class {quoted(names[few[0]])} is that of most rows in {counted(counts[few[0]], 'group')}, too "
                    f"few for {needed} splits; set it to false, or drop that class",
                )
            )
        rare = np.isin(majority, few)
    if rare.all():
        majority, rare = np.zeros_like(majority), np.zeros_like(rare)
    rows = len(groups)
    free = np.flatnonzero(~rare)
    targets = (rows * (1 - sum(shares)) - int(sizes[rare].sum()), *(rows * share for share in shares))
    assigned = np.zeros(len(sizes), np.int8)  # groups of rare classes are training rows
    assigned[free] = assign_groups(sizes[free], targets, majority[free], generator)
    return assigned[groups]


def _require_rows(split: Split, shares: tuple[float, float], rows: int) -> None:
    if not len(split.train):
        raise DataError(f"no training rows: all of {counted(rows, 'row')} are validation or test rows")
    for name, part, share in zip(PARTS[1:], (split.validation, split.test), shares, strict=True):
        if share and not len(part):
            raise MismatchError(
                Mismatch(
                    ("data", "split", name),
                    f"a share of {share:g} of {counted(rows, 'row')} is less than one row; raise it, or set it to 0 "
                    f"for no {name} rows",
                )
            )


def parts_from_column(column: Column) -> NDArray[np.int8]:
    """Split of each row, indices into PARTS (rows,), from a categorical column of split names.

    Raises:
        MismatchError: a cell is not the name of a split.
    """
    index: dict[str, int] = {name: position for position, name in enumerate(PARTS)}
    # The code of a missing value, -1, indexes the extra last entry.
    known = [index.get(label.strip().lower(), -1) for label in (*column.categories, "")]
    parts: NDArray[np.int8] = np.array(known, dtype=np.int8)[column.values]
    unknown = np.flatnonzero(parts < 0)
    if len(unknown):
        raise MismatchError(
            Mismatch(
                ("data", "split", "column"),
                f"column {quoted(column.name)} holds {quoted(column.take(unknown[:1]).labels()[0])}; "
                f"its cells must be {', '.join(PARTS[:-1])} or {PARTS[-1]}",
            )
        )
    return parts
