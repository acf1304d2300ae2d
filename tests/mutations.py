"""Seeded mutations of real files: of their bytes, and of the words and marks in them."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence

_TOKEN = re.compile(rb"\w+|\s+|[^\w\s]")

_MOST_EDITS = 4


def mutated(content: bytes, hostile: Sequence[bytes], seed: str) -> bytes:
    """A copy of `content` with one to four edits, the same ones for the same seed; `hostile` words are put in."""
    choice = random.Random(seed)
    for _ in range(choice.randint(1, _MOST_EDITS)):
        content = choice.choice((_flip_bit, _cut_out, _repeat, _truncate, _overwrite, _exchange_words, _put_in))(
            content or b"\n", hostile, choice
        )
    return content


def _slice(content: bytes, choice: random.Random) -> slice:
    start = choice.randrange(len(content))
    return slice(start, start + choice.choice((1, 2, 8, 64, 512)))


def _flip_bit(content: bytes, hostile: Sequence[bytes], choice: random.Random) -> bytes:
    at = choice.randrange(len(content))
    return content[:at] + bytes([content[at] ^ 1 << choice.randrange(8)]) + content[at + 1 :]


def _cut_out(content: bytes, hostile: Sequence[bytes], choice: random.Random) -> bytes:
    part = _slice(content, choice)
    return content[: part.start] + content[part.stop :]


def _repeat(content: bytes, hostile: Sequence[bytes], choice: random.Random) -> bytes:
    part = _slice(content, choice)
    return content[: part.stop] + content[part] * choice.choice((1, 2, 50)) + content[part.stop :]


def _truncate(content: bytes, hostile: Sequence[bytes], choice: random.Random) -> bytes:
    return content[: choice.randrange(len(content))]


def _overwrite(content: bytes, hostile: Sequence[bytes], choice: random.Random) -> bytes:
    part = _slice(content, choice)
    return content[: part.start] + choice.randbytes(len(content[part])) + content[part.stop :]


def _exchange_words(content: bytes, hostile: Sequence[bytes], choice: random.Random) -> bytes:
    """One word or mark in the place of another."""
    words = _TOKEN.findall(content)
    words[choice.randrange(len(words))] = choice.choice((*hostile, choice.choice(words)))
    return b"".join(words)


def _put_in(content: bytes, hostile: Sequence[bytes], choice: random.Random) -> bytes:
    at = choice.randrange(len(content))
    return content[:at] + choice.choice(hostile) + content[at:]
