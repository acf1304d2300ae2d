"""Weights of terms, against arithmetic by hand."""

from __future__ import annotations

from math import log, sqrt

import numpy as np
import pytest

from bpcli.data.texts.term_weights import rarity, weighted
from bpcli.data.texts.vocabulary import Vocabulary

TERMS = ("good", "bad", "not")
TEXTS = ["good good not", "", "bad", "unknown words"]
ROWS_WITH = np.array([3, 1, 2])


def dense(by: str) -> np.ndarray:
    matches = Vocabulary.of(TERMS, (), None, 100).matches(TEXTS)
    idf = rarity(ROWS_WITH, 5) if by == "tfidf" else None
    return np.asarray(weighted(matches, len(TERMS), by, idf).dense())  # type: ignore[arg-type]


def test_tfidf_is_log_count_times_idf_at_length_one() -> None:
    idf = [log(6 / (1 + rows)) + 1 for rows in (3, 1, 2)]
    np.testing.assert_allclose(rarity(ROWS_WITH, 5), idf, rtol=1e-15)
    good, rare = (1 + log(2)) * idf[0], idf[2]
    length = sqrt(good**2 + rare**2)
    np.testing.assert_allclose(dense("tfidf"), [[good / length, 0, rare / length], [0] * 3, [0, 1, 0], [0] * 3])


def test_log_count_has_no_idf() -> None:
    length = sqrt((1 + log(2)) ** 2 + 1)
    np.testing.assert_allclose(dense("log_count")[0], [(1 + log(2)) / length, 0, 1 / length])


def test_mean_divides_by_all_tokens_of_the_text() -> None:
    np.testing.assert_allclose(dense("mean"), [[2 / 3, 0, 1 / 3], [0] * 3, [0, 1, 0], [0] * 3])


@pytest.mark.parametrize("by", ["tfidf", "log_count", "mean"])
def test_a_row_has_the_same_bits_alone(by: str) -> None:
    texts = [
        " ".join(TERMS[place] for place in np.random.default_rng(row).integers(0, 3, row % 17)) for row in range(80)
    ]
    vocabulary, idf = Vocabulary.of(TERMS, (), None, 100), rarity(ROWS_WITH, 5) if by == "tfidf" else None
    together = weighted(vocabulary.matches(texts), 3, by, idf).dense()  # type: ignore[arg-type]
    for row, text in enumerate(texts):
        alone = weighted(vocabulary.matches([text]), 3, by, idf).dense()  # type: ignore[arg-type]
        assert alone.tobytes() == together[row : row + 1].tobytes()
