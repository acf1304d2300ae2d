from bpcli.data.notations import NumberNotation
from bpcli.data.notations.mixed_units import mixed_units_noted

KILO = NumberNotation(unit="k")


def test_cells_without_the_unit_are_counted_and_the_most_frequent_of_both_are_shown() -> None:
    assert mixed_units_noted("spend_k", {"443": 2, "7": 10, "0.3k": 500, "0.9 k": 88, "n/a": 5}, KILO) == (
        "12 of 600 cells of 'spend_k' have no unit k; they are read as they stand, so 7 and 0.3k are on one scale; "
        "write them alike in the data"
    )
    assert mixed_units_noted("x", {"443": 1, "0.3k": 1}, KILO).startswith("1 of 2 cells of 'x' has no unit k; ")


def test_columns_of_one_scale_have_no_note() -> None:
    assert mixed_units_noted("x", {"1k": 3, "0.5k": 2, "0": 4}, KILO) == ""
    assert mixed_units_noted("x", {"1": 3, "2": 2}, KILO) == ""
    assert mixed_units_noted("x", {"n/a": 3, "2k": 2}, KILO) == ""
    assert mixed_units_noted("x", {"(5)": 3, "5-": 2}, NumberNotation(parentheses=True)) == ""


def test_other_parts_of_the_notation_hold_without_the_unit() -> None:
    dollars = NumberNotation(unit="$", thousands=",", parentheses=True)
    assert mixed_units_noted("x", {"(1,443)": 1, "$2,000": 3}, dollars).startswith("1 of 4 cells of 'x' has no unit $")


def test_control_characters_of_a_unit_are_shown_escaped() -> None:
    noted = mixed_units_noted("x", {"443": 1, "\x152": 2}, NumberNotation(unit="\x15"))
    assert noted.startswith("1 of 3 cells of 'x' has no unit \\x15; ")
    assert "so 443 and \\x152 are" in noted
