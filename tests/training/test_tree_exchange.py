"""Exchange between ranks: the bits of one process for any number of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from experiments import plan, reports
from ranks_in_threads import ThreadCommunicator, in_ranks

from bpcli.nn.layers.dense import Dense
from bpcli.nn.layers.dropout import Dropout
from bpcli.nn.optimizers.adam import Adam
from bpcli.training.spec import Average, Clip, TrainingSpec
from bpcli.training.stepping import TREE
from bpcli.training.steps.tree import additions, own_shards, slots, subtrees
from bpcli.training.steps.tree_exchange import TreeExchange

GENERATOR = np.random.default_rng(0)


class Told:
    """Control that reports fixed values and remembers what was agreed."""

    def __init__(self, communicator: ThreadCommunicator, now: float = 0.0, signal: int = 0) -> None:
        self._communicator, self._wanted = communicator, (now, signal)
        self.agreed = (0.0, 0)

    def wanted(self) -> tuple[float, int]:
        return self._wanted

    def agree(self, now: float, signal: int) -> None:
        self.agreed = now, signal

    def tell(self, decide: Callable[[], Any]) -> Any:
        return self._communicator.broadcast(decide() if self._communicator.rank == 0 else None)


def tree_sum(leaves: Any) -> Any:
    leaves = list(leaves)
    while len(leaves) > 1:
        leaves = [leaves[place] + leaves[place + 1] for place in range(0, len(leaves), 2)]
    return leaves[0]


@pytest.mark.parametrize("size", [5, 1000, 50_021], ids=["few", "whole", "divided"])
@pytest.mark.parametrize("ranks", [1, 2, 3, 4, 5, 6, 7, 8])
def test_the_sum_has_the_bits_of_the_tree(ranks: int, size: int) -> None:
    leaves = np.exp(GENERATOR.normal(scale=5, size=(8, size))).astype(np.float32)

    def work(communicator: ThreadCommunicator) -> tuple[Any, int]:
        own = own_shards(8, communicator.rank, ranks)
        parts = [tree_sum(leaves[node.first : node.first + node.size]) for node in subtrees(own)]
        parts = [part.copy() for part in parts]
        exchange = TreeExchange(communicator, 8, Told(communicator))
        exchange.summing(parts, parts[0])()
        return parts[0], communicator.sent

    expected = tree_sum(leaves)
    results = in_ranks(ranks, work)
    assert all(np.array_equal(found, expected) for found, _ in results)
    if size == 50_021 and ranks in (2, 4, 8):
        most = 2 * (ranks - 1) / ranks * expected.nbytes + 1000
        assert all(sent <= most for _, sent in results)


@pytest.mark.parametrize("ranks", [1, 2, 3, 4, 8])
def test_a_training_has_the_same_bits_for_any_number_of_ranks(ranks: int) -> None:
    """Metrics, counters, parameters, averages and the optimizer's state, and random numbers of dropout."""
    x, y = GENERATOR.normal(size=(75, 5)), GENERATOR.normal(size=(75, 2))
    training = TrainingSpec(epochs=3, batch_size=32, shards=8, clip=Clip(norm=0.5), average=Average())
    layers = [Dense(units=9), Dropout(rate=0.3)]
    of = plan(x, y, training, validation=(x[:20], y[:20]), layers=layers, optimizer=Adam(), stepping=TREE)
    expected = of.new_state()
    alone = reports(of, expected)

    def work(communicator: ThreadCommunicator) -> Any:
        state = of.new_state()
        exchange = TreeExchange(communicator, 8, Told(communicator))
        return state, reports(of, state, exchange=exchange)

    for state, found in in_ranks(ranks, work):
        for name, vector in expected.vectors().items():
            assert np.array_equal(state.vectors()[name], vector), name
        for one, other in zip(alone, found, strict=True):
            assert one.train_loss == other.train_loss
            assert one.validation_loss == other.validation_loss
            assert one.health == other.health
            assert one.improved == other.improved


def test_ranks_agree_on_the_time_of_the_first_and_on_a_signal_to_any() -> None:
    def work(communicator: ThreadCommunicator) -> Any:
        told = Told(communicator, now=10.0 + communicator.rank, signal=15 if communicator.rank == 2 else 0)
        exchange = TreeExchange(communicator, 4, told)
        sums = np.zeros((4, 2))
        own = own_shards(4, communicator.rank, 3)
        sums[own.start : own.stop] = np.arange(8.0).reshape(4, 2)[own.start : own.stop]
        exchange.gather(sums)
        return told.agreed, sums.tolist()

    for agreed, sums in in_ranks(3, work):
        assert agreed == (10.0, 15)
        assert sums == np.arange(8.0).reshape(4, 2).tolist()


def test_buffers_of_a_rank_are_no_more_than_those_of_one_process() -> None:
    assert max(slots(own_shards(64, rank, 6)).buffers for rank in range(6)) <= slots(range(64)).buffers
    assert additions([]) == []
