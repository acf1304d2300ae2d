"""Groups of rows, and their assignment to parts of given sizes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bpcli.data.table import Column

Codes = NDArray[np.intp]


def group_codes(columns: Sequence[Column]) -> Codes:
    """Group of each row as 0, 1, …, (rows,): rows that agree in all columns are one group.

    Groups are numbered in the order of their first rows. A missing value is a value.
    """
    codes = np.zeros(len(columns[0]), np.intp)
    for column in columns:
        _, values = np.unique(column.values, return_inverse=True)
        _, codes = np.unique(codes * (values.max(initial=0) + 1) + values, return_inverse=True)
    _, first = np.unique(codes, return_index=True)
    numbers = np.empty(len(first), np.intp)
    numbers[np.argsort(first)] = np.arange(len(first))
    return numbers[codes]


def majority_classes(groups: Codes, classes: NDArray[np.integer[Any]]) -> Codes:
    """Most frequent class of each group, (groups,); of equally frequent ones, the first."""
    many = int(classes.max(initial=0)) + 1
    pairs, counts = np.unique(groups * many + classes, return_counts=True)
    of, majority = np.divmod(pairs, many)
    order = np.lexsort((-majority, counts, of))  # the last entry of a group has the largest count
    return np.asarray(majority[order][np.flatnonzero(np.diff(of, append=-1))])


def assign_groups(
    sizes: NDArray[np.integer[Any]],
    targets: Sequence[float],
    strata: Codes | None,
    generator: np.random.Generator,
) -> NDArray[np.int16]:
    """Part of each group, (groups,), so that the parts have about `targets` rows.

    sizes: rows of each group. strata: stratum of each group, or None for one of all; each stratum is divided as the
    whole. Parts with a target of 0 get no group, and every other part at least one, if there are enough.

    Groups are taken from large to small, in random order among those of a size between two powers of 2. Each goes to
    the part that lacks the largest share of what it is to have of the stratum. Parts without room for the whole group
    are passed over; if none has room, the group goes to the part that lacks most rows. The parts then differ from
    their targets by less than the smallest groups, unless these are few. Sizes take precedence over strata.
    """
    count, parts = len(sizes), len(targets)
    strata = np.zeros(count, np.intp) if strata is None else strata
    total = max(float(sum(targets)), 1.0)
    rows = np.bincount(strata, sizes)
    wanted = [[float(of) * target / total for target in targets] for of in rows]  # rows of a stratum in each part
    lacking = [list(of) for of in wanted]
    room = [float(target) for target in targets]
    used = [part for part in range(parts) if targets[part] > 0]
    empty = set(used)
    shuffled = generator.permutation(count)
    octaves = np.frexp(sizes[shuffled].astype(np.float64))[1]
    order = shuffled[np.argsort(-octaves, kind="stable")]
    assigned = np.zeros(count, np.int16)
    left = count
    for group, size, stratum in zip(order.tolist(), sizes[order].tolist(), strata[order].tolist(), strict=True):
        of, to = lacking[stratum], wanted[stratum]
        among = sorted(empty) if left <= len(empty) else used
        fitting = [part for part in among if room[part] >= size]
        if fitting:
            part = max(fitting, key=lambda part: of[part] / to[part])
        else:
            part = max(among, key=lambda part: room[part])
        assigned[group] = part
        of[part] -= size
        room[part] -= size
        empty.discard(part)
        left -= 1
    return assigned
