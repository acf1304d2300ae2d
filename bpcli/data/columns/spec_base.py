"""Base class of input columns in a config, and default encoders."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from bpcli.data.columns.base import InputBase
from bpcli.data.columns.categorical_encoders import CategoricalEncoder
from bpcli.data.columns.encoders import Standard
from bpcli.data.columns.fit_context import ALONE, FitContext
from bpcli.data.columns.numeric_encoders import NumericEncoder
from bpcli.data.columns.one_hot import OneHot
from bpcli.data.columns.statistics import Values, mean, quantiles
from bpcli.data.notations import Notation
from bpcli.data.notations.dialect import Dialect
from bpcli.data.picture_form import PictureForm
from bpcli.data.table import Column, Kind
from bpcli.spec import Spec, Words

Imputation = Literal["mean", "median"] | float


class EncodersSpec(Spec):
    """Default encoders and imputation, for columns that do not set their own."""

    numeric: NumericEncoder = Field(default=Standard(), description="Encoder of numeric columns.")
    categorical: CategoricalEncoder = Field(default=OneHot(), description="Encoder of categorical columns.")
    impute: Imputation = Field(default="mean", description="Replacement for missing values of numeric columns.")


class ColumnSpecBase(Spec):
    """Base class of columns in a config."""

    kind: ClassVar[Kind]
    """Kind that the cells are read as."""

    learned_as_group: ClassVar[bool] = False
    """Whether the column is an input even if it tells groups of rows apart."""

    holds_numbers: ClassVar[bool] = False
    """Whether the cells are numbers, or bounds of numbers."""

    missing: Words = Field(
        default=(), description="Cells that mark missing values in this column, besides those of data.missing."
    )

    def notation(self, dialect: Dialect) -> Notation | None:
        """Notation of the cells in a file of a dialect; None for plain cells."""
        return None

    def picture_form(self, name: str) -> PictureForm | None:
        """Form of the pictures whose paths are in the cells of the column `name`; None for other cells."""
        return None

    def uses_target(self, defaults: EncodersSpec) -> bool:
        """Whether the column is encoded by the targets of the training rows."""
        return False

    @abstractmethod
    def fit(
        self, column: Column, defaults: EncodersSpec, weights: Values | None = None, context: FitContext = ALONE
    ) -> InputBase:
        """Fit on a training column; an array is fitted position by position.

        weights: of the rows, (rows,), above 0, or None for equal ones. context: the other columns.
        """


def imputed(by: Imputation, known: Values, weights: Values | None) -> float:
    """Replacement for missing values among the known ones, (known rows,), with their weights; 0 if there are none."""
    if not isinstance(by, str):
        return float(by)
    if not len(known):
        return 0.0
    if by == "mean":
        return mean(known, weights)
    return float(np.median(known) if weights is None else quantiles(known, [0.5], weights)[0])
