"""Columns that `bpcli init` leaves out or warns of, since they number the rows or give the target away."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray

from bpcli.data.examples.leak_search import LeakSearch
from bpcli.data.table import Table
from bpcli.frozen import dataclass
from bpcli.nn.losses import Loss
from bpcli.wording import quoted, yaml_scalar


@dataclass(frozen=True)
class LeakingColumns:
    """Columns to leave out, with the reason, and notes on these and on other suspicious columns."""

    excluded: dict[str, str]
    notes: list[str]


def find_leaking_columns(
    table: Table,
    targets: Sequence[str],
    rows: NDArray[np.intp],
    loss: Loss,
    excluded: Collection[str],
    declared: Collection[str],
) -> LeakingColumns:
    """Search the inputs of a table for identifiers and for columns that give the target away.

    Identifiers and the target under another name are left out. Columns that determine the target otherwise may be good
    inputs, and are only noted. A single input is not searched, and the last input is not left out. rows: those with a
    target. declared: columns that are not identifiers.
    """
    inputs = [name for name in table if name not in targets and name not in excluded and not table[name].shape]
    found = LeakingColumns({}, [])
    if len(inputs) < 2:
        return found
    search = LeakSearch([table[name].take(rows) for name in targets], rows, loss)
    for name, suspicion in search.suspicions([table[name] for name in inputs], declared):
        is_last = len(found.excluded) + 1 == len(inputs)
        if suspicion.name == "identifier" and not is_last:
            keep = f"name its kind in data.columns, such as {{{yaml_scalar(name)}: {table[name].kind}}}"
        elif suspicion.is_target and not is_last:
            keep = f"set data.accept: [target_copy: {yaml_scalar(name)}]"
        else:
            found.notes.append(f"{quoted(name)}: {suspicion.what}; {suspicion.remedy}")
            continue
        found.excluded[name] = suspicion.what
        found.notes.append(
            f"{quoted(name)} left out: {suspicion.what}; to keep it, delete it from data.exclude and {keep}"
        )
    return found
