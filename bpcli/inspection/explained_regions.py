"""Contributions of regions of images, summed up over predictions."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from bpcli.data.preprocess.image_inputs import images_among
from bpcli.inspection.attributions import Attributions, Numbers
from bpcli.inspection.regions import RegionGrid
from bpcli.models.model import Model
from bpcli.wording import counted, printable

MOST_ROWS = 3
"""Maximum number of rows that are described one by one."""

STRONGEST = 4
"""Number of regions named."""


class ExplainedRegions:
    """Sums of contributions by region of each image, over any number of rows.

    Rows are added in any order; those of the first call are described one by one if there are few in all.
    """

    def __init__(self, model: Model) -> None:
        self._images = images_among(model.preprocessor.inputs)
        self._grids = [RegionGrid.over(image.shape) for image in self._images]
        self._added: list[tuple[int, list[Numbers]]] = []
        self._first: list[Numbers] = []

    def add(self, found: Attributions) -> None:
        """Add the contributions of some rows. Threads may add at the same time."""
        if not self._images:
            return
        of_images = [
            grid.sums(found.contributions[..., image.parts])
            for image, grid in zip(self._images, self._grids, strict=True)
        ]
        rows = len(found.explained)
        if rows <= MOST_ROWS and len(found.outputs) == 1 and not self._added:
            self._first = [sums[:, 0] for sums in of_images]
        self._added.append((rows, [np.abs(sums).mean(axis=1).sum(axis=0) for sums in of_images]))

    def lines(self) -> Iterator[str]:
        """Yield lines on the strongest regions: of each row, if there are few, else of their mean size."""
        rows = sum(count for count, _ in self._added)
        if not rows:
            return
        for place, (image, grid) in enumerate(zip(self._images, self._grids, strict=True)):
            name = f"{printable(image.name)}, contributions by region"
            if self._first and len(self._first[place]) == rows:
                for row, sums in enumerate(self._first[place], 1):
                    yield f"row {row} of {name}: {_strongest(grid, sums, '+')}"
                continue
            means = np.sum([sums[place] for _, sums in self._added], axis=0) / rows
            yield f"{name}, mean size over {counted(rows, 'row')}: {_strongest(grid, means, '')}"


def _strongest(grid: RegionGrid, sums: Numbers, sign: str) -> str:
    """Regions with the largest sums by size, and the number of the others."""
    regions = grid.regions
    order = np.argsort(-np.abs(sums), kind="stable")[:STRONGEST]
    named = [f"{regions[index].name} ({sums[index]:{sign}.4g})" for index in order]
    left = len(regions) - len(named)
    return "; ".join(named) + (f"; and {counted(left, 'smaller one')}" if left > 0 else "")
