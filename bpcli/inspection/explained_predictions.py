"""Attributions as columns of predictions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from bpcli.data.files.picture_names import FILE, IMAGE
from bpcli.data.preprocess.image_inputs import images_among
from bpcli.data.table import Table
from bpcli.documents.json_value import Json
from bpcli.inspection.attributions import attributions, explained_names
from bpcli.inspection.explained_regions import ExplainedRegions
from bpcli.inspection.explained_terms import ExplainedTerms, shown
from bpcli.models.model import Model
from bpcli.models.prediction_lines import Lines
from bpcli.training.scoring import require_finite

MOST_TERMS = 10
"""Maximum number of terms of a row, the strongest first."""


class AttributionColumns:
    """Columns with the value, the baseline and the contributions of each explained output, which add up.

    Of a column of texts, the strongest terms follow, with their contributions. regions: contributions by region of the
    images among the inputs, of all rows so far. terms: those of terms of texts.
    """

    def __init__(self, model: Model) -> None:
        self._model, self.regions, self.terms = model, ExplainedRegions(model), ExplainedTerms()
        texts = [text.name for text in model.preprocessor.texts]
        self.header: list[str] = []
        names = _names(model)
        for output in explained_names(model):
            of, to = (f"_{output}", f"_to_{output}") if output else ("", "")
            columns = [f"contribution_{name}{to}" for name in names]
            terms = [f"terms_{name}{to}" for name in texts]
            self.header += [f"explained{of}", f"baseline{of}", *columns, *terms]

    def columns(self, table: Table, lines: Lines) -> list[Sequence[Any]]:
        """Format a column for each name in the header. Raises DataError if a number is not finite."""
        found = attributions(self._model, table)
        self.regions.add(found)
        self.terms.add(found)
        columns: list[Sequence[Any]] = []
        for index in range(len(found.outputs)):
            numbers = np.column_stack(
                [found.explained[:, index], found.baseline[:, index], found.contributions[:, index]]
            )
            require_finite(numbers)
            columns += numbers.T.tolist()
            columns += [_terms(terms.strongest(index, MOST_TERMS), lines) for terms in found.terms]
        return columns


def _terms(rows: Sequence[Sequence[tuple[str, float]]], lines: Lines) -> list[str]:
    """Cells of the terms of each row with their contributions."""
    values: list[Json] = [[{"term": name, "contribution": value} for name, value in row] for row in rows]
    return lines.documents(values, list(map(shown, rows)))


def _names(model: Model) -> list[str]:
    """Names of the parts; of pictures, their pixels by position. Those of an array are numbered in its order."""
    names = [part.name for part in model.preprocessor.parts]
    is_folder = FILE in model.header.config.data.exclude  # the names of its files are no input
    for image in images_among(model.preprocessor.inputs):
        if image.fitted.pictures or (is_folder and image.name == IMAGE):
            names[image.parts] = image.positions
    return names
