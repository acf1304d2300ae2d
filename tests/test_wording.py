"""Wording of messages."""

from __future__ import annotations

import pytest

from bpcli.wording import (
    counted,
    grouped,
    listed,
    listed_with_last,
    number,
    placed,
    printable,
    quoted,
    related,
    suggestion,
    with_deviation,
)


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
        (None, "-"),
        (1234567, "1,234,567"),
        (0.0, "0.0000"),
        (0.12345, "0.1235"),
        (1234.5, "1,234.5000"),
        (110415.4, "110,415"),
        (-110415.4, "-110,415"),
        (0.000123456, "0.0001235"),
        (1.5e-7, "1.5e-07"),
        (1e15, "1e+15"),
    ],
)
def test_a_number_has_digits_that_a_table_has_room_for(value: float | None, shown: str) -> None:
    assert number(value) == shown


@pytest.mark.parametrize(
    ("value", "deviation", "shown"),
    [
        (103296.2, 2894.4, ("103,296", "2,894")),
        (2894.4, 103296.2, ("2,894", "103,296")),
        (0.97, 0.0123, ("0.9700", "0.0123")),
        (0.97, 0.0, ("0.9700", "0.0000")),
        (0.5, 0.00002, ("0.5000", "0.0000")),
        (2e-5, 3.5e-6, ("2e-05", "3.5e-06")),
    ],
)
def test_a_value_and_its_deviation_have_the_same_decimals(
    value: float, deviation: float, shown: tuple[str, str]
) -> None:
    assert with_deviation(value, deviation) == shown


def test_a_page_shows_numbers_as_the_terminal_does() -> None:
    from bpcli.pages.page import number as on_page

    assert [on_page(value) for value in (110415.4, 0.5, 3, None)] == ["110,415", "0.5000", "3", "–"]


@pytest.mark.parametrize(
    ("message", "place", "rest"),
    [
        ("c.yaml:14:15: layers.0.activation: unknown", "c.yaml:14:15: layers.0.activation", "unknown"),
        (
            "my data.csv: line 3: column 'a b': 'x' is no number",
            "my data.csv: line 3: column 'a b'",
            "'x' is no number",
        ),
        ("x.npz: array 'X': row 2 holds an infinite value", "x.npz: array 'X'", "row 2 holds an infinite value"),
        ("--output a b.csv: already exists", "--output a b.csv", "already exists"),
        ("training diverged in epoch 1: layer 0: its loss", None, "training diverged in epoch 1: layer 0: its loss"),
        ("out of memory", None, "out of memory"),
        ("seed: must be a number", "seed", "must be a number"),
    ],
)
def test_an_error_is_split_into_place_and_message(message: str, place: str | None, rest: str) -> None:
    assert placed(message) == (place, rest)


def test_a_name_that_is_not_near_is_not_suggested() -> None:
    assert suggestion("relluu", ["relu", "tanh"]) == "; did you mean 'relu'?"
    assert suggestion("92_test_no_target.csv", ["20_constant_target.csv"]) == ""
    assert suggestion("rings", ["shell_weight", "sex"]) == ""


def test_messages_of_one_kind_are_counted_beyond_the_third():
    leaks = [f"column 'x{n}': each of its {n} values occurs with only one value of target 'y{n % 2}'" for n in range(9)]
    hints = [
        f"column '{name}': read as categories; set data.columns: {{{name}: numeric}}" for name in ("a", "b c", "d")
    ]
    lists = [
        f"column '{name}': numbers except {names}" for name, names in (("e", "'NA'"), ("f", "'NA', '-' and 3 more"))
    ]
    assert grouped([leaks[0], *hints, *leaks[1:]]) == [*leaks[:3], "and 6 more like these", *hints]
    assert grouped(hints * 2)[3:] == ["and 3 more like these"]
    assert grouped([*lists, *lists, lists[0]]) == [*lists, lists[0], "and 2 more like these"]


def test_a_single_message_is_shown_rather_than_counted():
    lines = [f"{count} rows left out" for count in range(4)]
    assert grouped(lines) == lines
    assert grouped([]) == []


@pytest.mark.parametrize(
    ("word", "found"),
    [
        ("strength", ["compressive_strength"]),
        ("churn", ["Has Churned"]),
        ("Churnd", ["Has Churned"]),
        ("sales_total", ["Sales"]),
        ("resales", []),
        ("a", []),
    ],
)
def test_names_are_related_by_their_parts_in_any_case(word: str, found: list[str]):
    assert related(word, ["a", "compressive_strength", "Sales", "Has Churned"]) == found


def test_a_shortened_list_has_the_last_names():
    assert listed_with_last(map(str, range(8))) == "'0', '1', '2', '3', '4', '5', '6', '7'"
    assert listed_with_last(map(str, range(10))) == "'0', '1', '2', '3', '4', '5', …, '8', '9' (10 in all)"
