"""Times of the exchange between ranks, measured and estimated."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from experiments import plan
from ranks_in_threads import in_ranks

from bpcli.jobs.ranks import RankTeam
from bpcli.nn.layers.dense import Dense
from bpcli.system.ranks.speed import ASSUMED, LinkSpeed
from bpcli.training.plan import TrainingPlan
from bpcli.training.spec import TrainingSpec
from bpcli.training.stepping import TREE
from bpcli.training.steps.rank_times import (
    ExchangeTime,
    measure_exchange,
    shown_speedups,
    speed_of,
    speedups,
    step_seconds,
)

FAST = LinkSpeed(1e-6, 1e-12)
SLOW = LinkSpeed(1e-3, 1e-7)


def large(shards: int = 8) -> TrainingPlan:
    x = np.zeros((1024, 200), np.float32)
    of = plan(x, x[:, :10], TrainingSpec(batch_size="full"), layers=[Dense(units=500)], stepping=TREE, dtype=np.float32)
    return replace(of, spec=of.spec.model_copy(update={"shards": shards}))


def test_every_size_is_measured_in_all_ranks() -> None:
    def work(communicator: Any) -> list[ExchangeTime]:
        return measure_exchange(communicator, RankTeam(communicator, "here"), sizes=(10, 100_000), seconds=0.0)

    for found in in_ranks(3, work):
        assert [of.bytes for of in found] == [40, 400_000]
        assert all(of.tree > 0 and of.allreduce > 0 and of.ratio == of.tree / of.allreduce for of in found)


@pytest.mark.parametrize("ranks", [2, 4, 8])
def test_latency_and_time_a_byte_are_those_of_the_smallest_and_the_largest_vector(ranks: int) -> None:
    alpha, beta, levels = 3e-5, 1e-9, ranks.bit_length() - 1
    largest = 2 * levels * alpha + 2 * (ranks - 1) / ranks * 4e7 * beta
    found = speed_of([ExchangeTime(0, levels * alpha, 1), ExchangeTime(40_000_000, largest, 1)], ranks, "this")
    assert (found.latency, found.seconds_per_byte) == (pytest.approx(alpha), pytest.approx(beta))


def test_ranks_gain_where_messages_are_fast_and_nothing_where_they_are_slow() -> None:
    fast, slow = speedups(large(), FAST), speedups(large(), SLOW)
    assert list(fast) == [2, 4, 8]
    assert 1.5 < fast[2] < fast[4] < fast[8] < 8
    assert max(slow.values()) < 1
    assert shown_speedups(slow, SLOW).startswith("more than 1 gain nothing (alpha 1e+03 µs")
    assert shown_speedups(fast, FAST).startswith(f"2: {fast[2]:.1f}×, 4: {fast[4]:.1f}×, 8: {fast[8]:.1f}× (alpha 1 µs")
    assert shown_speedups({2: 1.8, 4: 1.8}, FAST).startswith("2: 1.8×, more than 2 gain nothing (")


def test_ranks_that_are_no_power_of_two_send_more() -> None:
    assert step_seconds(large(), 8, 3, SLOW) > step_seconds(large(), 8, 4, SLOW)
    assert step_seconds(large(), 8, 3, FAST) < step_seconds(large(), 8, 2, FAST)


def test_the_last_measurement_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert LinkSpeed.last() == ASSUMED
    assert "assumed; measure with bpcli ranks --measure" in ASSUMED.shown
    measured = LinkSpeed(1e-5, 1e-10, "2 ranks of one machine")
    measured.save()
    assert LinkSpeed.last() == measured
    assert measured.shown == "alpha 10 µs, beta 0.1 ns a byte, measured on 2 ranks of one machine"
    for broken in ("{", "[]", "{}", '{"latency": -1, "seconds_per_byte": 1, "measured": ""}'):
        (tmp_path / "bpcli/ranks.json").write_text(broken)
        assert LinkSpeed.last() == ASSUMED
