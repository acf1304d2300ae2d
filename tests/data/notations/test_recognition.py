"""Recognition of notations of numbers from a column's words."""

from __future__ import annotations

import pytest

from bpcli.data.notations import NumberNotation
from bpcli.data.notations.recognition import recognise_numbers

KILOGRAMS = [f"{40 + index} kg" for index in range(12)]


@pytest.mark.parametrize(
    ("words", "notation"),
    [
        (["$1,004,672", "$643"], NumberNotation(unit="$", thousands=",")),
        (["$4,049.84", "$(112,677.77)"], NumberNotation(unit="$", thousands=",", parentheses=True)),
        (["19.1%", "-17.5 %"], NumberNotation(unit="%")),
        (["45,05,532", "39,00,733"], NumberNotation(thousands=",")),
        (["37,5", "101,1", "8"], NumberNotation(decimal=",")),
        (["1.234,5", "3.565"], NumberNotation(decimal=",", thousands=".")),
        (["1 234", "5"], NumberNotation(thousands=" ")),
        (["1'234.5", "2"], NumberNotation(thousands="'")),
        (["1.5D-04", "3.9D+04"], NumberNotation(exponent="D")),
        (["EUR 5", "7 EUR"], NumberNotation(unit="EUR")),
        (KILOGRAMS, NumberNotation(unit="kg")),
    ],
)
def test_numbers_as_people_write_them_are_recognised(words: list[str], notation: NumberNotation) -> None:
    assert recognise_numbers(words) == notation


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["1", "2.5"],
        ["a", "b"],
        ["A1", "B2"],
        ["A1", "A2"],
        ["1A", "2A", "3A"],
        ["1st", "2nd"],
        ["83 kg", "83 lb", *KILOGRAMS],
        ["5 €", "5 $"],
        ["10:30", "11:00"],
        ["2024-01-02", "2024-01-03"],
        ["1-2", "3-4"],
        ["192.168.0.1", "10.0.0.1"],
        ["1,2,3", "4,5,6"],
        ["v1.2", "v1.3"],
        ["$5", "n/a"],
    ],
)
def test_names_codes_and_plain_numbers_have_no_notation(words: list[str]) -> None:
    assert recognise_numbers(words) is None
