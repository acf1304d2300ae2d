"""Requirements on differences: the interval decides, in the direction of the metric."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bpcli.comparison.document import BootstrapInterval, JudgedDifference, NotWorseOutcome, RunDifference
from bpcli.comparison.not_worse import NotWorse, failures
from bpcli.errors import UsageError
from bpcli.metrics import METRICS, Task, report
from bpcli.training.scoring import HEADLINES, Answers

TRUE = np.array([0, 1] * 30)
SHARES = np.random.default_rng(0).uniform(0.2, 0.8, 60)


def answers(task: Task, worse: float) -> Answers:
    """Answers to 60 rows, of which the first `worse` are wrong, or with errors of that size."""
    if task == "regression":
        guess = TRUE[:, None] + worse * (1 + SHARES[:, None])
        true = TRUE[:, None].astype(float)
        return Answers(true, guess, report(task, true, guess, None, ["y"]))
    yes = np.where(np.arange(60) < worse, 1 - TRUE, TRUE) * 0.4 + SHARES * 0.5
    probabilities, guess = np.column_stack([1 - yes, yes]), (yes > 0.45).astype(int)
    return Answers(TRUE, guess, report(task, TRUE, guess, probabilities, ["no", "yes"]), probabilities)


def difference(task: Task, low: float, high: float) -> RunDifference:
    interval = BootstrapInterval(0.95, low, high, "paired bootstrap", 10_000, 0)
    headline = JudgedDifference(
        run="b", against="a", metric=HEADLINES[task], difference=0.0, interval=interval, test="", p=1.0,
        p_corrected=1.0, better=None, verdict="",
    )  # fmt: skip
    return RunDifference(headline, None, [], False)


def checked(text: str, low: float, high: float, task: Task = "binary") -> NotWorseOutcome:
    one = answers(task, 1)
    return NotWorse.parse(text).check(difference(task, low, high), one, one, task, 0)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("not worse", NotWorse()),
        (" not  worse ", NotWorse()),
        ("not worse by 0.01", NotWorse(margin=0.01)),
        ("not worse by more than 1e-3", NotWorse(margin=0.001)),
        ("f1 not worse", NotWorse("f1")),
        ("log_loss not worse by .5", NotWorse("log_loss", 0.5)),
    ],
)
def test_a_requirement_is_a_metric_and_a_margin_or_neither(text: str, expected: NotWorse) -> None:
    assert NotWorse.parse(text) == expected


@pytest.mark.parametrize("text", ["", "worse", "accuracy>=0.9", "not worse by", "not worse by -1", "a b not worse"])
def test_other_texts_are_usage_errors(text: str) -> None:
    with pytest.raises(UsageError, match=r'expected "not worse" or .*; for bounds .* use bpcli evaluate'):
        NotWorse.parse(text)


@pytest.mark.parametrize(
    ("low", "high", "met", "verdict"),
    [
        (-0.2, -0.1, False, "shown to be worse"),
        (-0.2, 0.0, True, "not shown to be worse"),
        (-0.2, 0.1, True, "not shown to be worse"),
        (0.0, 0.0, True, "not shown to be worse"),
        (0.1, 0.2, True, "shown to be better"),
    ],
)
def test_not_worse_fails_only_if_the_whole_interval_is_on_the_worse_side(
    low: float, high: float, met: bool, verdict: str
) -> None:
    found = checked("not worse", low, high)
    assert (found.requirement, found.met, found.verdict) == ("accuracy not worse", met, verdict)
    # Of an error, less is better.
    found = checked("not worse", -high, -low, "regression")
    assert (found.requirement, found.met, found.verdict) == ("rmse not worse", met, verdict)


@pytest.mark.parametrize(
    ("low", "high", "met"),
    [(-0.02, 0.1, False), (-0.01, 0.1, True), (-0.005, -0.001, True), (-0.2, -0.1, False), (0.1, 0.2, True)],
)
def test_with_a_margin_every_value_of_the_interval_must_be_within_it(low: float, high: float, met: bool) -> None:
    found = checked("not worse by 0.01", low, high)
    assert (found.met, found.margin) == (met, 0.01)
    verdict = "shown not to be worse by more than 0.01" if met else f"not shown: may be worse by {-low:.4f}"
    assert found.verdict == verdict
    assert checked("not worse by 0.01", -high, -low, "regression").met == met


@pytest.mark.parametrize(
    ("task", "metric"),
    [(task, metric) for task in ("binary", "regression") for metric in METRICS[task] if metric != "mape"],
)
def test_every_metric_has_an_interval_that_tells_worse_from_better(task: Task, metric: str) -> None:
    good, bad = answers(task, 1), answers(task, 25)
    found = NotWorse(metric).check(difference(task, 0, 0), good, bad, task, 0)
    if metric == HEADLINES[task]:
        return
    assert found.interval is not None
    assert found.difference is not None
    assert found.interval.low <= found.difference <= found.interval.high
    assert (found.met, found.verdict) == (False, "shown to be worse")
    found = NotWorse(metric).check(difference(task, 0, 0), bad, good, task, 0)
    assert (found.met, found.verdict) == (True, "shown to be better")


def test_the_interval_of_another_metric_is_that_of_the_paired_bootstrap_and_takes_weights() -> None:
    errors = np.random.default_rng(1).normal(size=(60, 1))
    true = np.zeros((60, 1))
    first, other = (
        Answers(true, guess, report("regression", true, guess, None, ["y"])) for guess in (errors, errors * 2)
    )
    found = NotWorse("mae").check(difference("regression", 0, 0), first, other, "regression", 0)
    assert found.interval is not None
    deviation = np.abs(errors).std() / np.sqrt(60)
    assert found.interval.high - found.interval.low == pytest.approx(2 * 1.96 * deviation, rel=0.1)
    weight = np.where(np.arange(60) < 30, 1e-9, 1.0)
    weighted = [
        replace(one, weight=weight, report=report("regression", true, one.predicted, None, ["y"], weight=weight))
        for one in (first, other)
    ]
    found = NotWorse("mae").check(difference("regression", 0, 0), *weighted, "regression", 0)
    assert found.interval is not None
    assert found.difference == pytest.approx(np.abs(errors[30:]).mean(), rel=1e-6)
    deviation = np.abs(errors[30:]).std() / np.sqrt(30)
    assert found.interval.high - found.interval.low == pytest.approx(2 * 1.96 * deviation, rel=0.2)


def test_an_undefined_metric_meets_no_requirement() -> None:
    true, guess = np.zeros((5, 1)), np.ones((5, 1))
    one = Answers(true, guess, report("regression", true, guess, None, ["y"]))
    found = NotWorse("r2").check(difference("regression", 0, 0), one, one, "regression", 0)
    assert (found.met, found.difference, found.interval, found.verdict) == (False, None, None, "undefined")
    assert failures([found]) == ["required r2 not worse, but b against a is undefined"]


def test_a_metric_that_the_runs_have_not_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="no metric 'f1_makro' of all runs; did you mean 'f1_macro'"):
        NotWorse("f1_makro").require_known(["accuracy", "f1_macro"])
    NotWorse().require_known([])
