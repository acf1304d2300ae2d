"""Recognition of columns of texts among columns of names."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from bpcli.data.columns.recognition import RecognisedColumn
from bpcli.data.table import Column

FEWEST = 20
"""Fewest distinct cells of a column of texts."""

DISTINCT = 0.5
"""Share of distinct cells above which names are hardly categories."""

MANY = 200
"""Number of distinct cells from which on they are no categories, however often they are repeated, as messages are."""

MOST_LOOKED_AT = 500
"""Cells that are looked at."""

MOST_TOKENS = 200
"""Tokens of a cell that are looked at."""

WORDS, CAPITALISED_WORDS = 3, 6
"""Mean number of words above which cells are texts; for words with capital letters, as names have, and others."""

CAPITALISED = 0.8
"""Share of words with a capital letter from which cells may be names of people, or addresses."""


class _Words(NamedTuple):
    """Words of a cell, and how many of them begin with a capital letter and go on with small ones."""

    words: int
    capitalised: int


def recognised_text(column: Column) -> RecognisedColumn | None:
    """Config of a column of texts: mostly distinct cells of several words. None for others."""
    if column.kind != "categorical" or column.shape:
        return None
    cells = column.present()
    rows, distinct = int(np.count_nonzero(~column.missing())), len(cells)
    if distinct < FEWEST or (distinct <= DISTINCT * rows and distinct < MANY):
        return None
    found = [_words(cell) for cell in cells[:: -(-distinct // MOST_LOOKED_AT)]]
    words = sum(one.words for one in found) / len(found)
    is_capitalised = sum(one.capitalised for one in found) >= CAPITALISED * sum(one.words for one in found)
    if words <= (CAPITALISED_WORDS if is_capitalised else WORDS):
        return None
    from bpcli.data.columns.text_column import TextColumn

    reason = f"{distinct:,} distinct in {rows:,} rows, of {words:.0f} words in the mean"
    return RecognisedColumn(TextColumn(), reason)


def has_letters(column: Column) -> bool:
    """Whether a cell of a column of texts has a letter; it looks at some of them."""
    cells = column.present()
    return any(any(map(str.isalpha, cell)) for cell in cells[:: -(-len(cells) // MOST_LOOKED_AT) or 1])


def _words(text: str) -> _Words:
    """Words with a letter between blanks, and characters of scripts without blanks."""
    part = text[: 16 * MOST_TOKENS]
    if part.isascii():
        words = [word for word in part.split() if any(map(str.isalpha, word))]
    else:
        from bpcli.data.texts.tokenizing import tokens_of

        words = [
            token for word in part.split() for token in tokens_of(word, MOST_TOKENS)[0] if any(map(str.isalpha, token))
        ]
    return _Words(len(words), sum(word.lstrip("\"'([-").istitle() for word in words))
