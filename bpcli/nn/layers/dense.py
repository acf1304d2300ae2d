"""Fully connected layer."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from bpcli.nn.activations import Activation
from bpcli.nn.activations.rectified import Relu
from bpcli.nn.initializers import Initializer
from bpcli.nn.initializers.defaults import DEFAULTS
from bpcli.nn.layers.base import LayerSpecBase, Shape
from bpcli.nn.layers.dense_layer import DenseLayer


class Dense(LayerSpecBase):
    """y = f(x W + b), with `units` neurons; without `bias`, y = f(x W)."""

    type: Literal["dense"] = "dense"
    units: int = Field(gt=0, description="Number of neurons.")
    activation: Activation = Field(
        default=Relu(), description="Activation function f, applied to each neuron's weighted sum."
    )
    initializer: Initializer | None = Field(
        default=None,
        description="Initial weights. Default: he_normal for relu and similar activations, lecun_normal for selu, "
        "glorot_uniform for the others.",
    )
    bias: bool = Field(default=True, description="Whether each neuron adds a trained bias b.")

    def plan(self, index: int, in_shape: Shape) -> DenseLayer:
        """Layer for inputs (rows, *in_shape), which it flattens."""
        initializer = self.initializer or DEFAULTS[self.activation.default_initializer]
        if not self.bias:
            from bpcli.nn.layers.unbiased_dense import UnbiasedDenseLayer

            return UnbiasedDenseLayer(index, in_shape, (self.units,), self.activation, initializer)
        return DenseLayer(index, in_shape, (self.units,), self.activation, initializer)
