"""What is better: one metric, or several."""

from __future__ import annotations

from bpcli.tuning.objective import Objective
from bpcli.tuning.trial import State, Trial


def trial(number: int, loss: float | None, seconds: float, state: State = "complete") -> Trial:
    return Trial(number, {}, state, loss, seconds=seconds, metrics={"validation_loss": loss})


TWO = Objective(["validation_loss", "seconds"])


def test_the_front_holds_what_no_other_beats() -> None:
    trials = [trial(0, 3, 1), trial(1, 1, 3), trial(2, 2, 2), trial(3, 2.5, 2), trial(4, 0.5, 0.5, "stopped")]
    assert [one.number for one in TWO.front(trials)] == [1, 2, 0]


def test_equal_trials_are_both_in_front() -> None:
    assert [one.number for one in TWO.front([trial(0, 1, 1), trial(1, 1, 1)])] == [0, 1]


def test_greater_accuracy_is_better_and_fewer_parameters_are() -> None:
    objective = Objective(["validation_accuracy", "parameters"])
    trials = [
        Trial(number, {}, "complete", score, parameters=size, metrics={"validation_accuracy": score})
        for number, (score, size) in enumerate([(0.9, 100), (0.8, 10), (0.7, 50)])
    ]
    assert [one.number for one in objective.front(trials)] == [0, 1]
    best = objective.best(trials)
    assert best is not None
    assert best.number == 0


def test_trials_without_a_value_are_not_judged() -> None:
    assert TWO.best([trial(0, None, 1), trial(1, 1, 1, "failed")]) is None
    assert TWO.front([trial(0, None, 1)]) == []
    assert TWO.values(trial(1, 1, 1, "failed")) is None
