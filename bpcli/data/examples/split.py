"""Which rows train, which validate, which test."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bpcli.data.spec import SplitSpec
from bpcli.data.table import PARTS, Column, Part
from bpcli.errors import DataError, Mismatch, MismatchError
from bpcli.randomness import Stream
from bpcli.wording import counted, quoted

DEFAULT_SHARE = 0.15
"""Of validation and test rows each: 70 % of the rows are left to train on."""

Rows = NDArray[np.intp]


@dataclass(frozen=True)
class Split:
    """Row indices of each split, ascending; no row stands in two of them."""

    train: Rows
    validation: Rows
    test: Rows
    shares: tuple[float, float]
    """Of validation and test rows, as used; 0 where the data brings its own."""

    def part(self, name: Part) -> Rows:
        """The rows of one split by its name."""
        return {"train": self.train, "validation": self.validation, "test": self.test}[name]


def split_table(
    rows: Rows,
    spec: SplitSpec,
    seed: int,
    parts: NDArray[np.int8] | None = None,
    classes: NDArray[np.integer[Any]] | None = None,
    names: Sequence[str] = (),
) -> Split:
    """Divide `rows`, indices into a table.

    `parts` says for each of `rows` which split the data puts it in (an index into PARTS), or is None; splits that it
    does not name are taken from its training rows. `classes` holds the class of each of `rows`, an index into
    `names`, or is None.

    Raises:
        MismatchError: a share is asked for a split that the data brings itself, a split comes out empty, or a class
            has too few rows to stand in every split.
        DataError: there are no rows to train on.
    """
    if parts is None:
        parts = np.zeros(len(rows), dtype=np.int8)
    given: set[Part] = {name for index, name in enumerate(PARTS) if name != "train" and np.any(parts == index)}
    shares = _shares(spec, given)
    free = np.flatnonzero(parts == 0)
    if spec.order == "time":
        assigned = _in_order(len(free), shares)
    else:
        generator = Stream(seed, "split").at()
        strata = None
        if classes is not None and spec.stratify is not False and spec.column is None:
            strata = classes[free]
        assigned = _at_random(len(free), shares, strata, names, bool(spec.stratify), generator)
    result = parts.copy()
    result[free] = assigned
    train, validation, test = (rows[result == index] for index in range(len(PARTS)))
    split = Split(train, validation, test, shares)
    _require_rows(split, shares, len(rows))
    return split


def _shares(spec: SplitSpec, given: set[Part]) -> tuple[float, float]:
    shares = []
    asked: tuple[tuple[Part, float | None], ...] = (("validation", spec.validation), ("test", spec.test))
    for name, share in asked:
        if name in given and share:
            raise MismatchError(
                Mismatch(("data", "split", name), f"the data brings its own {name} rows; leave out this share")
            )
        # Data that names some splits but not this one still gets validation rows, but no second test set.
        absent = spec.column is not None or (bool(given) and name == "test")
        default = 0.0 if name in given or absent else DEFAULT_SHARE
        shares.append(0.0 if name in given else default if share is None else share)
    if sum(shares) >= 1:
        full, other = ("validation", "test") if spec.validation else ("test", "validation")
        raise MismatchError(
            Mismatch(
                ("data", "split", full),
                f"leaves no rows to train on, since {DEFAULT_SHARE:.0%} are {other} rows where nothing is said; "
                f"set data.split.{other} too",
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
        # Of 16 bits at most NumPy sorts by counting, in linear time.
        narrow = strata.astype(np.min_scalar_type(int(strata.max(initial=0))))
        by_class = shuffled[np.argsort(narrow[shuffled], kind="stable")]
        groups = np.split(by_class, np.cumsum(np.bincount(strata))[:-1])
    asked = [part for part, share in enumerate(shares) if share]
    needed = 1 + len(asked)
    if not strict and all(len(group) < needed for group in groups):
        groups = [shuffled]  # every class is too rare to be in all splits
    assigned = np.zeros(count, dtype=np.int8)
    # Rounding the running total, not each class, keeps the shares of the whole right to a row.
    total, taken = 0, [0, 0]
    for code, group in enumerate(groups):
        if len(group) < needed:
            if strict and strata is not None and len(group):
                raise MismatchError(
                    Mismatch(
                        ("data", "split", "stratify"),
                        f"class {quoted(names[code])} has {counted(len(group), 'row')}, too few for {needed} splits; "
                        "set it to false, or leave that class out",
                    )
                )
            continue
        total += len(group)
        start = 0
        for place, part in enumerate(asked):
            room = len(group) - start - (len(asked) - place)  # one row is left to each later split and to training
            size = min(max(round(total * shares[part]) - taken[part], 1), room)
            assigned[group[start : start + size]] = part + 1
            start += size
            taken[part] += size
    return assigned


def _require_rows(split: Split, shares: tuple[float, float], rows: int) -> None:
    if not len(split.train):
        raise DataError(f"no rows to train on: of {counted(rows, 'row')}, all are validation or test rows")
    for name, part, share in zip(PARTS[1:], (split.validation, split.test), shares, strict=True):
        if share and not len(part):
            raise MismatchError(
                Mismatch(
                    ("data", "split", name),
                    f"a share of {share:g} of {counted(rows, 'row')} is no row; "
                    f"raise it, or set it to 0 to do without {name} rows",
                )
            )


def parts_from_column(column: Column) -> NDArray[np.int8]:
    """The split of each row, an index into PARTS, from a categorical column that names it.

    Raises:
        MismatchError: a cell is not the name of a split.
    """
    index: dict[str, int] = {name: position for position, name in enumerate(PARTS)}
    # The extra one stands last, where the code of a missing value, -1, finds it.
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
