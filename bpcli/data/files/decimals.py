"""Decimal numbers out of raw bytes, whole columns at a time, correctly rounded."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bpcli.data.files.byte_words import Words, gather_words

WINDOW = 24
"""Bytes looked at before the end of a cell and after its start; the caller pads the text on both sides by as many."""

_PIECE = 1 << 13
"""Cells worked on at a time: their arrays, of 64 to 128 KiB, stay in the cache and are not fresh pages each time."""

_SHORT = 12
"""Characters; where most cells have more, the short way would seldom do."""

_F64 = NDArray[np.float64]
_Index = NDArray[np.intp]

# One byte repeated over a word of eight.
_ZEROS = np.uint64(0x3030303030303030)
_POINT = np.uint64(0x1E1E1E1E1E1E1E1E)  # "." ^ "0"
_ONES = np.uint64(0x0101010101010101)
_LOW_BITS = np.uint64(0x7F7F7F7F7F7F7F7F)
_HIGH_BITS = np.uint64(0x8080808080808080)
_ABOVE_NINE = np.uint64(0x7676767676767676)  # carries into the high bit of a byte from ten on

_POWERS = np.array([float(10**exponent) for exponent in range(23)])
"""The powers of ten that float64 holds exactly."""


def parse_decimals(padded: NDArray[np.uint8], starts: _Index, ends: _Index) -> _F64:
    """The number in each cell `starts[i]:ends[i]`, or infinity where the cell is not a plain decimal.

    Plain: an optional sign, digits with at most one point, up to about 19 significant digits. Exponents, longer numbers
    and everything else are left to the caller, who reads them one by one. All arrays have shape (cells,).

    Eight characters make one 64-bit word and are worked on together, after D. Lemire, "Quickly parsing eight digits"
    (2018).
    """
    values = np.empty(len(starts))
    for start in range(0, len(starts), _PIECE):
        piece = slice(start, start + _PIECE)
        values[piece] = _parse_piece(padded, starts[piece], ends[piece])
    return values


def _parse_piece(padded: NDArray[np.uint8], starts: _Index, ends: _Index) -> _F64:
    first = padded[starts]
    negative = first == ord("-")
    starts = starts + (negative | (first == ord("+")))
    lengths = ends - starts
    if 2 * np.count_nonzero(lengths > _SHORT) > len(lengths):
        values = _parse_long(padded, ends, lengths)
    else:
        values = _parse_short(padded, starts, lengths)
        others = np.flatnonzero(np.isinf(values) & (lengths > 8))
        if len(others):
            values[others] = _parse_long(padded, ends[others], lengths[others])
    return np.where(negative & np.isfinite(values), -values, values)


def _digit_words(padded: NDArray[np.uint8], starts: _Index, count: int) -> Words:
    """The `8 * count` characters from each start on, as digit values."""
    words = gather_words(padded, starts, count)
    words ^= _ZEROS
    return words


def _parse_short(padded: NDArray[np.uint8], starts: _Index, lengths: _Index) -> _F64:
    """Unsigned numbers of up to 7 digits before and 8 after a point, or of up to 16 without one.

    Infinity where a cell is none, which for cells of up to 8 characters means that it is no plain decimal.
    """
    head, tail = _digit_words(padded, starts, 2)
    # The high bit of the first byte that is a point, and perhaps of bytes behind it.
    unlike = head ^ _POINT
    mark = unlike - _ONES
    mark &= ~unlike
    mark &= _HIGH_BITS
    before_mark = np.bitwise_count((mark - np.uint64(1)) & ~mark)
    # All sizes are in bits: of the cell, of its digits before the point, and of those after it (-8 without a point).
    bits = lengths << 3
    whole = np.minimum(before_mark & np.uint8(0x78), bits)
    fraction = bits - whole
    fraction -= 8
    # Eight digits and more without a point: the last eight of them are treated as a fraction.
    long = np.flatnonzero((before_mark == 64) & (bits >= 64))
    if len(long):
        whole[long] = bits[long] - 64
        fraction[long] = np.maximum(whole[long], 64)  # beyond 16 digits: refused below

    # Shifts clear what is not of a part and fill up with zeros. One by 64 bits or more leaves nothing, and so does one
    # by fewer than none, which is a huge unsigned number.
    has_fractions = bool((fraction > 0).any())
    digits = np.empty((1 + has_fractions, len(head)), np.uint64)
    np.left_shift(head, (64 - whole).view(np.uint64), out=digits[0])
    if has_fractions:
        before = (bits - fraction).view(np.uint64)
        behind = (64 - fraction).view(np.uint64)
        head >>= before
        tail <<= np.uint64(64) - before
        head |= tail
        head <<= behind
        np.right_shift(head, behind, out=digits[1])
    valid = (np.bitwise_or.reduce(_beyond_nine(digits)) == 0) & (fraction <= 64) & (np.maximum(whole, fraction) > 0)
    mantissas = _eight_digits(digits)
    mantissa = mantissas[0]
    if has_fractions:
        mantissa *= np.uint64(10**8)
        mantissa += mantissas[1]
    values = mantissa.astype(np.float64)
    if has_fractions:
        # Both operands are exact, so that the division rounds once (W. Clinger, PLDI 1990).
        values /= 1e8
        values[long] = mantissa[long]
    return np.where(valid, values, np.inf)


def _parse_long(padded: NDArray[np.uint8], ends: _Index, lengths: _Index) -> _F64:
    """Unsigned numbers of up to WINDOW characters and about 19 significant digits."""
    # words[0] holds the last eight characters, as digit values; what stands before the cell counts as zeros.
    count = min(max(-(-int(lengths.max(initial=1)) // 8), 1), WINDOW // 8)
    words = _digit_words(padded, ends - 8 * count, count)[::-1]
    marks: list[Words] = []  # the high bit of each byte that is a point
    for index, word in enumerate(words):
        before_cell = np.maximum(64 * (index + 1) - (lengths << 3), 0).view(np.uint64)
        word >>= before_cell
        word <<= before_cell
        unlike = word ^ _POINT
        marks.append(~(((unlike & _LOW_BITS) + _LOW_BITS) | unlike | _LOW_BITS))

    points = np.zeros(len(ends), np.uint8)
    places = np.zeros(len(ends), np.uint8)  # digits after the point
    valid = (lengths > 0) & (lengths <= WINDOW)
    parts: list[Words] = []
    for index, (word, mark) in enumerate(zip(words, marks, strict=True)):
        points += np.bitwise_count(mark)
        places += (mark != 0) * (8 * index + 7 - (np.bitwise_count(mark - np.uint64(1)) >> 3))
        # The characters before the point move up by one, over it; with no mark in this word that is all of them.
        moving = np.negative((points > 0).astype(np.uint64))
        upto_point = ((mark >> np.uint64(7)) - np.uint64(1)) & moving
        after_point = ~(((mark << np.uint64(1)) - np.uint64(1)) & moving)
        digits = (word & after_point) | ((word & upto_point) << np.uint64(8))
        if index + 1 < count:
            digits |= (words[index + 1] >> np.uint64(56)) & moving
        valid &= _beyond_nine(digits) == 0
        parts.append(_eight_digits(digits))

    mantissa = parts[0]
    for index, part in enumerate(parts[1:], 1):
        mantissa = mantissa + part * np.uint64(10 ** (8 * index))
    if count == 3:
        valid &= parts[2] < 1000  # so that the mantissa stays below 10^19 and fits
    valid &= (points <= 1) & (lengths > points) & (places < len(_POWERS))

    powers = _POWERS[np.minimum(places, len(_POWERS) - 1)]
    # Both operands are exact up to 2^53, so that the division rounds once (W. Clinger, PLDI 1990).
    values: _F64 = mantissa.astype(np.float64) / powers
    if count > 1:
        long = np.flatnonzero(valid & (mantissa > np.uint64(2**53)))
        values[long] = _long_quotient(mantissa[long], powers[long])
        valid &= np.isfinite(values)
    return np.where(valid, values, np.inf)


def _beyond_nine(digits: Words) -> Words:
    """The high bit of each byte that is no digit value."""
    beyond = digits + _ABOVE_NINE
    beyond |= digits
    beyond &= _HIGH_BITS
    return beyond


def _eight_digits(digits: Words) -> Words:
    """The number that eight digit values spell, the first in the lowest byte: pairs, fours, then all."""
    numbers = digits * np.uint64(10 * 2**8 + 1)
    numbers >>= np.uint64(8)
    numbers &= np.uint64(0x00FF00FF00FF00FF)
    numbers *= np.uint64(100 * 2**16 + 1)
    numbers >>= np.uint64(16)
    numbers &= np.uint64(0x0000FFFF0000FFFF)
    numbers *= np.uint64(10000 * 2**32 + 1)
    numbers >>= np.uint64(32)
    return numbers


def _long_quotient(mantissa: Words, powers: _F64) -> _F64:
    """`mantissa / powers` for mantissas beyond 2^53, or infinity in the rare case that the rounding is in doubt.

    The quotient of the rounded mantissa is corrected by its exact remainder (T. Dekker, Numer. Math. 18, 1971). The
    correction is off by at most 2^-50 of itself: when a little more and a little less of it give one sum, that is the
    right one.
    """
    high = mantissa.astype(np.float64)
    low = (mantissa - high.astype(np.uint64)).view(np.int64).astype(np.float64)
    quotient = high / powers
    quotient_high, quotient_low = _halves(quotient)
    powers_high, powers_low = _halves(powers)
    product = quotient * powers
    error = quotient_low * powers_low - (
        ((product - quotient_high * powers_high) - quotient_low * powers_high) - quotient_high * powers_low
    )
    correction = (((high - product) - error) + low) / powers
    less = quotient + correction * (1 - 2.0**-40)
    more = quotient + correction * (1 + 2.0**-40)
    return np.where(less == more, less, np.inf)


def _halves(values: _F64) -> tuple[_F64, _F64]:
    """Each value as a sum of two with at most 26 bits, whose products are exact."""
    shifted = values * (2.0**27 + 1)
    high = shifted - (shifted - values)
    return high, values - high
