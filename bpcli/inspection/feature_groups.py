"""Groups of features that are changed together: those of a column, or of a region or channel of an image."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from bpcli.arrays.memory import Features
from bpcli.data.preprocess.image_inputs import ImageInput, images_among
from bpcli.frozen import dataclass
from bpcli.inspection.regions import RegionGrid, channel_names
from bpcli.models.model import Model


@dataclass(frozen=True)
class FeatureGroup:
    """Features of a column, of a whole image, or of a part of one."""

    name: str
    features: Features


@dataclass(frozen=True)
class ImageGroups:
    """Groups of an image: its regions and, if it has several, its channels."""

    image: ImageInput
    grid: RegionGrid
    regions: list[FeatureGroup]
    channels: list[FeatureGroup]

    @classmethod
    def of(cls, image: ImageInput, most: float) -> ImageGroups:
        """Groups of an image, of about `most` regions at most."""
        grid = RegionGrid.over(image.shape, most)
        names = [region.name for region in grid.regions]
        channels = channel_names(grid.channels) if grid.channels > 1 else []
        return cls(
            image,
            grid,
            _groups(image, names, grid.places()),
            _groups(image, channels, grid.places_of_channels()[: len(channels)]),
        )


def image_groups(model: Model, most: float = np.inf) -> list[ImageGroups]:
    """Groups of each image among the inputs, of about `most` regions in all at most."""
    images = images_among(model.preprocessor.inputs)
    return [ImageGroups.of(image, most / len(images)) for image in images]


def column_groups(model: Model, pixels: Sequence[str] = ()) -> list[FeatureGroup]:
    """A group for each column; an image is one column, and its numbers are none unless `pixels` names them."""
    inputs, parts = model.preprocessor.inputs, model.preprocessor.parts
    ends = [*accumulate((part.width for part in parts), initial=0)]
    groups, within = [], set[int]()
    for image in images_among(inputs):
        within |= {*range(image.parts.start, image.parts.stop)}
        groups.append((image.first_part, FeatureGroup(image.name, image.every_feature)))
    for place, part in enumerate(parts):
        if place not in within or part.name in pixels:
            groups.append((place, FeatureGroup(part.name, slice(ends[place], ends[place + 1]))))
    return [group for _, group in sorted(groups, key=lambda one: one[0])]


def _groups(image: ImageInput, names: list[str], places: list[NDArray[np.intp]]) -> list[FeatureGroup]:
    return [FeatureGroup(name, image.features(some)) for name, some in zip(names, places, strict=True)]
