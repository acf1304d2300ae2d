"""Ensemble members trained together: each equals the same member trained alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from experiments import plan, reports

from bpcli.errors import DivergedError
from bpcli.nn.activations.bounded import Identity, Tanh
from bpcli.nn.activations.gated import Gelu
from bpcli.nn.layers.batch_norm import BatchNorm
from bpcli.nn.layers.dense import Dense
from bpcli.nn.layers.dropout import Dropout
from bpcli.nn.layers.parametric import Parametric
from bpcli.nn.layers.scale import Scale
from bpcli.nn.losses.classification import BinaryCrossEntropy, CrossEntropy
from bpcli.nn.optimizers import RateFactors
from bpcli.nn.optimizers.adam import Adam
from bpcli.nn.optimizers.adam_variants import Adamw, Nadam
from bpcli.nn.optimizers.rprop import Rprop
from bpcli.nn.optimizers.sgd import Sgd
from bpcli.nn.schedules.cosine import Cosine
from bpcli.training.plan import TrainingPlan
from bpcli.training.spec import Average, Clip, Penalty, TrainingSpec
from bpcli.training.stepping import Stepping
from bpcli.training.steps import choose_stepping
from bpcli.training.steps.choice import numpy_seconds

GENERATOR = np.random.default_rng(0)
X, CLASSES = GENERATOR.normal(size=(60, 5)), GENERATOR.integers(0, 3, 60)
LAYERS = [Dense(units=7, activation=Gelu()), BatchNorm(), Dropout(rate=0.3), Dense(units=4, activation=Tanh())]
RULES = {"penalty": Penalty(l1=0.01, l2=0.1), "clip": Clip(norm=0.5, value=0.3)}


def trained(of: TrainingPlan, *members: int) -> tuple[Any, list[Any]]:
    """State and reports after training these members."""
    of = replace(of, members=members)
    state = of.new_state()
    return state, reports(of, state)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("rule", [Sgd(momentum=0.9), Adamw(weight_decay=0.1), Nadam(), Rprop()], ids=repr)
@pytest.mark.parametrize("rules", [{}, RULES], ids=["plain", "rules"])
def test_each_of_three_members_ends_to_the_bit_where_it_does_alone(rule: Any, dtype: Any, rules: Any) -> None:
    spec = TrainingSpec(epochs=3, batch_size=16, **rules)
    options: Any = {"layers": LAYERS, "loss": CrossEntropy(), "optimizer": rule, "schedule": Cosine(), "dtype": dtype}
    of = plan(X, CLASSES, spec, weight=GENERATOR.uniform(0.5, 2.0, 60), **options)
    together, _ = trained(of, 0, 1, 2)
    assert together.params.shape == (3, of.network.layout.size)
    for member in range(3):
        alone, _ = trained(of, member)
        assert np.array_equal(together.params[member], alone.params[0])
        assert np.array_equal(together.layer_state[member], alone.layer_state[0])
        for name, slot in together.optimizer.slots.items():
            assert np.array_equal(slot[member], alone.optimizer.slots[name][0])
    assert len({params.tobytes() for params in together.params}) == 3


BATCHED = [
    Scale(),
    Dense(units=7, activation=Identity(), initializer="data_std"),
    Parametric(activation=Gelu()),
    Dropout(rate=0.3, schedule="cosine"),
    Dense(units=4, activation=Tanh()),
]


@pytest.mark.parametrize("rules", [{}, RULES], ids=["plain", "rules"])
def test_members_of_layers_on_schedules_are_those_of_each_alone(rules: Any) -> None:
    """All members pass a batch at once, in which products may differ in their last bits."""
    spec = TrainingSpec(epochs=3, batch_size=16, **rules)
    rule = Adamw(weight_decay=0.1, decay_schedule="cosine", rate_factors=RateFactors(weights="inverse_sqrt_fan_in"))
    of = replace(plan(X, CLASSES, spec, layers=BATCHED, loss=CrossEntropy(), optimizer=rule), prior_bias=True)
    assert of.network.of_members(3) is not None
    together, _ = trained(of, 0, 1, 2)
    for member in range(3):
        np.testing.assert_allclose(together.params[member], trained(of, member)[0].params[0], rtol=1e-9, atol=1e-12)
    assert len({params.tobytes() for params in together.params}) == 3


def test_one_output_and_one_row_a_batch_make_no_difference() -> None:
    """BLAS computes products of one row or one column with other functions."""
    of = plan(
        X, CLASSES[:, None] > 0, TrainingSpec(epochs=2, batch_size=1), layers=LAYERS[:1], loss=BinaryCrossEntropy()
    )
    together, _ = trained(of, 2, 0)
    for row, member in enumerate((2, 0)):
        assert np.array_equal(together.params[row], trained(of, member)[0].params[0])


def test_losses_are_the_members_on_average_and_metrics_of_their_average_prediction() -> None:
    seen: list[Any] = []

    def score(predictions: Any, dataset: Any) -> dict[str, float | None]:
        seen.append(predictions.copy())
        return {"first": float(predictions[0, 0])}

    spec = TrainingSpec(epochs=2, batch_size=16, penalty=Penalty(l2=0.1))
    options: Any = {"layers": LAYERS, "loss": CrossEntropy(), "optimizer": Nadam(), "score": score}
    of = plan(X, CLASSES, spec, validation=(X[:20], CLASSES[:20]), **options)
    _, together = trained(of, 0, 1, 2)
    of_all, seen[:] = list(seen), []
    alone = [trained(of, member)[1] for member in range(3)]
    for epoch, report in enumerate(together):
        for name in ("train_loss", "validation_loss"):
            assert getattr(report, name) == pytest.approx(np.mean([getattr(one[epoch], name) for one in alone]))
        np.testing.assert_allclose(of_all[epoch], np.mean(seen[epoch::2], axis=0))
        assert [layer.layer for layer in report.health] == [0, 1, 3, 4]
        norms = [one[epoch].health[0].gradient_norm for one in alone]
        assert report.health[0].gradient_norm == pytest.approx(np.linalg.norm(norms))


def test_the_first_member_has_the_numbers_of_a_plan_that_names_none() -> None:
    of = plan(X, CLASSES, layers=LAYERS, loss=CrossEntropy())
    state = of.new_state()
    reports(of, state)
    assert of.members == (0,)
    assert np.array_equal(state.params, trained(of, 0)[0].params)


def test_members_that_pass_a_batch_at_once_take_serial_steps() -> None:
    of = replace(plan(X, CLASSES, loss=CrossEntropy(), dtype=np.float32), members=(0, 1))
    assert choose_stepping(of, compiled_from=0.0, shared_from=0.0, can_compile=lambda: True) == Stepping()


RECTIFIED = [
    Scale(),
    Dense(units=40, initializer="data_std"),
    Dropout(rate=0.3, schedule="cosine"),
    Dropout(rate=0.1, schedule="constant"),
    Dense(units=9),
    Dropout(rate=0.2),
    Dense(units=5),
    Dense(units=4, activation=Tanh()),
    Dropout(rate=0.2, schedule="flat_cosine"),
]
SCHEDULED = Adamw(weight_decay=0.1, decay_schedule="cosine", rate_factors=RateFactors(biases=0.1, scales=3.0))


@pytest.mark.parametrize("rules", [{}, RULES | {"average": Average(decay=0.9)}], ids=["plain", "rules"])
@pytest.mark.parametrize("rule", [Adam(), Adamw(weight_decay=0.1), SCHEDULED], ids=["adam", "adamw", "scheduled"])
def test_compiled_operations_do_not_change_a_bit(rule: Any, rules: Any) -> None:
    pytest.importorskip("numba")
    spec = TrainingSpec(epochs=4, batch_size=16, **rules)
    options: Any = {"layers": RECTIFIED, "loss": CrossEntropy(), "optimizer": rule, "dtype": np.float32}
    of = plan(X, CLASSES, spec, weight=GENERATOR.uniform(0.5, 2.0, 60), schedule=Cosine(), **options)
    of = replace(of, members=(3, 4, 5))
    compiled = choose_stepping(of, kernels_from=0.0, can_compile=lambda: True)
    assert compiled == Stepping(kernels=True)
    states, losses = [], []
    for stepping in (Stepping(), compiled):
        states.append(of.new_state())
        losses.append([report.train_loss for report in reports(replace(of, stepping=stepping), states[-1])])
    assert losses[0] == losses[1]
    numpys, kernels = (state.vectors() for state in states)
    assert [name for name, vector in numpys.items() if vector.tobytes() != kernels[name].tobytes()] == []
    assert not np.array_equal(numpys["params"], of.new_state().params)


def test_operations_are_compiled_for_long_trainings_with_adam() -> None:
    def chosen(
        kernels_from: float = 0.0, can_compile: bool = True, dtype: Any = np.float32, **changes: Any
    ) -> Stepping:
        options: Any = {"layers": RECTIFIED, "loss": CrossEntropy(), "optimizer": Adam(), "dtype": dtype} | changes
        of = replace(plan(X, CLASSES, TrainingSpec(epochs=7), **options), members=(0, 1))
        seconds = 7 * numpy_seconds(of)
        return choose_stepping(of, kernels_from=kernels_from * seconds, can_compile=lambda: can_compile)

    assert chosen(1.0) == Stepping(kernels=True)
    assert chosen(1.001) == chosen(can_compile=False) == chosen(dtype=np.float64) == Stepping()
    without = [{"optimizer": Nadam()}, {"optimizer": Adam(amsgrad=True)}, {"optimizer": Sgd()}, {"layers": LAYERS}]
    assert [chosen(**changes) for changes in without] == [Stepping()] * len(without)


def test_a_diverging_step_of_compiled_operations_is_the_one_of_numpy() -> None:
    pytest.importorskip("numba")
    of = plan(X, CLASSES, layers=RECTIFIED, loss=CrossEntropy(), optimizer=Adam(learning_rate=1e30), dtype=np.float32)
    of = replace(of, members=(0, 1))
    messages = []
    for stepping in (Stepping(), Stepping(kernels=True)):
        with pytest.raises(DivergedError) as raised:
            reports(replace(of, stepping=stepping), of.new_state())
        messages.append(str(raised.value))
    assert messages[0] == messages[1]


def test_views_have_the_members_in_front_and_one_member_has_none() -> None:
    layout = plan(X, CLASSES, layers=[Dense(units=2)], loss=CrossEntropy()).network.layout
    vectors = np.arange(3.0 * layout.size).reshape(3, layout.size)
    views = layout.views(vectors)
    assert views["layers.0.weight"].shape == (3, 5, 2)
    for member, vector in enumerate(vectors):
        for name, view in layout.views(vector).items():
            assert np.array_equal(view, views[name][member])
    assert all(np.shares_memory(view, vectors) for view in views.values())
    assert {name: view.shape for name, view in layout.views(vectors[:1]).items()} == {
        slot.name: slot.shape for slot in layout.slots
    }
