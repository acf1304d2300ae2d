"""Numbers as people and programs write them."""

from __future__ import annotations

import numpy as np
import pytest

from bpcli.data.columns.spec import NumericColumn
from bpcli.data.notations import NumberNotation
from bpcli.data.notations.dialect import Dialect

INF = float("inf")


@pytest.mark.parametrize(
    ("notation", "words", "values"),
    [
        ({"unit": "$", "thousands": ","}, "$1,200|$ 3|-$4|$-5|7 $|1200", [1200, 3, -4, -5, 7, 1200]),
        ({"unit": "$", "thousands": ","}, "$12,00|€5|$1,2345|$|--5", [INF, INF, INF, INF, INF]),
        ({"unit": "%"}, "19.1%|-17.5 %|.5%", [19.1, -17.5, 0.5]),
        ({"unit": "kg"}, "83 kg|83kg|83|83 lb|83 kg kg", [83, 83, 83, INF, INF]),
        ({"thousands": ","}, "45,05,532|1,349,946|12,34|1234", [4505532, 1349946, INF, 1234]),
        ({"decimal": ",", "thousands": "."}, "1.234,5|3.565|3,5|3.56", [1234.5, 3565, 3.5, INF]),
        ({"thousands": " "}, "1 234|1\u00a0234\u202f567|12 34", [1234, 1234567, INF]),
        ({"parentheses": True}, "(722)|722|(-722)|-(722)|(722", [-722, 722, INF, INF, INF]),
        (
            {"parentheses": True, "unit": "$", "thousands": ","},
            "$(112,677.77)|($5)|(5 $)|$4,049.84",
            [-112677.77, -5, -5, 4049.84],
        ),
        ({"exponent": "D"}, "3.56586D-04|3.9d+04|1e3|1F2", [3.56586e-04, 3.9e04, 1000, INF]),
        ({}, "\u22128|\u20138|8-|- 8|+8|+-8", [-8, -8, -8, -8, 8, INF]),
    ],
)
def test_words_have_the_value_that_a_reader_sees(notation: dict[str, object], words: str, values: list[float]) -> None:
    assert NumberNotation(**notation).values(words.split("|")).tolist() == values  # type: ignore[arg-type]


def test_an_unusually_large_number_is_none() -> None:
    assert np.isinf(NumberNotation(unit="%").values(["1e999%"])).all()


@pytest.mark.parametrize(
    ("column", "dialect", "notation"),
    [
        (NumericColumn(), Dialect(), None),
        (NumericColumn(), Dialect(decimal=",", thousands="."), None),
        (NumericColumn(decimal=","), Dialect(decimal=","), None),
        (NumericColumn(decimal=","), Dialect(), NumberNotation(decimal=",")),
        (NumericColumn(decimal=","), Dialect(thousands=","), NumberNotation(decimal=",")),
        (NumericColumn(unit="%"), Dialect(decimal=","), NumberNotation(unit="%", decimal=",")),
        (NumericColumn(negative="parentheses"), Dialect(), NumberNotation(parentheses=True)),
        (NumericColumn(exponent="D"), Dialect(), NumberNotation(exponent="D")),
    ],
)
def test_a_column_takes_what_it_leaves_out_from_the_dialect(
    column: NumericColumn, dialect: Dialect, notation: NumberNotation | None
) -> None:
    assert column.notation(dialect) == notation


@pytest.mark.parametrize(
    ("notation", "expected"),
    [
        (NumberNotation(unit="€", decimal=",", thousands="."), "a number such as €1.234,5"),
        (NumberNotation(unit="kg"), "a number such as 1234.5 kg"),
        (NumberNotation(parentheses=True), "a number such as 1234.5 or (5)"),
    ],
)
def test_a_valid_cell_is_described_by_an_example(notation: NumberNotation, expected: str) -> None:
    assert notation.expected == expected
