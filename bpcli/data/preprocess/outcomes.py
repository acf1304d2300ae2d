"""Targets of the training rows as numbers, for encoders that use them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bpcli.data.columns.fit_context import Outcomes
from bpcli.data.table import Column
from bpcli.data.targets import FittedTarget


def outcomes_of(target: FittedTarget, columns: Sequence[Column]) -> Outcomes:
    """Outcomes of rows with these target columns: encoded numbers, or 0 and 1 for labels and classes."""
    if not target.class_names:
        kind = "share" if target.task == "multilabel" else "mean"
        values = target.encode(columns, np.dtype(np.float64))
        return Outcomes(tuple(f"{kind} of {name}" for name in target.names), np.asarray(values, np.float64))
    names = target.class_names
    numbers = range(len(names)) if len(names) > 2 else [1]
    codes = target.truth_of(columns).values
    values = codes[:, None] == np.array(numbers)
    return Outcomes(tuple(f"share of {names[number]}" for number in numbers), values.astype(np.float64))
