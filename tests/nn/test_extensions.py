"""A layer and a stem defined outside the package: they train, check, save and predict without a change to it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from experiments import plan
from extensions import Convolution
from networks import FLOAT64

from bpcli.arrays.fields import Field
from bpcli.arrays.memory import Array
from bpcli.arrays.rows import Rows
from bpcli.checks.gradcheck import check_gradient
from bpcli.data.batches import Dataset
from bpcli.inspection.integrated_gradients import integrated_gradients
from bpcli.nn.activations.bounded import Tanh
from bpcli.nn.embedding import Embedding
from bpcli.nn.inference import BLOCK_ROWS, Inference
from bpcli.nn.layers.batch_norm import BatchNorm
from bpcli.nn.layers.dense import Dense
from bpcli.nn.layers.dropout import Dropout
from bpcli.nn.losses.classification import CrossEntropy
from bpcli.nn.network import Network
from bpcli.nn.optimizers.adam import Adam
from bpcli.storage.safetensors_file import seal, unseal
from bpcli.training.loop import train
from bpcli.training.plan import EpochReport, TrainingPlan
from bpcli.training.spec import TrainingSpec

COUNT = 300
GENERATOR = np.random.default_rng(0)

IMAGES = GENERATOR.normal(size=(COUNT, 5, 4, 2))
"""Second class if the top left corner is brighter than the bottom right one."""
EDGES = (IMAGES[:, 0, 0].sum(axis=1) > IMAGES[:, -1, -1].sum(axis=1)).astype(np.intp)

CODES = GENERATOR.integers(0, 40, COUNT)
PLACES = (Field("numbers", (2,), places=(0, 2)), Field("city", (), "code", 40, places=(1,)))

CONVOLUTIONS = [
    Convolution(channels=3),
    BatchNorm(),
    Dropout(rate=0.1),
    Convolution(channels=4, activation=Tanh()),
    Dense(units=8),
]


def of_images(dtype: Any = np.float64) -> TrainingPlan:
    spec = TrainingSpec(epochs=30, batch_size=32)
    rows = Rows.of_numbers(IMAGES.astype(dtype), "image")
    optimizer = Adam(learning_rate=0.01)
    return plan(rows, EDGES, spec, layers=CONVOLUTIONS, loss=CrossEntropy(), optimizer=optimizer, dtype=dtype)


def of_cities(dtype: Any = np.float64) -> TrainingPlan:
    """Targets that depend on the city alone: each city has its own class."""
    numbers = GENERATOR.normal(size=(COUNT, 2)).astype(dtype)
    rows, y = Rows(PLACES, [numbers, CODES.astype(np.int8)], np.dtype(dtype)), CODES * 7 % 3 % 2
    spec = TrainingSpec(epochs=30, batch_size=32)
    made = plan(rows, y, spec, loss=CrossEntropy(), optimizer=Adam(learning_rate=0.01), dtype=dtype)
    return replace(made, network=Network.plan(PLACES, {"city": Embedding(size=3)}, [Dense(units=8)], 2))


PLANS = pytest.mark.parametrize("make", [of_images, of_cities], ids=["convolution", "embedding"])


def test_shapes_pass_from_layer_to_layer_until_dense_flattens_them() -> None:
    network = of_images().network
    assert [layer.out_shape for layer in network.layers] == [(4, 3, 3), (4, 3, 3), (4, 3, 3), (3, 2, 4), (8,), (2,)]
    assert network.layout.slots[0].shape == (2, 2, 2, 3)
    assert network.layers[4].n_in == 24


def test_a_stem_s_outputs_stand_at_the_place_of_its_field() -> None:
    of = of_cities()
    assert (of.network.n_in, of.network.stems.is_plain) == (2 + 3, False)
    assert "stems.city.weight" in {slot.name for slot in of.network.layout.slots}
    state = of.new_state()
    inference = Inference(of.network, state.params, state.layer_state)
    features = of.network.stems.of_expanded(
        of.network.bind(state.params).stems,
        of.network.bind_state(state.layer_state).stems,
        inference.features(of.train.x),
    )
    table = of.network.layout.views(state.params)["stems.city.weight"]
    numbers = of.train.x.arrays()[0]
    np.testing.assert_allclose(features, np.column_stack([numbers[:, :1], table[CODES], numbers[:, 1:]]), rtol=1e-15)
    logits = inference.continued(-1, inference.features(of.train.x))
    np.testing.assert_allclose(inference.logits(of.train.x), logits, rtol=1e-12)


def test_a_field_that_is_alone_keeps_the_shape_that_its_stem_gives_it() -> None:
    network = Network.plan(PLACES[1:], {"city": Embedding(size=3)}, [Dense(units=2)], 1)
    assert network.stems.shape == (3,)
    image = Network.plan((Field("image", (5, 4, 2)),), {}, CONVOLUTIONS, 2)
    assert image.stems.shape == (5, 4, 2)


@PLANS
def test_they_train(make: Any) -> None:
    of = make()
    state = of.new_state()
    before = state.params.copy()
    reports = [event for event in train(of, state) if isinstance(event, EpochReport)]
    assert reports[-1].train_loss < 0.5 * reports[0].train_loss
    for name, view in of.network.layout.views(state.params).items():
        assert not np.array_equal(view, of.network.layout.views(before)[name]), name


@PLANS
def test_their_gradients_are_those_of_differences(make: Any) -> None:
    found = check_gradient(make(), 8, 0)
    assert found.passed
    assert {array.name.rpartition(".")[0] for array in found.arrays} >= (
        {"layers.0", "layers.3"} if make is of_images else {"stems.city", "layers.0"}
    )


@PLANS
def test_what_was_saved_answers_the_same(make: Any) -> None:
    of = make(np.float32)
    state = of.new_state()
    for _ in train(of, state):
        pass
    _, arrays = unseal(seal(of.network.layout.views(state.params), {}))
    loaded = np.concatenate([arrays[slot.name].reshape(-1) for slot in of.network.layout.slots])
    answers: list[Array] = []
    for params in (state.params, loaded):
        inference = Inference(of.network, params, state.layer_state, FLOAT64)
        answers.append(inference.logits(of.train.x))
    assert answers[0].tobytes() == answers[1].tobytes()
    assert np.mean(answers[0].argmax(axis=1) == of.train.y) > 0.9


@PLANS
def test_a_row_gives_the_same_bits_alone_or_among_others(make: Any) -> None:
    of = make()
    state = of.new_state()
    inference = Inference(of.network, state.params, state.layer_state, FLOAT64)

    def logits(start: int, stop: int) -> Array:
        out = np.empty((stop - start, 2))
        inference.logits(Rows(of.train.x.signature, [array[start:stop] for array in of.train.x.arrays()], FLOAT64), out)
        return out

    together = logits(0, COUNT)
    for row in (0, 7, BLOCK_ROWS, COUNT - 1):
        assert logits(row, row + 1).tobytes() == together[row : row + 1].tobytes()


def test_codes_that_are_none_are_embedded_as_zeros() -> None:
    of = of_cities()
    state = of.new_state()
    rows = Rows(PLACES, [np.ones((2, 2)), np.array([-1, 3], np.int8)], FLOAT64)
    inference = Inference(of.network, state.params, state.layer_state)
    features = of.network.stems.of_expanded(
        of.network.bind(state.params).stems, of.network.bind_state(state.layer_state).stems, inference.features(rows)
    )
    assert features[0].tolist() == [1.0, 0.0, 0.0, 0.0, 1.0]
    np.testing.assert_allclose(inference.logits(rows), inference.continued(-1, inference.features(rows)), rtol=1e-12)


def test_attributions_of_pixels_add_up() -> None:
    of = of_images()
    state = of.new_state()
    inference = Inference(of.network, state.params, state.layer_state, FLOAT64)
    x, weights = IMAGES[:5].reshape(5, -1), np.tile([1.0, -1.0], (5, 1))
    found = integrated_gradients(inference, np.zeros(40), x, weights, np.arange(40))
    np.testing.assert_allclose(found.added.sum(axis=1), found.answer - found.baseline, atol=1e-8)


def test_a_data_set_of_images_is_cut_into_batches_of_images() -> None:
    of = of_images()
    assert isinstance(of.train, Dataset)
    (given,) = of.network.reader(of.train.x, 4, FLOAT64).take(np.array([3, 1]))
    assert np.array_equal(given, IMAGES[[3, 1]])
