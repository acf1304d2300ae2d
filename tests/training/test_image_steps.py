"""Compiled and sharded steps of networks with image layers: those of NumPy, and the same bits with any threads."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from experiments import plan
from steps_taken import assert_close, dismiss_crews, taken, taking, vectors_equal

from bpcli.arrays.fields import Field, Grid
from bpcli.arrays.rows import Rows
from bpcli.nn.layers.avg_pool import AvgPool
from bpcli.nn.layers.conv import Conv
from bpcli.nn.layers.dense import Dense
from bpcli.nn.layers.dropout import Dropout
from bpcli.nn.layers.flatten import Flatten
from bpcli.nn.layers.global_avg_pool import GlobalAvgPool
from bpcli.nn.layers.max_pool import MaxPool
from bpcli.nn.losses.classification import CrossEntropy
from bpcli.nn.optimizers.adam import Adam
from bpcli.nn.optimizers.adam_variants import Adamw
from bpcli.training.augmentation.spec import AugmentSpec
from bpcli.training.plan import TrainingPlan
from bpcli.training.spec import Clip, Penalty, TrainingSpec
from bpcli.training.stepping import Stepping
from bpcli.training.steps.choice import choose_stepping
from bpcli.training.steps.sharded import ShardedSteps

LAYERS: dict[str, tuple[tuple[int, ...], list[Any]]] = {
    "one channel, odd sizes": (
        (9, 7, 1),
        [Conv(filters=6, kernel=3), MaxPool(), Conv(filters=18, kernel=3), MaxPool(), Dense(units=12)],
    ),
    "three channels, valid": ((8, 8, 3), [Conv(filters=5, kernel=(2, 3), padding="valid"), Dense(units=6)]),
    "many channels": (
        (6, 5, 9),
        [Conv(filters=8, kernel=3), Conv(filters=8, kernel=5, activation="tanh"), AvgPool(padding="same", size=3)],
    ),
    "strides": (
        (11, 10, 2),
        [Conv(filters=9, kernel=3, stride=2), Conv(filters=10, kernel=(4, 2), stride=(3, 1), padding=1)],
    ),
    "overlapping windows": (
        (8, 9, 1),
        [Conv(filters=4, kernel=1), MaxPool(size=3, stride=1, padding="same"), MaxPool(size=(2, 3), stride=(1, 2))],
    ),
    "pooling first": ((6, 6, 4), [MaxPool(), Conv(filters=3, kernel=3), Flatten(), Dense(units=4)]),
    "mean of all positions": ((5, 5, 2), [Conv(filters=7, activation="leaky_relu"), GlobalAvgPool()]),
    "dropout": (
        (6, 6, 1),
        [Dropout(rate=0.1), Conv(filters=4), Dropout(rate=0.3), MaxPool(), Dropout(rate=0.5), Dense(units=5)],
    ),
    "series": ((20, 3), [Conv(filters=4, kernel=5), MaxPool(size=2), Conv(filters=6, kernel=3), GlobalAvgPool()]),
    "larger than a block": ((32, 32, 16), [Conv(filters=16, kernel=3), Conv(filters=16, kernel=3), MaxPool(size=8)]),
}


@pytest.fixture(autouse=True)
def crews_are_dismissed() -> Any:
    yield
    dismiss_crews()


def example(shape: tuple[int, ...], layers: Any, rows: int = 41, batch: int = 16, **given: Any) -> TrainingPlan:
    """Images with three classes, in batches with a short last one. Whole numbers give equal values in windows."""
    generator = np.random.default_rng(0)
    x = generator.integers(-2, 3, (rows, *shape)).astype(np.float32)
    rules = {name: given.pop(name) for name in ("penalty", "clip") if name in given}
    spec = TrainingSpec(epochs=4, batch_size=batch, **rules)
    weight = generator.uniform(0.5, 2.0, rows)
    images = Rows((Field("image", Grid(shape)),), (x,), x.dtype)
    return plan(
        images,
        generator.integers(0, 3, rows),
        spec,
        weight=weight,
        layers=layers,
        **{"dtype": np.float32, "loss": CrossEntropy(), "optimizer": Adam(learning_rate=1e-3), **given},
    )


@pytest.mark.parametrize("parts", [1, 3])
@pytest.mark.parametrize(("shape", "layers"), LAYERS.values(), ids=LAYERS)
def test_compiled_steps_of_images_are_those_of_numpy(shape: Any, layers: Any, parts: int) -> None:
    of = example(shape, layers)
    expected, losses = taken(of, taking(Stepping()))
    state, same_losses = taken(of, taking(Stepping("compiled", parts)))
    assert not np.array_equal(expected.params, of.new_state().params)
    assert_close(expected, state)
    np.testing.assert_allclose(same_losses, losses, rtol=1e-5)


@pytest.mark.parametrize(("shape", "layers"), LAYERS.values(), ids=LAYERS)
def test_shards_of_images_take_the_steps_of_the_whole_batch_whatever_the_threads(shape: Any, layers: Any) -> None:
    without_noise = [layer for layer in layers if layer.type != "dropout"]  # shards draw masks of their own
    of = example(shape, without_noise, optimizer=Adamw(weight_decay=0.1))
    stepping = Stepping("sharded", 3, block_inputs=2)
    expected, losses = taken(of, taking(Stepping()))
    alone, same_losses = taken(of, taking(stepping))
    assert_close(expected, alone)
    np.testing.assert_allclose(same_losses, losses, rtol=1e-5)
    for lanes in (2, 3):
        assert vectors_equal(alone, taken(of, taking(stepping, lanes))[0])


def test_shards_share_no_memory_that_is_not_per_row() -> None:
    shape, layers = LAYERS["overlapping windows"]
    of = replace(example(shape, layers), stepping=Stepping("sharded", 2))
    steps = taking(of.stepping)(of, of.new_state())
    assert isinstance(steps, ShardedSteps)
    one, other = (through.workspace.layers for _, _, through in steps._memory(16).shards)
    for first, second in zip(one, other, strict=True):
        for name in first:
            assert not np.shares_memory(first[name], second[name]), name


@pytest.mark.parametrize(
    "rules", [{}, {"clip": Clip(norm=0.01), "penalty": Penalty(l1=0.01, l2=0.1)}], ids=["free", "rules"]
)
@pytest.mark.parametrize("name", ["one channel, odd sizes", "dropout"])
def test_threads_do_not_change_a_bit_of_compiled_steps_of_images(name: str, rules: Any) -> None:
    of = example(*LAYERS[name], optimizer=Adamw(weight_decay=0.1), **rules)
    stepping = Stepping("compiled", 3, line=2)
    alone, losses = taken(of, taking(stepping))
    expected, _ = taken(of, taking(Stepping()))
    assert_close(expected, alone)
    for lanes in (2, 3):
        together, same_losses = taken(of, taking(stepping, lanes))
        assert vectors_equal(alone, together)
        assert losses == same_losses


def test_compiled_steps_change_images_as_those_of_numpy_do() -> None:
    augment = AugmentSpec(shift=1, flip="horizontal", mixup=0.3)
    of = replace(example(*LAYERS["one channel, odd sizes"]), augment=augment)
    expected, losses = taken(of, taking(Stepping()))
    state, same_losses = taken(of, taking(Stepping("compiled", 2), 2))
    assert_close(expected, state)
    np.testing.assert_allclose(same_losses, losses, rtol=1e-5)
    assert not np.allclose(losses, taken(replace(of, augment=None), taking(Stepping()))[1], rtol=1e-3)


def test_a_batch_with_fewer_rows_than_parts_is_trained() -> None:
    of = example(*LAYERS["one channel, odd sizes"], rows=2)
    expected, _ = taken(of, taking(Stepping()))
    state, _ = taken(of, taking(Stepping("compiled", 4), 2))
    assert_close(expected, state)


@pytest.mark.parametrize(
    ("layers", "possible"),
    [
        ([Conv(filters=4), MaxPool(), AvgPool(), GlobalAvgPool()], True),
        ([Conv(filters=4), Dropout(rate=0.5), Flatten()], True),
        ([Conv(filters=4, groups=2)], False),
        ([Conv(filters=4, bias=False)], False),
        ([Conv(filters=4, activation="gelu")], False),
    ],
    ids=str,
)
def test_image_layers_without_machine_code_are_left_to_numpy(layers: Any, possible: bool) -> None:
    stepping = choose_stepping(example((8, 8, 2), layers), compiled_from=0.0, can_compile=lambda: True)
    assert stepping.compiled is possible
