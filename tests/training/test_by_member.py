"""Members that pass batches one by one: each ends to the bit where it does alone, however the steps are taken."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from allocation import bytes_allocated
from experiments import after, plan, reports, snapshot
from steps_taken import assert_close, dismiss_crews, taking

from bpcli.arrays.fields import Field, Grid
from bpcli.arrays.rows import Rows
from bpcli.errors import DivergedError
from bpcli.nn.layers.avg_pool import AvgPool
from bpcli.nn.layers.batch_norm import BatchNorm
from bpcli.nn.layers.conv import Conv
from bpcli.nn.layers.dense import Dense
from bpcli.nn.layers.dropout import Dropout
from bpcli.nn.layers.flatten import Flatten
from bpcli.nn.layers.global_avg_pool import GlobalAvgPool
from bpcli.nn.layers.layer_norm import LayerNorm
from bpcli.nn.layers.max_pool import MaxPool
from bpcli.nn.layers.residual import Residual
from bpcli.nn.losses.classification import CrossEntropy
from bpcli.nn.optimizers.adam import Adam
from bpcli.nn.optimizers.adam_variants import Nadam
from bpcli.nn.optimizers.sgd import Sgd
from bpcli.nn.schedules.cosine import Cosine
from bpcli.nn.schedules.plateau import ReduceOnPlateau
from bpcli.training.augmentation.spec import AugmentSpec
from bpcli.training.folds import Folds
from bpcli.training.plan import TrainingPlan
from bpcli.training.row_order import RowOrder, of_member
from bpcli.training.spec import Average, Clip, Penalty, TrainingSpec
from bpcli.training.stepping import Stepping
from bpcli.training.steps import choose_stepping
from bpcli.training.steps.by_member import StepsByMember
from bpcli.training.steps.choice import numpy_seconds

GENERATOR = np.random.default_rng(0)
ROWS, BATCH, MEMBERS = 41, 16, (3, 4, 5)
IMAGES = GENERATOR.integers(-2, 3, (ROWS, 8, 8, 2)).astype(np.float32)
CLASSES, WEIGHT = GENERATOR.integers(0, 3, ROWS), GENERATOR.uniform(0.5, 2.0, ROWS)
FOLDS = Folds(np.resize(np.arange(3, dtype=np.int16), ROWS), 3)

POOLED = [Conv(filters=4), MaxPool(), Dropout(rate=0.2), Conv(filters=5), AvgPool(), Flatten(), Dense(units=6)]
NORMED = [Conv(filters=4), BatchNorm(), Residual(layers=[Conv(filters=6, stride=2), LayerNorm()]), GlobalAvgPool()]
SERIAL, KERNELS, SHARDED, COMPILED = Stepping(), Stepping(kernels=True), Stepping("sharded", 2), Stepping("compiled", 2)
WAYS = [
    pytest.param(POOLED, SERIAL, id="serial"),
    pytest.param(NORMED, SERIAL, id="serial, with norms"),
    pytest.param(NORMED, KERNELS, id="compiled norms"),
    pytest.param(POOLED, SHARDED, id="sharded"),
    pytest.param(POOLED, COMPILED, id="compiled"),
]


@pytest.fixture(autouse=True)
def crews_are_dismissed() -> Any:
    yield
    dismiss_crews()


def example(layers: Any = POOLED, stepping: Stepping = SERIAL, **given: Any) -> TrainingPlan:
    """Images of three classes, in batches with a short last one."""
    if stepping.uses_numba:
        pytest.importorskip("numba")
    rules = {name: given.pop(name) for name in ("penalty", "clip", "average", "epochs", "batch_size") if name in given}
    spec = TrainingSpec(**{"epochs": 3, "batch_size": BATCH} | rules)
    x = np.tile(IMAGES, (1, given.pop("tiles", 1), 1, 1))
    images = Rows((Field("image", Grid(x.shape[1:])),), (x,), x.dtype)
    changes: Any = {"augment": AugmentSpec(shift=1, flip="horizontal", mixup=0.3), "members": MEMBERS}
    changes |= {name: given.pop(name) for name in ("augment", "folds", "members") if name in given}
    given = {"optimizer": Adam(), "schedule": Cosine(), "weight": WEIGHT} | given
    found = plan(images, CLASSES, spec, layers=layers, loss=CrossEntropy(), dtype=np.float32, **given)
    if changes.get("folds"):
        changes["validation"] = found.train
    return replace(found, stepping=stepping, **changes)


def assert_each_is_that_alone(of: TrainingPlan, **given: Any) -> None:
    together = of.new_state()
    of_all = reports(of, together, **given)
    for place, member in enumerate(of.members):
        one = replace(of, members=(member,), validation=None)
        alone = one.new_state()
        of_one = reports(one, alone)
        for name, vectors in alone.vectors().items():
            if not name.startswith("best"):  # which epoch is best, all of them decide
                assert np.array_equal(vectors[0], together.vectors()[name][place]), (member, name)
        assert of_one[-1].learning_rate == of_all[-1].learning_rate
    assert together.optimizer.steps == alone.optimizer.steps
    assert together.optimizer.numbers == alone.optimizer.numbers
    assert len({params.tobytes() for params in together.params}) == len(of.members)


@pytest.mark.parametrize(("layers", "stepping"), WAYS)
@pytest.mark.parametrize(
    "given",
    [{}, {"folds": FOLDS, "members": (0, 1, 2), "optimizer": Sgd(momentum=0.9)}, {"augment": None, "batch_size": 1}],
    ids=["augmented", "folds", "rows one by one"],
)
def test_a_member_ends_to_the_bit_where_it_does_alone(layers: Any, stepping: Stepping, given: Any) -> None:
    assert_each_is_that_alone(example(layers, stepping, **given))


@pytest.mark.parametrize(("layers", "stepping"), WAYS)
def test_a_full_batch_has_its_rows_in_their_order(layers: Any, stepping: Stepping) -> None:
    assert_each_is_that_alone(example(layers, stepping, batch_size="full"))


@pytest.mark.parametrize(("layers", "stepping"), WAYS)
def test_rules_and_more_threads_make_no_difference(layers: Any, stepping: Stepping) -> None:
    of = example(layers, stepping, penalty=Penalty(l1=0.01, l2=0.1), clip=Clip(norm=0.5, value=0.3))
    assert_each_is_that_alone(of, threads=2)


def test_compiled_steps_drop_what_those_of_numpy_drop() -> None:
    of = example(stepping=COMPILED)
    states = [of.new_state(), of.new_state()]
    for stepping, state in zip((SERIAL, COMPILED), states, strict=True):
        reports(replace(of, stepping=stepping), state)
    assert_close(*states)


def test_averages_and_numbers_of_an_optimizer_are_those_alone() -> None:
    assert_each_is_that_alone(example(stepping=SHARDED, optimizer=Nadam(), average=Average(decay=0.9)))


@pytest.mark.parametrize("given", [{}, {"average": Average(decay=0.9)}, {"members": (0,)}], ids=str)
def test_compiled_norms_do_not_change_a_bit(given: Any) -> None:
    of = example(NORMED, KERNELS, **given)
    states = [replace(of, stepping=stepping).new_state() for stepping in (SERIAL, KERNELS)]
    for stepping, state in zip((SERIAL, KERNELS), states, strict=True):
        reports(replace(of, stepping=stepping), state)
    assert snapshot(states[0]) == snapshot(states[1])


def test_norms_are_compiled_for_long_trainings() -> None:
    of = example(NORMED, KERNELS)
    seconds = of.epochs * numpy_seconds(replace(of, members=(0,)))

    def chosen(of: TrainingPlan, kernels_from: float = 1.0, **given: Any) -> Stepping:
        return choose_stepping(of, kernels_from=kernels_from * seconds, **({"can_compile": lambda: True} | given))

    assert chosen(of) == chosen(replace(of, members=(0,))) == KERNELS
    assert chosen(of, 1.001) == chosen(of, can_compile=lambda: False) == SERIAL
    assert chosen(example([Residual(layers=[Conv(filters=2)])]), 0.0) == SERIAL


def test_a_learning_rate_on_a_plateau_is_that_of_every_member() -> None:
    schedule = ReduceOnPlateau(patience=1, gamma=1e-12, minimum=0.0)
    of = example(stepping=SHARDED, epochs=9, optimizer=Sgd(learning_rate=0.3), schedule=schedule)
    state = of.new_state()
    last = reports(of, state)[-1]
    assert last.learning_rate < 1e-9
    assert all(layer.update_ratio < 1e-7 for layer in last.health if layer.update_ratio is not None)


@pytest.mark.parametrize(("layers", "stepping"), WAYS)
def test_losses_and_health_are_those_of_all_members(layers: Any, stepping: Stepping) -> None:
    of = example(layers, stepping)
    of_all = reports(of)
    alone = [reports(replace(of, members=(member,))) for member in MEMBERS]
    for epoch, report in enumerate(of_all):
        assert report.train_loss == pytest.approx(np.mean([one[epoch].train_loss for one in alone]))
        for index, layer in enumerate(report.health):
            norms = [one[epoch].health[index].gradient_norm for one in alone]
            assert layer.gradient_norm == pytest.approx(np.linalg.norm(norms), rel=1e-5)
            assert layer.update_ratio is not None


@pytest.mark.parametrize("stepping", [SERIAL, SHARDED, COMPILED], ids=lambda one: one.way)
@pytest.mark.parametrize("calls", [1, 2, 4, 7])
def test_training_resumes_to_the_same_bits(stepping: Stepping, calls: int) -> None:
    of = example(stepping=stepping)
    straight, stopped = of.new_state(), of.new_state()
    reports(of, straight)
    reports(of, stopped, after(calls))
    assert 0 < stopped.optimizer.steps < straight.optimizer.steps
    reports(of, stopped)
    assert snapshot(stopped) == snapshot(straight)


@pytest.mark.parametrize(("layers", "stepping"), WAYS)
def test_an_order_that_ends_with_a_batch_takes_a_single_step(layers: Any, stepping: Stepping) -> None:
    """As in the learning rate range test."""
    of = example(layers, stepping)
    whole, apart = of.new_state(), of.new_state()
    order, steps = RowOrder(of).of_epoch(0), taking(stepping)(of, apart)
    with np.errstate(all="ignore"):
        sums = [one for taken in taking(stepping)(of, whole).epoch(order, 0, 0) for one in taken]
        for step in range(3):
            assert next(steps.epoch(order[: (step + 1) * steps.batches.size], 0, step)) == [sums[step]]
            assert (steps.position.step, steps.learning_rate) == (step, steps.rate(0, step))
    assert len(sums) == steps.batches.count == 3
    assert snapshot(whole) == snapshot(apart)


@pytest.mark.parametrize(("layers", "stepping"), WAYS)
def test_an_epoch_allocates_no_array(layers: Any, stepping: Stepping) -> None:
    """Only the orders of the rows, and small objects."""
    of = example(layers, stepping, tiles=16)
    steps, orders = taking(stepping)(of, of.new_state()), RowOrder(of)
    epochs = iter(range(10_000))

    def epoch() -> None:
        number = next(epochs)
        for _ in steps.epoch(orders.of_epoch(number), number, 0):
            pass

    bound = 40_000
    assert bound < BATCH * 16 * IMAGES[0].nbytes
    with np.errstate(all="ignore"):
        assert bytes_allocated(epoch, enough=bound) < bound


@pytest.mark.parametrize("stepping", [SHARDED, COMPILED], ids=lambda one: one.way)
def test_members_share_scratch_memory(stepping: Stepping) -> None:
    of = example(stepping=stepping)
    steps = taking(stepping)(of, of.new_state())
    assert isinstance(steps, StepsByMember)
    first, *others = steps._members
    for other in others:
        if stepping.compiled:
            one, two = first._program, other._program  # type: ignore[attr-defined]
            assert one.vectors.memory is two.vectors.memory
            assert one.flat_masks is two.flat_masks
        else:
            assert first._largest is other._largest  # type: ignore[attr-defined]


@pytest.mark.parametrize("stepping", [SHARDED, COMPILED], ids=lambda one: one.way)
def test_a_member_that_diverges_is_reported_as_alone(stepping: Stepping) -> None:
    of = example(stepping=stepping, optimizer=Sgd(learning_rate=1e30), schedule=None)
    messages = []
    for members in (MEMBERS, MEMBERS[:1]):
        with pytest.raises(DivergedError) as raised:
            reports(replace(of, members=members))
        messages.append(str(raised.value))
    assert messages[0] == messages[1]


def test_members_of_convolutions_take_the_steps_of_one_network() -> None:
    for found in (example(), example(members=(0,))):
        chosen = [
            choose_stepping(found, compiled_from=seconds, shared_from=0.0, can_compile=lambda: True)
            for seconds in (0.0, 1e9)
        ]
        assert chosen == [Stepping("compiled", 1), SERIAL]
        wide = replace(found, spec=TrainingSpec(epochs=3, batch_size=32))
        assert choose_stepping(wide, shared_from=0.0, can_compile=lambda: False) == SHARDED
    assert choose_stepping(example(NORMED), compiled_from=0.0, shared_from=0.0) == SERIAL


@pytest.mark.parametrize("size", [4, 7, 10])
def test_the_order_of_a_member_is_found_in_that_of_all(size: int) -> None:
    of = example(batch_size=size, folds=FOLDS, members=(0, 1, 2))
    order = RowOrder(of).of_epoch(1)
    for place, member in enumerate(of.members):
        alone = RowOrder(replace(of, members=(member,))).of_epoch(1)
        assert of_member(order, place, 3, size).tolist() == alone.tolist()
        begun = order[: 2 * 3 * size]
        assert of_member(begun, place, 3, size).tolist() == alone[: 2 * size].tolist()
