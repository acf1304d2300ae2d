"""Tokens of a text: words, single characters of scripts without spaces, punctuation marks and emoji."""

from __future__ import annotations

import re
import unicodedata
from functools import cache

_MARKS = (
    "\u0300-\u036f\u0483-\u0489\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u064b-\u065f\u0670"
    "\u06d6-\u06dc\u06df-\u06e4\u06e7\u06e8\u06ea-\u06ed\u0711\u0730-\u074a\u0900-\u0963\u0981-\u0983\u09bc-\u09e3"
    "\u0a01-\u0a75\u0a81-\u0acd\u0ae2\u0ae3\u0b01-\u0b63\u0b82-\u0bcd\u0c00-\u0c63\u0c81-\u0ce3\u0d00-\u0d63\u0d82-\u0df3"
    "\u0e31\u0e34-\u0e3a\u0e47-\u0e4e\u0eb1\u0eb4-\u0ebc\u0ec8-\u0ecd\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\u3099\u309a"
)
"""Combining marks, which `\\w` leaves out: accents, vowel signs, points. Blocks of Indic scripts with their letters."""

_UNSPACED = (
    "\u0e00-\u0e30\u0e32\u0e33\u0e40-\u0e46\u3041-\u3096\u30a1-\u30fa\u30fc\u3400-\u4dbf\u4e00-\u9fff"
    "\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
)
"""Letters of scripts without spaces between words, Thai, Kana and Han, and of Hangul, whose words take endings."""

_INVISIBLE = re.compile("[\u00ad\u200b\u2060\ufeff]")
"""Soft hyphens, zero-width spaces and byte order marks. A joiner, U+200D, is part of an emoji."""

_ASCII_TOKEN = re.compile(r"\w+(?:'\w+)*|[^\w\s\x1c-\x1f]", re.ASCII)
"""Separators U+001C to U+001F are white space in Unicode."""

_ALONE = rf"[{_UNSPACED}][{_MARKS}]*"
_TOKEN = (
    rf"{_ALONE}"
    rf"|[\w{_MARKS}]+(?:['’][\w{_MARKS}]+)*"
    r"|[^\w\s](?:[\ufe0f\U0001f3fb-\U0001f3ff]|\u200d[^\w\s])*"
)

FIRST_PART = 64
"""Characters per token of the first part of a long text that is looked at."""


def tokens_of(text: str, most: int) -> tuple[list[str], bool]:
    """The first `most` tokens of a text, and whether it has more.

    Text is taken in Unicode's compatibility form NFKC and in lower case, so that composed and decomposed letters, and
    wide and narrow ones, are the same. A token is a word, with apostrophes within; a character of a script without
    spaces; an emoji with its modifiers; or any other character that is not white space.
    """
    if len(text) <= most and text.isascii():
        return _ASCII_TOKEN.findall(text.lower()), False
    part = FIRST_PART * most
    while len(text) > part:  # of a text of 100 MB a small part is enough
        found = _split(text[:part])
        if len(found) > most + 1:  # the last may be cut
            return found[:most], True
        part *= 2
    found = _split(text)
    return (found[:most], True) if len(found) > most else (found, False)


def _split(text: str) -> list[str]:
    if text.isascii():
        return _ASCII_TOKEN.findall(text.lower())
    text = _INVISIBLE.sub("", unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).lower()))
    alone, token = _unicode_patterns()
    return token.findall(alone.sub(r" \g<0> ", text))


@cache
def _unicode_patterns() -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Patterns of characters that are tokens, and of all tokens: compiled for the first text that needs them."""
    return re.compile(_ALONE), re.compile(_TOKEN)
