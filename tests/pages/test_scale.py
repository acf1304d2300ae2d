"""Axes take in all values, and their marks are round."""

from __future__ import annotations

import pytest

from bpcli.pages.scale import Scale


@pytest.mark.parametrize(
    ("values", "marks"),
    [
        ([0.0, 1.0], ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]),
        ([3.0, 97.0], ["0", "20", "40", "60", "80", "100"]),
        ([-1500.0, 1500.0], ["-2,000", "-1,000", "0", "1,000", "2,000"]),
        ([0.00123, 0.00147], ["0.00120", "0.00125", "0.00130", "0.00135", "0.00140", "0.00145", "0.00150"]),
        ([5.0, 5.0], ["2", "3", "4", "5", "6", "7", "8"]),
        ([0.0, 0.0], ["-0.6", "-0.4", "-0.2", "0.0", "0.2", "0.4", "0.6"]),
        ([2e9, 8e9], ["2e+09", "4e+09", "6e+09", "8e+09"]),
        ([], ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]),
        ([float("nan"), float("inf"), 0.0, 1.0], ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]),
    ],
)
def test_marks_are_round_and_enclose_the_values(values: list[float], marks: list[str]) -> None:
    scale = Scale.over(values, 0, 100)
    assert [label for _, label in scale.marks()] == marks


def test_values_are_laid_evenly_from_start_to_end() -> None:
    scale = Scale(0.0, 10.0, 300.0, 100.0)
    assert [scale.place(value) for value in (0.0, 5.0, 10.0)] == [300.0, 200.0, 100.0]


def test_powers_of_ten_are_laid_evenly_on_a_logarithmic_axis() -> None:
    scale = Scale.over([0.004, 3.0, 0.0, -1.0], 0, 90, logarithmic=True)
    assert scale.marks() == [(0.001, "0.001"), (0.01, "0.01"), (0.1, "0.1"), (1.0, "1"), (10.0, "10")]
    assert [scale.place(value) for value in (0.001, 0.1, 10.0)] == pytest.approx([0, 45, 90])


def test_an_axis_over_many_powers_of_ten_has_few_marks() -> None:
    assert 3 <= len(Scale.over([1e-30, 1e30], 0, 1, logarithmic=True).marks()) <= 8


@pytest.mark.parametrize("logarithmic", [False, True])
@pytest.mark.parametrize(
    "values",
    [
        [-1.7e308, 1.7e308],
        [5e-324],
        [0.0, 5e-324],
        [1.0, 1.0 + 2**-52],
        [-1e-310, 1e-310],
        [1e300, 1.0000001e300],
        [5e-324, 1.7e308],
        [1e15, 1e15 + 0.25],
    ],
)
def test_numbers_at_the_ends_of_what_there_is_have_a_place(values: list[float], logarithmic: bool) -> None:
    scale = Scale.over(values, 0, 100, logarithmic)
    assert scale.low < scale.high
    assert 2 <= len(scale.marks()) <= 20
    for value in values:
        if value > 0 or not logarithmic:
            assert -1e12 < scale.place(value) < 1e12


def test_a_symmetric_axis_is_logarithmic_on_both_sides_of_zero() -> None:
    scale = Scale.over([-999.0, 3.0, 999.0], 0, 100, symmetric=1.0)
    assert [scale.place(value) for value in (-999.0, 0.0, 999.0)] == pytest.approx([4, 50, 96])
    # log(1 + 9) is a third of log(1 + 999).
    assert scale.place(9.0) == pytest.approx(50 + 46 / 3)
    assert scale.place(-9.0) == pytest.approx(50 - 46 / 3)


@pytest.mark.parametrize(
    ("values", "size", "marks"),
    [
        ([-1500.0, 1500.0], 5.0, ["-1,000", "-100", "-10", "0", "10", "100", "1,000"]),
        ([2.0, 1500.0], 50.0, ["100", "1,000"]),
        ([-0.03, 1e6], 0.001, ["-0.001", "0", "0.001", "1", "1,000", "1e+06"]),
        ([-3.0, 2.0], 20.0, ["0"]),
    ],
)
def test_marks_of_a_symmetric_axis_are_powers_of_ten_not_too_near_to_zero(
    values: list[float], size: float, marks: list[str]
) -> None:
    found = [label for _, label in Scale.over(values, 0, 100, symmetric=size).marks()]
    assert found == marks
