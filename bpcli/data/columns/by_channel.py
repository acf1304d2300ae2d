"""Encoding of images and series by channel: one center and one scale for all values of a channel."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bpcli.data.columns.arrays import ArrayInput
from bpcli.data.columns.encoders import Affine, numbers
from bpcli.data.columns.numeric_encoders import NumericEncoder
from bpcli.data.columns.spec_base import Imputation, imputed
from bpcli.data.columns.statistics import Values, mean
from bpcli.data.table import Column
from bpcli.errors import Mismatch, MismatchError
from bpcli.spec import type_name
from bpcli.system.memory import require_memory


def fit_by_channel(
    column: Column, encoder: NumericEncoder, impute: Imputation, weights: Values | None, key: tuple[str, ...]
) -> ArrayInput:
    """Fit an encoder to all values of each channel of a column of images (rows, *positions, channels).

    weights: of the rows, (rows,), or None. key: config key of the encoder. Raises MismatchError for an encoder that
    does not scale.
    """
    shape = column.shape
    channels = [
        _Channel.fit(values, of_rows, encoder, impute, key) for values, of_rows in _channels(column, shape, weights)
    ]
    times = prod(shape[:-1])
    means, fills = (tuple(one.mean for one in channels) * times, tuple(one.fill for one in channels) * times)
    return ArrayInput(
        name=column.name,
        shape=shape,
        stored=column.values.dtype.name,
        encoder=type_name(encoder),
        mean=means,
        fill=None if fills == means else fills,
        least=tuple(one.least for one in channels) * times,
        greatest=tuple(one.greatest for one in channels) * times,
        centers=tuple(one.encoding.center for one in channels) * times,
        scales=tuple(one.encoding.scale for one in channels) * times,
        grid=True,
    )


def as_numbers(name: str, values: NDArray[Any]) -> Column:
    """Numeric column of arrays; truth values become 0 and 1."""
    return Column(name, "numeric", values.view(np.uint8) if values.dtype.kind == "b" else values)


class _Channel(NamedTuple):
    """Fitted numbers of a channel."""

    mean: float
    fill: float
    least: float | None
    greatest: float | None
    encoding: Affine

    @classmethod
    def fit(
        cls,
        values: Values,
        weights: Values | None,
        encoder: NumericEncoder,
        impute: Imputation,
        key: tuple[str, ...],
    ) -> _Channel:
        """Fit on values without NaN, with their weights."""
        encoding = encoder.fit(values, weights) if len(values) else encoder.fit(np.zeros(1))
        if not isinstance(encoding, Affine):
            what = f"{type_name(encoder)} has no scale for a channel; use standard, min_max, robust or none"
            raise MismatchError(Mismatch(key, what))
        fill = imputed(impute, values, weights)
        if not len(values):
            return cls(fill, fill, None, None, encoding)
        return cls(mean(values, weights), fill, float(values.min()), float(values.max()), encoding)


def _channels(column: Column, shape: Sequence[int], weights: Values | None) -> Iterator[tuple[Values, Values | None]]:
    """Yield the values of each channel without NaN, with their weights.

    Small integers are given as the distinct ones, weighted by how often they occur.
    """
    flat: NDArray[Any] = column.values.reshape(-1, shape[-1])
    positions = prod(shape[:-1])
    of_values = None if weights is None else np.repeat(weights, positions)
    if flat.dtype.kind in "iu" and flat.dtype.itemsize <= 2:
        least = np.iinfo(flat.dtype).min
        for channel in range(shape[-1]):
            counts = np.bincount(flat[:, channel].astype(np.int32) - least, of_values)
            held = np.flatnonzero(counts)
            yield (held + least).astype(np.float64), counts[held].astype(np.float64)
        return
    require_memory(3 * len(flat) * 8, "fitting the encoder of a channel", "use fewer rows, or arrays of bytes")
    for channel in range(shape[-1]):
        values = numbers(Column(column.name, "numeric", flat[:, channel]))
        known = ~np.isnan(values)
        yield values[known], None if of_values is None else of_values[known]
