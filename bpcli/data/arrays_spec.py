"""Config section `data.arrays`: which arrays of a file are read."""

from __future__ import annotations

from pydantic import Field

from bpcli.spec import Spec, Text


class ArraysSpec(Spec):
    """Arrays of an NPZ file. A file with `X_train`, `y_train` and so on brings its own splits."""

    x: Text = Field(
        default="X",
        description="Name of the input array. Two axes: columns X0, X1 and so on. More axes: a single input of that "
        "shape, unless the config names one of its columns.",
    )
    y: Text = Field(default="y", description="Name of the target array.")
