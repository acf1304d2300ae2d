"""Default loss for target columns, and fitting of targets to a loss."""

from __future__ import annotations

from collections.abc import Sequence as Names
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from bpcli.data.columns.encoders import NoScaling, Standard, TargetEncoder, numbers
from bpcli.data.columns.statistics import Values
from bpcli.data.files.kind_hints import words_among_numbers
from bpcli.data.table import EXACT, Column, number_label
from bpcli.data.targets.classes import ClassesTarget
from bpcli.data.targets.labels import LabelsTarget, is_binary
from bpcli.data.targets.numbers import NumbersTarget
from bpcli.errors import DataError, Mismatch, MismatchError
from bpcli.nn.losses import BinaryCrossEntropy, CrossEntropy, Loss, LossBase, MeanSquaredError
from bpcli.spec import type_name
from bpcli.wording import counted, quoted

FittedTarget = Annotated[ClassesTarget | LabelsTarget | NumbersTarget, Field(discriminator="type")]

MOST_CLASSES_OF_NUMBERS = 20
"""Maximum number of distinct values of an integer target that is treated as classes."""


def choose_loss(columns: Names[Column]) -> tuple[Loss, str]:
    """Default loss for target columns, with the reason."""
    if len(columns) > 1:
        if all(is_binary(column) for column in columns):
            return BinaryCrossEntropy(), "several targets of 0 and 1 are labels"
        return MeanSquaredError(), "several targets of numbers are quantities"
    (column,) = columns
    if column.kind == "numeric":
        known = column.values[~column.missing()]
        if not np.array_equal(known, np.round(known)):
            return MeanSquaredError(), "a target with fractions is a quantity"
        values = _distinct(column)
        if len(values) > MOST_CLASSES_OF_NUMBERS:
            return MeanSquaredError(), f"{len(values)} different whole numbers are a quantity"
        classes, reason = len(values), f"{len(values)} different whole numbers are classes"
    else:
        classes = len(column.present()) if column.kind == "categorical" else len(_distinct(column))
        reason = f"{counted(classes, 'different name')} are classes"
    return (BinaryCrossEntropy() if classes == 2 else CrossEntropy()), reason


def fit_target(
    columns: Names[Column], loss: LossBase, encoder: TargetEncoder | None, weights: Values | None = None
) -> FittedTarget:
    """Fit the target of a loss on training columns.

    weights: of the rows, (rows,), above 0, or None for equal ones.

    Raises:
        MismatchError: the columns do not fit the loss.
        DataError: the target has fewer than two classes, is constant, or has numbers that are too large.
    """
    name = type_name(loss)
    names = tuple(column.name for column in columns)
    if "regression" in loss.tasks:
        return _fit_numbers(columns, loss, name, encoder, weights)
    if encoder is not None:
        raise MismatchError(
            Mismatch(("data", "target_encoder"), f"the loss {name} has classes, which are not scaled; leave it out")
        )
    if len(columns) > 1:
        if "multilabel" not in loss.tasks:
            raise MismatchError(
                Mismatch(
                    ("loss",),
                    f"{name} takes one target column, not {len(columns)}; for labels of 0 and 1 "
                    "use binary_cross_entropy, for quantities mse",
                )
            )
        for column in columns:
            if not is_binary(column):
                raise MismatchError(
                    Mismatch(
                        ("loss",),
                        f"{name} wants labels of 0 and 1, but target {quoted(column.name)} holds more; "
                        "use mse for quantities, or predict one column at a time",
                    )
                )
        return LabelsTarget(names=names)
    return _fit_classes(columns[0], loss, name)


def _fit_numbers(
    columns: Names[Column], loss: LossBase, name: str, encoder: TargetEncoder | None, weights: Values | None
) -> NumbersTarget:
    bounds = loss.target_bounds
    if bounds is not None and encoder is not None and not isinstance(encoder, NoScaling):
        raise MismatchError(
            Mismatch(
                ("data", "target_encoder"), f"the loss {name} takes the target as it is; use none, or leave it out"
            )
        )
    encodings = []
    for column in columns:
        if column.kind == "categorical":
            raise MismatchError(
                Mismatch(
                    ("loss",),
                    f"{name} wants numbers, but target {quoted(column.name)} holds names such as "
                    f"{quoted(next(iter(words_among_numbers(column) or column.categories), ''))}; "
                    + ("use cross_entropy, or leave loss out" if len(columns) == 1 else "predict that column alone"),
                )
            )
        values = numbers(column)
        if bounds is not None and not np.all((values >= bounds[0]) & (values <= bounds[1])):
            raise MismatchError(
                Mismatch(
                    ("loss",),
                    f"{name} wants a target from {bounds[0]:g} to {bounds[1]:g}, "
                    f"but {quoted(column.name)} runs from {values.min():g} to {values.max():g}",
                )
            )
        if len(columns) == 1 and len(values) > 1 and (values == values[0]).all():
            raise DataError(
                f"target {quoted(column.name)} is {values[0]:g} in all {counted(len(values), 'row')}; there is nothing "
                "to learn"
            )
        scaler = encoder or (NoScaling() if bounds is not None else Standard())
        encodings.append(scaler.fit(values, weights))
    return NumbersTarget(names=tuple(column.name for column in columns), encodings=tuple(encodings))


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
                    f"column {quoted(column.name)} holds classes from {EXACT:,} (2^53) on, where numbers next to each "
                    "other cannot be told apart; name it categorical under data.columns",
                )
            )
        if len(values) > MOST_CLASSES_OF_NUMBERS and not np.all(values == np.round(values)):
            raise MismatchError(
                Mismatch(
                    ("loss",),
                    f"{name} wants classes, but target {quoted(column.name)} holds {len(values):,} different "
                    "numbers with fractions; use mse, or leave loss out",
                )
            )
        classes, numbers = tuple(number_label(value) for value in values), tuple(values.tolist())
    if len(classes) < 2:
        raise DataError(
            f"target {quoted(column.name)} has {counted(len(classes), 'class', 'classes')} only; there is nothing to "
            "tell apart"
        )
    if len(classes) > 2 and "multiclass" not in loss.tasks:
        raise MismatchError(
            Mismatch(
                ("loss",),
                f"{name} tells two classes apart, but target {quoted(column.name)} has {len(classes)}; "
                "use cross_entropy, or leave loss out",
            )
        )
    single = loss.single_logit and len(classes) == 2
    return ClassesTarget(name=column.name, classes=classes, numbers=numbers, single_logit=single)


def _distinct(column: Column) -> NDArray[np.float64]:
    return np.unique(np.asarray(column.values[~column.missing()], dtype=np.float64))
