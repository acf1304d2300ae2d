"""Config of a column of images: its pictures, and the layers that they pass before they join the other columns."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from bpcli.data.columns.arrays import ArrayInput
from bpcli.data.columns.by_channel import as_numbers, fit_by_channel
from bpcli.data.columns.encoders import Standard
from bpcli.data.columns.fit_context import ALONE, FitContext
from bpcli.data.columns.grid_layout import Layout, arranged
from bpcli.data.columns.numeric_encoders import NumericEncoder
from bpcli.data.columns.spec_base import ColumnSpecBase, EncodersSpec
from bpcli.data.columns.statistics import Values
from bpcli.data.images_spec import PictureSize, height_and_width
from bpcli.data.picture_form import PictureForm
from bpcli.data.table import Column
from bpcli.errors import Mismatch, MismatchError
from bpcli.nn.layers import LayerSpec
from bpcli.nn.layers.dense import Dense
from bpcli.spec import Sequence
from bpcli.wording import shown_shape

FEATURES = 32
"""Units of the default dense layer, and so the number of features of an image beside the other columns."""


class ImageColumn(ColumnSpecBase):
    """A column of images: paths of picture files, or an array."""

    kind = "categorical"
    type: Literal["image"] = "image"
    size: PictureSize | None = Field(
        default=None,
        description="Height and width in pixels, to which each picture is scaled, or one number for both. Default: "
        "that of the pictures, which must then be of one size.",
    )
    channels: Literal[1, 3] | None = Field(
        default=None, description="1: shades of gray; 3: colors. Default: 1 if all pictures are gray, else 3."
    )
    layout: Layout = Field(default="channels_last", description="Order of the axes, if the column is an array.")
    encoder: NumericEncoder = Field(default=Standard(), description="Encoder of the pixels, fitted to each channel.")
    layers: Sequence[LayerSpec] | None = Field(
        default=None,
        description="Layers of the image alone, whose outputs join the features of the other columns. Default: up to "
        "three convolutions with poolings, and 32 dense units.",
    )

    def picture_form(self, name: str) -> PictureForm:
        """Size and channels of the pictures."""
        return PictureForm(height_and_width(self.size), self.channels, f"data.columns.{name}.size")

    def fit(
        self, column: Column, defaults: EncodersSpec, weights: Values | None = None, context: FitContext = ALONE
    ) -> ArrayInput:
        """Fit on a training column of images. Raises MismatchError for other arrays, and other cells."""
        shape = column.shape
        if len(shape) not in (2, 3):
            found = f"rows of {shown_shape(shape)}" if shape else f"{column.kind} values"
            what = f"an image has two or three axes; the column has {found}"
            raise MismatchError(Mismatch(("data", "columns", column.name), what))
        if len(shape) == 2:
            shape = (*shape, 1)
        elif self.layout == "channels_first":
            shape = (*shape[1:], shape[0])
        key = ("data", "columns", column.name, "encoder")
        images = as_numbers(column.name, arranged(column.values, shape, self.layout))
        fitted = fit_by_channel(images, self.encoder, defaults.impute, weights, key)
        layers = default_layers(shape) if self.layers is None else self.layers
        return fitted.model_copy(update={"layout": self.layout, "layers": layers, "pictures": len(column.shape) == 3})


def default_layers(shape: tuple[int, ...]) -> tuple[LayerSpec, ...]:
    """Layers of a column of images (height, width, channels) without layers of its own."""
    from bpcli.nn.layers.convolutions import convolutions

    return (*convolutions(shape), Dense(units=FEATURES))
