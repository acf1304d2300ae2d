"""Peers get the columns of the file, unscaled, with the categories that the training rows have."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from planted import trained

from bpcli.comparison.peer_rows import RawColumns
from bpcli.models.evaluation import own_data
from bpcli.models.model import Model


def test_numbers_are_as_in_the_file_and_categories_are_codes_of_the_training_rows(tmp_path: Path) -> None:
    columns = {
        "n": [1.5, None, 300, 4, 5, 6],
        "c": ["red", "blue", "red", "blue", "green", None],
        "t": ["yes", "no", "yes", "no", None, "yes"],
        "w": [1, 2, 1, 1, 1, 1],
        "part": ["train"] * 4 + ["test"] * 2,
        "y": [1.5, 2.5, 3.5, 4.5, 5.5, 6.5],
    }
    run = trained(tmp_path, "[]", "{layers.0.bias: [0]}", columns, ", weight: w")
    model = Model.load(run)
    own = own_data(model)
    train, test = own.rows("train").table, own.rows("test").table
    raw = RawColumns.of(model.preprocessor, train)
    known, asked = raw.rows(train), raw.rows(test)
    names = [part.name for part in model.preprocessor.parts]
    place = {name: names.index(name) for name in ("n", "c", "t")}
    assert known.categorical == [place["c"]]
    np.testing.assert_array_equal(known.x[:, place["n"]], [1.5, np.nan, 300, 4])
    np.testing.assert_array_equal(known.x[:, place["c"]], [1, 0, 1, 0])
    np.testing.assert_array_equal(known.x[:, place["t"]], [1, 0, 1, 0])
    np.testing.assert_array_equal(asked.x[:, place["c"]], [np.nan, np.nan])
    np.testing.assert_array_equal(asked.x[:, place["t"]], [np.nan, 1])
    assert known.weight is not None
    np.testing.assert_array_equal(known.weight, [1, 2, 1, 1])
