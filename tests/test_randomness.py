from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import pytest

from bpcli.randomness import POOL, Stream


def philox_4x64(key: int, counter: list[int]) -> list[int]:
    """One block of Philox4x64-10, from section 4.3 of Salmon et al. 2011, in Python integers."""
    word = 2**64 - 1
    k0, k1 = key & word, key >> 64
    c0, c1, c2, c3 = counter
    for _ in range(10):
        first, second = 0xD2E7470EE14C6C93 * c0, 0xCA5A826395121157 * c2
        c0, c1, c2, c3 = (second >> 64) ^ c1 ^ k0, second & word, (first >> 64) ^ c3 ^ k1, first & word
        k0, k1 = (k0 + 0x9E3779B97F4A7C15) & word, (k1 + 0xBB67AE8584CAA73B) & word
    return [c0, c1, c2, c3]


def draws(stream: Stream, epoch: int = 0, step: int = 0, index: int = 0, size: int = 100) -> list[float]:
    return stream.at(epoch, step, index).random(size).tolist()


def test_the_bits_are_philox_of_seed_and_purpose_at_epoch_step_and_index() -> None:
    key = int.from_bytes(hashlib.sha256(b"42:shuffle").digest()[:16], "little")
    expected = [word for draw in (1, 2) for word in philox_4x64(key, [draw, 7, 5, 3])]
    assert Stream(42, "shuffle").at(epoch=3, step=5, index=7).bit_generator.random_raw(8).tolist() == expected


def test_the_numbers_of_a_position_do_not_depend_on_what_was_drawn_before() -> None:
    expected = draws(Stream(1, "dropout"), 2, 3, 4)
    used = Stream(1, "dropout")
    used.at(9, 9, 9).permutation(17)
    used.at(2, 3, 4).random(5, dtype=np.float32)  # Leaves half a word in the generator's buffer.
    assert draws(used, 2, 3, 4) == expected
    assert draws(used, 2, 3, 4) == expected


def test_another_seed_purpose_epoch_step_or_index_gives_other_numbers() -> None:
    streams = [
        Stream(1, "dropout"),
        Stream(2, "dropout"),
        Stream(1, "shuffle"),
        Stream(12, "split"),
        Stream(1, "split"),
    ]
    positions = [(0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1)]
    first_numbers = [draws(stream, *position, size=1)[0] for stream in streams for position in positions]
    assert len(set(first_numbers)) == len(first_numbers)


@pytest.mark.parametrize("coordinate", [0, 1, 2])
def test_neighbouring_positions_do_not_overlap_and_are_not_correlated(coordinate: int) -> None:
    stream = Stream(0, "dropout")
    here, there = [5, 5, 5], [5, 5, 5]
    there[coordinate] += 1
    a, b = draws(stream, *here, size=40_000), draws(stream, *there, size=40_000)
    assert not set(a) & set(b)
    # The correlation of 40,000 independent pairs has a standard deviation of 1/200.
    assert abs(np.corrcoef(a, b)[0, 1]) < 5 / 200


def test_large_and_negative_seeds_are_seeds_like_any_other() -> None:
    first_numbers = {draws(Stream(seed, "split"), size=1)[0] for seed in (-1, 0, 1, 2**64, 2**64 + 1, 10**40)}
    assert len(first_numbers) == 6


def test_members_have_numbers_of_their_own_and_the_first_those_of_before_there_were_any() -> None:
    stream = Stream(3, "dropout")
    numbers = [stream.at(2, 3, 4, 1, member=member).random(4).tolist() for member in (0, 1, 2)]
    numbers += [stream.at(2, 3, index, 1).random(4).tolist() for index in (5, 6)]
    assert len({tuple(one) for one in numbers}) == 5
    assert stream.at(2, 3, 4, 1).random(4).tolist() == numbers[0]


PLACE = (1, 2, 3, 0, 0)


def from_pool(count: int, place: tuple[int, ...] = PLACE, seed: int = 0) -> Any:
    pieces = Stream(seed, "dropout").from_pool(np.empty(count), *place)
    return np.concatenate([numbers for _, numbers in pieces])


def test_numbers_from_the_pool_follow_from_seed_and_position() -> None:
    assert np.array_equal(from_pool(1000), from_pool(1000))
    places = [PLACE, (0, 2, 3, 0, 0), (1, 0, 3, 0, 0), (1, 2, 0, 0, 0), (1, 2, 3, 1, 0), (1, 2, 3, 0, 1)]
    found = {from_pool(1000, place).tobytes() for place in places} | {from_pool(1000, seed=1).tobytes()}
    assert len(found) == 7


def test_numbers_from_the_pool_are_spread_evenly() -> None:
    """Of 100,000 numbers below 2^16, each sixteenth of the range has 6,250, with a standard deviation of 77."""
    counts = np.bincount(from_pool(100_000) // 4096, minlength=16)
    assert np.abs(counts - 6250).max() < 4 * 77


def test_more_numbers_than_the_pool_has_come_from_several_places() -> None:
    numbers = from_pool(POOL + 5)
    assert len(numbers) == POOL + 5
    assert not np.array_equal(numbers[:1000], numbers[POOL // 4 : POOL // 4 + 1000])
