"""Notes on settings for images that are possible and make little sense."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bpcli.arrays.fields import Grid
from bpcli.data.examples.selection import Examples
from bpcli.data.files.source import Source
from bpcli.data.preprocess import Preprocessor
from bpcli.experiment.image_warnings import shown_rows
from bpcli.nn.network import Network
from bpcli.wording import counted, quoted

if TYPE_CHECKING:
    from bpcli.data.columns.arrays import ArrayInput
    from bpcli.training.augmentation.spec import AugmentSpec

MUCH = 0.5
"""Share of an image's side beyond which a shift, a square or what a crop leaves out is noted."""


def notes_of_windows(network: Network) -> Iterator[str]:
    """Notes on convolutions and poolings of the columns and of the network."""
    layers = [(stem.layer, f"column {quoted(stem.field.name)}") for stem in network.stems.trained]
    layers += [(layer, f"layer {layer.index}") for layer in network.layers]
    for layer, place in layers:
        if isinstance(layer.in_shape, Grid):
            from bpcli.nn.layers.window_remarks import window_remarks

            yield from window_remarks(layer, place)


def notes_of_augment(
    spec: AugmentSpec | None, network: Network, preprocessor: Preprocessor, selection: Examples, source: Source
) -> Iterator[str]:
    """Notes on changes that leave little of an image, and on flips that turn images into those of another class."""
    if spec is None:
        return
    from bpcli.training.augmentation.augmenter import image_inputs

    yield from dict.fromkeys(
        note for shape in image_inputs(network.stems.intake).values() for note in _large(spec, min(shape[:-1]))
    )
    if spec.crop < MUCH:
        yield f"augment.crop: a part of {spec.crop:g} of each side leaves little of an image"
    if spec.flip is not None and len(preprocessor.inputs) == 1 and preprocessor.target.class_names:
        (image,) = preprocessor.arrays
        yield from _mirrored(spec, image, selection, source)


def _large(spec: AugmentSpec, side: int) -> Iterator[str]:
    for key, value in (("shift", spec.shift), ("cutout", spec.cutout)):
        if value > MUCH * side:
            yield f"augment.{key}: {value} is more than half of the image's side, {side}: little of it may be left"


def _mirrored(spec: AugmentSpec, image: ArrayInput, selection: Examples, source: Source) -> Iterator[str]:
    rows = selection.split.train
    table = selection.table.take(rows)
    pixels = image.column_of(table).values
    (target,) = selection.targets
    classes = table[target].values
    places = {hash(row.tobytes()): place for place, row in reversed([*enumerate(pixels)])}
    pairs = []
    for place, row in enumerate(pixels):
        for mirror in _mirrors(row, spec):
            other = places.get(hash(mirror.tobytes()), place)
            if classes[other] != classes[place] and np.array_equal(pixels[other], mirror):
                pairs.append((place, other))
                break
    if pairs:
        first, second = shown_rows(rows[[*pairs[0]]].tolist(), selection, source)
        yield (
            f"augment.flip: {counted(len(pairs), 'training image')} mirrored equal images of another class, such as "
            f"{first} and {second}: leave flip out"
        )


def _mirrors(row: NDArray[np.generic], spec: AugmentSpec) -> Iterator[NDArray[np.generic]]:
    """Images that flips turn an image (height, width, channels) or a series (length, channels) into."""
    across = row.ndim - 2
    if spec.flip in ("horizontal", "both"):
        yield np.flip(row, across)
    if spec.flip in ("vertical", "both"):
        yield np.flip(row, 0)
    if spec.flip == "both":
        yield np.flip(row, (0, across))
