"""Words for messages."""

from __future__ import annotations

import pytest

from bpcli.report import words
from bpcli.text import counted, listed, number, printable, quoted, suggestion


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("rellu", "; did you mean 'relu'?"),
        ("RELU", "; did you mean 'relu'?"),
        ("Tahn", "; did you mean 'tanh'?"),
        ("xyz", ""),
        ("", ""),
    ],
)
def test_the_nearest_name_is_suggested_in_any_letter_case(word: str, hint: str):
    assert suggestion(word, ["tanh", "relu", "gelu"]) == hint


def test_a_suggestion_keeps_the_case_of_the_name_that_there_is():
    assert suggestion("island", ["Island", "sex"]) == "; did you mean 'Island'?"


def test_nothing_is_suggested_where_there_is_nothing():
    assert suggestion("relu", []) == ""


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("Überdruß 体重 🐧", "Überdruß 体重 🐧"),
        ("a\nb\tc", "a\\nb\\tc"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("abc\u202etxt", "abc\\u202etxt"),
        ("\u2028\u2029", "\\u2028\\u2029"),
        ("\udcff", "\\udcff"),
        ("\x9b31m", "\\x9b31m"),
        ("no-break\u00a0space", "no-break\u00a0space"),
    ],
)
def test_controls_and_direction_marks_are_shown_as_escapes(text: str, shown: str):
    assert printable(text) == shown


def test_quoted_text_is_printable_and_cut_to_a_limit():
    assert quoted("a\nb") == "'a\\nb'"
    assert quoted("x" * 80) == "'" + "x" * 80 + "'"
    assert quoted("x" * 81) == "'" + "x" * 79 + "…'"


def test_numbers_go_with_their_noun():
    assert [counted(number, "row") for number in (0, 1, 12000)] == ["0 rows", "1 row", "12,000 rows"]
    assert [counted(number, "class", "classes") for number in (1, 3)] == ["1 class", "3 classes"]


def test_long_lists_are_cut_and_the_rest_is_counted():
    assert listed(["a", "b"]) == "'a', 'b'"
    assert listed("abcdefgh") == "'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'"
    assert listed("abcdefghij") == "'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h' and 2 more"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0, "0"),
        (0.0, "0.0000"),
        (1234567, "1,234,567"),
        (0.5, "0.5000"),
        (-0.001, "-0.0010"),
        (0.00012345, "0.0001234"),
        (9999.5, "9999.5000"),
        (23456.7, "23,457"),
        (1e20, "1e+20"),
    ],
)
def test_a_number_is_shown_alike_in_the_terminal_and_on_a_page(value: float, shown: str):
    assert number(value) == words.number(value) == shown


def test_where_there_is_no_number_there_is_a_dash():
    assert (number(None), words.number(None)) == ("-", "–")
