"""Remarks on the windows of convolutions and poolings that waste what they hold."""

from __future__ import annotations

from collections.abc import Iterator

from bpcli.nn.layers.base import Layer
from bpcli.nn.layers.conv_layer import ConvLayer
from bpcli.nn.layers.pooling import PoolLayer
from bpcli.nn.layers.residual import ResidualLayer
from bpcli.nn.layers.skip import SkipLayer
from bpcli.wording import shown_shape


def window_remarks(layer: Layer, place: str) -> Iterator[str]:
    """Remarks on a layer and the layers within it: windows larger than the input, and strides that skip values.

    place: phrase for the layer, such as `layer 0`; its layers are `layer 0.0` and so on.
    """
    if isinstance(layer, ResidualLayer | SkipLayer):
        for index, one in enumerate(layer.body.layers):
            yield from window_remarks(one, f"{place}.{index}")
    for index, one in enumerate(layer.within):
        yield from window_remarks(one, f"{place}, layer {index}")
    if isinstance(layer, ConvLayer | PoolLayer):
        yield from _of_windows(layer, place)


def _of_windows(layer: ConvLayer | PoolLayer, place: str) -> Iterator[str]:
    over = layer.sliding
    size = over.source[0], over.source[1]
    first = 3 - len(layer.in_shape)  # a series has one axis
    source, kernel, stride = (shown_shape(of_axes[first:]) for of_axes in (size, over.kernel, over.stride))
    window = "kernel" if isinstance(layer, ConvLayer) else "window"
    if any(width > length for width, length in zip(over.kernel, size, strict=True)):
        yield f"{place}: its {window}, {kernel}, is larger than its input, {source}: every position of it holds padding"
    skips = [one.windows > 1 and one.stride > width for one, width in zip(over.extents, over.kernel, strict=True)]
    if any(skips):
        yield f"{place}: its stride, {stride}, is larger than its {window}, {kernel}: values between are never read"
