"""Runs whose answers follow by hand, on rows whose split the data gives."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from planted import trained

A, B = np.random.default_rng(3).normal(size=(2, 90)).round(3)
PART = np.array(["train", "test", "validation"] * 30)
TEST = PART == "test"
YES = A > 0


def columns(**changes: Any) -> dict[str, Sequence[Any]]:
    """Two numbers, of which the first says the target, and the split."""
    return {"a": A, "b": B, "part": PART, "y": np.where(YES, "yes", "no"), **changes}


def by(
    folder: Path,
    name: str,
    a: float,
    b: float,
    bias: float = 0,
    /,
    *,
    extra: str = "",
    target: str = "y",
    **changes: Any,
) -> Path:
    """A run that answers yes where a · first + b · second + bias is above 0."""
    parameters = f"{{layers.0.weight: [[{a}], [{b}]], layers.0.bias: [{bias}]}}"
    return trained(folder, "[]", parameters, columns(**changes), extra, name, target)
