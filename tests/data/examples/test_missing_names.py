"""Names that usually stand for a missing value."""

from __future__ import annotations

import numpy as np
import pytest

from bpcli.data.columns.recognition import spec_yaml
from bpcli.data.examples.missing_names import missing_classes_noted, names_with_missing_words
from bpcli.data.table import Column


def column(name: str, words: list[str]) -> Column:
    categories, codes = np.unique(words, return_inverse=True)
    return Column(name, "categorical", codes.astype(np.int32), tuple(categories.tolist()))


def spec(words: list[str], is_target: bool = False, with_own_name: bool = False) -> str | None:
    found = names_with_missing_words(column("plan", words), is_target, with_own_name)
    return None if found is None else spec_yaml(found.spec)


PLANS = ["basic", "pro", "team"] * 20


@pytest.mark.parametrize("is_target", [False, True])
def test_usual_words_are_missing_in_inputs_and_targets(is_target: bool):
    words = [*PLANS, "n/a", "-", "NULL", "nan", "?"]
    assert spec(words, is_target) == '{type: categorical, missing: ["-", "?", "NULL", n/a, nan]}'


def test_plain_names_are_left_alone():
    assert spec(PLANS) is None
    assert missing_classes_noted(column("plan", PLANS)) == ""


def test_ambiguous_words_are_missing_in_few_rows_of_inputs_only():
    assert spec([*PLANS, "none", "Unknown"]) == "{type: categorical, missing: [Unknown, none]}"
    assert spec([*PLANS, *["none"] * 20]) is None
    assert spec([*PLANS, "none", "n/a"], is_target=True) == "{type: categorical, missing: [n/a]}"


def test_the_reason_lists_the_words():
    found = names_with_missing_words(column("plan", [*PLANS, "n/a", "-"]), False, False)
    assert found is not None
    assert (found.read_as, found.reason) == ("names", "names except '-', 'n/a', usual for a missing value")


def test_a_minus_beside_a_plus_and_the_word_of_two_names_are_names():
    assert spec(["+", "-", "0"] * 20) is None
    assert missing_classes_noted(column("y", ["+", "-"] * 20)) == ""
    assert spec(["x", "-"] * 20) is None


def test_truth_values_stay_truth_values_in_inputs():
    assert spec(["yes", "no", "n/a"] * 9) == "{type: boolean, missing: [n/a]}"
    assert spec(["yes", "no", "n/a"] * 9, is_target=True) == "{type: categorical, missing: [n/a]}"


def test_the_own_name_is_missing_where_the_header_is_repeated():
    words = [*PLANS, "plan"]
    assert spec(words) is None
    assert spec(words, with_own_name=True) == "{type: categorical, missing: [plan]}"


def test_identifiers_are_not_described():
    assert spec(["n/a", *(f"id {number}" for number in range(100))]) is None


def test_classes_of_such_names_are_noted_with_both_ways_out():
    assert missing_classes_noted(column("plan", [*PLANS, "none", "none"])) == (
        "class 'none' (2 rows) may mark missing values; if so, set data.columns: {plan: {type: categorical, missing: "
        "[none]}}, else {plan: categorical}"
    )
    assert missing_classes_noted(column("plan", [*PLANS, "none", "-"])).startswith("classes '-', 'none' (2 rows) may")
