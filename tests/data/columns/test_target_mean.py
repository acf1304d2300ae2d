"""Categories encoded by the targets of their rows, without a leak from a row's own target."""

from typing import Any

import numpy as np
import pytest
from experiments import features
from pydantic import ValidationError

from bpcli.data.columns.base import Surprise
from bpcli.data.columns.fit_context import FitContext, Outcomes
from bpcli.data.columns.spec import CategoricalColumn
from bpcli.data.columns.spec_base import EncodersSpec
from bpcli.data.columns.target_mean import MOST_OUTCOMES, TargetMean, TargetMeanInput, target_folds
from bpcli.data.preprocess import Preprocessor
from bpcli.data.preprocess.outcomes import outcomes_of
from bpcli.data.table import Column, Table
from bpcli.errors import MismatchError
from bpcli.metrics.ranking import rank
from bpcli.nn.losses import Loss
from bpcli.nn.losses.classification import BinaryCrossEntropy, CrossEntropy
from bpcli.nn.losses.regression import MeanSquaredError

TWO_FOLDS = TargetMean(smoothing=1, folds=2)
FLOAT64 = np.dtype(np.float64)


def names(*values: str | None, name: str = "c") -> Column:
    categories = tuple(sorted({value for value in values if value is not None}))
    codes = [-1 if value is None else categories.index(value) for value in values]
    return Column(name, "categorical", np.array(codes, dtype=np.int32), categories)


def fitted(column: Column, outcomes: Any, encoder: TargetMean = TWO_FOLDS, weights: Any = None) -> TargetMeanInput:
    values = np.asarray(outcomes, np.float64).reshape(len(column), -1)
    labels = tuple(f"mean of y{place}" for place in range(values.shape[1]))
    spec = CategoricalColumn(encoder=encoder)
    one = spec.fit(column, EncodersSpec(), weights, FitContext(outcomes=Outcomes(labels, values)))
    assert isinstance(one, TargetMeanInput)
    assert TargetMeanInput.model_validate_json(one.model_dump_json()) == one
    return one


def encoded(one: TargetMeanInput, column: Column) -> tuple[list[list[float]], dict[Surprise, int]]:
    """Features times their scales, and surprises."""
    out = np.full((len(column), one.width), np.nan)
    surprises = one.writer(column)(column, out)
    out[:, : len(one.scales)] *= one.scales
    return out.round(12).tolist(), surprises


def test_a_new_row_gets_the_smoothed_mean_of_all_training_rows_less_the_mean_of_all() -> None:
    """The mean is 4; a has 3 rows of mean 2 and b one of 10: (6 - 12) / (3 + 1) and (10 - 4) / (1 + 1)."""
    column = names("a", "a", "a", "b")
    one = fitted(column, [1, 2, 3, 10])
    assert (one.features, one.means, one.rows) == (["c, mean of y0"], ((2.0,), (10.0,)), (3.0, 1.0))
    assert encoded(one, names("a", "b")) == ([[-1.5], [3.0]], {})
    np.testing.assert_allclose(one.average, [(3 * -1.5 + 3.0) / 4 / one.scales[0]])


def test_unknown_and_missing_ones_are_at_the_mean() -> None:
    one = fitted(names("a", "a", "b", "b"), [0, 0, 1, 1])
    rows, surprises = encoded(one, names("z", None))
    assert rows == [[0.0], [0.0]]
    assert surprises == {Surprise(column="c", value="z"): 1, Surprise(column="c", value=None): 1}


def test_missing_ones_have_an_indicator_if_training_rows_lack_values() -> None:
    """The rows without a value have no part in the mean, 0.5."""
    one = fitted(names("a", None, "b", None), [0, 50, 1, 70])
    assert one.features == ["c, mean of y0", "c is missing"]
    assert encoded(one, names("a", None, "b")) == ([[-0.25, 0.0], [0.0, 1.0], [0.25, 0.0]], {})


def test_each_training_row_is_encoded_by_the_rows_of_other_folds() -> None:
    """With a fold for each row, the row itself is left out of the sums and of the mean."""
    column, y = names("a", "a", "a", "b", "b", "c"), np.array([1.0, 2.0, 3.0, 10.0, 20.0, 7.0])
    one = fitted(column, y, TargetMean(smoothing=1, folds=6))
    expected = []
    for row, category in enumerate(column.labels()):
        others = [other for other in range(6) if other != row]
        same = [other for other in others if column.labels()[other] == category]
        expected.append((y[same].sum() - len(same) * y[others].mean()) / (len(same) + 1))
    found = one.of_training_rows(column, y[:, None], None)
    np.testing.assert_allclose(found[:, 0] * one.scales[0], expected)
    assert expected[5] == 0
    np.testing.assert_allclose(found[:, 0].std(), 1.0)


def test_training_rows_of_a_column_without_any_relation_know_nothing_of_their_target() -> None:
    """Four rows per category: the mean of a category with the row itself ranks the targets, the encoding does not."""
    generator = np.random.default_rng(5)
    rows = 4_000
    column = names(*(f"level {number}" for number in generator.integers(rows // 4, size=rows)))
    y = generator.integers(2, size=rows)
    one = fitted(column, y, TargetMean())
    naive = np.array(encoded(one, column)[0])[:, 0]
    assert rank(y > 0, naive).roc_auc > 0.75
    own = one.of_training_rows(column, y[:, None].astype(float), None)[:, 0]
    assert abs(rank(y > 0, own).roc_auc - 0.5) < 0.03  # three standard errors of 4,000 rows are 0.027


def test_categories_of_a_single_row_each_are_at_the_mean_in_training() -> None:
    column = names(*(f"n{row}" for row in range(40)))
    one = fitted(column, np.arange(40.0))
    assert one.of_training_rows(column, np.arange(40.0)[:, None], None).tolist() == [[0.0]] * 40
    assert one.scales == (1.0,)


def test_rows_of_twice_the_weight_count_twice() -> None:
    whole = fitted(names("a", "a", "a", "b"), [1, 2, 2, 9], TargetMean(smoothing=0))
    weighted = fitted(names("a", "a", "b"), [1, 2, 9], TargetMean(smoothing=0), np.array([1.0, 2.0, 1.0]))
    assert encoded(whole, names("a", "b"))[0] == encoded(weighted, names("a", "b"))[0]


def test_folds_follow_from_the_seed() -> None:
    generator = np.random.default_rng(0)
    column, y = names(*generator.choice(["a", "b", "c"], 60)), generator.normal(size=(60, 1))
    one = fitted(column, y)
    same, other = (one.model_copy(update={"seed": seed}).of_training_rows(column, y, None) for seed in (0, 1))
    assert one.of_training_rows(column, y, None).tobytes() == same.tobytes() != other.tobytes()


def test_a_row_is_encoded_without_the_rows_of_its_group() -> None:
    """Each category is that of one group, whose target nobody else has."""
    groups = np.repeat(np.arange(10), 6)
    column, y = names(*(f"c{group}" for group in groups)), np.random.default_rng(3).normal(size=10)[groups]
    spec, values = CategoricalColumn(encoder=TargetMean()), y[:, None]
    context = FitContext(outcomes=Outcomes(("mean of y",), values), groups=groups)
    one = spec.fit(column, EncodersSpec(), None, context)
    assert isinstance(one, TargetMeanInput)
    assert one.of_training_rows(column, values, None, groups).tolist() == [[0.0]] * 60
    assert np.corrcoef(one.of_training_rows(column, values, None)[:, 0], y)[0, 1] > 0.9


def test_groups_stay_whole_and_folds_have_equal_numbers_of_them() -> None:
    groups = np.random.default_rng(0).integers(50, size=400) * 7
    fold = target_folds(400, 4, 1, groups)
    pairs = {(group, number) for group, number in zip(groups.tolist(), fold.tolist(), strict=True)}
    assert len(pairs) == len({*groups.tolist()})
    assert sorted(np.bincount([number for _, number in pairs]).tolist()) == [12, 12, 13, 13]
    alone = target_folds(10, 4, 1, None)
    assert sorted(np.bincount(alone).tolist()) == [2, 2, 3, 3]


def table(y: Column, size: int = 30) -> Table:
    return Table([names(*["a", "b", "c"] * (size // 3)), y])


def fit(of: Table, loss: Loss, seed: int = 0) -> Preprocessor:
    encoders = EncodersSpec(categorical=TargetMean())
    return Preprocessor.fit(of, ["c"], ["y"], {}, encoders, None, None, loss, seed=seed)


def test_a_target_of_two_classes_gives_the_share_of_the_second() -> None:
    of = table(names(*["no", "yes", "yes", "no", "no"] * 6, name="y"))
    pre = fit(of, BinaryCrossEntropy())
    assert pre.features == ["c, share of yes"]
    (column,) = pre.inputs
    assert isinstance(column, TargetMeanInput)
    np.testing.assert_allclose(np.array(column.means)[:, 0], [0.4, 0.4, 0.4])


def test_more_classes_give_a_share_each_and_numbers_the_mean_in_the_units_of_the_loss() -> None:
    classes = table(names(*["p", "q", "r"] * 10, name="y"))
    pre = fit(classes, CrossEntropy())
    assert pre.features == ["c, share of p", "c, share of q", "c, share of r"]
    (column,) = pre.inputs
    assert isinstance(column, TargetMeanInput)
    assert column.means == ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
    numbers = fit(table(Column("y", "numeric", np.tile([1.0, 2.0, 3.0], 10))), MeanSquaredError())
    (column,) = numbers.inputs
    assert isinstance(column, TargetMeanInput)
    assert numbers.features == ["c, mean of y"]
    np.testing.assert_allclose(np.array(column.means)[:, 0], [-(1.5**0.5), 0, 1.5**0.5])


def test_only_rows_to_train_on_are_encoded_out_of_fold() -> None:
    of = table(Column("y", "numeric", np.random.default_rng(1).normal(size=30)))
    pre = fit(of, MeanSquaredError())
    (column,) = pre.inputs
    assert isinstance(column, TargetMeanInput)
    training = pre.of_training_rows(of)
    as_new, as_training = (features(one.apply(of, FLOAT64)[0].x) for one in (pre, training))
    assert len({*as_new[:, 0].tolist()}) == 3
    outcomes = outcomes_of(pre.target, [of["y"]])
    assert as_training.tolist() == column.of_training_rows(of["c"], outcomes.values, None).tolist()
    assert as_training.std() == pytest.approx(1.0)
    other = fit(of, MeanSquaredError(), seed=1)
    assert features(other.of_training_rows(of).apply(of, FLOAT64)[0].x).tolist() != as_training.tolist()
    chosen = np.array([3, 17, 29])
    some = pre.of_training_rows(of, chosen=chosen).apply(of.take(chosen), FLOAT64)[0].x
    assert features(some).tolist() == as_training[chosen].tolist()
    assert training.model_dump_json() == pre.model_dump_json()
    with pytest.raises(ValueError, match="other rows"):
        training.encode(of.take(chosen), FLOAT64)


def test_targets_of_very_many_classes_are_an_error_at_the_encoder() -> None:
    rows = 3 * (MOST_OUTCOMES + 1)
    of = table(names(*(f"k{row // 3}" for row in range(rows)), name="y"), rows)
    with pytest.raises(MismatchError, match=r"column .c.: target_mean makes .* there are 33; use one_hot"):
        fit(of, CrossEntropy())


def test_stored_means_fit_the_categories() -> None:
    one = fitted(names("a", "b"), [0.0, 1.0]).model_dump()
    for wrong in ({"means": ((1.0,),)}, {"scales": (1.0, 1.0)}, {"rows": (1.0,)}):
        with pytest.raises(ValidationError, match="must have means of each category"):
            TargetMeanInput(**one | wrong)
