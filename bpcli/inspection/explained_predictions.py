"""Attributions as columns of predictions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from bpcli.data.files.picture_names import FILE, IMAGE
from bpcli.data.preprocess.image_inputs import images_among
from bpcli.data.table import Table
from bpcli.inspection.attributions import attributions, explained_names
from bpcli.inspection.explained_regions import ExplainedRegions
from bpcli.models.model import Model
from bpcli.training.scoring import require_finite


class AttributionColumns:
    """Columns with the value, the baseline and the contributions of each explained output, which add up.

    regions: contributions by region of the images among the inputs, of all rows so far.
    """

    def __init__(self, model: Model) -> None:
        self._model, self.regions = model, ExplainedRegions(model)
        self.header: list[str] = []
        names = _names(model)
        for output in explained_names(model):
            of, to = (f"_{output}", f"_to_{output}") if output else ("", "")
            columns = [f"contribution_{name}{to}" for name in names]
            self.header += [f"explained{of}", f"baseline{of}", *columns]

    def columns(self, table: Table) -> list[Sequence[Any]]:
        """Format a column for each name in the header. Raises DataError if a number is not finite."""
        found = attributions(self._model, table)
        self.regions.add(found)
        columns: list[Sequence[Any]] = []
        for index in range(len(found.outputs)):
            numbers = np.column_stack(
                [found.explained[:, index], found.baseline[:, index], found.contributions[:, index]]
            )
            require_finite(numbers)
            columns += numbers.T.tolist()
        return columns


def _names(model: Model) -> list[str]:
    """Names of the parts; of pictures, their pixels by position. Those of an array are numbered in its order."""
    names = [part.name for part in model.preprocessor.parts]
    is_folder = FILE in model.header.config.data.exclude  # the names of its files are no input
    for image in images_among(model.preprocessor.inputs):
        if image.fitted.pictures or (is_folder and image.name == IMAGE):
            names[image.parts] = image.positions
    return names
