"""Inputs that are images or series, and the places of their numbers among the parts and the features of a model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bpcli.data.columns import FittedInput
from bpcli.data.columns.arrays import ArrayInput


@dataclass(frozen=True)
class ImageInput:
    """Input that is an image, (height, width, channels), or a series, (length, channels).

    first_part, first_feature: place of its first number among the parts, and among the features, of all inputs.
    """

    fitted: ArrayInput
    first_part: int
    first_feature: int

    @property
    def name(self) -> str:
        """Name of the input."""
        return self.fitted.name

    @property
    def shape(self) -> tuple[int, ...]:
        """Axes of positions, then the channels."""
        return tuple(self.fitted.shape)

    @property
    def parts(self) -> slice:
        """Its numbers among the parts of all inputs."""
        return slice(self.first_part, self.first_part + self.fitted.size)

    @property
    def positions(self) -> list[str]:
        """Names of its numbers: `photo[3,17,0]` is row 3, column 17, channel 0; a single channel has no index."""
        channels = self.shape[-1] > 1
        places = np.ndindex(*self.shape if channels else self.shape[:-1])
        return [f"{self.name}[{','.join(map(str, place))}]" for place in places]

    @property
    def every_feature(self) -> slice:
        """Its features among those of all inputs."""
        return slice(self.first_feature, self.first_feature + self.fitted.width)

    def features(self, places: NDArray[np.intp]) -> NDArray[np.intp]:
        """Features of numbers at places of the flat array, with their missing indicators, in ascending order."""
        missing = np.array(self.fitted.missing, np.intp)
        values = places + np.searchsorted(missing, places)
        indicators = values[np.isin(places, missing)] + 1
        return self.first_feature + np.sort(np.concatenate([values, indicators]))


def images_among(inputs: Sequence[FittedInput]) -> list[ImageInput]:
    """Inputs that are images or series."""
    return [*_images(inputs)]


def _images(inputs: Sequence[FittedInput]) -> Iterator[ImageInput]:
    part = feature = 0
    for one in inputs:
        if isinstance(one, ArrayInput) and one.grid:
            yield ImageInput(one, part, feature)
        part += one.size if isinstance(one, ArrayInput) else 1
        feature += one.width
