"""What can be read from a value of JSON that somebody else may have written."""

from __future__ import annotations

from typing import Any

import pytest

from bpcli.documents.json_value import items, measured, members, text, whole


@pytest.mark.parametrize(("value", "number"), [(0.5, 0.5), (-3, -3.0), (0, 0.0)])
def test_a_number_is_that_number(value: Any, number: float) -> None:
    assert measured(value) == number


@pytest.mark.parametrize("value", [None, True, "2", [], {}, float("nan"), float("inf"), 10**400])
def test_what_is_no_finite_number_is_none(value: Any) -> None:
    assert measured(value) is None


@pytest.mark.parametrize(("value", "number"), [(3, 3), (-1, -1), (True, None), (1.0, None), ("1", None), (None, None)])
def test_whole_numbers_alone_count(value: Any, number: int | None) -> None:
    assert whole(value) == number


def test_of_another_kind_there_is_nothing() -> None:
    assert (text("a"), text(1), text(None)) == ("a", None, None)
    assert (items([1]), items("ab"), items({})) == ([1], (), ())
    assert (members({"a": 1}), members([1]), members(None)) == ({"a": 1}, {}, {})
