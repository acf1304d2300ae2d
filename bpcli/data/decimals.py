"""Decimal numbers out of raw bytes, whole columns at a time, correctly rounded."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

WINDOW = 24
"""Bytes looked at before the end of a cell; the caller pads the text in front by as many."""

_PIECE = 1 << 13
"""Cells worked on at a time: arrays of 64 KiB stay in the cache, and are not fresh pages each time."""

_U64 = NDArray[np.uint64]
_F64 = NDArray[np.float64]

# One byte repeated over a word of eight.
_ZEROS = np.uint64(0x3030303030303030)
_POINT = np.uint64(0x1E1E1E1E1E1E1E1E)  # "." ^ "0"
_LOW_BITS = np.uint64(0x7F7F7F7F7F7F7F7F)
_HIGH_BITS = np.uint64(0x8080808080808080)
_ABOVE_NINE = np.uint64(0x7676767676767676)  # carries into the high bit of a byte from ten on

_KEEP = np.array([(0xFFFFFFFFFFFFFFFF << 8 * lost) & 0xFFFFFFFFFFFFFFFF for lost in range(9)], np.uint64)
"""Masks that keep the last 8, 7, … 0 characters of a word."""

_POWERS = np.array([float(10**exponent) for exponent in range(23)])
"""The powers of ten that float64 holds exactly."""


def parse_decimals(padded: NDArray[np.uint8], starts: NDArray[np.intp], ends: NDArray[np.intp]) -> _F64:
    """The number in each cell `starts[i]:ends[i]`, or infinity where the cell is not a plain decimal.

    Plain: an optional sign, digits with at most one point, up to about 19 significant digits. Exponents, longer numbers
    and everything else are left to the caller, who reads them one by one. All arrays have shape (cells,).

    """
    values = np.empty(len(starts))
    for start in range(0, len(starts), _PIECE):
        piece = slice(start, start + _PIECE)
        values[piece] = _parse_piece(padded, starts[piece], ends[piece])
    return values


def _parse_piece(padded: NDArray[np.uint8], starts: NDArray[np.intp], ends: NDArray[np.intp]) -> _F64:
    """`parse_decimals` for a few cells: eight characters make one 64-bit word and are worked on together.

    After D. Lemire, "Quickly parsing eight digits" (2018), with the point taken out of the words first.
    """
    windows: _U64 = np.ndarray((len(padded) - 7,), "<u8", buffer=padded, strides=(1,))
    first = padded[starts]
    negative = first == ord("-")
    lengths = ends - starts - (negative | (first == ord("+")))

    # words[0] holds the last eight characters, as digit values; what stands before the cell counts as zeros.
    count = min(max(-(-int(lengths.max(initial=1)) // 8), 1), WINDOW // 8)
    words: list[_U64] = []
    marks: list[_U64] = []  # the high bit of each byte that is a point
    for index in range(count):
        before_cell = np.minimum(np.maximum(8 * (index + 1) - lengths, 0), 8)
        word = (windows[ends - 8 * (index + 1)] ^ _ZEROS) & _KEEP[before_cell]
        unlike = word ^ _POINT
        words.append(word)
        marks.append(~(((unlike & _LOW_BITS) + _LOW_BITS) | unlike | _LOW_BITS))

    points = np.zeros(len(starts), np.uint8)
    places = np.zeros(len(starts), np.uint8)  # digits after the point
    valid = (lengths > 0) & (lengths <= WINDOW)
    parts: list[_U64] = []
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
        valid &= (((digits + _ABOVE_NINE) | digits) & _HIGH_BITS) == 0
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
    return np.where(valid, np.where(negative, -values, values), np.inf)


def _eight_digits(digits: _U64) -> _U64:
    """The number that eight digit values spell, the first in the lowest byte: pairs, fours, then all."""
    pairs = (digits * np.uint64(10 * 2**8 + 1)) >> np.uint64(8)
    fours = ((pairs & np.uint64(0x00FF00FF00FF00FF)) * np.uint64(100 * 2**16 + 1)) >> np.uint64(16)
    return ((fours & np.uint64(0x0000FFFF0000FFFF)) * np.uint64(10000 * 2**32 + 1)) >> np.uint64(32)


def _long_quotient(mantissa: _U64, powers: _F64) -> _F64:
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
