"""Health of each layer at the end of an epoch, against values computed by hand."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from experiments import after, features, plan, reports

from bpcli.arrays.fields import Field
from bpcli.arrays.rows import Rows, records_of
from bpcli.documents.layer_health import LayerHealth
from bpcli.jobs.epoch_record import epoch_record
from bpcli.nn.activations.bounded import Tanh
from bpcli.nn.activations.rectified import LeakyRelu, Relu
from bpcli.nn.activations.sigmoids import Sigmoid, Softsign
from bpcli.nn.layers.batch_norm import BatchNorm
from bpcli.nn.layers.dense import Dense
from bpcli.nn.layers.dropout import Dropout
from bpcli.nn.layers.layer_norm import LayerNorm
from bpcli.nn.losses.regression import MeanAbsoluteError, MeanSquaredError
from bpcli.nn.optimizers.rprop import Rprop
from bpcli.nn.optimizers.sgd import Sgd
from bpcli.training import health
from bpcli.training.plan import EpochReport, TrainingPlan
from bpcli.training.spec import Clip, Penalty, TrainingSpec
from bpcli.training.state import TrainingState
from bpcli.training.steps.serial import SerialSteps

GENERATOR = np.random.default_rng(0)
NEXT_TO_NOTHING = Sgd(learning_rate=1e-30)


def set_parameters(of: TrainingPlan, state: TrainingState, **values: Any) -> None:
    """Parameters by name, with `_` for the dots: layers_0_weight."""
    views = of.network.layout.views(state.params)
    for name, value in values.items():
        views[name.replace("_", ".")][...] = value


def test_norm_and_ratio_are_those_of_a_step_worked_by_hand() -> None:
    """Layer 0 is the only layer: y = 2 x₁ + 3 x₂ + 1 is 9 on the row (1, 2), whose target is 4."""
    of = plan([[1.0, 2.0]], [[4.0]], TrainingSpec(epochs=1), layers=(), optimizer=Sgd(learning_rate=0.01))
    state = of.new_state()
    set_parameters(of, state, layers_0_weight=[[2.0], [3.0]], layers_0_bias=1.0)
    (report,) = reports(of, state)
    # dL/dy = 2 (9 - 4) = 10; the gradient is 10 · (1, 2, 1), and the change is a hundredth of it
    (found,) = report.health
    assert found.gradient_norm == pytest.approx(10 * 6**0.5, rel=1e-12)
    assert found.update_ratio == pytest.approx(0.1 * 6**0.5 / 14**0.5, rel=1e-12)
    assert (found.layer, found.dead, found.saturated) == (0, None, None)


def test_each_layer_has_its_own_and_the_step_is_the_last_of_the_epoch() -> None:
    x, y = GENERATOR.normal(size=(10, 3)), GENERATOR.normal(size=(10, 2))
    layers = [Dense(units=4, activation=Tanh()), Dropout(rate=0.2), LayerNorm()]
    of = plan(x, y, TrainingSpec(epochs=3, batch_size=4), layers=layers, optimizer=Sgd(learning_rate=0.1))
    state = of.new_state()
    seen: list[Any] = []
    found = reports(of, state, lambda: bool(seen.append(state.params.copy())))
    seen = [seen[0], seen[1], seen[2], seen[5], seen[6], seen[7], seen[10], seen[11], seen[12]]  # after each step
    for epoch, report in enumerate(found):
        before, behind = (of.network.layout.views(seen[3 * epoch + step]) for step in (1, 2))
        assert [layer.layer for layer in report.health] == [0, 2, 3]
        for layer in report.health:
            names = [name for name in before if name.startswith(f"layers.{layer.layer}.")]
            change = np.sqrt(sum(((behind[name] - before[name]) ** 2).sum() for name in names))
            size = np.sqrt(sum((before[name] ** 2).sum() for name in names))
            assert layer.update_ratio == pytest.approx(change / size, rel=1e-9)
            assert layer.gradient_norm == pytest.approx(change / 0.1, rel=1e-9)


def test_the_gradient_is_the_one_that_the_optimizer_is_given() -> None:
    x, y = GENERATOR.normal(size=(6, 3)), GENERATOR.normal(size=(6, 1))
    rules: Any = {"penalty": Penalty(l2=5.0), "clip": Clip(norm=0.25)}
    (report,) = reports(plan(x, y, TrainingSpec(epochs=1, **rules), layers=()))
    assert report.health[0].gradient_norm == pytest.approx(0.25, rel=1e-12)


PLANTED: list[tuple[Any, Any, float | None, float | None]] = [
    (Relu(), [-1e3, 0.0, 1.0, -1e3], 0.5, None),
    (LeakyRelu(slope=0.0), [-1e3, 0.0, 1.0, -1e3], 0.5, None),
    (LeakyRelu(), [-1e3, 0.0, 1.0, -1e3], None, None),
    (Tanh(), [50.0, -50.0, 0.0, 50.0], None, 0.75),
    (Sigmoid(), [50.0, -50.0, 0.0, 2.0], None, 0.5),
    (Softsign(), [48.0, -500.0, 0.0, 2.0], None, 0.25),
]


@pytest.mark.parametrize(("activation", "biases", "dead", "saturated"), PLANTED, ids=repr)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dead_and_saturated_units_are_found(
    activation: Any, biases: list[float], dead: float | None, saturated: float | None, dtype: Any
) -> None:
    """Inputs are between 0 and 1 and all weights are 1, so the biases decide which units are dead or saturated."""
    x = np.linspace(0.0, 1.0, 100)[:, None]
    of = plan(
        x,
        x,
        TrainingSpec(epochs=1),
        layers=[Dense(units=4, activation=activation)],
        optimizer=NEXT_TO_NOTHING,
        dtype=dtype,
    )
    state = of.new_state()
    set_parameters(of, state, layers_0_weight=1.0, layers_0_bias=biases)
    (report,) = reports(of, state)
    assert [(layer.dead, layer.saturated) for layer in report.health] == [(dead, saturated), (None, None)]


def test_a_unit_that_answers_to_one_row_looked_at_is_not_dead() -> None:
    x = np.arange(64.0)[:, None]
    of = plan(x, x, TrainingSpec(epochs=1), layers=[Dense(units=2)], optimizer=NEXT_TO_NOTHING)
    state = of.new_state()
    set_parameters(of, state, layers_0_weight=1.0, layers_0_bias=[-62.5, -63.5])
    assert reports(of, state)[0].health[0].dead == 0.5


@pytest.mark.parametrize(("rows", "looked_at"), [(10, 10), (64, 64), (1000, 64), (3200, 100), (100_000, 256)])
def test_rows_looked_at_are_spread_over_all(rows: int, looked_at: int) -> None:
    """Each unit is active on one row only. None is dead for units of the first row, the last row and one between."""
    x = np.arange(float(rows))[:, None]
    of = plan(x, x, TrainingSpec(epochs=1, batch_size="full"), layers=[Dense(units=1)], optimizer=NEXT_TO_NOTHING)
    check = health.HealthCheck(SerialSteps(of, of.new_state()))
    sample = check._x[0][:, 0]
    assert len(sample) == looked_at
    assert (sample[0], sample[-1]) == (0, rows - 1)
    steps = np.diff(sample)
    assert steps.max() - steps.min() <= 1


def test_codes_are_looked_at_as_their_one_hot_features_are() -> None:
    signature = (Field("numbers", (1,)), Field("code", (), "code", 3))
    records = np.zeros(200, records_of(signature, np.dtype(np.float32)))
    records["numbers"] = GENERATOR.normal(size=(200, 1))
    records["codes"] = GENERATOR.integers(0, 3, (200, 1))
    codes = Rows(signature, [records], np.dtype(np.float32))
    y = GENERATOR.normal(size=(200, 1))
    options: Any = {"layers": [Dense(units=9), Dense(units=9, activation=Tanh())], "dtype": np.float32}
    found = [reports(plan(x, y, **options)) for x in (codes, features(codes, np.float32))]
    assert [report.health for report in found[0]] == [report.health for report in found[1]]


def test_running_statistics_are_used_and_left_alone() -> None:
    x = np.linspace(0.0, 1.0, 100)[:, None]
    of = plan(
        x,
        x,
        TrainingSpec(epochs=1, batch_size="full"),
        layers=[BatchNorm(), Dense(units=2)],
        optimizer=NEXT_TO_NOTHING,
    )
    state = of.new_state()
    # normalized by 0.99 · 0 + 0.01 · 1/2 and a variance near 1, x - 0.005 reaches from -0.005 to 0.995
    set_parameters(of, state, layers_1_weight=1.0, layers_1_bias=[-0.9, -1.1])
    before = state.layer_state.copy()
    (report,) = reports(of, state)
    assert [layer.layer for layer in report.health] == [0, 1, 2]
    assert report.health[1].dead == 0.5
    once = before * 0.0
    for name, view in of.network.state_layout.views(once).items():
        momentum = of.network.layers[0].momentum  # type: ignore[attr-defined]
        start, seen = (0.0, x.mean()) if "mean" in name else (1.0, x.var(ddof=1))
        view[:] = momentum * start + (1 - momentum) * seen
    np.testing.assert_allclose(state.layer_state, once)


@pytest.mark.parametrize("calls", range(1, 16))
def test_training_that_was_interrupted_sees_the_same(calls: int) -> None:
    x, y = GENERATOR.normal(size=(18, 3)), GENERATOR.normal(size=(18, 2))
    of = plan(x, y, TrainingSpec(epochs=2, batch_size=4), layers=[Dense(units=5), Dense(units=4, activation=Tanh())])
    whole = [report.health for report in reports(of)]
    state = of.new_state()
    parts = [*reports(of, state, after(calls)), *reports(of, state)]
    assert [report.health for report in parts] == whole
    assert all(layer.update_ratio is not None for epoch in whole for layer in epoch)


# Measures that are missing or not finite


def test_an_epoch_whose_last_step_was_taken_before_has_units_but_no_step() -> None:
    """Training resumed from a checkpoint of the last step of an epoch, as earlier versions wrote them."""
    of = plan(GENERATOR.normal(size=(8, 2)), np.ones((8, 1)), TrainingSpec(epochs=2, batch_size=4))
    state = of.new_state()
    state.count(step=2, loss_sum=1.0, weight_sum=8.0)
    first, second = reports(of, state)
    assert [(layer.gradient_norm, layer.update_ratio) for layer in first.health] == [(None, None)] * 2
    assert first.health[0].dead is not None
    assert None not in [layer.update_ratio for layer in second.health]


def only(report: EpochReport) -> LayerHealth:
    (found,) = report.health
    return found


def test_norms_whose_squares_are_beyond_float32_are_right() -> None:
    for size in (1e25, 1e-25):
        x = np.full((4, 1), size)
        spec, rule = TrainingSpec(epochs=1, batch_size="full"), Sgd(learning_rate=1e-6 / size)
        of = plan(x, np.zeros((4, 1)), spec, layers=(), loss=MeanAbsoluteError(), optimizer=rule, dtype=np.float32)
        state = of.new_state()
        set_parameters(of, state, layers_0_weight=1.0, layers_0_bias=0.0)
        found = only(reports(of, state)[0])
        # the gradient of the weight is the input, and that of the bias is 1
        assert found.gradient_norm == pytest.approx(np.hypot(size, 1.0), rel=1e-5)
    norm = health._norm([np.full(3, 1e-25, np.float32), np.full(1, 1e-25, np.float32)])
    assert norm == pytest.approx(2e-25, rel=1e-6)
    assert health._norm([np.zeros(3, np.float32)]) == 0.0


def test_what_is_not_finite_is_null() -> None:
    """Rprop takes finite steps by the sign of an infinite gradient."""
    spec = TrainingSpec(epochs=1, batch_size="full")
    x = np.full((4, 1), 1e30)
    of = plan(x, np.zeros((4, 1)), spec, layers=(), loss=MeanSquaredError(), optimizer=Rprop(), dtype=np.float32)
    state = of.new_state()
    set_parameters(of, state, layers_0_weight=1e-15, layers_0_bias=0.0)
    (report,) = reports(of, state)
    assert only(report).gradient_norm is None
    assert only(report).update_ratio is not None
    written = json.loads(json.dumps(epoch_record(report).to_json(), allow_nan=False))
    assert written["health"] == [
        {"layer": 0, "gradient_norm": None, "update_ratio": only(report).update_ratio, "dead": None, "saturated": None}
    ]


def test_parameters_that_were_all_zero_have_no_ratio() -> None:
    of = plan([[1.0]], [[1.0]], TrainingSpec(epochs=1), layers=())
    state = of.new_state()
    state.params[:] = 0.0
    assert only(reports(of, state)[0]).update_ratio is None
