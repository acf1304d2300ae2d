"""Convolution."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from bpcli.errors import Mismatch, MismatchError
from bpcli.nn.activations import Activation
from bpcli.nn.activations.rectified import Relu
from bpcli.nn.initializers import Initializer
from bpcli.nn.initializers.data_std import DataStd
from bpcli.nn.initializers.defaults import DEFAULTS
from bpcli.nn.layers.base import LayerSpecBase, Shape
from bpcli.nn.layers.conv_layer import ConvLayer
from bpcli.nn.layers.grids import Size, Sizes, Sliding, grid_of


class Conv(LayerSpecBase):
    """Slide `filters` trained kernels over an image or a series: at each position, y = f(Σ x · w + b)."""

    type: Literal["conv"] = "conv"
    filters: int = Field(gt=0, description="Number of kernels, and so of output channels.")
    kernel: Sizes = Field(default=3, description="Kernel size, for all axes or as [height, width].")
    stride: Sizes = Field(default=1, description="Distance of neighboring windows, for all axes or as [height, width].")
    padding: Literal["same", "valid"] | Annotated[int, Field(ge=0)] = Field(
        default="same",
        description="Zeros around the input: `same` keeps its size at stride 1, `valid` is none, a number is on each "
        "side.",
    )
    groups: Size = Field(
        default=1, description="Groups of channels; each filter sees one group. Must divide channels and filters."
    )
    activation: Activation = Field(default=Relu(), description="Activation function f.")
    initializer: Initializer | None = Field(
        default=None, description="Initial weights. Default: as of a dense layer, by the activation."
    )
    bias: bool = Field(default=True, description="Whether each filter adds a trained bias b.")

    def plan(self, index: int, in_shape: Shape) -> ConvLayer:
        """Layer for inputs (rows, *in_shape), a grid. Raises MismatchError for shapes that do not fit."""
        grid = grid_of(index, "conv", in_shape)
        if grid[-1] % self.groups or self.filters % self.groups:
            what = f"must divide both the {grid[-1]} channels of the input and the {self.filters} filters"
            raise MismatchError(Mismatch(("layers", index, "groups"), what))
        if isinstance(self.initializer, DataStd):
            what = "data_std is not available for conv; use he_normal"
            raise MismatchError(Mismatch(("layers", index, "initializer"), what))
        sliding = Sliding.over(index, grid, ("kernel", self.kernel), self.stride, self.padding)
        return ConvLayer(
            index,
            grid,
            sliding.out_grid(grid, self.filters),
            sliding=sliding,
            filters=self.filters,
            groups=self.groups,
            activation=self.activation,
            initializer=self.initializer or DEFAULTS[self.activation.default_initializer],
            bias=self.bias,
        )
