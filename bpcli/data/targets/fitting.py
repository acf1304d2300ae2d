"""Default loss for target columns, and fitting of targets to a loss."""

from __future__ import annotations

from collections.abc import Sequence as Names
from typing import TYPE_CHECKING, Annotated

import numpy as np
from numpy.typing import NDArray

from bpcli.data.columns.encoders import NoScaling, Standard, numbers
from bpcli.data.columns.statistics import Values
from bpcli.data.columns.target_encoders import Log, TargetEncoder, TargetEncoding, ratio_to_mean
from bpcli.data.columns.target_range import Bounds, TargetRange, fit_range
from bpcli.data.files.kind_hints import words_among_numbers
from bpcli.data.table import EXACT, Column, number_label
from bpcli.data.targets.base import ClassName, TargetBase, is_binary
from bpcli.data.targets.classes import ClassesTarget
from bpcli.errors import DataError, Mismatch, MismatchError
from bpcli.nn.losses import Loss, LossBase
from bpcli.nn.losses.classification import BinaryCrossEntropy, CrossEntropy
from bpcli.spec import Family, type_name
from bpcli.wording import counted, listed, quoted

if TYPE_CHECKING:
    from bpcli.data.targets.numbers import NumbersTarget
    from bpcli.data.targets.one_hot import OneHotTarget

FittedTarget = Annotated[
    TargetBase,
    Family(
        {
            "classes": "bpcli.data.targets.classes:ClassesTarget",
            "one_hot": "bpcli.data.targets.one_hot:OneHotTarget",
            "labels": "bpcli.data.targets.labels:LabelsTarget",
            "numbers": "bpcli.data.targets.numbers:NumbersTarget",
        }
    ),
]

MOST_CLASSES_OF_NUMBERS = 20
"""Maximum number of distinct values of an integer target that is treated as classes."""


def choose_loss(columns: Names[Column]) -> tuple[Loss, str]:
    """Default loss for target columns, with the reason."""
    if len(columns) > 1:
        from bpcli.data.targets.one_hot import is_one_hot

        if is_one_hot(columns):
            names = listed(column.name for column in columns)
            return CrossEntropy(), (
                f"exactly one of targets {names} is 1 in each row, so they are one target of {len(columns)} classes; "
                "for independent labels set loss: binary_cross_entropy"
            )
        if all(is_binary(column) for column in columns):
            return BinaryCrossEntropy(), "all targets hold only 0 and 1"
        return _squared_error(), "the targets are numeric"
    (column,) = columns
    if column.kind == "numeric":
        known = column.values[~column.missing()]
        if not np.array_equal(known, np.round(known)):
            return _squared_error(), "the target has fractional values"
        values = _distinct(column)
        if len(values) > MOST_CLASSES_OF_NUMBERS:
            return _squared_error(), (
                f"the target has {len(values)} distinct integers, more than {MOST_CLASSES_OF_NUMBERS}"
            )
        classes, reason = len(values), f"the target has {len(values)} distinct integers"
    else:
        classes = len(column.present()) if column.kind == "categorical" else len(_distinct(column))
        reason = f"the target has {counted(classes, 'distinct name')}"
    return (BinaryCrossEntropy() if classes == 2 else CrossEntropy()), reason


def _squared_error() -> LossBase:
    from bpcli.nn.losses.regression import MeanSquaredError

    return MeanSquaredError()


def learned_columns(columns: Names[Column], loss: LossBase) -> list[Column]:
    """Target columns as a loss learns them: the classes of one-hot columns if it takes classes only, else as given."""
    if len(columns) == 1 or not loss.tasks.isdisjoint({"multilabel", "regression"}):
        return list(columns)
    from bpcli.data.targets.one_hot import class_column

    return [class_column(columns)]


def fit_target(
    columns: Names[Column],
    loss: LossBase,
    encoder: TargetEncoder | None,
    weights: Values | None = None,
    positive: ClassName | None = None,
    target_range: TargetRange = "none",
) -> FittedTarget:
    """Fit the target of a loss on training columns.

    weights: of the rows, (rows,), above 0, or None for equal ones. positive: class to put second of two; by default,
    classes are in sorted order. target_range: as in the config.

    Raises:
        MismatchError: the columns do not fit the loss, or `positive` is not one of two classes.
        DataError: the target has fewer than two classes, is constant, or has numbers that are too large.
    """
    target = _fit(columns, loss, encoder, weights, target_range)
    return target if positive is None else target.with_positive(positive)


def _fit(
    columns: Names[Column],
    loss: LossBase,
    encoder: TargetEncoder | None,
    weights: Values | None,
    target_range: TargetRange,
) -> FittedTarget:
    for column in columns:
        if column.kind in ("date", "time_of_day"):
            what = "dates" if column.kind == "date" else "times of day"
            raise MismatchError(
                Mismatch(
                    ("data", "target"),
                    f"column {quoted(column.name)} holds {what}, which cannot be predicted; predict a number, such as "
                    "the days or hours since an event",
                )
            )
    name = type_name(loss)
    names = tuple(column.name for column in columns)
    if "regression" in loss.tasks:
        return _fit_numbers(columns, loss, name, encoder, weights, target_range)
    if not isinstance(target_range, str):
        raise MismatchError(Mismatch(("data", "target_range"), f"class targets of {name} have no range; omit it"))
    if encoder is not None:
        raise MismatchError(Mismatch(("data", "target_encoder"), f"class targets of {name} are not scaled; omit it"))
    if len(columns) > 1:
        if "multilabel" not in loss.tasks:
            return _fit_one_hot(columns, loss, name)
        for column in columns:
            if not is_binary(column):
                raise MismatchError(
                    Mismatch(
                        ("loss",),
                        f"{name} requires labels of 0 and 1, but target {quoted(column.name)} holds more; "
                        "use mse for quantities, or predict one column at a time",
                    )
                )
        from bpcli.data.targets.labels import LabelsTarget

        return LabelsTarget(names=names)
    return _fit_classes(columns[0], loss, name)


def require_in_domain(
    columns: Names[Column], loss: LossBase, encoder: TargetEncoder | None, rows: NDArray[np.intp]
) -> None:
    """Raise DataError, naming a row, for a number outside the domain of the loss or the encoder.

    Text is left to `fit_target`. rows: row numbers for messages, (rows,). No value of the columns is missing.
    """
    bounds = {f"loss {type_name(loss)}": loss.least_target}
    if isinstance(encoder, Log):
        bounds["target_encoder log"] = encoder.bound
    for name, bound in bounds.items():
        for column in columns:
            if bound is None or column.kind == "categorical":
                continue
            values = np.asarray(column.values, np.float64)
            if len(bad := np.flatnonzero(~bound.admits(values))):
                others = f"; {counted(len(bad) - 1, 'more such row')}" if len(bad) > 1 else ""
                raise DataError(
                    f"row {rows[bad[0]]:,}: target {quoted(column.name)} is {values[bad[0]]:g}, but {name} requires "
                    f"numbers {bound}{others}"
                )


def _fit_one_hot(columns: Names[Column], loss: LossBase, name: str) -> OneHotTarget:
    from bpcli.data.targets.one_hot import OneHotTarget, is_one_hot

    if not is_one_hot(columns):
        only = ", unless exactly one is 1 in each row" if all(is_binary(column) for column in columns) else ""
        raise MismatchError(
            Mismatch(
                ("loss",),
                f"{name} takes one target column, not {len(columns)}{only}; for labels of 0 and 1 "
                "use binary_cross_entropy, for quantities mse",
            )
        )
    classes = tuple(column.name for column in columns if np.any(column.values == 1))
    if len(classes) < 2:
        raise DataError(f"target {quoted(classes[0])} is 1 in every row; at least two classes are required")
    single = loss.single_logit and len(classes) == 2
    return OneHotTarget(names=tuple(column.name for column in columns), classes=classes, single_logit=single)


def _fit_numbers(
    columns: Names[Column],
    loss: LossBase,
    name: str,
    encoder: TargetEncoder | None,
    weights: Values | None,
    target_range: TargetRange,
) -> NumbersTarget:
    from bpcli.data.targets.numbers import NumbersTarget

    bounds = loss.target_bounds
    if bounds is not None and encoder is not None and not isinstance(encoder, NoScaling):
        raise MismatchError(
            Mismatch(("data", "target_encoder"), f"{name} requires an unscaled target; use none, or omit it")
        )
    encodings: list[TargetEncoding] = []
    ranges: list[Bounds | None] = []
    for column in columns:
        if column.kind == "categorical":
            raise MismatchError(
                Mismatch(
                    ("loss",),
                    f"{name} requires numbers, but target {quoted(column.name)} holds text such as "
                    f"{quoted(next(iter(words_among_numbers(column) or column.categories), ''))}; "
                    + ("use cross_entropy, or omit loss" if len(columns) == 1 else "predict that column alone"),
                )
            )
        values = numbers(column)
        if bounds is not None and not np.all((values >= bounds[0]) & (values <= bounds[1])):
            raise MismatchError(
                Mismatch(
                    ("loss",),
                    f"{name} requires a target from {bounds[0]:g} to {bounds[1]:g}, "
                    f"but {quoted(column.name)} runs from {values.min():g} to {values.max():g}",
                )
            )
        if len(columns) == 1 and len(values) > 1 and (values == values[0]).all():
            raise DataError(
                f"target {quoted(column.name)} is {values[0]:g} in all {counted(len(values), 'row')}; there is nothing "
                "to learn"
            )
        encodings.append(_encoding(values, loss, encoder, weights))
        least = float(encodings[-1].decode(np.array([-np.inf]))[0]) if bounds is None else bounds[0]
        ranges.append(fit_range(target_range, values, least))
    names = tuple(column.name for column in columns)
    return NumbersTarget(names=names, encodings=tuple(encodings), ranges=tuple(ranges) if any(ranges) else ())


def _encoding(values: Values, loss: LossBase, encoder: TargetEncoder | None, weights: Values | None) -> TargetEncoding:
    if encoder is None and loss.log_link:
        return ratio_to_mean(values, weights)
    return (encoder or (Standard() if loss.target_bounds is None else NoScaling())).fit(values, weights)


def _fit_classes(column: Column, loss: LossBase, name: str) -> ClassesTarget:
    numbers = None
    if column.kind == "categorical":
        classes = column.present()
    elif column.kind == "boolean":
        classes = tuple("true" if value else "false" for value in _distinct(column))
    else:
        values = _distinct(column)
        if np.any(np.abs(values) >= EXACT):
            raise MismatchError(
                Mismatch(
                    ("data", "target"),
                    f"column {quoted(column.name)} holds classes of {EXACT:,} (2^53) or more, which float64 cannot "
                    "represent exactly; declare it categorical under data.columns",
                )
            )
        if len(values) > MOST_CLASSES_OF_NUMBERS and not np.all(values == np.round(values)):
            raise MismatchError(
                Mismatch(
                    ("loss",),
                    f"{name} requires classes, but target {quoted(column.name)} holds {len(values):,} different "
                    "numbers with fractions; use mse, or omit loss",
                )
            )
        classes, numbers = tuple(number_label(value) for value in values), tuple(values.tolist())
    if len(classes) < 2:
        raise DataError(
            f"target {quoted(column.name)} has only {counted(len(classes), 'class', 'classes')}; at least two are "
            "required"
        )
    if len(classes) > 2 and "multiclass" not in loss.tasks:
        raise MismatchError(
            Mismatch(
                ("loss",),
                f"{name} requires two classes, but target {quoted(column.name)} has {len(classes)}; "
                "use cross_entropy, or omit loss",
            )
        )
    single = loss.single_logit and len(classes) == 2
    return ClassesTarget(name=column.name, classes=classes, numbers=numbers, single_logit=single)


def _distinct(column: Column) -> NDArray[np.float64]:
    return np.unique(np.asarray(column.values[~column.missing()], dtype=np.float64))
