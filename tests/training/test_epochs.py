"""The end of an epoch: the best epoch and every stopping rule, counted by hand on scripted metrics."""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import pytest
from experiments import plan, reports, snapshot, ticking

from bpcli.arrays.memory import Array
from bpcli.data.batches import Dataset
from bpcli.documents.layer_health import LayerHealth
from bpcli.nn.layers.batch_norm import BatchNorm
from bpcli.nn.layers.dense import Dense
from bpcli.nn.optimizers.sgd import Sgd
from bpcli.nn.schedules.base import Plateau
from bpcli.nn.schedules.plateau import ReduceOnPlateau
from bpcli.training import epochs as epochs_module
from bpcli.training.health import HealthCheck
from bpcli.training.monitor import Monitor
from bpcli.training.plan import TrainingPlan
from bpcli.training.spec import EarlyStopping, Goal, StopWhen, TrainingSpec

GENERATOR = np.random.default_rng(0)
X, Y = GENERATOR.normal(size=(8, 2)), GENERATOR.normal(size=(8, 1))
OTHERS = (GENERATOR.normal(size=(5, 2)), GENERATOR.normal(size=(5, 1)))


def scripted(name: str, values: Iterable[float | None]) -> Callable[[Array, Dataset], dict[str, float | None]]:
    """Score that takes its values from a list, one per epoch."""
    left = iter(values)
    return lambda *_: {name: next(left)}


def watching(values: Iterable[float | None], greater: bool = False, **spec: Any) -> TrainingPlan:
    """Plan that monitors a scripted metric on validation rows."""
    given = TrainingSpec(batch_size=4, **{"epochs": 50, **spec})
    score = scripted("m", values)
    monitor = Monitor("validation", "m", greater)
    return plan(X, Y, given, validation=OTHERS, score=score, monitor=monitor, greater_is_better=greater)


def test_training_ends_after_its_epochs() -> None:
    ended = reports(plan(X, Y, TrainingSpec(epochs=3, batch_size=4)))
    assert [report.epoch for report in ended] == [1, 2, 3]
    assert [report.stop for report in ended] == [None, None, "epochs"]


def test_early_stopping_counts_epochs_in_a_row_without_improvement() -> None:
    #         epoch:  1    2    3    4    5    6    7
    of = watching([5.0, 4.0, 4.0, 4.5, 3.0, 3.5, 3.0], early_stopping=EarlyStopping(patience=2))
    # 4.0 again and 4.5 are two epochs without improvement: patience is exhausted in epoch 4
    ended = reports(of)
    assert (ended[-1].epoch, ended[-1].stop) == (4, "early_stopping")
    of = watching([5.0, 4.0, 4.0, 4.5, 3.0, 3.5, 3.0, 3.2], early_stopping=EarlyStopping(patience=3))
    ended = reports(of)
    assert (ended[-1].epoch, ended[-1].stop) == (8, "early_stopping")
    assert (ended[-1].best_epoch, ended[-1].best) == (5, 3.0)


def test_improvements_below_min_delta_do_not_count_but_are_kept() -> None:
    stopping = EarlyStopping(patience=3, min_delta=1.0)
    # relative to the reference 10, the falls to 9.5, 9.2 and 9.1 are less than min_delta; the best value is still kept
    ended = reports(watching([10.0, 9.5, 9.2, 9.1, 0.0], early_stopping=stopping))
    assert (ended[-1].epoch, ended[-1].stop) == (4, "early_stopping")
    assert (ended[-1].best_epoch, ended[-1].best) == (4, 9.1)
    # 8.9 is more than 1 below 10 and becomes the reference
    ended = reports(watching([10.0, 9.5, 8.9, 8.5, 8.0, 8.2, 0.0], early_stopping=stopping))
    assert ended[-1].epoch == 6


def test_of_a_metric_that_should_be_large_more_is_better() -> None:
    ended = reports(watching([0.5, 0.7, 0.6, 0.7, 0.9], greater=True, early_stopping=EarlyStopping(patience=2)))
    assert (ended[-1].epoch, ended[-1].best_epoch, ended[-1].best) == (4, 2, 0.7)
    assert [report.improved for report in ended] == [True, True, False, False]


def test_an_undefined_value_is_no_improvement() -> None:
    ended = reports(watching([0.5, None, None, 0.9], greater=True, early_stopping=EarlyStopping(patience=2)))
    assert (ended[-1].epoch, ended[-1].best_epoch) == (3, 1)


@pytest.mark.parametrize("greater", [False, True])
def test_a_value_that_is_not_a_number_is_never_the_best_nor_what_others_are_compared_with(greater: bool) -> None:
    nan = float("nan")
    of = watching([nan, 0.5, nan, 0.4, 0.6, nan], greater, early_stopping=EarlyStopping(patience=2))
    state = of.new_state()
    first = state.params.copy()
    ended = reports(of, state)
    best = [0, 2, 2, 2] if greater else [0, 2, 2, 4, 4, 4]
    assert [report.best_epoch for report in ended] == best
    assert [report.improved for report in ended] == [number == epoch for number, epoch in enumerate(best, 1)]
    assert ended[-1].stop == "early_stopping"
    assert ended[-1].best == (0.5 if greater else 0.4)
    (only,) = reports(watching([nan], greater, epochs=1), other := of.new_state())
    assert (only.best_epoch, only.improved) == (0, False)
    np.testing.assert_array_equal(other.best_params, first)


def test_a_plateau_is_not_ended_by_what_is_not_a_number() -> None:
    rule = ReduceOnPlateau(patience=2, gamma=0.5)
    plateau = rule.observe(1.0, Plateau())
    for expected in (1.0, 0.5):
        plateau = rule.observe(float("nan"), plateau)
        assert (plateau.factor, plateau.best) == (expected, 1.0)


def test_the_best_parameters_and_layer_state_are_those_of_the_best_epoch() -> None:
    of = watching([3.0, 2.0, 1.0, 2.0, 3.0], epochs=5)
    of = plan(
        X,
        Y,
        of.spec,
        layers=[BatchNorm(), Dense(units=3)],
        validation=OTHERS,
        score=of.score,
        monitor=of.monitor,
        optimizer=Sgd(learning_rate=0.1),
    )
    state = of.new_state()
    kept: list[tuple[Any, Any]] = []
    for report in epochs(of, state):
        kept.append((state.params.copy(), state.layer_state.copy()))
        assert report.best_epoch == min(report.epoch, 3)
    assert np.array_equal(state.best_params, kept[2][0])
    assert np.array_equal(state.best_layer_state, kept[2][1])
    assert not np.array_equal(state.best_params, state.params)


def epochs(of: TrainingPlan, state: Any) -> Iterable[Any]:
    from bpcli.training.loop import train
    from bpcli.training.plan import EpochReport

    return (event for event in train(of, state) if isinstance(event, EpochReport))


@pytest.mark.parametrize(
    ("greater", "values", "goal", "epoch"),
    [(True, [0.5, 0.89, 0.9, 1.0], 0.9, 3), (False, [3.0, 2.0, 1.0, 0.0], 2.0, 2)],
)
def test_training_ends_when_a_metric_is_good_enough(
    greater: bool, values: list[float], goal: float, epoch: int
) -> None:
    ended = reports(watching(values, greater, goal=Goal(metric="m", value=goal)))
    assert (ended[-1].epoch, ended[-1].stop) == (epoch, "goal")


def test_without_validation_rows_the_goal_is_one_on_training_rows() -> None:
    spec = TrainingSpec(epochs=9, batch_size=4, goal=Goal(metric="m", value=1.0))
    ended = reports(plan(X, Y, spec, score=scripted("m", [3.0, 2.0, 0.5])))
    assert (ended[-1].epoch, ended[-1].stop) == (3, "goal")
    assert ended[-1].metrics == {"train_m": 0.5}
    assert ended[-1].validation_loss is None


def test_the_loss_can_be_the_goal() -> None:
    spec = TrainingSpec(epochs=500, batch_size="full", goal=Goal(metric="loss", value=0.5))
    of = plan(X, Y, spec, optimizer=Sgd(learning_rate=0.1))
    ended = reports(of)
    assert ended[-1].stop == "goal"
    assert ended[-1].train_loss <= 0.5 < ended[-2].train_loss


def test_training_ends_on_convergence() -> None:
    """With a tiny learning rate the loss falls once, to its first value; ten epochs later training has converged."""
    spec = TrainingSpec(epochs=50, batch_size="full", tolerance=1e-6)
    ended = reports(plan(X, Y, spec, optimizer=Sgd(learning_rate=1e-15)))
    assert (ended[-1].epoch, ended[-1].stop) == (1 + epochs_module.CONVERGED_EPOCHS, "tolerance")


def test_a_loss_that_falls_by_more_than_the_tolerance_has_not_converged() -> None:
    spec = TrainingSpec(epochs=30, batch_size="full", tolerance=1e-9)
    assert reports(plan(X, Y, spec, optimizer=Sgd(learning_rate=0.01)))[-1].stop == "epochs"


def test_training_ends_when_time_is_up_but_not_within_the_first_epoch() -> None:
    of = plan(X, Y, TrainingSpec(epochs=50, batch_size=1, max_time=5.0))
    state = of.new_state()
    (report,) = reports(of, state, clock=ticking())
    # The clock advances by a second at each reading, and is read at least after each step.
    assert state.optimizer.steps == len(X) > 5
    assert (report.epoch, report.stop) == (1, "max_time")
    assert report.seconds > 5.0


def test_training_that_time_ended_within_an_epoch_goes_on_to_the_same_bits() -> None:
    straight = plan(X, Y, TrainingSpec(epochs=3, batch_size=1))
    whole = straight.new_state()
    reports(straight, whole)
    (first,) = reports(plan(X, Y, TrainingSpec(epochs=1, batch_size=1)), clock=ticking())
    limited = plan(X, Y, TrainingSpec(epochs=3, batch_size=1, max_time=first.seconds + 5.0))
    state = limited.new_state()
    assert [(one.epoch, one.stop) for one in reports(limited, state, clock=ticking())] == [(1, None)]
    assert (state.counters.epoch, state.counters.stop) == (1, "max_time")
    assert 0 < state.counters.step < len(X)
    state.count(stop=None)
    assert [one.epoch for one in reports(straight, state)] == [2, 3]
    assert snapshot(state) == snapshot(whole)


def test_a_goal_that_is_reached_comes_before_patience_that_is_at_an_end() -> None:
    both = {"goal": Goal(metric="m", value=5.0), "early_stopping": EarlyStopping(patience=1)}
    assert reports(watching([6.0, 6.0], **both))[-1].stop == "early_stopping"
    spec = {**both, "early_stopping": EarlyStopping(patience=1, min_delta=10.0)}
    assert reports(watching([6.0, 5.0], **spec))[-1].stop == "goal"


def looking(values: Iterable[float | None], when: StopWhen, monkeypatch: pytest.MonkeyPatch, **spec: Any) -> list[Any]:
    """Reports of a training whose second layer has scripted shares of dead units, and whose first has none."""
    left = iter(values)
    monkeypatch.setattr(
        HealthCheck, "look", lambda *_: (LayerHealth(0, dead=0.0), LayerHealth(1, dead=next(left), gradient_norm=5.0))
    )
    return reports(plan(X, Y, TrainingSpec(epochs=9, batch_size=4, stop_when=when, **spec)))


@pytest.mark.parametrize(
    ("values", "when", "epoch"),
    [
        ([0.4, 0.6], StopWhen(dead=0.5), 2),
        ([0.5, 0.5, 0.5, 0.51], StopWhen(dead=0.5), 4),
        ([0.6, 0.6, 0.4, 0.6, 0.6, 0.6], StopWhen(dead=0.5, epochs=3), 6),
        ([0.6, None, 0.6, 0.6], StopWhen(dead=0.5, epochs=2), 4),
        ([0.0], StopWhen(dead=0.5, gradient_norm=4.9), 1),
    ],
    ids=str,
)
def test_training_ends_when_a_layer_is_beyond_a_bound_for_so_many_epochs_in_a_row(
    values: list[float | None], when: StopWhen, epoch: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = looking(values, when, monkeypatch)
    assert (ended[-1].epoch, ended[-1].stop) == (epoch, "stop_when")


def test_what_is_not_known_or_within_its_bounds_ends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    when = StopWhen(dead=0.5, saturated=0.0, update_ratio=1e-9, gradient_norm=5.0)
    assert looking([0.5, None, 0.0] * 3, when, monkeypatch)[-1].stop == "epochs"


def test_a_goal_that_is_reached_comes_before_a_layer_beyond_its_bounds_and_that_before_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    goal = Goal(metric="loss", value=1e9)
    assert looking([1.0], StopWhen(dead=0.5), monkeypatch, goal=goal)[-1].stop == "goal"
    assert looking([1.0], StopWhen(dead=0.5), monkeypatch, max_time=1e-9)[-1].stop == "stop_when"


def test_reduce_on_plateau_follows_what_is_monitored() -> None:
    of = watching([5.0, 4.0, 4.0, 4.0, 4.0, 3.0], epochs=6)
    schedule = ReduceOnPlateau(patience=2, gamma=0.5)
    of = plan(X, Y, of.spec, validation=OTHERS, score=of.score, monitor=of.monitor, schedule=schedule, optimizer=Sgd())
    # two epochs without improvement (3, 4) halve the rate from epoch 5 on; the next would be epochs 5 and 6
    assert [report.learning_rate for report in reports(of)] == [0.01, 0.01, 0.01, 0.01, 0.005, 0.005]


def test_the_validation_loss_is_the_mean_over_the_validation_rows() -> None:
    of = plan(X, Y, TrainingSpec(epochs=1, batch_size=4), layers=(), validation=OTHERS)
    state = of.new_state()
    (report,) = reports(of, state)
    w, b = state.params[0, :2], state.params[0, 2]
    expected = float(np.mean((OTHERS[0] @ w + b - OTHERS[1][:, 0]) ** 2))
    assert report.validation_loss == pytest.approx(expected, rel=1e-12)


def test_all_metrics_of_an_epoch_are_reported() -> None:
    of = plan(
        X,
        Y,
        TrainingSpec(epochs=1),
        validation=OTHERS,
        score=lambda *_: {"log_loss": 0.25, "accuracy": None},
    )
    (report,) = reports(of)
    assert report.metrics == {"validation_log_loss": 0.25, "validation_accuracy": None}
