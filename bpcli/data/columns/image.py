"""Images and series: the shape of the input that a config declares, and their encoding by channel."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from pydantic import Field

from bpcli import spec
from bpcli.data.columns.grid_layout import Layout, arranged, arranged_names, as_bytes, in_files
from bpcli.data.columns.spec_base import EncodersSpec
from bpcli.data.columns.statistics import Values
from bpcli.data.table import Column, Table
from bpcli.errors import Mismatch, MismatchError
from bpcli.spec import Spec
from bpcli.wording import counted, listed, quoted, shown_shape

if TYPE_CHECKING:
    from bpcli.data.columns.arrays import ArrayInput

Axis = Annotated[int, Field(gt=0, le=65536)]


class InputSpec(Spec):
    """Shape of the input, if each row is an image or a series."""

    shape: spec.Sequence[Axis] = Field(
        min_length=2,
        max_length=3,
        description="Shape of a row: [height, width, channels] of an image, [length, channels] of a series. The data "
        "has it as an array of an NPZ file, or as one column for each number, line by line.",
    )
    layout: Layout = Field(
        default="channels_last", description="Order of the axes in the file; channels_first: [channels, height, width]."
    )
    scale: Literal["channel", "position"] = Field(
        default="channel",
        description="What data.encoders.numeric is fitted to: all values of a channel, or those of each position.",
    )

    def fit(self, train: Table, inputs: Sequence[str], encoders: EncodersSpec, weights: Values | None) -> ArrayInput:
        """Fit on the input columns of the training rows: one of arrays, or one for each number.

        Raises MismatchError for other columns, and for an encoder that does not scale.
        """
        from bpcli.data.columns.arrays import ArrayInput
        from bpcli.data.columns.by_channel import fit_by_channel
        from bpcli.data.columns.spec import NumericColumn

        column, columns = self._column(train, inputs)
        if self.scale == "channel":
            key = ("data", "encoders", "numeric")
            fitted = fit_by_channel(column, encoders.numeric, encoders.impute, weights, key)
        else:
            by_position = NumericColumn().fit(column, encoders, weights)
            if not isinstance(by_position, ArrayInput):
                raise TypeError("an array was fitted as a number")
            fitted = by_position
        return fitted.model_copy(update={"grid": True, "layout": self.layout, "columns": columns})

    def _column(self, train: Table, inputs: Sequence[str]) -> tuple[Column, tuple[str, ...]]:
        """The input as one column of arrays, and the names of the columns that it is made of, if any."""
        from bpcli.data.columns.by_channel import as_numbers

        arrays = [name for name in inputs if train[name].shape]
        if arrays:
            if len(inputs) > 1:
                others = listed(name for name in inputs if name != arrays[0])
                raise self._mismatch(
                    f"is that of a single input, but the data has {counted(len(inputs), 'input')}: "
                    f"list {others} in data.exclude"
                )
            column = train[arrays[0]]
            self._require_shape(column)
            return as_numbers(column.name, arranged(column.values, self.shape, self.layout)), ()
        if words := [name for name in inputs if train[name].kind not in ("numeric", "boolean")]:
            raise self._mismatch(f"needs columns of numbers, which {listed(words)} are not: list them in data.exclude")
        if len(inputs) != prod(self.shape):
            raise self._mismatch(
                f"{shown_shape(self.shape)} is {counted(prod(self.shape), 'number')}, but the data has "
                f"{counted(len(inputs), 'input column')}: correct the shape, or list other columns in data.exclude"
            )
        columns = tuple(arranged_names(inputs, self.shape, self.layout))
        values = as_bytes(np.stack([train[name].values for name in columns], axis=-1))
        return as_numbers(_unused_name(columns), values.reshape(train.rows, *self.shape)), columns

    def _require_shape(self, column: Column) -> None:
        if column.shape in in_files(self.shape, self.layout):
            return
        turned: Layout = "channels_first" if self.layout == "channels_last" else "channels_last"
        remedy = "give its shape"
        if column.shape in in_files(self.shape, turned):
            remedy = f"set `layout: {turned}`"
        elif self.layout == "channels_first":
            remedy = "give its shape, with the channels last here"
        raise self._mismatch(
            f"array {quoted(column.name)} holds rows of {shown_shape(column.shape)}, not of "
            f"{shown_shape(in_files(self.shape, self.layout)[0])}: {remedy}"
        )

    def _mismatch(self, what: str) -> MismatchError:
        return MismatchError(Mismatch(("input", "shape"), what))


def _unused_name(names: Sequence[str]) -> str:
    """Name of the input made of columns: `image`, unless a column is called that."""
    name = "image"
    while name in names:
        name += "_"
    return name
