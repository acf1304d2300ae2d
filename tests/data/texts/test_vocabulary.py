"""Vocabularies: their terms, and the terms that they find in texts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
import pytest

from bpcli.data.texts.fit_vocabulary import FittedTerms, fit_vocabulary
from bpcli.data.texts.hashed_terms import HashedTerms
from bpcli.data.texts.pieces import pieces_of
from bpcli.data.texts.tokenizing import tokens_of
from bpcli.data.texts.vocabulary import Matches, Vocabulary

TEXTS = ["good not good", "not good", "bad", "", "not bad at all", "?"]
RANDOM = [
    " ".join("abcdefgh"[letter] for letter in np.random.default_rng(seed).integers(0, 8, seed % 9))
    for seed in range(60)
]


def fitted(
    texts: Sequence[str],
    ngrams: int = 2,
    characters: tuple[int, int] | None = None,
    least: int = 1,
    most: int = 10**6,
    tokens: int = 100,
    weights: Sequence[int] | None = None,
) -> FittedTerms:
    counts = np.array(weights if weights is not None else [1] * len(texts), np.int64)
    return fit_vocabulary(texts, counts, ngrams, characters, least, most, tokens)


def terms_of(text: str, ngrams: int, characters: tuple[int, int] | None = None) -> Counter[str]:
    """Reference: terms of a text, one by one."""
    tokens, _ = tokens_of(text, 100)
    found = [" ".join(tokens[at : at + n]) for n in range(1, ngrams + 1) for at in range(len(tokens) - n + 1)]
    if characters is not None:
        found += [piece for token in tokens for piece in pieces_of(token, *characters)]
    return Counter(found)


def found_in(matches: Matches, names: Sequence[str], text: int) -> Counter[str]:
    terms = matches.occurrences.terms[matches.occurrences.texts == text]
    return Counter(names[term] for term in terms.tolist())


def matches_by_text(matches: Matches) -> tuple[list[tuple[int, int]], list[int], list[bool]]:
    pairs = zip(matches.occurrences.texts.tolist(), matches.occurrences.terms.tolist(), strict=True)
    return sorted(pairs), matches.lengths.tolist(), matches.cut.tolist()


@pytest.mark.parametrize("ngrams", [1, 2, 3])
@pytest.mark.parametrize("characters", [None, (2, 3)])
@pytest.mark.parametrize("texts", [TEXTS, RANDOM], ids=["words", "random"])
def test_a_vocabulary_of_everything_finds_each_term_as_often_as_it_occurs(
    texts: list[str], ngrams: int, characters: tuple[int, int] | None
) -> None:
    words, pieces, rows, *_ = fitted(texts, ngrams, characters)
    reference = [terms_of(text, ngrams, characters) for text in texts]
    names = [*words, *pieces]
    assert sorted(names) == sorted(set().union(*reference))
    assert dict(zip(names, rows.tolist(), strict=True)) == Counter(term for terms in reference for term in terms)
    matches = Vocabulary.of(words, pieces, characters, 100).matches(texts)
    assert [found_in(matches, names, place) for place in range(len(texts))] == reference


@pytest.mark.parametrize("ngrams", [1, 3])
@pytest.mark.parametrize("characters", [None, (2, 3)])
@pytest.mark.parametrize("limits", [{}, {"least": 3}, {"most": 20}], ids=["all", "rows", "terms"])
def test_a_vocabulary_matches_as_one_that_is_read_from_its_words(
    ngrams: int, characters: tuple[int, int] | None, limits: dict[str, int]
) -> None:
    words, pieces, _, vocabulary, of_fit = fitted(RANDOM, ngrams, characters, **limits)
    of_words = Vocabulary.of(words, pieces, characters, 100)
    for found in (vocabulary.matches(RANDOM), of_fit.part(0, len(RANDOM))):
        assert matches_by_text(found) == matches_by_text(of_words.matches(RANDOM))
    part = of_fit.part(7, 20)
    assert matches_by_text(part) == matches_by_text(of_words.matches(RANDOM[7:20]))
    other = ["a zzz b c", "", "zzz yyy"]
    assert matches_by_text(vocabulary.matches(other)) == matches_by_text(of_words.matches(other))


def test_terms_of_too_few_rows_are_left_out_and_copies_of_a_text_count() -> None:
    assert set(fitted(TEXTS, least=2).words) == {"good", "not", "bad", "not good"}
    assert set(fitted(TEXTS, least=2, weights=[1, 1, 1, 1, 1, 2]).words) == {"good", "not", "bad", "not good", "?"}


def test_of_too_many_terms_those_of_the_most_rows_are_kept() -> None:
    words, _, rows, *_ = fitted(["a b", "b c", "b d", "a b"], most=2)
    assert (words, rows.tolist()) == (("b", "a"), [4, 2])


def test_a_pair_is_found_where_its_words_are_no_terms_themselves() -> None:
    matches = Vocabulary.of(("not good",), (), None, 100).matches(
        ["it is not good", "good not", "not", "not good not good"]
    )
    assert matches.occurrences.texts.tolist() == [0, 3, 3]


def test_no_pair_reaches_from_one_text_into_the_next() -> None:
    assert "b c" not in fitted(["a b", "c d"]).words
    matches = Vocabulary.of(("b c",), (), None, 100).matches(["a b", "c d"])
    assert len(matches.occurrences.terms) == 0


@pytest.mark.parametrize("text", ["1 2", "I a", "? !", "好", "🙂"])
def test_short_tokens_are_no_empty_vocabulary(text: str) -> None:
    assert fitted([text]).words


def test_texts_without_a_token_have_no_terms() -> None:
    assert fitted(["", " \n", "\u200b"], characters=(1, 3))[:2] == ((), ())
    assert len(Vocabulary.of((), (), None, 5).matches(["word", ""]).occurrences.terms) == 0


@pytest.mark.parametrize("kind", ["vocabulary", "pieces", "hashed"])
def test_terms_of_a_text_do_not_depend_on_the_others(kind: str) -> None:
    characters = (1, 3) if kind == "pieces" else None
    words, pieces, *_ = fitted(RANDOM[:40], 2, characters)
    of = HashedTerms(64, 2, None, 100) if kind == "hashed" else Vocabulary.of(words, pieces, characters, 100)
    together = of.matches([*RANDOM, "zzz yyy"])
    for place, text in enumerate(RANDOM):
        alone = of.matches([text])
        there = together.occurrences.texts == place
        assert sorted(alone.occurrences.terms.tolist()) == sorted(together.occurrences.terms[there].tolist())
        assert (alone.lengths[0], alone.cut[0]) == (together.lengths[place], together.cut[place])


def test_hashes_are_the_same_everywhere() -> None:
    found = HashedTerms(1 << 20, 2, None, 100).matches(["not good", "好"]).occurrences
    assert found.terms.tolist() == [76774, 651040, 182802, 458606]


@pytest.mark.parametrize("count", [50_000, pytest.param(1_000_000, marks=pytest.mark.exhaustive)])
def test_of_very_many_words_those_within_the_limit_are_kept(count: int) -> None:
    texts = [" ".join(f"w{word}" for word in range(start, start + 100)) for start in range(0, count, 100)]
    texts.append("w5 w7 w5")
    words, _, rows, *_ = fitted(texts, most=1_000, tokens=100)
    assert (len(words), set(words[:2]), rows[:3].tolist()) == (1_000, {"w5", "w7"}, [2, 2, 1])
    assert len(fitted(texts, most=10**7).words) == count + count // 100 * 99 + 2
    assert Vocabulary.of(words, (), None, 100).matches(texts[-1:]).lengths.tolist() == [3]
