"""Text cells as 64-bit words of eight characters, for arithmetic on many cells at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Words = NDArray[np.uint64]
"""Shape (words, cells); the first character of each eight is in the lowest byte."""

_SLOT_BITS = 13
_SPREAD = np.uint64(0x9E3779B97F4A7C15)  # 2^64 / golden ratio (D. Knuth, TAOCP 3, 6.4)


def gather_words(padded: NDArray[np.uint8], starts: NDArray[np.intp], count: int) -> Words:
    """Words of the `8 * count` bytes from each start."""
    width = 8 * count
    # One gather of wide items costs no more than one of single words that are not aligned.
    windows = np.ndarray((len(padded) - width + 1,), f"V{width}", buffer=padded, strides=(1,))
    return windows[starts].view("<u8").reshape(-1, count).T.copy()


def clear_behind(words: Words, lengths: NDArray[np.intp]) -> Words:
    """Set the bytes after each cell's length to zero, in place. Lengths are in bytes."""
    bits = lengths << 3
    for index, word in enumerate(words, 1):
        unused = np.maximum(64 * index - bits, 0).view(np.uint64)
        word <<= unused  # shifts by more than 63 leave zero
        word >>= unused
    return words


def first_alike(words: Words) -> NDArray[np.intp]:
    """Index of the first cell with the same words, for each cell (cells,); sometimes the cell's own index.

    A hash table in which the first cell of a slot keeps it; a different cell with the same slot keeps its own index.
    """
    hashes = np.zeros(words.shape[1], np.uint64)
    for word in words:
        hashes += word
        hashes *= _SPREAD
    slots = hashes >> np.uint64(64 - _SLOT_BITS)
    itself = np.arange(len(slots))
    owners = np.empty(1 << _SLOT_BITS, np.intp)
    owners[slots[::-1]] = itself[::-1]  # of several the last one written stays
    owner = owners[slots]
    same = words[0][owner] == words[0]
    for word in words[1:]:
        same &= word[owner] == word
    return np.where(same, owner, itself)
