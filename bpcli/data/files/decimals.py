"""Correctly rounded decimal numbers from raw bytes, many cells at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bpcli.data.files.byte_words import Words, gather_words

WINDOW = 24
"""Bytes that are read before the end of a cell; the caller pads the text in front by as many."""

_PIECE = 1 << 13
"""Cells worked on at a time: their arrays, of 64 KiB, stay in the cache and are not fresh pages each time."""

_F64 = NDArray[np.float64]
_Index = NDArray[np.intp]

_SHORT = 12
"""Characters; where most cells have more, the short way would seldom do."""

# One byte repeated over a word of eight.
_ONES = np.uint64(0x0101010101010101)
_ZEROS = np.uint64(0x3030303030303030)
_HIGH_BITS = np.uint64(0x8080808080808080)
_ABOVE_NINE = np.uint64(0x7676767676767676)  # carries into the high bit of a byte from ten on

_POWERS = np.array([float(10**exponent) for exponent in range(20)])
"""Powers of ten, all of which float64 holds exactly."""


def parse_decimals(padded: NDArray[np.uint8], starts: _Index, ends: _Index, point: str = ".") -> _F64:
    """Number of each cell `starts[i]:ends[i]`; infinity for cells other than plain decimals.

    A plain decimal has an optional sign and up to 19 digits with at most one point. Exponents, longer numbers and
    everything else are left to the caller, one by one. All arrays have shape (cells,).
    """
    values = np.empty(len(starts))
    for start in range(0, len(starts), _PIECE):
        piece = slice(start, start + _PIECE)
        values[piece] = _parse_short(padded, starts[piece], ends[piece], ord(point))
    left = np.flatnonzero(np.isnan(values))
    if len(left):
        points = np.append(np.flatnonzero(padded == ord(point)), len(padded))
        for start in range(0, len(left), _PIECE):
            cells = left[start : start + _PIECE]
            values[cells] = _parse_long(padded, starts[cells], ends[cells], points)
    return values


def _parse_short(padded: NDArray[np.uint8], starts: _Index, ends: _Index, point: int) -> _F64:
    """Numbers of up to 7 digits before the point and 8 after it, or of up to 8 digits.

    Infinity for cells other than plain decimals, NaN for cells too long to tell.
    """
    first = padded[starts]
    negative = first == ord("-")
    starts = starts + (negative | (first == ord("+")))
    bits = (ends - starts) << 3  # as all sizes below
    if 2 * np.count_nonzero(bits > 8 * _SHORT) > len(bits):
        return np.full(len(bits), np.nan)
    words = gather_words(padded, starts, 2)
    words ^= _ZEROS
    head, tail = words
    # The high bit of the first byte that is a point, and perhaps of bytes behind it.
    unlike = head ^ (_ONES * np.uint8(point ^ ord("0")))
    mark = unlike - _ONES
    mark &= ~unlike
    mark &= _HIGH_BITS
    whole = np.minimum(np.bitwise_count((mark - np.uint64(1)) & ~mark) & np.uint8(0x78), bits)
    places = bits - whole
    places -= 8  # the point; without one, -8 are left
    valid = ((whole < 64) | (places < 0)) & (places <= 64) & (np.maximum(whole, places) > 0)
    # Shifts clear what is not of a part and fill it up with zeros, in front of the whole and behind the places. One by
    # 64 bits or more leaves nothing, and so does one by fewer than none, which is a huge unsigned number.
    before, behind = (whole + 8).view(np.uint64), (64 - places).view(np.uint64)
    tail <<= np.uint64(64) - before
    tail |= head >> before
    tail <<= behind
    tail >>= behind
    head <<= (64 - whole).view(np.uint64)
    valid &= ((_beyond_nine(head) | _beyond_nine(tail)) & _HIGH_BITS) == 0
    _join_digits(words)
    head *= np.uint64(10**8)
    head += tail
    # Both operands are exact, so that the division rounds once (W. Clinger, PLDI 1990).
    values = head.astype(np.float64)
    values /= 1e8
    if negative.any():
        np.negative(values, where=negative, out=values)
    return values if valid.all() else np.where(valid, values, np.where(bits > 64, np.nan, np.inf))


def _parse_long(padded: NDArray[np.uint8], starts: _Index, ends: _Index, points: _Index) -> _F64:
    first = padded[starts]
    negative = first == ord("-")
    starts = starts + (negative | (first == ord("+")))
    whole_ends = np.minimum(points[np.searchsorted(points, starts)], ends)
    part_starts = np.minimum(whole_ends + 1, ends)
    places = ends - part_starts
    digits = whole_ends - starts + places
    whole, valid = _digits(padded, starts, whole_ends)
    part, part_valid = _digits(padded, part_starts, ends)
    valid &= part_valid & (digits > 0) & (digits < len(_POWERS))
    places[~valid] = 0
    powers = _POWERS[places]
    mantissa = whole * powers.astype(np.uint64) + part
    # Both operands are exact up to 2^53, so that the division rounds once (W. Clinger, PLDI 1990).
    values: _F64 = mantissa.astype(np.float64) / powers
    long = np.flatnonzero(valid & (mantissa > np.uint64(2**53)))
    if len(long):
        values[long] = _long_quotient(mantissa[long], powers[long])
    return np.where(valid, np.where(negative & np.isfinite(values), -values, values), np.inf)


def _digits(padded: NDArray[np.uint8], starts: _Index, ends: _Index) -> tuple[Words, NDArray[np.bool_]]:
    """Whole number of each cell, 0 if empty, and whether the cell consists of at most WINDOW digits."""
    lengths = ends - starts
    count = min(max(-(-int(lengths.max(initial=1)) // 8), 1), WINDOW // 8)
    numbers = np.zeros(len(starts), np.uint64)
    beyond_nine = np.zeros(len(starts), np.uint64)
    for index, word in enumerate(gather_words(padded, ends - 8 * count, count), 1 - count):
        before_cell = np.maximum(64 * (1 - index) - (lengths << 3), 0).view(np.uint64)
        word ^= _ZEROS
        word >>= before_cell  # by 64 and more it leaves nothing
        word <<= before_cell
        beyond_nine |= _beyond_nine(word)
        _join_digits(word)
        numbers *= np.uint64(10**8)
        numbers += word
    return numbers, ((beyond_nine & _HIGH_BITS) == 0) & (lengths <= WINDOW)


def _beyond_nine(digits: Words) -> Words:
    """Words whose bytes have the high bit set where they are not a digit value."""
    beyond = digits + _ABOVE_NINE
    beyond |= digits
    return beyond


def _join_digits(words: Words) -> None:
    """Replace every eight digit values, first digit in the lowest byte, by their number.

    All eight are processed together: pairs, fours, then all (D. Lemire, "Quickly parsing eight digits", 2018).
    """
    words *= np.uint64(10 * 2**8 + 1)
    words >>= np.uint64(8)
    words &= np.uint64(0x00FF00FF00FF00FF)
    words *= np.uint64(100 * 2**16 + 1)
    words >>= np.uint64(16)
    words &= np.uint64(0x0000FFFF0000FFFF)
    words *= np.uint64(10000 * 2**32 + 1)
    words >>= np.uint64(32)


def _long_quotient(mantissa: Words, powers: _F64) -> _F64:
    """`mantissa / powers` for mantissas above 2^53; infinity in the rare case that rounding is uncertain.

    The quotient of the rounded mantissa is corrected by its exact remainder (T. Dekker, Numer. Math. 18, 1971). The
    relative error of the correction is at most 2^-50: if slightly more and slightly less of it give the same sum,
    that sum is correct.
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
    """Each value as a sum of two numbers of at most 26 bits, whose products are exact."""
    shifted = values * (2.0**27 + 1)
    high = shifted - (shifted - values)
    return high, values - high
