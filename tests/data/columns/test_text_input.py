"""Columns of texts: encoding of the rows of their fit, and their form in a checkpoint."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from bpcli.data.columns.spec_base import EncodersSpec
from bpcli.data.columns.text_column import TextColumn
from bpcli.data.columns.text_input import TextInput
from bpcli.data.table import Column

TEXTS = ("", "Good, \u00dcbung!", "a b a", "bad", "don't", "good not good", "only missing")
COLUMN = Column("text", "categorical", np.array([5, 1, -1, 2, 2, 0, 3, 4, 1], np.int32), TEXTS)


@pytest.mark.parametrize("block", [2, 100])
@pytest.mark.parametrize("options", [{}, {"characters": [1, 3]}, {"max_tokens": 2}, {"hashing": 8}, {"min_count": 2}])
def test_training_rows_are_encoded_as_by_the_column_of_a_checkpoint(options: dict[str, Any], block: int) -> None:
    fitted = TextColumn.model_validate(options).fit(COLUMN, EncodersSpec())
    read = TextInput.model_validate(json.loads(json.dumps(fitted.model_dump(mode="json"))))
    assert read == fitted
    for _ in range(2):  # the findings of the fit serve once
        (rows, surprises), (of_read, same) = (of.tokens(COLUMN, np.dtype(np.float64), block) for of in (fitted, read))
        assert np.array_equal(rows.dense(), of_read.dense())
        assert surprises == same


def test_columns_of_the_same_fit_are_equal() -> None:
    of_word, other = (TextColumn().fit(COLUMN.take(rows), EncodersSpec()) for rows in (slice(None), slice(4)))
    assert of_word == TextColumn().fit(COLUMN, EncodersSpec())
    assert of_word != other


def test_other_rows_than_those_of_the_fit_are_divided_into_tokens() -> None:
    fitted = TextColumn().fit(COLUMN, EncodersSpec())
    other = COLUMN.take(np.array([0, 6]))
    rows, _ = fitted.tokens(other, np.dtype(np.float64))
    again, _ = fitted.tokens(COLUMN, np.dtype(np.float64))
    assert np.array_equal(rows.dense(), again.dense()[[0, 6]])


def test_a_checkpoint_holds_words_as_one_text_and_counts_as_runs() -> None:
    fitted = TextColumn(ngrams=1).fit(COLUMN, EncodersSpec())
    written = fitted.model_dump(mode="json")
    assert written["words"] == "good\n,\n\u00fcbung\n!\na\nb\nbad\ndon't\nnot"
    assert written["pieces"] == ""
    assert written["counts"] == [[3, 1], [2, 5], [1, 3]]


@pytest.mark.parametrize("counts", [[[1, 8]], [[1, 2**62], [1, 2**62]], [[-1, 9]], []])
def test_counts_of_another_number_of_terms_are_refused(counts: list[list[int]]) -> None:
    written = TextColumn(ngrams=1).fit(COLUMN, EncodersSpec()).model_dump(mode="json")
    with pytest.raises(ValidationError, match="count"):
        TextInput.model_validate(written | {"counts": counts})
