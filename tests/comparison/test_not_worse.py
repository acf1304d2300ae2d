"""Requirements on differences: the interval decides, in the direction of the metric."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bpcli.comparison.document import BootstrapInterval, JudgedDifference, NotWorseOutcome, RunDifference
from bpcli.comparison.not_worse import RESAMPLES, NotWorse, failures
from bpcli.comparison.one_group import answers_of_group
from bpcli.errors import UsageError
from bpcli.metrics import Task, measure, report
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


def difference(task: Task, low: float, high: float, significant: bool = True) -> RunDifference:
    better = None
    if significant and not low <= 0 <= high:
        better = "b" if (low > 0) == (task != "regression") else "a"
    interval = BootstrapInterval(0.95, low, high, "paired bootstrap", 10_000, 0)
    headline = JudgedDifference(
        run="b", against="a", metric=HEADLINES[task], difference=0.0, interval=interval, test="", p=1.0,
        p_corrected=1.0, better=better, verdict="",
    )  # fmt: skip
    return RunDifference(headline, None, [], False)


FEW = 200
"""Bootstrap samples that tell large differences from none."""


def judged(requirement: NotWorse, first: Answers, other: Answers, task: Task, resamples: int = FEW) -> NotWorseOutcome:
    return requirement.check(difference(task, 0, 0), first, other, task, 0, resamples=resamples)


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
        ("Yes.recall not worse", NotWorse("recall", group="Yes")),
        ("a.b c.recall not worse by 0.1", NotWorse("recall", 0.1, "a.b c")),
        ('"say ""no"" ".f1 not worse', NotWorse("f1", group='say "no" ')),
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


@pytest.mark.parametrize(("low", "high"), [(-0.2, -0.1), (0.1, 0.2)])
def test_a_metric_whose_test_is_not_significant_is_not_shown_to_be_worse(low: float, high: float) -> None:
    one, found = answers("binary", 1), difference("binary", low, high, significant=False)
    outcome = NotWorse().check(found, one, one, "binary", 0)
    assert (outcome.met, outcome.verdict) == (True, "not shown to be worse")
    margin = NotWorse(margin=0.01).check(found, one, one, "binary", 0)
    assert margin.met == (low > 0)


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


SAMPLED = ("f1", "log_loss", "mae")
"""Metrics of the default run: of decisions, probabilities and numbers; of which more or less is better."""


@pytest.mark.parametrize(
    ("task", "metric"),
    [
        pytest.param(task, metric, marks=() if metric in SAMPLED else pytest.mark.exhaustive)
        for task in ("binary", "regression")
        for metric in answers(task, 1).report.scores
        if metric not in ("mape", HEADLINES[task])
    ],
)
def test_every_metric_has_an_interval_that_tells_worse_from_better(task: Task, metric: str) -> None:
    good, bad = answers(task, 1), answers(task, 25)
    found = judged(NotWorse(metric), good, bad, task)
    assert found.interval is not None
    assert found.difference is not None
    assert found.interval.low <= found.difference <= found.interval.high
    assert (found.met, found.verdict) == (False, "shown to be worse")
    found = judged(NotWorse(metric), bad, good, task)
    assert (found.met, found.verdict) == (True, "shown to be better")


def test_the_interval_of_another_metric_is_that_of_the_paired_bootstrap_and_takes_weights() -> None:
    errors = np.random.default_rng(1).normal(size=(60, 1))
    true = np.zeros((60, 1))
    first, other = (
        Answers(true, guess, report("regression", true, guess, None, ["y"])) for guess in (errors, errors * 2)
    )
    found = judged(NotWorse("mae"), first, other, "regression", RESAMPLES)
    assert found.interval is not None
    deviation = np.abs(errors).std() / np.sqrt(60)
    assert found.interval.high - found.interval.low == pytest.approx(2 * 1.96 * deviation, rel=0.1)
    weight = np.where(np.arange(60) < 30, 1e-9, 1.0)
    weighted = [
        replace(one, weight=weight, report=report("regression", true, one.predicted, None, ["y"], weight=weight))
        for one in (first, other)
    ]
    found = judged(NotWorse("mae"), *weighted, "regression", RESAMPLES)
    assert found.interval is not None
    assert found.difference == pytest.approx(np.abs(errors[30:]).mean(), rel=1e-6)
    deviation = np.abs(errors[30:]).std() / np.sqrt(30)
    assert found.interval.high - found.interval.low == pytest.approx(2 * 1.96 * deviation, rel=0.2)


def test_an_undefined_metric_meets_no_requirement() -> None:
    true, guess = np.zeros((5, 1)), np.ones((5, 1))
    one = Answers(true, guess, report("regression", true, guess, None, ["y"]))
    found = judged(NotWorse("r2"), one, one, "regression")
    assert (found.met, found.difference, found.interval, found.verdict) == (False, None, None, "undefined")
    assert failures([found]) == ["required r2 not worse, but b against a is undefined"]


def test_a_metric_that_the_runs_have_not_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="no metric 'f1_makro' of all runs; did you mean 'f1_macro'"):
        NotWorse("f1_makro").require_known(["accuracy", "f1_macro"])
    NotWorse().require_known([])


LEVELS = np.arange(60) % 3


def of_classes(wrong: int, unseen: bool = False) -> Answers:
    """Answers on 60 rows of three classes, of which the first `wrong` rows of class c are taken for a."""
    guess = LEVELS.copy()
    guess[np.flatnonzero(LEVELS == 2)[:wrong]] = 0
    probabilities = np.random.default_rng(2).dirichlet([1, 1, 1], 60) * 0.4 + np.eye(3)[guess] * 0.6
    true, more = (np.where(np.arange(60) < 3, 3, LEVELS), ("new",)) if unseen else (LEVELS, ())
    names = ["a", "b", "c"]
    return Answers(true, guess, report("multiclass", true, guess, probabilities, names, more), probabilities, more)


@pytest.mark.parametrize(
    ("metric", "unseen"),
    [
        *(("recall", unseen) for unseen in (False, True)),
        *(("precision", False), ("roc_auc", True)),
        *(
            pytest.param(metric, unseen, marks=pytest.mark.exhaustive)
            for metric, unseen in (("precision", True), ("roc_auc", False), ("f1", False), ("f1", True))
        ),
    ],
)
def test_a_metric_of_a_class_is_judged_on_that_class_alone(metric: str, unseen: bool) -> None:
    good, bad = of_classes(0, unseen), of_classes(12, unseen)
    found = judged(NotWorse(metric, group="c"), good, bad, "multiclass")
    before, after = (one.report.groups["c"][metric] for one in (good, bad))
    assert found.requirement == f"c.{metric} not worse"
    assert found.difference == pytest.approx(after - before)
    assert found.interval is not None
    assert found.interval.low <= found.difference <= found.interval.high
    assert found.met == (metric == "precision")
    _, alone = answers_of_group(bad, "c", metric, "multiclass")
    again = measure("binary", [metric], alone.true, alone.predicted, alone.probabilities)
    assert again[metric] == pytest.approx(after)


def test_recall_of_another_class_is_not_affected() -> None:
    found = judged(NotWorse("recall", group="b"), of_classes(0), of_classes(12), "multiclass")
    assert (found.difference, found.met, found.verdict) == (0, True, "not shown to be worse")


def test_a_metric_of_a_label_or_target_is_that_of_its_column() -> None:
    true = np.column_stack([TRUE, LEVELS == 0]).astype(int)
    guess = np.column_stack([TRUE, np.zeros(60, int)])
    first, other = (Answers(true, said, report("multilabel", true, said, None, ["l", "m"])) for said in (true, guess))
    found = judged(NotWorse("recall", group="m"), first, other, "multilabel")
    assert (found.difference, found.met) == (-1, False)
    assert judged(NotWorse("recall", group="l"), first, other, "multilabel").met
    numbers = true.astype(float)
    first, other = (
        Answers(numbers, said, report("regression", numbers, said, None, ["s", "t"]))
        for said in (numbers, numbers + np.array([0.0, 2.0]))
    )
    found = judged(NotWorse("mae", group="t"), first, other, "regression")
    assert (found.difference, found.met, found.verdict) == (2, False, "shown to be worse")
    assert judged(NotWorse("mae", group="s"), first, other, "regression").met


@pytest.mark.parametrize(
    ("group", "metric", "message"),
    [
        ("d", "recall", r"^--require: no class 'd'; there is 'a', 'b', 'c'$"),
        ("c", "support", r"^--require: no metric 'support' of class 'c'; available: precision, recall, f1, roc_auc"),
        ("c", "recal", r"^--require: no metric 'recal' of class 'c'; did you mean 'recall'"),
    ],
)
def test_an_unknown_class_or_metric_of_it_is_a_usage_error(group: str, metric: str, message: str) -> None:
    one = of_classes(0)
    with pytest.raises(UsageError, match=message):
        judged(NotWorse(metric, group=group), one, one, "multiclass")
