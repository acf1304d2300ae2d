import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bpcli.metrics.ranking import rank


def ranked(positive, scores):
    return rank(np.array(positive, dtype=bool), np.array(scores))


@st.composite
def both_kinds(draw):
    """Rows of both kinds, and small integer scores, many of them tied."""
    rows = draw(st.integers(2, 30))
    positive = draw(hnp.arrays(bool, rows))
    positive[:2] = True, False
    return positive, draw(hnp.arrays(np.float64, rows, elements=st.integers(-5, 5).map(float)))


def test_roc_auc_is_the_share_of_pairs_in_the_right_order():
    # Positive 0.8 beats both negatives, positive 0.35 beats 0.1 and loses to 0.4: 3 of 4 pairs.
    assert ranked([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8]).roc_auc == 0.75


def test_average_precision_weights_precision_by_the_recall_gained():
    # From the top: 0.8 (P = 1/1, recall +1/2), 0.4 (nothing gained), 0.35 (P = 2/3, recall +1/2): 1/2 + 1/3.
    assert ranked([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8]).average_precision == pytest.approx(5 / 6, rel=1e-15)


def test_tied_rows_pass_a_threshold_together():
    # Top group {+, −}, then {+}, then {−}. Pairs: tie ½ + 1 (top + against last −) + 0 + 1 = 2.5 of 4.
    # AP: P = 1/2 and recall +1/2, then P = 2/3 and recall +1/2: 1/4 + 1/3.
    ranking = ranked([1, 0, 1, 0], [0.9, 0.9, 0.5, 0.1])
    assert ranking.roc_auc == 0.625
    assert ranking.average_precision == pytest.approx(7 / 12, rel=1e-15)


def test_scores_that_are_all_equal_are_worth_a_coin_and_the_share_of_positives():
    ranking = ranked([1, 0, 0, 0], [0.3, 0.3, 0.3, 0.3])
    assert ranking == (0.5, 0.25)


@pytest.mark.parametrize(("positive", "expected"), [(False, (None, None)), (True, (None, 1.0))])
def test_rows_of_one_kind_leave_roc_auc_undefined(positive, expected):
    assert ranked([positive] * 3, [0.1, 0.5, 0.5]) == expected
    assert ranked([positive], [0.1]) == expected


@given(both_kinds())
def test_roc_auc_equals_the_count_over_all_pairs(case):
    positive, scores = case
    pairs = scores[positive][:, np.newaxis] - scores[~positive]
    assert rank(positive, scores).roc_auc == ((pairs > 0).sum() + (pairs == 0).sum() / 2) / pairs.size


@given(both_kinds())
def test_a_monotone_transform_of_the_scores_changes_nothing(case):
    positive, scores = case
    assert rank(positive, np.exp(scores) * 3 + 1) == rank(positive, scores)


@given(both_kinds())
def test_negated_scores_give_one_minus_roc_auc(case):
    positive, scores = case
    assert rank(positive, -scores).roc_auc == pytest.approx(1 - rank(positive, scores).roc_auc, abs=1e-15)


@given(both_kinds(), st.randoms(use_true_random=False))
def test_the_order_of_the_rows_plays_no_part(case, random):
    positive, scores = case
    order = list(range(len(scores)))
    random.shuffle(order)
    assert rank(positive[order], scores[order]) == rank(positive, scores)


@given(both_kinds())
def test_positives_that_all_come_first_score_one(case):
    positive, scores = case
    perfect = np.where(positive, scores + 100, scores)
    assert rank(positive, perfect) == (1.0, pytest.approx(1.0, abs=1e-15))
