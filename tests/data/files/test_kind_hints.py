import numpy as np
import pytest

from bpcli.data.files.kind_hints import (
    are_missing_words,
    is_padded,
    numbers_the_rows,
    padded_noted,
    variants_noted,
    words_among_numbers,
)
from bpcli.data.table import Column


def names(*cells: str) -> Column:
    categories = tuple(sorted(set(cells)))
    return Column("c", "categorical", np.array([categories.index(cell) for cell in cells], np.int32), categories)


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        (["1", "2.5", "-3", "4e1", "n/a"], ["n/a"]),
        (["1", "2", "3", "4", "5", "6", "7", "8", "-", "none"], ["-", "none"]),
        (["1", "2", "3", "n/a"], []),  # three quarters are too few
        (["red", "green"], []),
        (["00501", "60601", "10001", "94103", "n/a"], []),  # numbers with leading zeros are names
        (["1", "2"], []),  # categories by the user's wish: nothing stands among them
    ],
)
def test_words_that_stand_among_numbers_are_found(cells: list[str], words: list[str]) -> None:
    assert words_among_numbers(names(*cells)) == words


def test_many_different_words_are_no_missing_values() -> None:
    cells = [str(i) for i in range(90)] + [f"{i} cm" for i in range(9)]
    assert words_among_numbers(names(*cells)) == []


def test_numbers_have_no_words_among_them() -> None:
    assert words_among_numbers(Column("c", "numeric", np.array([1.0, 2.0]))) == []


@pytest.mark.parametrize(
    ("cells", "padded"),
    [(["00501", "60601"], True), (["0", "10"], False), (["00501", "x"], False), (["0.5", "00.5"], False)],
)
def test_whole_numbers_with_leading_zeros_are_noted(cells: list[str], padded: bool) -> None:
    assert is_padded(names(*cells)) == padded
    if padded:
        assert padded_noted(names(*cells)) == "numbers with leading zeros, such as '00501'"


def test_row_numbers_start_at_0_or_1() -> None:
    assert numbers_the_rows(Column("n", "numeric", np.array([1.0, 2.0, 3.0])))
    assert numbers_the_rows(Column("n", "numeric", np.array([0.0, 1.0, 2.0])))
    assert not numbers_the_rows(Column("n", "numeric", np.array([2.0, 3.0, 4.0])))
    assert not numbers_the_rows(names("0", "1", "2"))


def test_usual_spellings_of_a_missing_value_are_known() -> None:
    assert are_missing_words(["nan", "N/A", "-"])
    assert not are_missing_words(["nan", "low"])


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        (["setosa", "Setosa", "b"], "'Setosa' and 'setosa' differ only in case"),
        (["New York", "New  York", "b"], "'New  York' and 'New York' differ only in blanks"),
        (["new York", "New  York"], "'New  York' and 'new York' differ only in case or blanks"),
        (["a", "A", "b", "B", "B "], "'A' and 'a'; 'B', 'B ', 'b' differ only in case or blanks"),
        (["Ma\u00dfe", "Masse"], ""),
        (["setosa", "virginica"], ""),
    ],
)
def test_names_that_differ_only_in_case_or_blanks_are_noted(cells: list[str], said: str) -> None:
    what = f"classes {said}; write them alike in the data if they mean the same" if said else ""
    assert variants_noted(names(*cells), "classes") == what


def test_many_groups_of_names_alike_are_counted() -> None:
    said = variants_noted(names(*"abcdeABCDE"), "categories")
    assert said.startswith("categories 'A' and 'a'; 'B' and 'b'; 'C' and 'c'; and 2 more groups differ only in case;")
