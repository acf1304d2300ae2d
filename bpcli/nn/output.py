"""The `output` part of a config."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from bpcli.nn.initializers import Initializer
from bpcli.spec import Spec


class OutputSpec(Spec):
    """Initial parameters of the output layer."""

    initializer: Initializer | None = Field(default=None, description="Initial weights. Default: glorot_uniform.")
    bias: Literal["zeros", "prior"] = Field(
        default="zeros",
        description="Initial biases: zeros, or prior, with which the first predictions are the best constant ones "
        "if the weights are 0: the shares of the classes, or the mean.",
    )
