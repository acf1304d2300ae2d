"""Values that may drive a neuron: features of columns, and mean values of regions of images."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bpcli.arrays.memory import Array
from bpcli.data.preprocess.image_inputs import ImageInput, images_among
from bpcli.data.table import Table
from bpcli.inspection.regions import Region, RegionGrid
from bpcli.models.model import Model
from bpcli.wording import number


class Drivers:
    """Values of rows (rows, drivers) that may drive a neuron, with their names.

    An image has one for each region: the mean of its pixels. The names of columns are those of the features.
    """

    def __init__(self, model: Model, x: Array) -> None:
        """Take the features x of rows, (rows, width)."""
        self._inputs = model.preprocessor
        images = images_among(self._inputs.inputs)
        kept = np.ones(x.shape[1], np.bool_)
        for image in images:
            kept[image.every_feature] = False
        column_of = [part.name for part in self._inputs.parts for _ in part.features]
        chosen = np.flatnonzero(kept)
        names = self._inputs.features
        self.names = [names[index] for index in chosen]
        self._cells: list[str | tuple[ImageInput, Region]] = [column_of[index] for index in chosen]
        values = [x if kept.all() else x[:, chosen]]
        for image in images:
            grid = RegionGrid.over(image.shape)
            self.names += [region_name(image, region, len(self._inputs.inputs) == 1) for region in grid.regions]
            self._cells += [(image, region) for region in grid.regions]
            values += [x[:, image.features(places)].mean(axis=1, keepdims=True) for places in grid.places()]
        self.values: Array = np.concatenate(values, axis=1) if images else x

    def cells(self, table: Table, drivers: Sequence[int]) -> dict[str, list[str]]:
        """Cells of the columns of some drivers, by name; of a region of an image, the mean in the file's units."""
        found: dict[str, list[str]] = {}
        for index in drivers:
            match self._cells[index]:
                case str() as name:
                    if name not in found:
                        found[name] = self._inputs.table_of_parts(table)[name].labels()
                case (image, region):
                    means = _means(image, region, table)
                    found[self.names[index]] = [number(mean) for mean in means.tolist()]
        return found


def region_name(image: ImageInput, region: Region, is_only_input: bool) -> str:
    """Name of a region, with that of the image if there are other inputs."""
    return region.name if is_only_input else f"{image.name}: {region.name}"


def _means(image: ImageInput, region: Region, table: Table) -> NDArray[np.float64]:
    values = image.fitted.column_of(table).values
    spans = [slice(first, last + 1) for first, last in filter(None, (region.rows, region.columns))]
    some = values[(slice(None), *spans)].reshape(len(values), -1)
    means: NDArray[np.float64] = np.nanmean(some.astype(np.float64), axis=1)
    return means
