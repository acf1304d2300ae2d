"""Length of the season of a series, from its autocorrelation."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]

FEWEST_SEASONS = 3
"""Seasons that a series needs: of two, no third tells whether they repeat."""

_AMONG_GIVEN, _SEARCHED = (1.2, 2.6), (1.4, 4.0)
"""Smallest autocorrelation, times the square root of the number of seasons, and of the pairs of steps a season apart.

More is needed where the length is searched, as the largest of many autocorrelations is larger by chance.
"""

_LEFT = 0.5
"""Share of the autocorrelation that is left two seasons later; that of random fluctuations vanishes."""

_AS_STRONG, _MULTIPLE = 0.05, 1.5
"""Difference of autocorrelations within which a length shorter by this factor is chosen, as multiples correlate too."""

_ROUNDING = 1e-10
"""Size of what is left of a straight line, compared with its values."""

_MOST_PEAKS = 5
"""Peaks that are tried of each spectrum."""


def find_season(values: Values, candidates: Sequence[int] = ()) -> int:
    """Season length of a series (steps,) among candidates, or from 2 to a third of the steps if there are none.

    It is the length with the strongest autocorrelation of the series less its moving average of that length; 1 if none
    is convincing. NaN is a missing value, and interpolated.
    """
    series = _interpolated(values)
    if len(series) < FEWEST_SEASONS * 2 or not np.ptp(series):
        return 1
    lengths, least = (candidates, _AMONG_GIVEN) if candidates else (_likely_lengths(series), _SEARCHED)
    found = {length: _strength(series, length, least) for length in lengths}
    strongest = max(found.values(), default=0.0)
    if not strongest:
        return 1
    season = max(found, key=lambda length: (found[length], -length))
    while shorter := [
        length for length in found if length <= season / _MULTIPLE and found[length] >= strongest - _AS_STRONG
    ]:
        season = max(shorter, key=lambda length: (found[length], -length))
    return season


def _strength(series: Values, length: int, least: tuple[float, float]) -> float:
    """Autocorrelation at a season's length, 0 if it is not convincing or vanishes two seasons later."""
    steps = len(series)
    if not 2 <= length <= steps // FEWEST_SEASONS:
        return 0.0
    rest = _without_trend(series, length)
    if np.abs(rest).max() <= _ROUNDING * np.abs(series).max():
        return 0.0
    strength = _correlation(rest, length)
    per_season, per_pair = least
    if strength < max(per_season / np.sqrt(steps / length), per_pair / np.sqrt(steps - 2 * length)):
        return 0.0
    if steps >= (FEWEST_SEASONS + 1) * length and _correlation(rest, 2 * length) < _LEFT * strength:
        return 0.0
    return strength


def _correlation(rest: Values, lag: int) -> float:
    earlier, later = rest[:-lag], rest[lag:]
    scale = np.sqrt((earlier @ earlier) * (later @ later))
    return float(earlier @ later / scale) if scale > 0 else 0.0


def _interpolated(values: Values) -> Values:
    """Series from its first to its last value, with missing ones on straight lines between their neighbors."""
    known = np.flatnonzero(~np.isnan(values))
    if not len(known):
        return values[:0]
    steps = np.arange(known[0], known[-1] + 1)
    return np.interp(steps, known, values[known])


def _without_trend(series: Values, length: int) -> Values:
    """Series less its centered moving average, without its mean; of an even length, the average's ends count half."""
    sums = np.concatenate([[0.0], np.cumsum(series - series.mean())])
    means = (sums[length:] - sums[:-length]) / length
    if length % 2 == 0:
        means = (means[:-1] + means[1:]) / 2
    start = length // 2
    rest = (series - series.mean())[start : start + len(means)] - means
    return np.asarray(rest - rest.mean())


def _likely_lengths(series: Values) -> set[int]:
    """Lengths at peaks of the autocorrelation of differences, and of the periodogram of the series."""
    longest = len(series) // FEWEST_SEASONS
    lengths = set(_peaks(_autocorrelation(np.diff(series))[: longest + 2]))
    steps = np.arange(len(series))
    straight = np.polynomial.Polynomial.fit(steps, series, 1)(steps)
    for frequency in _peaks(np.abs(np.fft.rfft(series - straight))):
        if frequency < FEWEST_SEASONS:
            continue
        low, high = len(series) / (frequency + 0.5), min(len(series) / (frequency - 0.5), longest)
        around = np.arange(max(2, int(np.ceil(low))), int(high) + 1)
        if len(around):
            rest = _without_trend(series, round(len(series) / frequency))
            lengths.add(int(around[np.argmax(_autocorrelation(rest)[around])]))
    return lengths


def _autocorrelation(series: Values) -> Values:
    """Sum of products of a series with itself, by lag (steps,)."""
    centered = series - series.mean()
    spectrum = np.fft.rfft(centered, 2 * len(series))
    return np.asarray(np.fft.irfft(spectrum * np.conj(spectrum))[: len(series)])


def _peaks(heights: Values) -> Iterable[int]:
    """Places of the largest values that are no smaller than their neighbors, without the first and the last."""
    inner = np.flatnonzero((heights[1:-1] >= heights[:-2]) & (heights[1:-1] >= heights[2:])) + 1
    order = np.argsort(-heights[inner], kind="stable")
    return [int(place) for place in inner[order][:_MOST_PEAKS]]
