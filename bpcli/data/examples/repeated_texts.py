"""Warnings about texts that are in more than one split, such as copies of a message."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

import numpy as np

from bpcli.data.data_warning import DataWarning
from bpcli.data.examples.split import Split
from bpcli.data.table import PARTS, Table
from bpcli.wording import counted, quoted

FEWEST_ROWS, SMALLEST_SHARE = 5, 0.01
"""Rows with a text of another split from which a warning is given: so many, and such a share of the split."""

_SETS = {"train": "training set", "validation": "validation set", "test": "test set"}


def warnings_of_texts(table: Table, texts: Sequence[str], split: Split) -> Iterator[DataWarning]:
    """Warning on each column of texts of which a split has many from another split. Missing cells do not count."""
    for name in texts:
        codes = {part: table[name].values[split.part(part)] for part in PARTS}
        where = []
        for first, second in combinations(PARTS, 2):
            rows = int(np.count_nonzero(np.isin(codes[second], codes[first]) & (codes[second] >= 0)))
            if rows >= max(FEWEST_ROWS, SMALLEST_SHARE * len(codes[second])):
                where.append(
                    f"{rows:,} of {counted(len(codes[second]), f'{second} row')} have a text of the {_SETS[first]}"
                )
        if where:
            remedy = f"scores on them may be too optimistic; set data.group: {name} to keep each in one split"
            yield DataWarning("repeated_texts", f"column {quoted(name)}: {', '.join(where)}; {remedy}", name)
