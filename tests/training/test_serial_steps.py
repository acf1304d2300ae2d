"""One serial step: gradient of the mean loss with penalties, clipping, schedule and update."""

from typing import Any

import numpy as np
import pytest
from experiments import plan, reports

from bpcli.data.batches import Dataset
from bpcli.nn.activations.bounded import Tanh
from bpcli.nn.layers.dense import Dense
from bpcli.nn.losses import LossScratch
from bpcli.nn.losses.classification import CrossEntropy
from bpcli.nn.losses.regression import MeanSquaredError
from bpcli.nn.optimizers.adam import Adam
from bpcli.nn.optimizers.sgd import Sgd
from bpcli.nn.schedules.steps import Exponential, Step
from bpcli.training.plan import TrainingPlan
from bpcli.training.spec import Clip, Penalty, TrainingSpec

GENERATOR = np.random.default_rng(0)
X, Y = GENERATOR.normal(size=(10, 3)), GENERATOR.normal(size=(10, 2))
WEIGHT = GENERATOR.uniform(0.5, 2.0, 10)
LAYERS = [Dense(units=4, activation=Tanh())]


def one_step(weight: Any = None, rate: float = 0.5, **spec: Any) -> tuple[TrainingPlan, Any, Any]:
    """Plan, and its parameters before and after one step of SGD on all rows."""
    given = TrainingSpec(epochs=1, batch_size="full", **spec)
    of = plan(X, Y, given, weight=weight, layers=LAYERS, optimizer=Sgd(learning_rate=rate))
    state = of.new_state()
    before = state.params[0].copy()
    reports(of, state)
    return of, before, state.params[0]


def mean_loss(of: TrainingPlan, params: Any, rows: Dataset) -> float:
    network = of.network
    state = of.new_state().layer_state[0]
    workspace = network.workspace(rows.rows, of.dtype, training=False)
    logits = network.forward(
        network.bind(params), network.bind_state(state), network.stems.intake.whole(rows.x, of.dtype), workspace
    )
    scratch = LossScratch(rows.rows, network.n_out, of.dtype)
    total = of.loss.value_and_gradient(logits, rows.y, rows.weight, np.empty_like(logits), scratch)
    return total / rows.rows


def numeric_gradient(of: TrainingPlan, params: Any, l1: float = 0.0, l2: float = 0.0) -> Any:
    weights = of.network.layout.weights

    def objective(at: Any) -> float:
        w = at[:weights]
        return mean_loss(of, at, of.train) + l1 * float(np.abs(w).sum()) + 0.5 * l2 * float((w * w).sum())

    step, gradient = 1e-6, np.empty_like(params)
    for index in range(len(params)):
        nudge = np.zeros_like(params)
        nudge[index] = step
        gradient[index] = (objective(params + nudge) - objective(params - nudge)) / (2 * step)
    return gradient


@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["plain", "weighted"])
@pytest.mark.parametrize(("l1", "l2"), [(0.0, 0.0), (0.1, 0.0), (0.0, 0.3), (0.1, 0.3)])
def test_a_step_follows_the_gradient_of_the_mean_loss_and_its_penalties(weight: Any, l1: float, l2: float) -> None:
    of, before, after = one_step(weight, penalty=Penalty(l1=l1, l2=l2))
    np.testing.assert_allclose((before - after) / 0.5, numeric_gradient(of, before, l1, l2), rtol=1e-6, atol=1e-8)


def test_penalties_leave_biases_alone() -> None:
    of, _, plain = one_step()
    _, _, penalized = one_step(penalty=Penalty(l1=0.1, l2=0.1))
    weights = of.network.layout.weights
    assert not np.any(plain[:weights] == penalized[:weights])
    assert np.array_equal(plain[weights:], penalized[weights:])


def test_the_penalty_is_part_of_the_training_loss() -> None:
    spec = TrainingSpec(epochs=1, batch_size="full", penalty=Penalty(l1=0.1, l2=0.3))
    of = plan(X, Y, spec, layers=LAYERS)
    state = of.new_state()
    start = mean_loss(of, state.params[0], of.train)
    (report,) = reports(of, state)
    w = state.params[0][: of.network.layout.weights]
    assert report.train_loss == pytest.approx(start + 0.1 * np.abs(w).sum() + 0.15 * (w * w).sum(), rel=1e-12)


def test_the_whole_gradient_is_clipped_by_its_norm() -> None:
    _, before, after = one_step()
    gradient = (before - after) / 0.5
    norm = np.sqrt(gradient @ gradient)
    _, before, after = one_step(clip=Clip(norm=norm / 4))
    np.testing.assert_allclose((before - after) / 0.5, gradient / 4, rtol=1e-12)
    _, before, after = one_step(clip=Clip(norm=norm * 1.01))
    np.testing.assert_allclose((before - after) / 0.5, gradient, rtol=1e-12)


def test_each_component_is_clipped_by_value_and_only_then_the_norm() -> None:
    _, before, after = one_step()
    gradient = (before - after) / 0.5
    bound = float(np.median(np.abs(gradient)))
    bounded = np.clip(gradient, -bound, bound)
    _, before, after = one_step(clip=Clip(value=bound))
    np.testing.assert_allclose((before - after) / 0.5, bounded, rtol=1e-12, atol=1e-15)
    norm = np.sqrt(bounded @ bounded) / 2
    _, before, after = one_step(clip=Clip(value=bound, norm=norm))
    np.testing.assert_allclose((before - after) / 0.5, bounded / 2, rtol=1e-12, atol=1e-15)


def test_a_penalty_is_clipped_with_the_gradient_that_it_is_part_of() -> None:
    _, before, after = one_step(penalty=Penalty(l2=50.0), clip=Clip(norm=0.1))
    step = (before - after) / 0.5
    assert np.sqrt(step @ step) == pytest.approx(0.1, rel=1e-12)


@pytest.mark.parametrize("batch_size", ["full", 4])
def test_the_training_loss_is_the_mean_over_rows(batch_size: Any) -> None:
    """With a tiny learning rate, the batches' losses are those of the initial parameters."""
    spec = TrainingSpec(epochs=1, batch_size=batch_size)
    of = plan(X, Y, spec, layers=LAYERS, optimizer=Sgd(learning_rate=1e-15))
    (report,) = reports(of)
    assert report.train_loss == pytest.approx(mean_loss(of, of.new_state().params[0], of.train), rel=1e-12)


def test_the_loss_of_weighted_rows_is_their_weighted_mean() -> None:
    spec = TrainingSpec(epochs=1, batch_size=4)
    of = plan(X, Y, spec, weight=WEIGHT, layers=LAYERS, optimizer=Sgd(learning_rate=1e-15))
    (report,) = reports(of)
    expected = mean_loss(of, of.new_state().params[0], of.train) * 10 / WEIGHT.sum()
    assert report.train_loss == pytest.approx(expected, rel=1e-12)


def test_a_short_last_batch_steps_by_the_mean_of_its_own_rows() -> None:
    """Ten rows in batches of nine and one: the second step uses a single row."""
    spec = TrainingSpec(epochs=1, batch_size=9)
    of = plan(X, Y, spec, layers=(), optimizer=Sgd(learning_rate=0.1))
    state = of.new_state()
    seen: list[Any] = []
    before = state.params[0].copy()
    reports(of, state, interrupted=lambda: bool(seen.append(state.params[0].copy())))
    after_nine, after_all = seen[0], seen[1]
    network = of.network

    def gradient(params: Any, rows: Any) -> Any:
        x, y = np.column_stack([X[rows], np.ones(len(rows))]), Y[rows]
        w = np.vstack([network.layout.views(params)[name] for name in ("layers.0.weight", "layers.0.bias")])
        return (2.0 / y.size * x.T @ (x @ w - y)).ravel()

    (last,) = (
        row
        for row in range(10)
        if np.allclose(before - 0.1 * gradient(before, [other for other in range(10) if other != row]), after_nine)
    )
    np.testing.assert_allclose(after_all, after_nine - 0.1 * gradient(after_nine, [last]), rtol=1e-12)


def test_every_row_is_trained_on_once_an_epoch_in_an_order_of_its_own() -> None:
    """The gradient of a bias under a linear loss shows which rows a step used."""
    rows = 12
    x, y = np.zeros((rows, 1)), np.arange(rows, dtype=float)[:, None]
    of = plan(x, y, TrainingSpec(epochs=2, batch_size=1), layers=(), optimizer=Sgd(learning_rate=0.5))
    state = of.new_state()
    # with mse, a rate of 1/2 sets the bias to the target of the row
    seen: list[float] = []
    reports(of, state, interrupted=lambda: bool(seen.append(round(float(state.params[0][-1])))))
    epochs = [seen[:rows], seen[rows + 2 : 2 * rows + 2]]
    for order in epochs:
        assert sorted(order) == list(range(rows))
    assert epochs[0] != epochs[1]
    assert epochs[0] != sorted(epochs[0])


def test_a_weight_of_two_equals_a_row_that_stands_there_twice() -> None:
    rows = [0, 1, 2, 3, 3]
    spec = TrainingSpec(epochs=20, batch_size="full")
    weight = np.array([1.0, 1.0, 1.0, 2.0])
    options: Any = {"layers": LAYERS, "optimizer": Adam()}
    weighted = plan(X[:4], Y[:4], spec, weight=weight / weight.mean(), **options)
    twice = plan(X[rows], Y[rows], spec, **options)
    a, b = weighted.new_state(), twice.new_state()
    losses = [[report.train_loss for report in reports(of, state)] for of, state in ((weighted, a), (twice, b))]
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-12)
    np.testing.assert_allclose(a.params, b.params, rtol=1e-9)


def test_the_schedule_scales_the_learning_rate_of_each_epoch() -> None:
    spec = TrainingSpec(epochs=4, batch_size=5)
    of = plan(X, Y, spec, optimizer=Sgd(learning_rate=0.08), schedule=Step(every=2, gamma=0.25))
    assert [report.learning_rate for report in reports(of)] == [0.08, 0.08, 0.02, 0.02]
    warm = plan(X, Y, spec, optimizer=Sgd(learning_rate=0.08), schedule=Exponential(gamma=0.5, warmup_epochs=1))
    # with two steps per epoch, the first has half the rate; after that epoch the schedule starts
    assert [report.learning_rate for report in reports(warm)] == pytest.approx([0.08, 0.08, 0.04, 0.02])


def test_a_step_moves_by_the_scheduled_rate() -> None:
    spec = TrainingSpec(epochs=1, batch_size="full")
    half = plan(X, Y, spec, layers=LAYERS, optimizer=Sgd(learning_rate=0.5), schedule=Exponential(warmup_epochs=2))
    state = half.new_state()
    before = state.params[0].copy()
    reports(half, state)
    _, start, after = one_step()
    assert np.array_equal(before, start)
    np.testing.assert_allclose(before - state.params[0], (start - after) / 2, rtol=1e-9, atol=1e-15)


def test_classes_given_as_codes_train_as_rows_of_zero_and_one_do() -> None:
    codes = np.arange(10) % 2
    spec = TrainingSpec(epochs=3, batch_size=4)
    finals = []
    for y in (codes, np.eye(2)[codes]):
        of = plan(X, y, spec, loss=CrossEntropy())
        state = of.new_state()
        reports(of, state)
        finals.append(state.params[0])
    assert np.array_equal(*finals)


def test_a_batch_larger_than_the_data_is_the_data() -> None:
    of = plan(X, Y, TrainingSpec(batch_size=64))
    assert of.batch_size == 10
    assert isinstance(of.loss, MeanSquaredError)
