"""Recognition of images among the inputs, and the networks that `bpcli init` writes for them."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from bpcli.data.columns.grid_layout import Layout
from bpcli.data.columns.image_column import FEATURES, ImageColumn
from bpcli.data.table import Table
from bpcli.nn.layers.convolutions import convolutions, written
from bpcli.storage.config_text import flow_text
from bpcli.wording import counted, quoted, yaml_scalar

LEAST_SIDE = 8
"""Smallest side, in pixels, of an array that is taken for an image: smaller ones may be anything."""

MOST_CHANNELS = 4
"""Channels of an image at most: red, green, blue and transparency."""


class Images(NamedTuple):
    """Shape of the images in an array, height, width and channels, and their layout."""

    name: str
    shape: tuple[int, int, int]
    layout: Layout

    @property
    def line(self) -> str:
        """Line of the config, with the reason."""
        layout = "" if self.layout == "channels_last" else f", layout: {self.layout}"
        reason = f"{quoted(self.name)} looks like images of {counted(self.shape[-1], 'channel')}"
        return f"input: {{shape: [{', '.join(map(str, self.shape))}]{layout}}}    # {reason}"

    def layers(self) -> list[str]:
        """Lines of the network's layers: convolutions with poolings, then a dense layer."""
        lines = [f"  - {flow_text(written(layer))}" for layer in convolutions(self.shape)]
        return [*lines, "  - {type: dropout, rate: 0.5}", "  - {units: 128}", "  - {type: dropout, rate: 0.5}"]


def picture_column(name: str, spec: ImageColumn, shape: tuple[int, ...], reason: str) -> list[str]:
    """Lines of the config on a column of pictures of a shape, with its default layers."""
    keys = {"type": spec.type, **spec.model_dump(mode="json", exclude_defaults=True)}
    return [
        f"    {yaml_scalar(name)}:    # {reason}",
        *(f"      {key}: {flow_text(value)}" for key, value in keys.items()),
        "      layers:                 # their outputs join the other columns",
        *(f"        - {flow_text(written(layer))}" for layer in convolutions(shape)),
        f"        - {{units: {FEATURES}}}",
    ]


def images_in(table: Table, other: Collection[str], pictures: Collection[str] = ()) -> Images | None:
    """Images that are the only input, besides `other` columns; None if there are none.

    pictures: columns of pictures, which need no shape in the config.
    """
    if pictures:
        return None
    inputs = [column for name, column in table.items() if name not in other]
    if len(inputs) != 1 or not inputs[0].shape or inputs[0].kind != "numeric":
        return None
    name, shape = inputs[0].name, inputs[0].shape
    layout: Layout = "channels_last"
    if len(shape) == 2:
        shape = (*shape, 1)
    if len(shape) != 3:
        return None
    if shape[-1] > MOST_CHANNELS and shape[0] <= MOST_CHANNELS:
        layout, shape = "channels_first", (*shape[1:], shape[0])
    height, width, channels = shape
    if min(height, width) < LEAST_SIDE or channels > MOST_CHANNELS:
        return None
    return Images(name, (height, width, channels), layout)
