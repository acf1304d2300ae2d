import numpy as np
import pytest

from bpcli.data.hints import words_among_numbers
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
