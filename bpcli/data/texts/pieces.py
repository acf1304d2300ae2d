"""Character n-grams of tokens."""

from __future__ import annotations

from collections.abc import Iterator

INSIDE = "…"
"""Mark at an end of a piece at which its token goes on."""


def pieces_of(token: str, shortest: int, longest: int) -> Iterator[str]:
    """Character n-grams of a token, marked where it goes on: `walk…`, `…ing`. The whole token is none of them."""
    for length in range(shortest, min(longest, len(token) - 1) + 1):
        for start in range(len(token) - length + 1):
            end = start + length
            yield (INSIDE if start else "") + token[start:end] + (INSIDE if end < len(token) else "")
