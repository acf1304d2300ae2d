"""Preprocessing of table columns to the network's arrays, fitted on the training rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, PrivateAttr, model_validator

from bpcli.arrays import fields
from bpcli.arrays.memory import Array
from bpcli.arrays.rows import Rows, records_of
from bpcli.data.batches import Dataset
from bpcli.data.columns import ColumnInput, FittedInput, Surprise
from bpcli.data.columns.fit_context import FitContext
from bpcli.data.columns.members import array_of, target_mean_of, text_of
from bpcli.data.columns.spec import BooleanColumn, CategoricalColumn, ColumnSpec, NumericColumn
from bpcli.data.columns.spec_base import EncodersSpec
from bpcli.data.columns.statistics import Values
from bpcli.data.columns.target_encoders import TargetEncoder
from bpcli.data.columns.target_range import TargetRange
from bpcli.data.preprocess.outcomes import outcomes_of
from bpcli.data.preprocess.sample_weights import sample_weights, unequal_weights
from bpcli.data.preprocess.table_encoder import TableEncoder, side_by_side
from bpcli.data.table import Kind, Table
from bpcli.data.targets import ClassName, FittedTarget
from bpcli.data.targets.fitting import fit_target
from bpcli.errors import Mismatch, MismatchError
from bpcli.nn.losses import LossBase
from bpcli.nn.stems import StemSpec
from bpcli.spec import Section, Sequence, Spec, Text, type_name
from bpcli.wording import quoted

if TYPE_CHECKING:
    from bpcli.data.columns.arrays import ArrayInput
    from bpcli.data.columns.image import InputSpec
    from bpcli.data.columns.text_input import TextInput
    from bpcli.data.origins import OriginColumns
else:
    OriginColumns = Annotated[Spec, Section("bpcli.data.origins:OriginColumns")]

PLAIN: dict[Kind, type[ColumnSpec]] = {
    "numeric": NumericColumn,
    "categorical": CategoricalColumn,
    "boolean": BooleanColumn,
}
"""Default column config, by kind."""

ORDER = {"code": 0, "real": 1, "tokens": 2}
"""Order of fields of their own."""

SCALED_FROM = 16 << 20
"""Encoded size, in bytes, from which an array's integers stay in memory unencoded and are scaled batch by batch.

Smaller arrays fit the last-level cache, and are encoded in advance for speed: scaling bytes batch by batch makes an
epoch of a 784-128-10 network a fifth slower.
"""


class Preprocessor(Spec):
    """Fitted preprocessing of inputs, target and sample weights; stored in checkpoints."""

    inputs: Sequence[FittedInput] = Field(min_length=1)
    target: FittedTarget
    weight: Text | None = None
    target_kinds: Sequence[Kind]
    origins: OriginColumns | None = Field(default=None, description="Columns of origins in tables of windows.")
    _given: dict[str, Values] = PrivateAttr(default={})
    """Features of columns that are encoded by targets, by name, if the rows are training rows."""

    @model_validator(mode="after")
    def _check_columns(self) -> Preprocessor:
        inputs = [name for column in self.inputs for name in {column.name, *column.names}]
        names = [*inputs, *self.target.names, self.weight]
        if len(set(names)) < len(names):
            raise ValueError("a column is used twice")
        if not any(column.width for column in self.inputs):
            raise ValueError("the inputs have no features")
        if not self.target.has_kinds(self.target_kinds):
            raise ValueError("target_kinds do not match the target")
        return self

    @classmethod
    def fit(
        cls,
        train: Table,
        inputs: list[str],
        targets: list[str],
        specs: Mapping[str, ColumnSpec],
        encoders: EncodersSpec,
        target_encoder: TargetEncoder | None,
        weight: str | None,
        loss: LossBase,
        positive: ClassName | None = None,
        known: Sequence[FittedInput] | None = None,
        target_range: TargetRange = "none",
        seed: int = 0,
        groups: NDArray[np.intp] | None = None,
        image: InputSpec | None = None,
        origins: OriginColumns | None = None,
    ) -> Preprocessor:
        """Fit input and target columns on a table of training rows. Features have the order of `inputs`.

        known: fitted inputs to keep, instead of fitting `inputs`. seed: of random numbers that encoders use.
        groups: numbers of the rows' groups (rows,), or None. image: shape of images. origins: those of windows.

        Raises:
            MismatchError: a column does not fit its config or the loss.
            DataError: a target cannot be learned, or a value is too large.
        """
        weights = unequal_weights(train, weight)
        target_columns = [train[name] for name in targets]
        target = fit_target(target_columns, loss, target_encoder, weights, positive, target_range)
        pictures = next((name for name in inputs if name in specs and type_name(specs[name]) == "image"), None)
        if image is not None and pictures is not None:
            what = f"is for arrays and columns of pixels; column {quoted(pictures)} is of type image: delete `input`"
            raise MismatchError(Mismatch(("input",), what))
        if known is None and image is not None:
            known = (image.fit(train, inputs, encoders, weights),)
        if known is None:
            nothing = train.slice(0, 0)
            of = {name: specs.get(name) or PLAIN[nothing[name].kind]() for name in inputs}
            numeric = sum(spec.holds_numbers for spec in of.values())
            learned = any(spec.uses_target(encoders) for spec in of.values())
            context = FitContext(numeric, outcomes_of(target, target_columns) if learned else None, seed, groups)
            # One column at a time: a selection copies every column it returns.
            known = tuple(spec.fit(train[name], encoders, weights, context) for name, spec in of.items())
        return cls(
            inputs=known,
            target=target,
            weight=weight,
            target_kinds=tuple(column.kind for column in target_columns),
            origins=origins,
        )

    def of_training_rows(
        self, train: Table, groups: NDArray[np.intp] | None = None, chosen: NDArray[np.intp] | None = None
    ) -> Preprocessor:
        """Copy that encodes these training rows and no others: by targets of other rows, where it uses targets.

        train: table of all training rows. groups: numbers of their groups (rows,), or None. chosen: indices of the rows
        to encode; by default all of them.
        """
        learned = [one for column in self.inputs if (one := target_mean_of(column)) is not None]
        if not learned:
            return self
        weights = unequal_weights(train, self.weight)
        outcomes = outcomes_of(self.target, [train[name] for name in self.target.names]).values
        found = {one.name: one.of_training_rows(train[one.name], outcomes, weights, groups) for one in learned}
        copy = self.model_copy()
        copy._given = {name: values if chosen is None else values[chosen] for name, values in found.items()}
        return copy

    @property
    def arrays(self) -> list[ArrayInput]:
        """Array inputs."""
        return [array for column in self.inputs if (array := array_of(column)) is not None]

    @property
    def texts(self) -> list[TextInput]:
        """Inputs that are texts."""
        return [text for column in self.inputs if (text := text_of(column)) is not None]

    @property
    def parts(self) -> list[ColumnInput]:
        """Columns and array positions that can be analysed separately, in the order of the features."""
        return [part for column in self.inputs for part in column.parts()]

    def table_of_parts(self, table: Table) -> Table:
        """View of a table's input and target columns, with each position of an array as a column."""
        return table.flat([name for name in self.evaluation_kinds_in(table) if name in table])

    @property
    def features(self) -> list[str]:
        """Names of the features, in order."""
        return [feature for column in self.inputs for feature in column.features]

    def average(self, dtype: np.dtype[Any]) -> Array:
        """Features (width,) of the average training row: means of numbers, shares of categories."""
        return np.array([feature for column in self.inputs for feature in column.average], dtype)

    @property
    def input_kinds(self) -> dict[str, Kind]:
        """Columns needed for a prediction, with their kinds."""
        return self.input_kinds_in(self._own_columns)

    @property
    def _own_columns(self) -> list[str]:
        """Names of arrays that are one column of a file, and not made of several."""
        return [array.name for array in self.arrays if not array.columns]

    def input_kinds_in(self, header: Iterable[str]) -> dict[str, Kind]:
        """Columns needed for a prediction, given a header: one per position for an array that the header lacks."""
        there, kinds = {*header}, dict[str, Kind]()
        for column in self.inputs:
            array = array_of(column)
            is_whole = column.name in there or (array is not None and array.pictures)
            names = [column.name] if is_whole and f"{column.name}0" not in there else column.names
            kinds |= dict.fromkeys(names, column.read_as)
        return kinds

    @property
    def evaluation_kinds(self) -> dict[str, Kind]:
        """Columns needed for an evaluation, with their kinds: inputs and targets."""
        return self.evaluation_kinds_in(self._own_columns)

    def evaluation_kinds_in(self, header: Iterable[str]) -> dict[str, Kind]:
        """Columns needed for an evaluation, given a header, as in `input_kinds_in`."""
        return {**self.input_kinds_in(header), **dict(zip(self.target.names, self.target_kinds, strict=True))}

    @property
    def signature(self) -> fields.Signature:
        """Fields, in order: all plain numbers together, codes of each one-hot column, arrays, and tokens."""
        own = [(place, column.field(place)) for place, column in enumerate(self.inputs)]
        places = tuple(place for place, field in own if field is None for _ in range(self.inputs[place].width))
        numbers = [fields.Field("numbers", (len(places),), places=places)] if places else []
        others = [field for _, field in own if field is not None]
        return (*numbers, *sorted(others, key=lambda field: ORDER[field.values]))

    @property
    def stems(self) -> dict[str, StemSpec]:
        """Trained stems of fields, by field name."""
        found = {column.name: column.stem for column in self.inputs}
        return {name: stem for name, stem in found.items() if stem is not None}

    def bytes_needed(self, rows: int, dtype: np.dtype[Any]) -> int:
        """Bytes of the result of `apply` on `rows` rows."""
        x = records_of(side_by_side(self.signature), dtype).itemsize
        for array in self.arrays:
            if array.field(0) is not None:
                stored = np.dtype(array.stored)
                held = stored if self.keeps_stored(array, stored, rows, dtype) else dtype
                x += array.size * held.itemsize
        for text in self.texts:
            x += 2 * np.dtype(np.intp).itemsize + int(text.mean_terms * (4 + dtype.itemsize))
        values = 1 if self.target.class_names else self.target.outputs
        y = values * self.target.encoded_dtype(dtype).itemsize + self.target.truth_bytes
        weights = 0 if self.weight is None else dtype.itemsize + np.dtype(np.float64).itemsize
        return rows * (x + y + weights)

    @staticmethod
    def keeps_stored(
        array: ArrayInput, stored: np.dtype[Any], rows: int, dtype: np.dtype[Any], from_bytes: int = SCALED_FROM
    ) -> bool:
        """Whether an array stays in memory as integers, scaled by readers to bit-identical numbers."""
        return array.keeps_stored(stored, dtype) and rows * array.size * dtype.itemsize >= from_bytes

    def scales_rows(self, rows: int, dtype: np.dtype[Any]) -> bool:
        """Whether readers scale any array of `encode`'s result."""
        return any(self.keeps_stored(array, np.dtype(array.stored), rows, dtype) for array in self.arrays)

    def encode(
        self, table: Table, dtype: np.dtype[Any], scaled_from: int = SCALED_FROM
    ) -> tuple[Rows, Counter[Surprise]]:
        """Encode the input columns of a table, and count values unlike the training rows.

        scaled_from: encoded size of an array, in bytes, from which integers stay unencoded. Raises DataError for values
        that are too large, and for arrays of another shape.
        """

        def keeps_stored(array: ArrayInput, stored: np.dtype[Any]) -> bool:
            return self.keeps_stored(array, stored, table.rows, dtype, scaled_from)

        encoder = TableEncoder(self.inputs, self.signature, table, dtype, keeps_stored, self._given)
        return encoder.rows(), encoder.surprises

    def apply(self, table: Table, dtype: np.dtype[Any]) -> tuple[Dataset, Counter[Surprise]]:
        """Encode inputs, targets and sample weights, if any, of a table without missing targets.

        Rows of classes without training rows get weight 0, and their truth. Raises DataError for values that cannot be
        encoded, MismatchError for invalid weights.
        """
        x, surprises = self.encode(table, dtype)
        columns = [table[name] for name in self.target.names]
        y, truth = self.target.encode(columns, dtype), self.target.truth_of(columns)
        of_rows = self.row_weights(table)
        weight = None if of_rows is None else of_rows.astype(dtype)
        if truth.unseen:
            weight = np.ones(table.rows, dtype) if weight is None else weight
            weight[truth.values >= len(self.target.class_names)] = 0
        elif not self.target.truth_bytes:
            return Dataset(x, y, weight, row_weight=of_rows), surprises
        origins = None if self.origins is None else self.origins.of(table)
        return Dataset(x, y, weight, truth.values, truth.unseen, of_rows, origins), surprises

    def unseen_classes(self, table: Table) -> dict[str, int]:
        """Number of rows of each class without training rows, in a table without missing targets."""
        if not self.target.class_names:
            return {}
        truth = self.target.truth_of([table[name] for name in self.target.names])
        counts = np.bincount(truth.values, minlength=len(self.target.class_names))[len(self.target.class_names) :]
        return dict(zip(truth.unseen, counts.tolist(), strict=True))

    def row_weights(self, table: Table) -> Values | None:
        """Sample weights (rows,), or None without a column of weights. Raises MismatchError for invalid weights."""
        values = sample_weights(table, self.weight)
        return None if values is None else np.array(values)
