from collections import Counter
from typing import Any

import numpy as np
import pytest
from experiments import features

from bpcli.data.columns import FittedInput, Surprise
from bpcli.data.columns.encoders import MinMax, Quantile
from bpcli.data.columns.spec import NumericColumn
from bpcli.data.columns.spec_base import EncodersSpec
from bpcli.data.preprocess import Preprocessor
from bpcli.data.preprocess.table_encoder import ENCODED_ROWS
from bpcli.data.table import Column, Table
from bpcli.errors import DataError
from bpcli.nn.losses.regression import MeanSquaredError

COLUMNS = 40


def wide(rows: int, seed: int = 0) -> dict[str, np.ndarray[Any, Any]]:
    generator = np.random.default_rng(seed)
    return {f"c{place}": generator.normal(place, 1 + place, rows) for place in range(COLUMNS)}


def table(values: dict[str, np.ndarray[Any, Any]]) -> Table:
    rows = len(values["c0"])
    return Table(
        [*(Column(name, "numeric", of) for name, of in values.items()), Column("y", "numeric", np.arange(float(rows)))]
    )


def fitted(train: Table, specs: Any = None) -> Preprocessor:
    names = [name for name in train if name != "y"]
    return Preprocessor.fit(train, names, ["y"], specs or {}, EncodersSpec(), None, None, MeanSquaredError())


def one_by_one(
    inputs: tuple[FittedInput, ...], of: Table, dtype: Any
) -> tuple[np.ndarray[Any, Any], Counter[Surprise]]:
    """Features and surprises of each column's own writer."""
    parts, surprises = [], Counter[Surprise]()
    for fit in inputs:
        column, out = of[fit.name], np.empty((of.rows, fit.width), dtype)
        surprises.update(fit.writer(column)(column, out))
        parts.append(out)
    return np.hstack(parts), surprises


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_columns_encoded_together_have_the_bits_and_the_surprises_of_each_alone(dtype: Any) -> None:
    train = wide(50)
    train["c3"][:] = 5.0  # constant
    train["c9"][7] = np.nan  # with an indicator
    specs = {"c5": NumericColumn(encoder=Quantile()), "c6": NumericColumn(encoder=MinMax())}
    pre = fitted(table(train), specs)
    later = wide(ENCODED_ROWS + 9, seed=1)
    later["c2"][3], later["c11"][5], later["c11"][8], later["c3"][1] = np.nan, 1e6, -1e6, 7.0
    later["c20"] = later["c20"].astype(np.float32)
    later["c21"] = later["c21"].astype(np.int16)
    dtype = np.dtype(dtype)
    for of in (table(later), table(later).take(np.arange(40)[::-1])):
        x, surprises = pre.encode(of, dtype)
        expected, counted = one_by_one(pre.inputs, of, dtype)
        assert features(x, dtype).tobytes() == expected.tobytes()
        assert surprises == counted
        assert set(surprises) >= {Surprise(column="c2"), Surprise(column="c3", ignored=True)}
        outside = {one.column: count for one, count in surprises.items() if one.outside is not None}
        assert outside == {"c11": 2}


def test_the_first_column_with_a_value_that_is_too_large_is_named() -> None:
    pre = fitted(table(wide(50)))
    later = wide(50, seed=1)
    later["c30"][0], later["c17"][20] = 2e38, -np.inf
    with pytest.raises(DataError, match="column 'c17': -inf is too large"):
        pre.encode(table(later), np.dtype(np.float32))


def test_a_small_number_of_a_nearly_constant_column_may_be_too_large_once_it_is_scaled() -> None:
    train = wide(50)
    train["c4"] = np.linspace(0, 1e-30, 50)
    later = wide(50, seed=1)
    with pytest.raises(DataError, match="column 'c4'"):
        fitted(table(train)).encode(table(later | {"c4": np.full(50, 1e30)}), np.dtype(np.float64))
