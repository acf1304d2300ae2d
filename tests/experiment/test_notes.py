"""What rows hold that training rows did not is told in few words, however many columns it is in."""

from __future__ import annotations

from collections import Counter

import numpy as np

from bpcli.data.columns import ArrayInput, EncodersSpec, Surprise
from bpcli.data.columns.spec import NumericColumn
from bpcli.data.preprocess import Preprocessor
from bpcli.data.table import Column, Table
from bpcli.experiment.notes import MOST_FAR, notes_of_arrays, notes_of_scale, surprise_notes
from bpcli.nn.losses import MeanSquaredError


def far(column: str) -> Surprise:
    return Surprise(column=column, outside=(0.0, 12.5))


def test_numbers_far_outside_come_last_and_the_most_frequent_first() -> None:
    surprises = Counter({far("a"): 1, far("b"): 20, Surprise(column="c", value="new"): 3, Surprise(column="d"): 2})
    assert surprise_notes(surprises) == [
        "column 'd': 2 values missing, although training had none; imputed",
        "column 'c': 3 rows with 'new', not seen in training",
        "column 'b': 20 values far outside 0 to 12.5, the training range",
        "column 'a': 1 value far outside 0 to 12.5, the training range",
    ]


def test_of_many_columns_with_numbers_far_outside_some_are_told_of_and_the_others_counted() -> None:
    surprises = Counter({far(f"X{pixel}"): 1 + pixel for pixel in range(100)})
    notes = surprise_notes(surprises)
    assert len(notes) == MOST_FAR + 1
    assert notes[0].startswith("column 'X99': 100 values")
    assert notes[-1] == f"numbers far outside the training range in {100 - MOST_FAR} more columns"


def test_dates_far_outside_are_shown_as_dates() -> None:
    outside = Surprise(column="d", outside=(1672531200.0, 1704067200.0), kind="date")
    assert surprise_notes(Counter({outside: 2})) == [
        "column 'd': 2 values far outside 2023-01-01 to 2024-01-01, the training range"
    ]


def test_nothing_new_is_nothing_to_tell() -> None:
    assert surprise_notes(Counter()) == []


def test_constant_positions_of_an_array_are_counted() -> None:
    values = np.arange(24).reshape(4, 2, 3)
    values[:, 0] = 5
    fitted = NumericColumn().fit(Column("X", "numeric", values), EncodersSpec())
    assert isinstance(fitted, ArrayInput)
    assert list(notes_of_arrays([fitted])) == ["3 of 6 positions of 'X' are constant in the training set"]
    varied = NumericColumn().fit(Column("X", "numeric", values[:, 1:]), EncodersSpec())
    assert isinstance(varied, ArrayInput)
    assert list(notes_of_arrays([varied])) == []


def fitted_on(table: Table) -> Preprocessor:
    names = [name for name in table if name != "y"]
    loss = MeanSquaredError()
    return Preprocessor.fit(table, names, ["y"], {}, EncodersSpec(), None, None, loss)


def numbers(scale: float, columns: int = 4, rows: int = 30) -> Table:
    values = np.random.default_rng(0).uniform(0, 255, (rows, columns + 1)) * scale
    names = [*(f"x{index}" for index in range(columns)), "y"]
    return Table([Column(name, "numeric", column) for name, column in zip(names, values.T, strict=True)])


def test_numbers_of_another_scale_are_noted() -> None:
    fitted = fitted_on(numbers(1))
    assert notes_of_scale(fitted, numbers(1 / 255)) == [
        "4 of 4 numeric inputs vary over less than 2% of their training range: are they scaled in another way than in "
        "training?"
    ]
    assert notes_of_scale(fitted, numbers(0.1)) == []
    assert notes_of_scale(fitted, numbers(1 / 255, rows=19)) == []
    assert notes_of_scale(fitted_on(numbers(1, columns=2)), numbers(1 / 255, columns=2)) == []


def images(scale: float = 1.0, rows: int = 30) -> Table:
    """Images of bytes 4 × 4, or of floats if they are scaled."""
    pixels = np.random.default_rng(0).integers(0, 256, (rows, 4, 4)).astype(np.uint8)
    values = pixels if scale == 1.0 else pixels * scale
    return Table([Column("X", "numeric", values), Column("y", "numeric", np.arange(float(rows)))])


def test_fractions_for_an_array_of_bytes_are_noted_in_any_row() -> None:
    fitted = fitted_on(images())
    for rows in (1, 30):
        (note,) = notes_of_scale(fitted, images(1 / 255, rows))
        assert note.startswith("array 'X': fractions from 0")
        assert ", where training had whole numbers from 0 to 255: are they scaled in another way" in note
    assert notes_of_scale(fitted, images(0.5, 5)) == []
    dark = Table([Column("X", "numeric", np.ones((5, 4, 4))), Column("y", "numeric", np.arange(5.0))])
    assert notes_of_scale(fitted, dark) == []
    assert notes_of_scale(fitted_on(images(1 / 255)), images(1 / 255, 5)) == []
