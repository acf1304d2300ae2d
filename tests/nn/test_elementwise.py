"""Compiled elementwise operations against NumPy, to the bit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

F32 = np.float32
SPECIAL = [-0.0, 0.0, np.nan, np.inf, -np.inf, 1e-45, -1e-45, 3.4e38]
elementwise = pytest.importorskip("bpcli.nn.compiled.elementwise", exc_type=ImportError)


def numbers(*shape: int, special: bool = True) -> Any:
    """Random numbers, and those at the ends of the range."""
    found = np.random.default_rng(sum(shape)).normal(size=shape).astype(F32)
    if special:
        found.reshape(-1)[: len(SPECIAL)] = SPECIAL
    return found


def test_bias_and_relu_are_those_of_numpy() -> None:
    z, bias = numbers(3, 5, 37), numbers(3, 37, special=False)
    with np.errstate(all="ignore"):
        expected = np.maximum(z + bias[:, None], 0.0)
    elementwise.add_bias_and_rectify(z, bias)
    np.testing.assert_array_equal(z, expected)


def test_each_piece_is_dropped_by_numbers_from_its_place() -> None:
    y, pool = numbers(2, 50), np.random.default_rng(0).integers(1 << 16, size=400, dtype=np.uint16)
    places = np.array([[0, 100, 30], [300, 7, 350]])
    expected = y.copy()
    for member, of_member in enumerate(places):
        for index, place in enumerate(of_member):
            part = expected[member, 20 * index : 20 * (index + 1)]
            part *= np.where(pool[place : place + len(part)] < 20_000, F32(0), F32(1.5))
    elementwise.drop(y, pool, places, 20, 20_000, F32(1.5))
    np.testing.assert_array_equal(y, expected)
    assert 0.1 < np.mean(y == 0.0) < 0.6


def test_the_slope_is_that_of_relu_after_the_mask() -> None:
    d = numbers(5, 37)
    kept, z = np.random.default_rng(1).random((5, 37)) < 0.7, numbers(37, 5, special=False).reshape(5, 37)
    mask = np.where(kept, F32(1.25), F32(0))
    with np.errstate(all="ignore"):
        expected = d * mask * np.sign(np.maximum(z, 0.0))
    elementwise.rectify_back(d, np.maximum(z, 0.0) * mask, F32(1.25))
    finite = np.abs(expected) < np.inf
    np.testing.assert_array_equal(d[finite], expected[finite])
    assert finite.mean() > 0.95
