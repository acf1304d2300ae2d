import numpy as np

from bpcli.metrics.counts import Counts, figures_of
from bpcli.metrics.ranking import Ranking

# Class 0: 3 of 4 predictions right, 6 rows. Class 1: never predicted. Class 2: predicted, no rows. Class 3: neither.
COUNTS = Counts(np.array([3, 0, 0, 0]), np.array([4, 0, 4, 0]), np.array([6, 2, 0, 0]))


def test_a_share_of_nothing_is_zero():
    assert COUNTS.precision.tolist() == [0.75, 0, 0, 0]
    assert COUNTS.recall.tolist() == [0.5, 0, 0, 0]
    assert COUNTS.f1.tolist() == [2 * 3 / (4 + 6), 0, 0, 0]


def test_the_macro_mean_leaves_out_a_class_that_is_neither_true_nor_predicted():
    assert COUNTS.macro(COUNTS.precision) == 0.75 / 3


def test_the_macro_mean_of_classes_that_never_occur_is_undefined():
    nothing = np.array([0, 0])
    assert Counts(nothing, nothing, nothing).macro(np.zeros(2)) is None


def test_the_weighted_mean_counts_a_class_once_a_row():
    assert COUNTS.weighted(COUNTS.precision) == (6 * 0.75 + 2 * 0) / 8


def test_pooled_counts_are_the_sums_as_of_one_class():
    pooled = COUNTS.pooled()
    assert (pooled.precision.tolist(), pooled.recall.tolist()) == ([3 / 8], [3 / 8])


def test_the_figures_of_a_class_have_ranks_only_with_a_ranking():
    figures = {"precision": 0.75, "recall": 0.5, "f1": 0.6, "support": 6}
    assert figures_of(COUNTS, 0, None) == figures
    assert figures_of(COUNTS, 0, Ranking(0.9, None)) == {**figures, "roc_auc": 0.9, "average_precision": None}
