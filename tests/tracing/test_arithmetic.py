"""Format of numbers in a trace."""

from __future__ import annotations

import pytest

from bpcli.tracing.arithmetic import Arithmetic, filled, is_arithmetic


@pytest.mark.parametrize(
    ("value", "fixed", "short"),
    [
        (0.0, "0", "0"),
        (1.0, "1.000000", "1"),
        (-0.25, "-0.250000", "-0.25"),
        (0.1234567, "0.123457", "0.123457"),
        (0.001, "0.001000", "0.001"),
        (0.0009, "9.000e-04", "9e-04"),
        (999999.0, "999999.000000", "999999"),
        (1234567.0, "1.235e+06", "1.235e+06"),
    ],
)
def test_a_column_is_of_one_width_and_a_line_leaves_out_zeros(value: float, fixed: str, short: str) -> None:
    shows = Arithmetic("float32")
    assert (shows.fixed(value), shows.short(value)) == (fixed, short)


def test_float64_has_nine_decimals_and_a_drawing_four_digits() -> None:
    assert Arithmetic("float64").fixed(1 / 3) == "0.333333333"
    assert Arithmetic("float64", brief=True).short(1234.5678) == "1235"
    assert Arithmetic("float64", brief=True).short(-0.0) == "0"
    assert Arithmetic("float32").constant(0.0001) == "0.0001"


def test_only_what_follows_a_sign_is_bracketed() -> None:
    shows = Arithmetic("float32")
    assert shows.products([-1.0, -2.0], [3.0, -4.0]) == "-1 · 3 + (-2) · (-4)"
    assert shows.product(-0.5, -2.0) == "-0.5 · (-2) = 1.000000"


def test_an_equation_is_filled_by_whole_names() -> None:
    values = {"m": "0.5", "g": "-2", "β1": "0.9", "lr": "0.1", "p": "-1"}
    assert filled("β1 · m + (1 - β1) · g", values) == "0.9 · 0.5 + (1 - 0.9) · (-2)"
    assert filled("p - lr · g", values) == "-1 - 0.1 · (-2)"
    assert filled("g²", values) == "(-2)²"
    assert filled("exp(g) · m", values) == "exp((-2)) · 0.5"


@pytest.mark.parametrize(
    ("made", "expected"),
    [("(40.3 - 43.9) / 5.4", True), ("-(1 - 2) / 3", True), ("as in the file", False), ("either/or", False)],
)
def test_an_expression_is_told_from_words(made: str, expected: bool) -> None:
    assert is_arithmetic(made) == expected
