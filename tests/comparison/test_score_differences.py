"""Tested differences: the right test for each metric, and verdicts that are true."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bpcli.arrays.memory import Array
from bpcli.comparison.document import RunDifference
from bpcli.comparison.not_worse import NotWorse
from bpcli.comparison.score_differences import differences
from bpcli.metrics import report
from bpcli.training.scoring import Answers


def of_classes(true: Array, guess: Array) -> Answers:
    return Answers(true, guess, report("binary", true, guess, None, ["no", "yes"]))


def wrong_in(count: int) -> Answers:
    """Answers to 60 rows, of which the first `count` are wrong."""
    guess = np.array([1] * count + [0] * (60 - count))
    return of_classes(np.zeros(60, np.intp), guess)


def of_numbers(errors: Array) -> Answers:
    true = np.arange(len(errors), dtype=float)[:, None]
    guess = true + errors[:, None]
    return Answers(true, guess, report("regression", true, guess, None, ["y"]))


def always_no(probabilities: list[float]) -> Answers:
    """Answers of a model that says `no` to each of 60 rows, the last 12 of which are `yes`."""
    true = np.array([0] * 48 + [1] * 12)
    shares = np.stack([1 - np.array(probabilities), np.array(probabilities)], axis=1)
    guess = np.zeros(60, np.intp)
    return Answers(true, guess, report("binary", true, guess, shares, ["no", "yes"]), shares)


def test_classes_are_compared_by_mcnemars_exact_test_on_the_rows_that_one_run_alone_has_right() -> None:
    ((found, log_loss),) = differences(["a", "b"], [wrong_in(0), wrong_in(12)], "binary", 0)
    assert (found.metric, found.test, found.run, found.against) == ("accuracy", "McNemar, exact", "b", "a")
    assert found.right_by == {"a": 12, "b": 0}
    assert found.difference == pytest.approx(-0.2)
    assert found.p == found.p_corrected == pytest.approx(2 * 0.5**12)
    assert found.interval.low < found.difference < found.interval.high < 0
    assert (found.interval.resamples, found.interval.confidence, found.interval.seed) == (10_000, 0.95, 0)
    assert found.better == "a"
    assert found.verdict == "a is significantly better in accuracy on these 60 rows"
    assert log_loss is None
    ((other, _),) = differences(["b", "a"], [wrong_in(12), wrong_in(0)], "binary", 0)
    assert (other.better, other.difference, other.right_by) == ("a", pytest.approx(0.2), {"b": 0, "a": 12})


def test_weighted_classes_are_compared_by_the_bootstrap_of_the_weighted_difference() -> None:
    true, guess = np.zeros(60, np.intp), np.array([1] * 12 + [0] * 48)
    weight = np.array([0.25] * 12 + [1.0] * 48)
    first, other = (
        Answers(true, said, report("binary", true, said, None, ["no", "yes"], weight=weight), weight=weight)
        for said in (true, guess)
    )
    ((found, _),) = differences(["a", "b"], [first, other], "binary", 0)
    assert (found.test, found.right_by, found.better) == ("paired bootstrap", {"a": 12, "b": 0}, "a")
    assert found.difference == pytest.approx(-3 / 51)
    # k = 12 of 60 rows, with a standard deviation of 3.1; the difference is 0.25 k / (60 - 0.75 k), its slope 15 / 51².
    assert found.interval.low == pytest.approx(-3 / 51 - 1.96 * 3.1 * 15 / 51**2, abs=0.006)
    assert found.interval.high == pytest.approx(-3 / 51 + 1.96 * 3.1 * 15 / 51**2, abs=0.006)


def test_whole_weights_of_all_rows_leave_the_interval_as_it_is() -> None:
    errors = np.random.default_rng(0).uniform(0.5, 1.5, 80)
    plain = [of_numbers(errors), of_numbers(2 * errors)]
    ((expected, _),) = differences(["a", "b"], plain, "regression", 0)
    weighted = [replace(one, weight=np.full(80, 3.0)) for one in plain]
    ((found, _),) = differences(["a", "b"], weighted, "regression", 0)
    assert found.interval.low == pytest.approx(expected.interval.low, rel=1e-12)
    assert found.interval.high == pytest.approx(expected.interval.high, rel=1e-12)


def test_a_difference_that_chance_explains_is_neither_called_one_nor_equal() -> None:
    ((found, _),) = differences(["a", "b"], [wrong_in(0), wrong_in(3)], "binary", 0)
    assert (found.p, found.better) == (0.25, None)
    assert found.verdict == "no significant difference in accuracy on these 60 rows"


def test_of_quantities_less_error_is_better() -> None:
    errors = np.random.default_rng(0).uniform(0.5, 1.5, 80)
    ((found, log_loss),) = differences(["a", "b"], [of_numbers(errors), of_numbers(2 * errors)], "regression", 0)
    rmse = np.sqrt(np.mean(errors**2))
    assert (found.metric, found.test, found.better) == ("rmse", "paired bootstrap", "a")
    assert found.difference == pytest.approx(rmse)
    assert 0 < found.interval.low < found.difference < found.interval.high
    assert (found.right_by, log_loss) == (None, None)


def test_p_values_of_several_runs_are_corrected() -> None:
    found = differences(["a", "b", "c"], [wrong_in(0), wrong_in(12), wrong_in(7)], "binary", 0)
    assert [one.p for one, _ in found] == [pytest.approx(2 * 0.5**12), pytest.approx(2 * 0.5**7)]
    assert [one.p_corrected for one, _ in found] == [pytest.approx(4 * 0.5**12), pytest.approx(2 * 0.5**7)]
    assert [one.against for one, _ in found] == ["a", "a"]


def test_correction_can_turn_a_verdict() -> None:
    # 6 rows that one model alone has right: p = 1/32, significant by itself, but not as one of two.
    answers = [wrong_in(6), wrong_in(0), wrong_in(6)]
    ((alone, _),) = differences(["a", "b"], answers[:2], "binary", 0)
    assert (alone.p, alone.p_corrected, alone.better) == (1 / 32, 1 / 32, "b")
    (first, _), (second, _) = differences(["a", "b", "c"], answers, "binary", 0)
    assert (first.p, first.p_corrected, first.better) == (1 / 32, 1 / 16, None)
    assert (second.p, second.interval.low, second.interval.high) == (1, 0, 0)


def test_probabilities_are_compared_where_all_answers_are_alike() -> None:
    knows, knows_not = always_no([0.05] * 48 + [0.45] * 12), always_no([0.45] * 48 + [0.05] * 12)
    assert (knows.report.scores["roc_auc"], knows_not.report.scores["roc_auc"]) == (1, 0)
    ((entry, found),) = differences(["a", "b"], [knows_not, knows], "binary", 0)
    assert (entry.better, entry.difference, entry.p) == (None, 0, 1)
    assert entry.verdict == "no difference in accuracy: both give the same answer for every row"
    assert found is not None
    by_hand = (48 * np.log(0.95) + 12 * np.log(0.45)) - (48 * np.log(0.55) + 12 * np.log(0.05))
    assert found.difference == pytest.approx(-by_hand / 60, rel=1e-9)
    assert found.interval.low < found.difference < found.interval.high < 0
    assert found.better == "b"
    assert found.verdict == "b is significantly better in log_loss on these 60 rows"


def test_of_several_runs_each_verdict_names_both_and_each_metric_is_corrected_by_itself() -> None:
    answers = [always_no([0.45] * 48 + [0.05] * 12), always_no([0.05] * 48 + [0.45] * 12), always_no([0.3] * 60)]
    found = differences(["a", "b", "c"], answers, "binary", 0)
    for run, (entry, log_loss) in zip("bc", found, strict=True):
        assert entry.verdict == f"no difference in accuracy: {run} and a give the same answer for every row"
        assert log_loss is not None
        assert log_loss.verdict == f"{run} is significantly better than a in log_loss on these 60 rows"
    assert [entry.p_corrected for entry, _ in found] == [1, 1]
    tested = [log_loss for _, log_loss in found if log_loss is not None]
    least = min(log_loss.p for log_loss in tested)
    assert min(log_loss.p_corrected for log_loss in tested) == pytest.approx(2 * least)
    ((_, same),) = differences(["a", "b"], [answers[0], answers[0]], "binary", 0)
    assert same is not None
    assert same.verdict == "no difference in log_loss: both give the same probabilities for every row"


def test_a_loss_without_probabilities_is_compared_by_answers_alone() -> None:
    one = always_no([0.2] * 60)
    ((entry, log_loss),) = differences(["a", "b"], [one, replace(one, probabilities=None)], "binary", 0)
    assert (entry.metric, log_loss) == ("accuracy", None)


def test_one_row_is_called_that_and_controls_in_names_are_escaped() -> None:
    true, no, yes = (np.array([value], np.intp) for value in (0, 0, 1))
    ((found, _),) = differences(["a", "b\x1b"], [of_classes(true, no), of_classes(true, yes)], "binary", 0)
    assert " on this 1 row; " in found.verdict
    answers = [wrong_in(0), wrong_in(12), wrong_in(0)]
    found, same = (one for one, _ in differences(["a", "b\x1b", "c\x1b"], answers, "binary", 0))
    assert "b\\x1b" in found.verdict
    assert "c\\x1b and a give the same" in same.verdict


def test_verdict_and_gate_agree_where_the_exact_test_and_the_interval_do_not() -> None:
    """Five rows that one run alone has right have an exact p of 2 / 2⁵; few resamples have none of them."""
    first, other = wrong_in(0), wrong_in(5)
    ((accuracy, log_loss),) = differences(["a", "b"], [first, other], "binary", 0)
    assert accuracy.p == 0.0625
    assert accuracy.interval.high < 0
    assert accuracy.better is None
    assert accuracy.verdict == (
        f"no significant difference in accuracy on these {len(first.true)} rows; McNemar, exact, decides: the "
        "interval, which leaves out zero, is approximate on few rows"
    )
    outcome = NotWorse().check(RunDifference(accuracy, log_loss, [], False), first, other, "binary", 0)
    assert (outcome.met, outcome.verdict) == (True, "not shown to be worse")
