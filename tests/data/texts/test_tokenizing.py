"""Tokens of texts of every kind."""

from __future__ import annotations

import unicodedata
from time import process_time

import pytest

from bpcli.data.texts.tokenizing import tokens_of

MOST = 2_000


def tokens(text: str) -> list[str]:
    found, is_cut = tokens_of(text, MOST)
    assert not is_cut
    return found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        (" \t\r\n\f\v\u00a0\u2003\u3000 ", []),
        ("I a", ["i", "a"]),
        ("1 2", ["1", "2"]),
        ("It isn't GOOD, at 9.50$!", ["it", "isn't", "good", ",", "at", "9", ".", "50", "$", "!"]),
        ("snake_case x2", ["snake_case", "x2"]),
        ("'quoted' rock'n'roll", ["'", "quoted", "'", "rock'n'roll"]),
        ("a\x00b\x01c\x7f", ["a", "\x00", "b", "\x01", "c", "\x7f"]),
        ("zero\u200bwidth so\u00adft \ufeffmark", ["zerowidth", "soft", "mark"]),
        ("naïve Ünïcode’s", ["naïve", "ünïcode’s"]),
        ("我喜欢 它", ["我", "喜", "欢", "它"]),
        ("コーヒー", ["コ", "ー", "ヒ", "ー"]),
        ("커피", ["커", "피"]),
        ("ที่นี่", ["ที่", "นี่"]),
        ("नमस्ते दुनिया", ["नमस्ते", "दुनिया"]),
        ("שָׁלוֹם עולם!", ["שָׁלוֹם", "עולם", "!"]),
        ("مَرْحَبًا بك", ["مَرْحَبًا", "بك"]),
        ("👍🏽👩‍👩‍👧 ❤️", ["👍🏽", "👩‍👩‍👧", "❤️"]),
        ("ＡＢＣ１ ﬁne ½", ["abc1", "fine", "1", "⁄", "2"]),
        ("e\u0301te\u0301", ["\u00e9t\u00e9"]),
        ("x\u0301y", ["x\u0301y"]),
        ("\ud800 lone", ["\ud800", "lone"]),
    ],
)
def test_tokens_are_words_single_characters_of_scripts_without_spaces_marks_and_emoji(
    text: str, expected: list[str]
) -> None:
    assert tokens(text) == expected


@pytest.mark.parametrize("text", ["Ångström café 각 ñ", "Tiếng Việt rất đẹp", "ガギグ ﾊﾟﾋﾟ", "ἀρχή Ἀθῆναι"])
def test_composed_and_decomposed_letters_are_the_same(text: str) -> None:
    forms = [tokens(unicodedata.normalize(form, text)) for form in ("NFC", "NFD", "NFKC", "NFKD")]
    assert forms[0]
    assert all(form == forms[0] for form in forms)


@pytest.mark.parametrize("text", ["Good Camera", "STRASSE ΣΊΣΥΦΟΣ", "İstanbul"])
def test_case_does_not_matter_and_lower_case_is_stable(text: str) -> None:
    assert tokens(" ".join(tokens(text))) == tokens(text)
    assert tokens(text.lower()) == tokens(text)


def test_a_token_has_no_blank_by_which_n_grams_are_written() -> None:
    every = "".join(map(chr, range(0x3100))) + "".join(chr(code) for code in range(0xA000, 0xD800, 7))
    for start in range(0, len(every), 100):
        assert not any(" " in token or token.strip() != token for token in tokens(every[start : start + 100]))


@pytest.mark.parametrize("unit", ["word ", "wörter ", "好", "🙂", "x", "-", " ", "e\u0301"])
def test_a_text_of_a_hundred_megabytes_is_looked_at_in_part(unit: str) -> None:
    text = unit * (2_000_000 // len(unit))
    started = process_time()
    found, is_cut = tokens_of(text, MOST)
    whole = [unit.strip()] if unit not in ("x", "e\u0301", " ") else []
    if whole:
        assert (len(found), is_cut) == (MOST, True)
        assert process_time() - started < 1
    else:  # a single token, or none
        assert (len(found), is_cut) == (0 if unit == " " else 1, False)


@pytest.mark.exhaustive
def test_a_hundred_megabytes_take_the_time_of_the_part_that_is_read() -> None:
    text = "word " * 20_000_000
    started = process_time()
    assert tokens_of(text, MOST) == (["word"] * MOST, True)
    assert process_time() - started < 0.5


@pytest.mark.parametrize("code", range(128))
def test_ascii_characters_are_the_same_in_other_texts(code: int) -> None:
    text = f"ab{chr(code)}c, it's {chr(code)} {chr(code)}d"
    assert [*tokens(text), "é"] == tokens(f"{text} é")


def test_the_first_tokens_of_a_long_text_are_those_of_its_beginning() -> None:
    text = " ".join(f"w{place}" for place in range(100_000))
    assert tokens_of(text, 7) == ([f"w{place}" for place in range(7)], True)
    assert tokens_of("a b c", 3) == (["a", "b", "c"], False)
    assert tokens_of("a b c d", 3) == (["a", "b", "c"], True)
