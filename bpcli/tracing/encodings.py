"""Encoding of one row's cells as inputs and targets, one line of text each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import singledispatch
from itertools import pairwise

import numpy as np

from bpcli.data.calendar import DAY
from bpcli.data.columns.arrays import ArrayInput
from bpcli.data.columns.base import ColumnInput, InputBase
from bpcli.data.columns.categorical_inputs import CodedInput
from bpcli.data.columns.censored import CensoredInput
from bpcli.data.columns.dates import PERIODS, CycleOf, MomentInput
from bpcli.data.columns.encoders import Affine, Landmarks
from bpcli.data.columns.inputs import BooleanInput, NumericInput
from bpcli.data.columns.ordinal import OrdinalInput
from bpcli.data.columns.periodic import EmbeddedNumber
from bpcli.data.columns.piecewise_linear import Bins
from bpcli.data.columns.sign import SignInput
from bpcli.data.columns.smooth_clip import SmoothlyClipped
from bpcli.data.columns.target_encoders import Logarithm, Ratio
from bpcli.data.columns.target_mean import TargetMeanInput
from bpcli.data.columns.text_input import TextInput
from bpcli.data.preprocess import Preprocessor
from bpcli.data.table import Column, Table
from bpcli.data.targets import TargetBase
from bpcli.data.targets.exclusive import ExclusiveTarget
from bpcli.data.targets.labels import LabelsTarget
from bpcli.data.targets.numbers import NumbersTarget
from bpcli.errors import UsageError
from bpcli.nn.layers import Layer
from bpcli.tracing.arithmetic import Arithmetic
from bpcli.wording import listed

_SHOWS = Arithmetic("float64")
"""Encodings are computed in float64, whatever the network's dtype."""

_COUNTED: dict[CycleOf, str] = {
    "month": "the month from January, 0, with the elapsed share of it",
    "day of week": "the day of the week from Monday, 0",
    "hour": "the hour of the day",
}
"""What is divided by the period of a cycle."""


def inputs_made(preprocessor: Preprocessor, row: Table, stems: Mapping[str, Layer] = {}) -> list[str]:
    """Origin of each network input, from a table of one row: arithmetic, or words.

    `stems` are the layers of columns that have a trained stem.
    """
    return [line for spec in preprocessor.inputs for line in _made(spec, spec.column_of(row), stems.get(spec.name))]


def _made(spec: InputBase, column: Column, stem: Layer | None) -> Iterable[str]:
    if stem is None:
        return _input(spec, column)
    of = "the array" if column.shape else column.labels()[0]
    passed = dict(zip(spec.features, _input(spec, column), strict=True))  # some outputs are what the stem takes
    return [
        passed.get(name, f"number {place} of the output of {stem.type} for {of}")
        for place, name in enumerate(stem.feature_names(spec.name, spec.features))
    ]


def targets_made(preprocessor: Preprocessor, row: Table, outputs: int) -> list[str]:
    """Origin of each target of the network's outputs, likewise. Raises UsageError for a class without training rows."""
    if unseen := preprocessor.unseen_classes(row):
        raise UsageError(f"--row: class {listed(unseen)} has no training rows; choose another row")
    columns = [row[name] for name in preprocessor.target.names]
    return _target(preprocessor.target, columns, outputs)


@singledispatch
def _target(target: TargetBase, columns: list[Column], outputs: int) -> list[str]:
    raise TypeError(f"no encoding is known for {type(target).__name__}")


@_target.register
def _numbers(target: NumbersTarget, columns: list[Column], outputs: int) -> list[str]:
    pairs = zip(target.encodings, columns, strict=True)
    return [_scaled(encoding, float(column.values[0])) for encoding, column in pairs]


@_target.register
def _classes(target: ExclusiveTarget, columns: list[Column], outputs: int) -> list[str]:
    label = target.class_column(columns).labels()[0]
    if target.single_logit:
        return [f"0 for {target.classes[0]}, 1 for {target.classes[1]}; the row has {label}"]
    return [f"1 for the class of the row, {label}, 0 for the others"] * outputs


@_target.register
def _labels(target: LabelsTarget, columns: list[Column], outputs: int) -> list[str]:
    return ["0 or 1, as in the file"] * outputs


def _input(spec: InputBase, column: Column) -> Iterator[str]:
    yield from _cells(spec, column)
    if isinstance(spec, ColumnInput) and spec.indicator:
        yield f"1 where {spec.name} is missing, else 0"


@singledispatch
def _cells(spec: InputBase, column: Column) -> Iterator[str]:
    """A line for each feature of a column but its indicator."""
    raise TypeError(f"no encoding is known for {type(spec).__name__}")


@_cells.register
def _numeric(spec: NumericInput, column: Column) -> Iterator[str]:
    missing = bool(column.missing()[0])
    value = spec.fill if missing else float(column.values[0])
    if spec.constant is not None and not missing:
        value = spec.fill if spec.range is None else spec.range[0]
    filled = f"missing, replaced by {_number(value)}: " if missing else ""
    yield from (f"{filled}{line}" for line in _encoded(spec.encoding, value))


@_cells.register
def _censored(spec: CensoredInput, column: Column) -> Iterator[str]:
    missing = bool(column.missing()[0])
    values, sides = spec.numbers([] if missing else column.labels())
    value, side = (spec.fill, 0) if missing else (float(values[0]), int(sides[0]))
    filled = f"missing, replaced by {_number(value)}: " if missing else "the bound: " if side else ""
    yield from (f"{filled}{line}" for line in _encoded(spec.encoding, value))
    if spec.below:
        yield f"1 where {spec.name} is below a limit, as <0.5 is, else 0"
    if spec.above:
        yield f"1 where {spec.name} is above a limit, as >20 is, else 0"


@_cells.register
def _boolean(spec: BooleanInput, column: Column) -> Iterator[str]:
    filled = f"missing, replaced by the share of ones, {_number(spec.fill)}"
    yield filled if column.missing()[0] else "1 for true, 0 for false"


@_cells.register
def _one_hot(spec: CodedInput, column: Column) -> Iterator[str]:
    of = "the value is missing" if column.missing()[0] else f"the value is {column.labels()[0]}"
    for category in spec.categories:
        yield f"one-hot: 1 where {spec.name} is {category}, else 0; {of}"
    if spec.rare:
        yield f"one-hot: 1 where {spec.name} is rare or unseen in training, else 0; {of}"


@_cells.register
def _sign(spec: SignInput, column: Column) -> Iterator[str]:
    of = "the value is missing" if column.missing()[0] else f"the value is {column.labels()[0]}"
    first, second = spec.categories
    yield f"1 where {spec.name} is {second}, -1 where it is {first}, else 0; {of}"


@_cells.register
def _target_mean(spec: TargetMeanInput, column: Column) -> Iterator[str]:
    label = column.labels()[0]
    if column.missing()[0] or label not in spec.categories:
        yield from (f"{'missing' if column.missing()[0] else 'unseen in training'}, so 0" for _ in spec.labels)
        return
    rows = _number(spec.rows[spec.categories.index(label)])
    for name, scale in zip(spec.labels, spec.scales, strict=True):
        of = f"{name} in the {rows} training rows of {label} (in those of other folds, for one of these rows)"
        yield f"{of} less that of all, shrunk by n / (n + {_number(spec.smoothing)}), / {_number(scale)}"


@_cells.register
def _ordinal(spec: OrdinalInput, column: Column) -> Iterator[str]:
    missing, label = bool(column.missing()[0]), column.labels()[0]
    if missing or label not in spec.categories:
        yield f"{'missing' if missing else 'unseen in training'}, replaced by the mean, {_number(spec.fill)}"
    else:
        yield f"position {spec.categories.index(label)} of 0 to {len(spec.categories) - 1}, scaled to 0 to 1"


@_cells.register
def _moment(spec: MomentInput, column: Column) -> Iterator[str]:
    if column.missing()[0]:
        features = spec.width - spec.indicator
        yield from ("missing, replaced by the mean of the training rows" for _ in range(features))
        return
    shown, seconds = column.labels()[0], np.asarray(column.values, np.float64)
    for line in spec.lines:
        if line.of == "year":
            yield _scaled(line.encoding, float(line.value(seconds)[0]))
            continue
        center = Column("", spec.read_as, np.round([line.encoding.center])).labels()[0]
        unit, length = ("days", DAY) if spec.read_as == "date" else ("hours", 3600)
        yield f"({shown} - {center}) / {_number(line.encoding.scale / length)} {unit}"
    for cycle in spec.cycles:
        part = f"{_number(float(cycle.value(seconds)[0]))} / {PERIODS[cycle.of]}"
        yield from (f"{function}(2π · {part}), {_COUNTED[cycle.of]}" for function in ("sin", "cos"))


@_cells.register
def _text(spec: TextInput, column: Column) -> Iterator[str]:
    idf = spec.idf
    for place, count in enumerate(spec.term_counts(column)[0].tolist()):
        if not count:
            yield "0: not in the text"
        elif spec.term_weight == "mean":
            yield f"{count} / the number of tokens of the text"
        else:
            by = "" if idf is None else f" · {_number(float(idf[place]))}"
            yield f"(1 + ln {count}){by}, scaled to a row of length 1"


@_cells.register
def _array(spec: ArrayInput, column: Column) -> Iterator[str]:
    for part, position in zip(spec.parts(), column.positions(), strict=True):
        yield from _input(part, position)


@singledispatch
def _encoded(encoding: object, value: float) -> Iterator[str]:
    """A line for each feature of an encoding."""
    yield _scaled(encoding, value)


@_encoded.register
def _bins(encoding: Bins, value: float) -> Iterator[str]:
    if encoding.scaled is not None:
        yield _scaled(encoding.scaled, value)
    for low, high in pairwise(encoding.edges):
        if value <= low:
            yield f"{_number(value)} ≤ {_number(low)}, before the bin"
        elif value >= high:
            yield f"{_number(value)} ≥ {_number(high)}, past the bin"
        else:
            yield f"({_number(value)} - {_bracketed(low)}) / ({_number(high)} - {_bracketed(low)})"


@singledispatch
def _scaled(encoding: object, value: float) -> str:
    """Number in the units of the network."""
    raise TypeError(f"no arithmetic is known for {type(encoding).__name__}")


@_scaled.register
def _affine(encoding: Affine, value: float) -> str:
    if encoding.center == 0 and encoding.scale == 1:
        return "as in the file"
    return f"({_number(value)} - {_bracketed(encoding.center)}) / {_number(encoding.scale)}"


@_scaled.register
def _smoothly_clipped(encoding: SmoothlyClipped, value: float) -> str:
    z = f"(({_number(value)} - {_bracketed(encoding.center)}) / {_number(encoding.scale)})"
    return f"{z} / √(1 + ({z} / {_number(encoding.limit)})²)"


@_scaled.register
def _embedded(encoding: EmbeddedNumber, value: float) -> str:
    return _scaled(encoding.scaled, value)


@_scaled.register
def _ratio(encoding: Ratio, value: float) -> str:
    return f"{_number(value)} / {_number(encoding.scale)}"


@_scaled.register
def _logarithm(encoding: Logarithm, value: float) -> str:
    shifted = f"{_number(max(value, encoding.low))}{f' + {_number(encoding.shift)}' if encoding.shift else ''}"
    return f"(log({shifted}) - {_bracketed(encoding.center)}) / {_number(encoding.scale)}"


@_scaled.register
def _landmarks(encoding: Landmarks, value: float) -> str:
    values, scores = encoding.values, encoding.scores
    if not values[0] < value < values[-1]:
        end = 0 if value <= values[0] else -1
        return f"score of the {('smallest', 'largest')[end]} value in training, {_number(values[end])}"
    place = int(np.searchsorted(values, value))
    (low, high), (of_low, of_high) = values[place - 1 : place + 1], scores[place - 1 : place + 1]
    apart = f"({_number(value)} - {_bracketed(low)}) / ({_number(high)} - {_bracketed(low)})"
    return f"{_number(of_low)} + {apart} · ({_number(of_high)} - {_bracketed(of_low)})"


def _number(value: float) -> str:
    return _SHOWS.short(value)


def _bracketed(value: float) -> str:
    return f"({_number(value)})" if value < 0 else _number(value)
