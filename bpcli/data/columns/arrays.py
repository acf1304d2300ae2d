"""Fitted array inputs, encoded position by position."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import compress
from math import prod
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from bpcli.arrays import fields
from bpcli.arrays.rows import Scaling
from bpcli.data.columns.array_encoder import ArrayEncoder, Positions, numbers_of
from bpcli.data.columns.base import InputBase, InputSummary, Range, Surprises, Writer
from bpcli.data.columns.encoders import Affine, Landmarks
from bpcli.data.columns.grid_layout import Layout, arranged, arranged_names, as_bytes, in_files
from bpcli.data.columns.inputs import BooleanInput, NumericInput
from bpcli.data.columns.statistics import Values
from bpcli.data.table import Column, Kind, Table, position_names
from bpcli.errors import DataError
from bpcli.nn.field_layers import FieldLayers
from bpcli.nn.layers import LayerSpec
from bpcli.nn.stems import StemSpec
from bpcli.spec import Sequence, Text
from bpcli.wording import quoted, shown_shape

Axis = Annotated[int, Field(gt=0)]


class ArrayInput(InputBase):
    """Fitted array input, encoded position by position; missing values are imputed with `fill`.

    Lists have one entry per position, in the order of the flattened array. A position with missing values in training
    is followed by a missing indicator. With indicators the input is flat, otherwise a field of the array's shape.
    """

    type: Literal["array"] = "array"
    kind: Literal["numeric", "boolean"] = "numeric"
    shape: Sequence[Axis] = Field(min_length=1)
    stored: str = Field(
        pattern=r"^(bool|u?int(8|16|32|64)|float(16|32|64))$", description="Data type of the training array."
    )
    encoder: str
    mean: Sequence[float] = Field(description="Means over the training rows; the share of ones for booleans.")
    fill: Sequence[float] | None = Field(default=None, description="Imputed values. Default: the mean.")
    least: Sequence[float | None] = Field(default=(), description="Minima over the training rows; empty for booleans.")
    greatest: Sequence[float | None] = Field(
        default=(), description="Maxima over the training rows; empty for booleans."
    )
    centers: Sequence[float] = Field(default=(), description="Offsets of affine encodings.")
    scales: Sequence[Annotated[float, Field(gt=0)]] = Field(default=(), description="Scales of affine encodings.")
    landmarks: Sequence[Landmarks] = Field(default=(), description="Encodings by landmarks.")
    missing: Sequence[Annotated[int, Field(ge=0)]] = Field(
        default=(), description="Positions with missing values in training, in ascending order."
    )
    constant: Sequence[Annotated[int, Field(ge=0)]] = Field(
        default=(), description="Positions that were constant in training, in order: later values are ignored."
    )

    grid: bool = Field(default=False, description="Whether the last axis has the channels of an image or a series.")
    layout: Layout = Field(default="channels_last", description="Order of the axes in files.")
    columns: Sequence[Text] = Field(default=(), description="Columns that hold the positions, if no array does.")
    pictures: bool = Field(default=False, description="Whether files hold paths of pictures instead of numbers.")
    layers: Sequence[LayerSpec] = Field(default=(), description="Layers of the array alone, if any: its stem.")
    first: int | None = Field(
        default=None, description="Time step of the first position, counted from now, if positions are time steps."
    )

    @model_validator(mode="after")
    def _check_sizes(self) -> ArrayInput:
        size, ranged = self.size, self.size if self.kind == "numeric" else 0
        affine = 0 if self.landmarks or self.kind == "boolean" else size
        sizes = {
            "mean": size,
            "fill": size if self.fill is not None else 0,
            "least": ranged,
            "greatest": ranged,
            "centers": affine,
            "scales": affine,
            "landmarks": ranged if self.landmarks else 0,
        }
        wrong = [name for name, wanted in sizes.items() if len(getattr(self, name) or ()) != wanted]
        if wrong:
            raise ValueError(f"{wrong[0]} must have {sizes[wrong[0]]} entries")
        for name, places in (("missing", self.missing), ("constant", self.constant)):
            if [*places] != sorted({*places}) or places[-1:] >= (size,):
                raise ValueError(f"{name} must be positions of the array, in order")
        if len(self.shape) < 2 and self.first is None:
            raise ValueError("an array has two axes or more, unless its positions are time steps")
        if self.grid and len(self.shape) > 3:
            raise ValueError("an image or a series has two or three axes")
        if self.columns and len({*self.columns}) != size:
            raise ValueError("columns must name a column for each position")
        return self

    @classmethod
    def of(cls, column: Column, fitted: Iterable[NumericInput | BooleanInput]) -> ArrayInput:
        """Array input of a column from its individually fitted positions."""
        positions = list(fitted)
        first = positions[0]
        about: dict[str, Any] = {
            "name": column.name,
            "shape": column.shape,
            "stored": column.values.dtype.name,
            "missing": tuple(compress(range(len(positions)), (one.indicator for one in positions))),
            "constant": tuple(place for place, one in enumerate(positions) if one.constant is not None),
            "first": column.first,
        }
        if isinstance(first, BooleanInput):
            return cls(kind="boolean", encoder="boolean", mean=tuple(one.fill for one in positions), **about)
        numeric = [one for one in positions if isinstance(one, NumericInput)]
        ranges = [one.range or (None, None) for one in numeric]
        fill = tuple(one.fill for one in numeric)
        mean = tuple(one.fill if one.mean is None else one.mean for one in numeric)
        affine = [one.encoding for one in numeric if isinstance(one.encoding, Affine)]
        return cls(
            encoder=first.encoder,
            mean=mean,
            fill=None if fill == mean else fill,
            least=tuple(least for least, _ in ranges),
            greatest=tuple(greatest for _, greatest in ranges),
            centers=tuple(one.center for one in affine),
            scales=tuple(one.scale for one in affine),
            landmarks=tuple(one.encoding for one in numeric if isinstance(one.encoding, Landmarks)),
            **about,
        )

    @property
    def read_as(self) -> Kind:
        """Numeric or boolean; categorical for paths of pictures."""
        return "categorical" if self.pictures else self.kind

    @property
    def encoded_by(self) -> str:
        """Encoder of the positions."""
        return self.encoder

    def summary(self) -> InputSummary:
        """Summary with the array's shape."""
        return InputSummary(self.name, "array", self.encoder, self.width, self.shape)

    @property
    def size(self) -> int:
        """Number of positions."""
        return prod(self.shape)

    @property
    def width(self) -> int:
        """Number of features: positions and missing indicators."""
        return self.size + len(self.missing)

    @property
    def names(self) -> list[str]:
        """Names of the positions: X0, X1 and so on in the order of a file, or those of the columns that hold them."""
        if self.columns:
            return list(self.columns)
        return arranged_names(position_names(self.name, self.size, self.first), self.shape, self.layout)

    @property
    def features(self) -> list[str]:
        """Names of the features made from the array."""
        return [feature for position in self.parts() for feature in position.features]

    @property
    def average(self) -> list[float]:
        """Encoded means of the training rows."""
        return [feature for position in self.parts() for feature in position.average]

    @property
    def constant_positions(self) -> int:
        """Number of positions that were constant or entirely missing in the training rows."""
        if self.kind == "boolean":
            return sum(mean in (0.0, 1.0) for mean in self.mean)
        lacking = {*self.missing}
        return sum(
            least is None or (least == greatest and place not in lacking)
            for place, (least, greatest) in enumerate(zip(self.least, self.greatest, strict=True))
        )

    def parts(self) -> Iterator[NumericInput | BooleanInput]:
        """Positions as separate inputs."""
        lacking, constant = {*self.missing}, {*self.constant}
        fill = self.mean if self.fill is None else self.fill
        for place, name in enumerate(self.names):
            content: Literal["value", "missing"] | None = "value" if place in constant else None
            if self.kind == "boolean":
                yield BooleanInput(name=name, indicator=place in lacking, constant=content, fill=fill[place])
                continue
            yield NumericInput(
                name=name,
                indicator=place in lacking,
                constant="missing" if content and self.least[place] is None else content,
                fill=fill[place],
                mean=self.mean[place],
                range=self._range(place),
                encoder=self.encoder,
                encoding=self.landmarks[place]
                if self.landmarks
                else Affine(center=self.centers[place], scale=self.scales[place]),
            )

    def _range(self, place: int) -> Range | None:
        least, greatest = self.least[place], self.greatest[place]
        return None if least is None or greatest is None else (least, greatest)

    def field(self, place: int) -> fields.Field | None:
        """Field of the array's shape, or None if it is a row of numbers, or there are missing indicators."""
        shape = fields.Grid(self.shape) if self.grid else self.shape
        return None if self.missing or len(shape) < 2 else fields.Field(self.name, shape, places=(place,))

    @property
    def stem(self) -> StemSpec | None:
        """The array's own layers; None if it has none."""
        return FieldLayers(layers=self.layers, path=("data", "columns", self.name)) if self.layers else None

    def keeps_stored(self, stored: np.dtype[Any], dtype: np.dtype[Any]) -> bool:
        """Whether values of dtype `stored` can stay in memory unencoded, to be encoded batch by batch."""
        whole = stored.kind in "iub" and stored.itemsize < dtype.itemsize
        if not whole or self.missing or self.landmarks:
            return False
        held = self.held_values
        with np.errstate(invalid="ignore"):
            return bool(np.array_equal(held.astype(stored), held))

    @property
    def held_values(self) -> Values:
        """Training values of the constant positions, (constant,)."""
        fill = self.mean if self.fill is None else self.fill
        least = [self.least[place] if self.least else None for place in self.constant]
        return np.array([fill[place] if low is None else low for place, low in zip(self.constant, least, strict=True)])

    def hold(self, stored: NDArray[Any]) -> NDArray[Any]:
        """Rows (rows, *shape) with the training values at the constant positions; the same array if they have them."""
        flat, places = stored.reshape(len(stored), self.size), list(self.constant)
        held = self.held_values.astype(stored.dtype)
        if (flat[:, places] == held).all():
            return stored
        flat = flat.copy()
        flat[:, places] = held
        return flat.reshape(stored.shape)

    @property
    def scaling(self) -> Scaling:
        """Affine encoding of all positions; not valid with landmarks."""
        boolean = self.kind == "boolean"
        return Scaling(
            np.zeros(self.size) if boolean else np.array(self.centers),
            np.ones(self.size) if boolean else np.array(self.scales),
        )

    def column_of(self, table: Table) -> Column:
        """Array column of a table, if needed stacked from columns X0, X1, …. Raises DataError for another shape."""
        if self.name not in table:
            values = np.stack([table[name].values for name in self.names], axis=-1)
            values = as_bytes(values) if self.stored == "uint8" else values
            return Column(self.name, self.kind, values.reshape(table.rows, *self.shape))
        column = table[self.name]
        if column.shape not in (in_files(self.shape, self.layout) if self.grid else [self.shape]):
            found = f"rows of {shown_shape(column.shape)}" if column.shape else "single values"
            raise DataError(f"array {quoted(self.name)}: holds {found}; the model expects rows of {self.shown}")
        if self.grid:
            return Column(self.name, column.kind, arranged(column.values, self.shape, self.layout))
        return column

    @property
    def shown(self) -> str:
        """Shape in files, formatted for messages."""
        return shown_shape(in_files(self.shape, self.layout)[0])

    def writer(self, column: Column) -> Writer:
        """Writer of the array, independent of `column`."""
        return ArrayEncoder(self._positions).write

    def surprises(self, column: Column) -> Surprises:
        """Out-of-range numbers of a column that has no missing values, and values other than a constant."""
        return ArrayEncoder(self._positions).surprises(numbers_of(column))

    @property
    def _positions(self) -> Positions:
        return Positions(
            name=self.name,
            names=lambda: self.names,
            by_channel=self.grid and not self.missing,
            fill=np.array(self.mean if self.fill is None else self.fill),
            least=np.array(self.least, np.float64),
            greatest=np.array(self.greatest, np.float64),
            scaling=None if self.landmarks else self.scaling,
            landmarks=self.landmarks,
            missing=np.array(self.missing, np.intp),
            constant=np.array(self.constant, np.intp),
            held=self.held_values,
        )
