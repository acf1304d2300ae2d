"""Warnings about data are divided by the names that a config accepts."""

from __future__ import annotations

import pytest

from bpcli.data.data_warning import Acceptance, DataWarning, require_none
from bpcli.errors import DataWarningsError

ROWS = DataWarning("duplicate_rows", "3 rows")
A = DataWarning("target_copy", "column 'a': equal", "a")
B = DataWarning("target_copy", "column 'b': equal", "b")


def test_a_name_accepts_all_warnings_of_that_name() -> None:
    found = Acceptance.of([ROWS, A, B], ["target_copy"])
    assert (found.remaining, found.accepted, found.notes) == ([ROWS], [A, B], ["accepted: target_copy"])


def test_a_name_with_a_column_accepts_the_warning_of_that_column() -> None:
    found = Acceptance.of([ROWS, A, B], [{"target_copy": "b"}])
    assert (found.remaining, found.accepted) == ([ROWS, A], [B])
    assert found.notes == ["accepted: target_copy of column 'b'"]


def test_entries_without_a_warning_are_noted() -> None:
    found = Acceptance.of([A], ["identifier", {"target_copy": "c"}])
    assert found.remaining == [A]
    assert found.notes == [
        "data.accept: no warning identifier; remove this entry",
        "data.accept: no warning target_copy of column 'c'; remove this entry",
    ]
    assert Acceptance.of([], []) == Acceptance([], [], [])


def test_all_warnings_are_one_error_with_their_names() -> None:
    require_none([])
    with pytest.raises(DataWarningsError) as caught:
        require_none([ROWS, A])
    assert (caught.value.messages, caught.value.names) == (("3 rows", A.text), ["duplicate_rows", "target_copy"])
    assert str(A) == "column 'a': equal [target_copy]"
