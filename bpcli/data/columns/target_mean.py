"""Categories encoded by the targets of their training rows, each of these rows by the targets of other rows."""

from __future__ import annotations

from functools import partial
from typing import Annotated, ClassVar, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from bpcli.arrays.memory import Array
from bpcli.data.columns.base import Surprises, Writer
from bpcli.data.columns.categorical_inputs import (
    CategoricalEncoderBase,
    CategoricalInput,
    lookup,
    places_of,
    unseen_rows,
)
from bpcli.data.columns.encoders import is_negligible
from bpcli.data.columns.fit_context import ALONE, FitContext
from bpcli.data.columns.known import constant_content
from bpcli.data.columns.statistics import Values, deviation
from bpcli.data.table import Column
from bpcli.errors import Mismatch, MismatchError
from bpcli.randomness import Stream
from bpcli.spec import Sequence
from bpcli.wording import quoted

MOST_OUTCOMES = 32
"""Largest number of classes, labels or target columns: each is a feature of every column."""


class Sums(NamedTuple):
    """Sums over some training rows: weights by category (categories,), and weighted outcomes (categories, outcomes)."""

    weights: Values
    outcomes: Values

    @classmethod
    def of(cls, codes: NDArray[np.intp], categories: int, outcomes: Values, weights: Values) -> Sums:
        """Sums of rows with codes (rows,) and outcomes (rows, outcomes); -1 is a missing category."""
        known = codes >= 0
        codes, weights, outcomes = codes[known], weights[known], outcomes[known]
        sums = [np.bincount(codes, weights * values, minlength=categories) for values in outcomes.T]
        return cls(np.asarray(np.bincount(codes, weights, categories), np.float64), np.column_stack(sums))

    def deviations(self, smoothing: float) -> Values:
        """Smoothed mean outcomes of each category less those of all rows, (categories, outcomes).

        The mean of all rows counts as `smoothing` rows of every category (Micci-Barreca 2001, "A preprocessing scheme
        for high-cardinality categorical attributes in classification and prediction problems", with m-estimation).
        """
        total = max(float(self.weights.sum()), np.finfo(float).tiny)
        mean = self.outcomes.sum(axis=0) / total
        rows = self.weights[:, None]
        return np.asarray((self.outcomes - rows * mean) / np.maximum(rows + smoothing, np.finfo(float).tiny))


class TargetMeanInput(CategoricalInput):
    """Fitted categorical column, encoded as the scaled deviation of its rows' mean outcomes from those of all rows.

    Missing values and unknown categories are 0. Statistics are of rows with a value.
    """

    type: Literal["target_mean"] = "target_mean"
    labels: Sequence[str] = Field(min_length=1, description="Names of the mean outcomes.")
    rows: Sequence[Annotated[float, Field(ge=0)]] = Field(description="Sum of the weights of the rows per category.")
    means: Sequence[Sequence[float]] = Field(description="Mean outcomes per category.")
    scales: Sequence[Annotated[float, Field(gt=0)]] = Field(
        description="Standard deviations of the features of the training rows before they are scaled."
    )
    smoothing: float = Field(ge=0)
    folds: int = Field(ge=2)
    seed: int = Field(ge=0)

    @model_validator(mode="after")
    def _check_sizes(self) -> TargetMeanInput:
        outcomes = {len(self.labels), len(self.scales), *map(len, self.means)}
        if len(outcomes) > 1 or not len(self.rows) == len(self.means) == len(self.categories):
            raise ValueError("must have means of each category and scales, one for each label")
        return self

    @property
    def width(self) -> int:
        """Number of features: outcomes, and the missing indicator."""
        return len(self.labels) + self.indicator

    @property
    def features(self) -> list[str]:
        """Names of the features, such as `city, mean of price`."""
        return self._with_indicator([f"{self.name}, {label}" for label in self.labels])

    @property
    def encoded(self) -> Values:
        """Features of each category, (categories, outcomes)."""
        rows = np.array(self.rows)
        means = np.array(self.means).reshape(len(rows), len(self.labels))
        deviations = Sums(rows, means * rows[:, None]).deviations(self.smoothing)
        return np.asarray(deviations / np.array(self.scales))

    @property
    def average(self) -> list[float]:
        """Mean features of the non-missing training rows, in the encoding of new rows."""
        rows = np.array(self.rows)
        return self._known((rows @ self.encoded / max(float(rows.sum()), np.finfo(float).tiny)).tolist())

    def writer(self, column: Column) -> Writer:
        """Writer with lookup tables: matches categories by name once instead of per row."""
        known = lookup(column, places_of(self.categories), -1, -1).astype(np.intp)
        features = np.vstack([self.encoded, np.zeros(len(self.labels))])[known]
        unseen = known < 0
        unseen[-1] = False
        return partial(self._write, features, unseen)

    def _write(self, features: Values, unseen: NDArray[np.bool_], column: Column, out: Array) -> Surprises:
        out[:, : len(self.labels)] = features[column.values]
        if self.constant is None:
            return self._note_missing(column.missing(), out) | unseen_rows(self.name, column, unseen)
        missing = column.missing()
        others = ~missing if self.constant == "missing" else unseen.take(column.values)
        return self._note_missing(missing, out) | self._ignored(others)

    def of_training_rows(
        self, column: Column, outcomes: Values, weights: Values | None, groups: NDArray[np.intp] | None = None
    ) -> Values:
        """Features of all training rows, (rows, width), each from the rows of the other folds.

        outcomes: (rows, labels). weights: of the rows, (rows,), above 0, or None for equal ones. groups: numbers of the
        rows' groups, (rows,), whose rows are in one fold; None for none.
        """
        codes = lookup(column, places_of(self.categories), -1, -1).astype(np.intp)[column.values]
        out = np.zeros((len(column), self.width))
        fold = target_folds(len(column), self.folds, self.seed, groups)
        found = out_of_fold(codes, len(self.categories), outcomes, weights, self.smoothing, fold)
        out[:, : len(self.labels)] = found / np.array(self.scales)
        if self.indicator:
            out[:, -1] = column.missing()
        return out


def out_of_fold(
    codes: NDArray[np.intp],
    categories: int,
    outcomes: Values,
    weights: Values | None,
    smoothing: float,
    fold: NDArray[np.intp],
) -> Values:
    """Deviations (rows, outcomes) of each row's category, from the rows that are not in the row's fold.

    fold: number of each row's fold, (rows,). A row without a category, -1, gets 0.
    """
    weights = np.ones(len(codes)) if weights is None else weights / weights.mean()
    found = np.zeros(outcomes.shape)
    for number in range(int(fold.max(initial=0)) + 1):
        own = np.flatnonzero(fold == number)
        others = np.flatnonzero(fold != number)
        of_others = Sums.of(codes[others], categories, outcomes[others], weights[others])
        features = np.vstack([of_others.deviations(smoothing), np.zeros(outcomes.shape[1])])
        found[own] = features[codes[own]]
    return found


def target_folds(rows: int, folds: int, seed: int, groups: NDArray[np.intp] | None) -> NDArray[np.intp]:
    """Number of each row's fold, (rows,), drawn by the seed, of equal numbers of rows or of whole groups."""
    names = np.arange(rows) if groups is None else groups
    _, of_rows = np.unique(names, return_inverse=True)
    count = int(of_rows.max(initial=-1)) + 1
    fold = np.empty(count, np.intp)
    fold[Stream(seed, "target_mean").at().permutation(count)] = np.arange(count) % folds
    return np.asarray(fold[of_rows])


class TargetMean(CategoricalEncoderBase):
    """Target statistics: the smoothed mean target of the training rows with the category, or their shares of classes.

    A training row is encoded by the rows of other folds, so that no feature knows the row's own target.
    """

    type: Literal["target_mean"] = "target_mean"
    uses_target: ClassVar[bool] = True
    smoothing: float = Field(
        default=10.0, ge=0, le=1e6, description="Number of rows with the mean of all that are added to each category."
    )
    folds: int = Field(
        default=5, ge=2, le=100, description="Number of folds; each of their training rows is encoded by the others."
    )

    def fit(
        self, column: Column, owner: tuple[str, ...], weights: Values | None = None, context: FitContext = ALONE
    ) -> TargetMeanInput:
        """Fit as `OneHot.fit`, on the outcomes of the context. Raises MismatchError if they are too many."""
        outcomes = context.outcomes
        if outcomes is None or len(outcomes.labels) > MOST_OUTCOMES:
            found = "none" if outcomes is None else f"{len(outcomes.labels):,}"
            what = (
                f"column {quoted(column.name)}: target_mean makes an input of each class, label or target, at most "
                f"{MOST_OUTCOMES}, but there are {found}; use one_hot"
            )
            raise MismatchError(Mismatch(("data", *owner), what))
        categories = column.present()
        codes = lookup(column, places_of(categories), -1, -1).astype(np.intp)[column.values]
        of_rows = np.ones(len(column)) if weights is None else weights / weights.mean()
        sums = Sums.of(codes, len(categories), outcomes.values, of_rows)
        fold = target_folds(len(column), self.folds, context.seed, context.groups)
        of_all = out_of_fold(codes, len(categories), outcomes.values, weights, self.smoothing, fold)
        features = of_all[codes >= 0]
        return TargetMeanInput(
            name=column.name,
            indicator=bool(column.missing().any()),
            constant=constant_content(column, categories, len(categories) < 2),
            categories=categories,
            labels=outcomes.labels,
            rows=tuple(sums.weights.tolist()),
            means=tuple(map(tuple, (sums.outcomes / sums.weights[:, None]).tolist())),
            scales=tuple(_scale(values, outcomes.values[:, place]) for place, values in enumerate(features.T)),
            smoothing=self.smoothing,
            folds=self.folds,
            seed=context.seed,
        )


def _scale(features: Values, outcomes: Values) -> float:
    """Standard deviation of features, or 1 if they are all the same up to rounding, in units of the outcomes."""
    spread = deviation(features) if len(features) else 0.0
    return 1.0 if is_negligible(spread, float(np.abs(outcomes).max(initial=0.0))) else spread
