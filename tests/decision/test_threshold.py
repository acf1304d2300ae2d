"""Chosen thresholds, held against the best of all possible ones."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from bpcli.decision.aim import AimBase, ChosenThreshold
from bpcli.decision.cuts import Cuts
from bpcli.decision.spec import Aim, DecisionSpec

AIMS: dict[str, Any] = {
    "f1": "f1",
    "balanced_accuracy": "balanced_accuracy",
    "cost": {"type": "cost", "false_positive": 1, "false_negative": 4},
    "recall": {"type": "recall", "at_least": 0.75},
    "precision": {"type": "precision", "at_least": 0.75},
}


def aim(name: str) -> AimBase:
    found: AimBase = TypeAdapter(Aim).validate_python(AIMS[name])
    return found


def ratio(part: int, whole: int) -> Fraction:
    return Fraction(part, whole) if whole else Fraction(0)


def brute_force(name: str, rows: list[tuple[float, int, int]]) -> tuple[float, Fraction] | None:
    """Best threshold and its score, by deciding all rows at each threshold in exact arithmetic; None without a choice.

    rows: probability, truth and weight.
    """
    rows = [row for row in rows if row[2]]
    positives, negatives = (sum(weight for _, truth, weight in rows if truth == kind) for kind in (1, 0))
    if not (positives and negatives):
        return None
    distinct = sorted({p for p, _, _ in rows})
    ends = list(zip([0.0, *distinct], [*distinct, 1.0], strict=True))
    thresholds = [low + (high - low) / 2 for low, high in ends]
    thresholds = [low if t >= high else t for (low, high), t in zip(ends, thresholds, strict=True)]
    if distinct[0] == 0:
        del thresholds[0]  # nothing is below 0
    best: list[tuple[Any, float, Fraction]] = []
    for threshold in thresholds:
        tp = sum(weight for p, truth, weight in rows if truth and p > threshold)
        fp = sum(weight for p, truth, weight in rows if not truth and p > threshold)
        precision, recall = ratio(tp, tp + fp), ratio(tp, positives)
        bound = Fraction(3, 4)
        score, *others = {
            "f1": [ratio(2 * tp, tp + fp + positives)],
            "balanced_accuracy": [(recall + ratio(negatives - fp, negatives)) / 2],
            "cost": [ratio(fp + 4 * (positives - tp), positives + negatives)],
            "recall": [recall, precision, recall],
            "precision": [precision, recall, precision],
        }[name]
        held = min(score, bound) if others else -score if name == "cost" else score
        best.append(((held, *others, -abs(threshold - 0.5)), threshold, score))
    key = max(one[0] for one in best)
    return next((threshold, score) for keys, threshold, score in best if keys == key)


PROBABILITIES = st.one_of(
    st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0]), st.floats(0, 1, width=32), st.sampled_from([0.5, 0.5 + 2**-24])
)
ROWS = st.lists(st.tuples(PROBABILITIES, st.integers(0, 1), st.integers(0, 3)), min_size=1, max_size=14)


@settings(deadline=None)
@given(rows=ROWS, name=st.sampled_from(list(AIMS)))
def test_a_threshold_is_the_best_of_all(rows: list[tuple[float, int, int]], name: str) -> None:
    probabilities, truth, weights = (np.array(column) for column in zip(*rows, strict=True))
    chosen = aim(name).choose(probabilities.astype(np.float32), truth, weights)
    expected = brute_force(name, rows)
    if expected is None:
        assert chosen == ChosenThreshold(value=0.5, met=False)
        return
    threshold, score = expected
    assert chosen.score == pytest.approx(float(score), abs=1e-12)
    # Quotients that are equal in exact arithmetic may differ in their last bit, and so decide a tie.
    decided = [p > np.array(threshold) for p in probabilities], [p > np.array(chosen.value) for p in probabilities]
    if decided[0] == decided[1]:
        assert chosen.value == threshold
    assert chosen.met == ("at_least" not in str(AIMS[name]) or score >= Fraction(3, 4))


@settings(deadline=None)
@given(rows=ROWS)
def test_counts_at_each_cut_are_those_of_the_rows_above(rows: list[tuple[float, int, int]]) -> None:
    probabilities, truth, weights = (np.array(column, np.float32) for column in zip(*rows, strict=True))
    cuts = Cuts.of(probabilities, truth, weights)
    assert np.all(np.diff(cuts.thresholds) > 0)
    for at, threshold in enumerate(cuts.thresholds):
        above = probabilities > np.array([threshold])
        assert cuts.true_positives[at] == weights[above & (truth == 1)].sum()
        assert cuts.false_positives[at] == weights[above & (truth == 0)].sum()
    assert (cuts.positives, cuts.negatives) == (weights[truth == 1].sum(), weights[truth == 0].sum())


P = np.array([0.1, 0.2, 0.4, 0.6, 0.8, 0.9])
T = np.array([0, 1, 0, 1, 0, 1])


def test_by_hand() -> None:
    # Above 0.15 are three of three positives and two negatives: F1 = 6 / 8. Above 0.5: 2 of 3, one negative: 4 / 6.
    found = {name: aim(name).choose(P, T) for name in AIMS}
    # Recall 3/4 needs all positives, and above 0.15 the fewest rows have them.
    expected = {"f1": (0.15, 0.75), "recall": (0.15, 1.0), "precision": (0.85, 1.0), "cost": (0.15, 2 / 6)}
    for name, (value, score) in expected.items():
        assert (found[name].value, found[name].score) == (pytest.approx(value), pytest.approx(score))
    # Two thirds of both kinds: above 0.5; also above 0.15 (1 and 1/3), which is further from a half.
    assert (found["balanced_accuracy"].value, found["balanced_accuracy"].score) == (0.5, pytest.approx(2 / 3))


def test_of_equally_good_thresholds_the_one_closest_to_a_half_is_taken_and_of_two_the_lower() -> None:
    # Balanced accuracy is 3/4 above 0.3 (both positives, one negative) and above 0.7 (one positive, no negative).
    p, t = np.array([0.1, 0.3, 0.5, 0.6, 0.8]), np.array([0, 0, 1, 0, 1])
    weights = np.array([0, 1, 1, 1, 1])
    assert Cuts.of(p, t, weights).balanced_accuracy.tolist() == [0.5, 0.75, 0.5, 0.75, 0.5]
    assert aim("balanced_accuracy").choose(p, t, weights).value == pytest.approx(0.4)
    assert aim("balanced_accuracy").choose(1 - p, 1 - t, weights).value == pytest.approx(0.6)
    assert aim("f1").choose(np.array([0.25, 0.75]), np.array([0, 1])) == ChosenThreshold(value=0.5, score=1.0)


def test_a_bound_that_no_threshold_reaches_is_said_and_approached() -> None:
    p, t = np.array([0.2, 0.5, 0.8]), np.array([1, 0, 0])
    found = aim("precision").choose(p, t)
    assert (found.met, found.score) == (False, pytest.approx(1 / 3))
    never = aim("recall").choose(np.array([0.0, 0.5]), np.array([1, 0]))  # 0 is above no threshold
    assert (never.met, never.score) == (False, 0.0)


def test_a_threshold_between_neighbouring_float32_numbers_parts_them() -> None:
    low = np.float32(0.3)
    p = np.array([low, np.nextafter(low, np.float32(1))], np.float32)
    found = aim("f1").choose(p, np.array([0, 1]))
    assert (p > np.array([found.value])).tolist() == [False, True]


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"threshold": 1.5}, "less than or equal to 1"),
        ({"threshold": {"type": "cost", "false_positive": 0, "false_negative": 0}}, "must not both be 0"),
        ({"threshold": {"type": "recall"}}, "at_least"),
        ({"threshold": "recall"}, "at_least"),
    ],
)
def test_a_config_that_says_no_threshold_is_refused(config: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        DecisionSpec.model_validate(config)


def test_a_threshold_is_a_number_or_an_aim() -> None:
    given = {name: DecisionSpec.model_validate({"threshold": value}) for name, value in {**AIMS, "given": 0.3}.items()}
    assert {name: str(one.aim) for name, one in given.items()} == {
        "f1": "f1",
        "balanced_accuracy": "balanced_accuracy",
        "cost": "cost",
        "recall": "recall of at least 0.75",
        "precision": "precision of at least 0.75",
        "given": "None",
    }
    assert [one.number for one in given.values()] == [None] * 5 + [0.3]
    assert [one.needs_rows for one in given.values()] == [True] * 5 + [False]
    assert not DecisionSpec().needs_rows
