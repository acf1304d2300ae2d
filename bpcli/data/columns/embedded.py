"""Embedding of categorical columns."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Literal

from pydantic import Field

from bpcli.data.columns.base import InputSummary
from bpcli.data.columns.categorical_inputs import CategoricalEncoderBase, CategoricalInput, CodedInput
from bpcli.data.columns.fit_context import ALONE, FitContext
from bpcli.data.columns.one_hot import MIN_COUNT, MinCount, OneHot, fit_codes
from bpcli.data.columns.statistics import Values
from bpcli.data.table import Column
from bpcli.nn.embedding import Embedding
from bpcli.nn.stems import StemSpec

Size = Annotated[int, Field(ge=1, le=1024)]


class EmbeddedInput(CodedInput):
    """Fitted categorical column, whose codes a stem turns into trained vectors."""

    type: Literal["embedding"] = "embedding"
    size: int = Field(ge=1)

    def summary(self) -> InputSummary:
        """Summary with the length of a vector as the number of inputs."""
        return replace(super().summary(), inputs=self.size)

    @property
    def stem(self) -> StemSpec:
        """Stem of the field."""
        return Embedding(size=self.size)


class Embedded(CategoricalEncoderBase):
    """Embedding: a vector for each category, trained with the network; zeros for an unknown category."""

    type: Literal["embedding"] = "embedding"
    size: Size = Field(default=8, description="Length of a vector: inputs of the network.")
    min_count: MinCount | None = Field(default=None, description=MIN_COUNT)

    def fit(
        self, column: Column, owner: tuple[str, ...], weights: Values | None = None, context: FitContext = ALONE
    ) -> EmbeddedInput:
        """Fit as `OneHot.fit`."""
        return EmbeddedInput(**fit_codes(column, self.min_count), size=self.size)


class Auto(CategoricalEncoderBase):
    """One-hot encoding of columns of few categories, with one signed input for two, and embedding of the others."""

    type: Literal["auto"] = "auto"
    one_hot_up_to: int = Field(
        default=9, ge=1, description="Largest number of categories, pooled and missing ones included, that are one-hot."
    )
    size: Size = Field(default=8, description="Length of the vectors of other columns.")
    min_count: MinCount | None = Field(default=None, description=MIN_COUNT)

    def fit(
        self, column: Column, owner: tuple[str, ...], weights: Values | None = None, context: FitContext = ALONE
    ) -> CategoricalInput:
        """Fit as `OneHot.fit`."""
        fitted = OneHot(binary="sign", min_count=self.min_count).fit(column, owner, weights, context)
        if fitted.width <= self.one_hot_up_to:
            return fitted
        return Embedded(size=self.size, min_count=self.min_count).fit(column, owner, weights, context)
