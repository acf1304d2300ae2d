"""What rows hold that training rows did not is told in few words, however many columns it is in."""

from __future__ import annotations

from collections import Counter

import numpy as np

from bpcli.data.columns import EncodersSpec, Surprise
from bpcli.data.columns.arrays import ArrayInput
from bpcli.data.columns.spec import NumericColumn
from bpcli.data.table import Column
from bpcli.experiment.notes import notes_of_arrays
from bpcli.experiment.surprises import MOST_FAR, surprise_notes


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
