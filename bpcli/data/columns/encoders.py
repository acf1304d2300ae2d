"""Encoders of numbers, fitted on training values."""

from __future__ import annotations

from abc import abstractmethod
from math import inf
from operator import lt
from typing import TYPE_CHECKING, ClassVar, Literal, NamedTuple, Protocol

import numpy as np
from pydantic import Field, model_validator

from bpcli.arrays.memory import Array
from bpcli.data.columns.statistics import Values, deviation, mean, quantiles
from bpcli.data.table import Column
from bpcli.errors import DataError
from bpcli.spec import Sequence, Spec
from bpcli.wording import quoted

if TYPE_CHECKING:
    from bpcli.nn.periodic import Periodic

LARGEST = 1e38
"""Limit on absolute values, within the range of float32. Larger ones are usually markers of missing values, and their
squares and sums overflow."""


def numbers(column: Column) -> Values:
    """Values of a numeric column in float64 (rows,), NaN if missing. Raises DataError for a value beyond LARGEST."""
    values = np.asarray(column.values, dtype=np.float64)
    require_small(values, column.name, values)
    return values


def require_small(numbers: Values, name: str, values: Values) -> None:
    """Raise DataError if one of `numbers`, computed from the column's `values` of the same shape, is beyond LARGEST."""
    if np.count_nonzero(too_large := np.abs(numbers) > LARGEST):
        raise DataError(
            f"column {quoted(name)}: {values[too_large][0]:g} is too large; if it marks a missing value, add it to "
            "data.missing"
        )


class Explained(NamedTuple):
    """Quantity that explanations of an encoded target add up to: scale · z + offset, for the logit z."""

    scale: float
    offset: float
    name: str
    """Name of the quantity; empty if it is the prediction itself."""


EVERYWHERE = (-inf, inf)
"""Interval of an encoding that is injective."""


class EncodingBase(Spec):
    """Base class of fitted encodings of a number."""

    has_scale: ClassVar[bool] = False
    """Whether numbers are divided by a scale, so that a column that is constant up to rounding has no information."""

    @property
    @abstractmethod
    def width(self) -> int:
        """Number of features."""

    @property
    def embedding(self) -> Periodic | None:
        """Stem that embeds the number; None if it has none."""
        return None

    @abstractmethod
    def features(self, name: str) -> list[str]:
        """Names of the features of column `name`."""

    @abstractmethod
    def write(self, name: str, values: Values, out: Array) -> None:
        """Encode values (rows,) without NaN of column `name` to `out`, (rows, width). Raises as `encoded`."""


class OneFeature(EncodingBase):
    """Base class of fitted encodings of a number as one feature."""

    width: ClassVar[int] = 1

    def features(self, name: str) -> list[str]:
        """Name of the feature of column `name`."""
        return [name]

    @abstractmethod
    def encode(self, values: Values) -> Values:
        """Encoded values, of the same shape."""

    def write(self, name: str, values: Values, out: Array) -> None:
        """Encode values (rows,) without NaN of column `name` to `out`, (rows, 1). Raises as `encoded`."""
        out[:, 0] = encoded(self, name, values)


class Affine(OneFeature):
    """A fitted encoding: (value - center) / scale."""

    type: Literal["affine"] = "affine"
    center: float
    scale: float = Field(gt=0)
    interval: ClassVar[tuple[float, float]] = EVERYWHERE
    has_scale: ClassVar[bool] = True

    @property
    def explained(self) -> Explained:
        """The decoded number."""
        return Explained(self.scale, self.center, "")

    def encode(self, values: Values) -> Values:
        """Encoded values, of the same shape."""
        return (values - self.center) / self.scale

    def decode(self, encoded: Values) -> Values:
        """Inverse of `encode`."""
        return encoded * self.scale + self.center


class Landmarks(OneFeature):
    """A fitted encoding: linear interpolation between landmarks, constant beyond the first and the last."""

    type: Literal["landmarks"] = "landmarks"
    values: Sequence[float] = Field(min_length=1)
    scores: Sequence[float] = Field(min_length=1)

    @model_validator(mode="after")
    def _check_landmarks(self) -> Landmarks:
        if len(self.values) != len(self.scores) or not all(map(lt, self.values, self.values[1:])):
            raise ValueError("values must be strictly increasing, with one score for each")
        return self

    @property
    def interval(self) -> tuple[float, float]:
        """Interval from the first to the last landmark; values beyond are encoded as these."""
        return self.values[0], self.values[-1]

    @property
    def explained(self) -> Explained:
        """The score."""
        return Explained(1.0, 0.0, "the quantile score of the prediction")

    def encode(self, values: Values) -> Values:
        """Encoded values, of the same shape."""
        return np.interp(values, self.values, self.scores)

    def decode(self, encoded: Values) -> Values:
        """Inverse of `encode`, between the first and the last landmark; scores must be strictly increasing."""
        return np.interp(encoded, self.scores, self.values)


class Encodes(Protocol):
    """A fitted encoding."""

    def encode(self, values: Values) -> Values:
        """Encoded values, of the same shape."""


def encoded(encoding: Encodes, name: str, values: Values) -> Values:
    """Encode values without NaN, of any shape. Raises DataError for an encoded value beyond LARGEST.

    A small value may exceed it after scaling, if the training values were nearly constant.
    """
    with np.errstate(over="ignore"):
        result = encoding.encode(values)
    require_small(result, name, values)
    return result


class NumericEncoderBase(Spec):
    """Base class of encoders of numeric columns."""

    fits_arrays: ClassVar[bool] = True
    """Whether arrays can be encoded position by position."""

    @abstractmethod
    def fit(self, values: Values, weights: Values | None = None) -> EncodingBase:
        """Fit on values without NaN, shape (rows,); weights: (rows,), above 0, or None for equal ones."""

    def settled(self, numeric_columns: int) -> NumericEncoderBase:
        """Copy without options that depend on the table, for one of this many numeric columns."""
        return self


class Standard(NumericEncoderBase):
    """Standardization: subtract the mean, divide by the population standard deviation."""

    type: Literal["standard"] = "standard"

    def fit(self, values: Values, weights: Values | None = None) -> Affine:
        """Fit on values without NaN, shape (rows,); weights: (rows,), above 0, or None for equal ones."""
        return affine(mean(values, weights), deviation(values, weights))


class MinMax(NumericEncoderBase):
    """Min-max scaling: map the minimum to 0 and the maximum to 1."""

    type: Literal["min_max"] = "min_max"

    def fit(self, values: Values, weights: Values | None = None) -> Affine:
        """Fit on values without NaN, shape (rows,); weights do not matter."""
        low, high = float(np.min(values)), float(np.max(values))
        return affine(low, high - low)


class Robust(NumericEncoderBase):
    """Robust scaling: subtract the median, divide by the interquartile range."""

    type: Literal["robust"] = "robust"

    def fit(self, values: Values, weights: Values | None = None) -> Affine:
        """Fit as `Standard.fit`; the standard deviation replaces an interquartile range of 0."""
        low, middle, high = (float(q) for q in quantiles(values, (0.25, 0.5, 0.75), weights))
        return affine(middle, high - low or deviation(values, weights))


class Quantile(NumericEncoderBase):
    """Quantile transform: map by rank to the normal distribution, or to the uniform one on [0, 1]."""

    type: Literal["quantile"] = "quantile"
    output: Literal["normal", "uniform"] = Field(default="normal", description="Target distribution.")
    landmarks: int = Field(default=200, ge=2, le=1000, description="Number of quantiles, interpolated linearly.")

    def fit(self, values: Values, weights: Values | None = None) -> Landmarks:
        """Fit as `Standard.fit`."""
        shares = np.linspace(0.0, 1.0, min(self.landmarks, max(len(values), 2)))
        landmarks, first, counts = np.unique(quantiles(values, shares, weights), return_index=True, return_counts=True)
        # A value that spans several quantiles gets their midpoint.
        middle = (shares[first] + shares[first + counts - 1]) / 2
        scores = middle.tolist()
        if self.output == "normal":
            from statistics import NormalDist

            # A margin of half a landmark keeps the outermost scores finite.
            margin = 0.5 / len(shares)
            scores = [NormalDist().inv_cdf(min(max(share, margin), 1 - margin)) for share in scores]
        return Landmarks(values=tuple(landmarks.tolist()), scores=tuple(scores))


class NoScaling(NumericEncoderBase):
    """No scaling."""

    type: Literal["none"] = "none"

    def fit(self, values: Values, weights: Values | None = None) -> Affine:
        """Identity: center 0, scale 1."""
        return Affine(center=0.0, scale=1.0)


def affine(center: float, scale: float) -> Affine:
    """Affine encoding, with a scale of 1 for columns that are constant up to rounding."""
    return Affine(center=center, scale=1.0 if is_negligible(scale, center) else scale)


def is_negligible(spread: float, size: float) -> bool:
    """Whether values of this size that differ by `spread` are equal up to rounding."""
    return spread <= 1e-12 * max(abs(size), 1e-300)
