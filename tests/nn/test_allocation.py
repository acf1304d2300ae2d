"""A training step allocates no array.

tracemalloc traces NumPy's memory. A step still allocates Python objects: floats, tuples and views, of about a hundred
bytes each. Sizes are chosen so that the smallest array that a batch could need, one number per row or per unit, exceeds
`BOUND`. The last tests plant such an allocation and assert that it is found. NumPy broadcasts a short operand through
an internal buffer of 8,192 numbers, whatever the array sizes; it is made small here, so that it hides nothing.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest
from allocation import bytes_allocated as allocated
from networks import FLOAT32, TrainingStep, layout, members, planned, targets_for

from bpcli.arrays.expansion import Intake
from bpcli.arrays.fields import Batch, Field, Grid
from bpcli.arrays.memory import Array
from bpcli.arrays.workspace import Workspace
from bpcli.nn.activations import Activation
from bpcli.nn.activations.bounded import Tanh
from bpcli.nn.batch_pass import BatchPass
from bpcli.nn.embedding import Embedding
from bpcli.nn.layers import Position
from bpcli.nn.layers.avg_pool import AvgPool
from bpcli.nn.layers.batch_norm import BatchNorm
from bpcli.nn.layers.conv import Conv
from bpcli.nn.layers.dense import Dense
from bpcli.nn.layers.dropout import Dropout
from bpcli.nn.layers.flatten import Flatten
from bpcli.nn.layers.global_avg_pool import GlobalAvgPool
from bpcli.nn.layers.layer_norm import LayerNorm
from bpcli.nn.layers.max_pool import MaxPool
from bpcli.nn.layers.parametric import Parametric
from bpcli.nn.layers.residual import Residual
from bpcli.nn.layers.scale import Scale
from bpcli.nn.layers.skip import Skip
from bpcli.nn.losses import Loss, LossScratch
from bpcli.nn.losses.classification import CrossEntropy
from bpcli.nn.losses.regression import MeanSquaredError
from bpcli.nn.optimizers import OptimizerSpec, OptimizerState, RateFactors
from bpcli.nn.optimizers.adam import Adam
from bpcli.nn.optimizers.adam_variants import Adamw, Nadam
from bpcli.nn.optimizers.sgd import Sgd
from bpcli.nn.optimizers.update import Update
from bpcli.nn.periodic import Periodic
from bpcli.randomness import Stream
from bpcli.training.augmentation.augmenter import Augmenter
from bpcli.training.augmentation.spec import AugmentSpec

ROWS = 1100
UNITS = 1050
BOUND = 4096
assert min(ROWS, UNITS) * FLOAT32.itemsize > BOUND


bytes_allocated = partial(allocated, enough=BOUND)


class WholeStep(TrainingStep):
    """Forward, loss, backward and update."""

    def __init__(
        self,
        layers: list[Any],
        loss: Any,
        rule: Any,
        rows: int = ROWS,
        weighted: bool = False,
        n_in: int | Grid = 3,
    ) -> None:
        super().__init__(layers, loss, n_in=n_in, n_out=2, rows=rows, weighted=weighted, dtype=FLOAT32)
        self.update = Update(rule, self.network.layout, FLOAT32)
        self.optimizer = rule.init(self.flat.size, FLOAT32)
        self.parts = self.update.parts(self.flat[None], self.grads[None], self.optimizer)

    def __call__(self) -> None:
        self.position.step += 1
        self.gradient()
        self.update.take(self.parts, 1e-3, self.optimizer)


@pytest.mark.parametrize("activation", members(Activation))
def test_a_training_step_of_dense_layers_allocates_no_array(activation: Any) -> None:
    layers = [Dense(units=UNITS, activation=activation()), Dense(units=4, activation=activation())]
    assert bytes_allocated(WholeStep(layers, MeanSquaredError(), Sgd())) < BOUND


@pytest.mark.parametrize(
    "layer",
    [
        Dropout(rate=0.2),
        Dropout(rate=0.2, schedule="constant"),
        BatchNorm(),
        LayerNorm(),
        Scale(),
        Parametric(),
        Skip(layers=[Dense(units=5), BatchNorm(), Dropout(rate=0.2)]),
    ],
    ids=lambda layer: layer.type,
)
def test_a_training_step_of_other_layers_allocates_no_array(layer: Any) -> None:
    layers = [layer, Dense(units=UNITS), layer, Dense(units=3), layer]
    assert bytes_allocated(WholeStep(layers, CrossEntropy(), Adam(), weighted=True)) < BOUND


@pytest.mark.parametrize(
    "layers",
    [
        [Conv(filters=16), MaxPool(), Conv(filters=8, stride=2, groups=2), AvgPool(), GlobalAvgPool()],
        [Conv(filters=8, activation="gelu"), BatchNorm(), LayerNorm(), MaxPool(size=3, stride=2, padding="same")],
        [
            Residual(layers=[Conv(filters=8, stride=2), BatchNorm(), Dropout(rate=0.2)]),
            Flatten(),
            Residual(layers=[Dense(units=60, activation="mish"), Scale(), Parametric()]),
        ],
        [Skip(layers=[Conv(filters=8, stride=2), LayerNorm(), Flatten(), Dense(units=9)]), Dense(units=5)],
    ],
    ids=["pools", "norms", "residual", "skip"],
)
def test_a_training_step_of_images_allocates_no_array(layers: list[Any]) -> None:
    step = WholeStep(layers, MeanSquaredError(), Adam(), rows=32, n_in=Grid((20, 16, 3)))
    assert bytes_allocated(step) < 3 * BOUND < 32 * 20 * 16 * FLOAT32.itemsize


@pytest.mark.parametrize(
    "spec", [AugmentSpec(shift=2, flip="both", cutout=3), AugmentSpec(rotate=10, crop=0.8)], ids=["moves", "resampling"]
)
def test_the_augmentation_of_a_batch_allocates_no_array(spec: AugmentSpec) -> None:
    grid = Grid((20, 16, 3))
    augment = Augmenter(spec, 0, Intake((Field("image", grid),)), 2, 32, 1, FLOAT32)
    batch = Batch((np.ones((32, *grid), FLOAT32),), np.zeros((32, 2), FLOAT32))
    position = Position(Stream(0, "dropout"))
    assert bytes_allocated(lambda: augment(batch, position, (0,))) < 3 * BOUND < 32 * 20 * 16 * FLOAT32.itemsize


@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])
@pytest.mark.parametrize("loss", [*(loss() for loss in members(Loss)), CrossEntropy(label_smoothing=0.1)], ids=repr)
def test_a_loss_allocates_no_array(loss: Any, weighted: bool) -> None:
    generator = np.random.default_rng(0)
    logits = generator.normal(size=(ROWS, UNITS)).astype(FLOAT32)
    target = targets_for(loss, ROWS, UNITS, generator).astype(FLOAT32)
    weight = np.ones(ROWS, FLOAT32) if weighted else None
    out, scratch = np.empty_like(logits), LossScratch(ROWS, UNITS, FLOAT32)
    assert bytes_allocated(lambda: loss.value_and_gradient(logits, target, weight, out, scratch), steps=1) < BOUND


@pytest.mark.parametrize("block", [40_000, 15_000], ids=["one block", "three blocks"])
@pytest.mark.parametrize(
    "rule",
    [
        *(rule() for rule in members(OptimizerSpec)),
        Sgd(momentum=0.9, nesterov=True),
        Adam(amsgrad=True),
        Adamw(rate_factors=RateFactors(biases=0.1)),
    ],
    ids=repr,
)
def test_an_update_allocates_no_array(rule: Any, block: int) -> None:
    params = np.zeros(40_000, FLOAT32)
    grads = np.linspace(-1.0, 1.0, len(params), dtype=FLOAT32)
    update = Update(rule, layout(len(params), len(params) // 2), FLOAT32, block)
    state = rule.init(len(params), FLOAT32)
    parts = update.parts(params[None], grads[None], state)
    assert bytes_allocated(lambda: update.take(parts, 1e-3, state)) < BOUND


def test_a_compiled_step_of_members_allocates_no_array() -> None:
    pytest.importorskip("numba")
    from bpcli.nn.compiled.members import AdamOfMembers, with_kernels

    network = planned([Dense(units=UNITS), Dropout(rate=0.2, schedule="constant"), Dense(units=3)], 3, 2)
    together = network.of_members(2)
    assert together is not None
    together, rows, loss = with_kernels(together), 2 * ROWS, CrossEntropy()
    assert [layer.index for layer in together.layers] == [0, 2, 3]
    vectors = np.stack([network.initialize(0, FLOAT32, member)[0] for member in (0, 1)])
    grads, state = np.empty_like(vectors), Adam().init(network.layout.size, FLOAT32, 2)
    adam = AdamOfMembers(Update(Adam(), network.layout, FLOAT32), vectors, grads, state, vectors.copy())
    params, bound, no_state = together.bind(vectors), together.bind(grads), together.bind_state(np.empty((2, 0)))
    through, position = BatchPass(together, loss, rows, FLOAT32), Position(Stream(0, "dropout"))
    x, y = np.ones((rows, 3), FLOAT32), np.eye(2, dtype=FLOAT32)[np.zeros(rows, int)]

    def step() -> None:
        position.step += 1
        through.value(through.forward(params, no_state, (x,), position), y, None)
        through.backward(params, bound)
        adam.begin(1e-3, 0.0)
        adam.apply(0.1)

    assert bytes_allocated(step) < BOUND


def test_memory_does_not_grow_with_the_steps() -> None:
    layers = [Dense(units=4), BatchNorm(), Dropout(rate=0.5), LayerNorm()]
    step = WholeStep(layers, CrossEntropy(), Nadam(), rows=8, weighted=True)
    # Python caches up to 2,000 freed small tuples; the warm-up fills that cache.
    assert bytes_allocated(step, steps=300, warm_up=2500) < BOUND


class Wasteful(Tanh):
    """Tanh that allocates one row of memory and frees it."""

    def forward(self, z: Array, out: Array, scratch: tuple[Array, ...]) -> None:
        np.empty(z.shape[1], z.dtype)
        super().forward(z, out, scratch)


class Leaking(Sgd):
    """Sgd that keeps a hundred bytes per step."""

    def advance(self, state: OptimizerState) -> None:
        LEAK.append(bytes(100))
        super().advance(state)


LEAK: list[bytes] = []


def test_the_check_sees_one_row_that_a_layer_allocates() -> None:
    layer = Dense.model_construct(type="dense", units=UNITS, activation=Wasteful(), initializer=None)
    assert bytes_allocated(WholeStep([layer], MeanSquaredError(), Sgd())) > BOUND


def test_the_check_sees_memory_that_grows_with_the_steps() -> None:
    step = WholeStep([Dense(units=4)], MeanSquaredError(), Leaking(), rows=8)
    assert bytes_allocated(step, steps=300, warm_up=2500) > BOUND


def test_a_step_of_a_periodic_stem_allocates_no_array() -> None:
    made = Periodic(frequencies=1024, units=3).plan(0, Field("age", (2, 1)))
    work = Workspace([made.buffers(training=True)], ROWS, FLOAT32).layers[0]
    x, dy = np.ones((ROWS, 2, 1), np.float32), np.ones((ROWS, 5), np.float32)
    params, grads = ({slot.name: np.ones(slot.shape, np.float32) for slot in made.parameters()} for _ in range(2))

    def step() -> None:
        made.forward(params, {}, x, work, None)
        made.backward(params, x, dy, work, grads)

    assert bytes_allocated(step) < BOUND


def test_a_step_of_an_embedding_allocates_nothing() -> None:
    """The loop of `np.add.at` takes up to 6 KB for any number of rows, so that these are four times as many."""
    rows = 4 * ROWS
    made = Embedding(size=8).plan(0, Field("city", (), "code", UNITS))
    work = Workspace([made.buffers(training=True)], rows, FLOAT32).layers[0]
    codes = np.random.default_rng(0).integers(-1, UNITS, rows)
    params, grads = ({"weight": np.ones((UNITS, 8), np.float32)} for _ in range(2))
    dy = np.ones((rows, 8), np.float32)

    def step() -> None:
        made.forward(params, {}, codes, work, None)
        made.backward(params, codes, dy, work, grads)

    assert bytes_allocated(step) < 2 * BOUND < rows * FLOAT32.itemsize
