"""Numbers that are scaled in another way than in training are noted."""

from __future__ import annotations

import numpy as np

from bpcli.data.columns import EncodersSpec
from bpcli.data.preprocess import Preprocessor
from bpcli.data.table import Column, Table
from bpcli.experiment.scale_notes import notes_of_scale
from bpcli.nn.losses.regression import MeanSquaredError


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
