import json

import numpy as np
import pytest
from networks import planned

from bpcli.nn.layers.batch_norm import BatchNorm
from bpcli.nn.layers.dense import Dense
from bpcli.nn.optimizers.adam import Adam
from bpcli.nn.schedules.base import Plateau
from bpcli.training.state import Counters, TrainingState


@pytest.mark.parametrize(
    "counters",
    [
        Counters(),
        Counters(
            epoch=3,
            step=2,
            loss_sum=0.1 + 0.2,
            weight_sum=1e-300,
            best=-0.7,
            best_epoch=2,
            stale=1,
            reference=-0.7,
            converged=4,
            lowest=1 / 3,
            unhealthy=2,
            seconds=2.5,
            plateau=Plateau(best=0.1, stale=2, factor=0.125),
            stop="goal",
        ),
    ],
)
def test_counters_survive_json_to_the_last_bit(counters: Counters) -> None:
    text = json.dumps(counters.to_json(), allow_nan=False)
    assert Counters.from_json(json.loads(text)) == counters


def test_counters_of_before_layers_were_looked_at_can_be_gone_on_from() -> None:
    data = Counters(epoch=3).to_json()
    del data["unhealthy"]
    assert Counters.from_json(data) == Counters(epoch=3)


def test_a_new_state_follows_from_the_seed_and_has_its_first_parameters_as_best() -> None:
    network = planned([Dense(units=3), BatchNorm()], 2, 1)
    states = [TrainingState(network, Adam(), seed, np.dtype(np.float32)) for seed in (1, 1, 2)]
    assert np.array_equal(states[0].params, states[1].params)
    assert not np.array_equal(states[0].params, states[2].params)
    assert np.array_equal(states[0].params, states[0].best_params)
    assert not np.shares_memory(states[0].params, states[0].best_params)


def test_the_best_is_a_copy() -> None:
    state = TrainingState(planned([BatchNorm()], 2, 1), Adam(), 0, np.dtype(np.float32))
    state.params += 1
    state.layer_state += 1
    state.keep_best()
    state.params += 1
    state.layer_state += 1
    assert np.array_equal(state.best_params, state.params - 1)
    assert np.array_equal(state.best_layer_state, state.layer_state - 1)
