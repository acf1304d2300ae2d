from __future__ import annotations

from collections.abc import Callable
from math import exp, inf, log
from typing import Any

import numpy as np
import pytest
from networks import FLOAT32, FLOAT64, members, targets_for
from pydantic import TypeAdapter, ValidationError

from bpcli.arrays.memory import Array
from bpcli.metrics.deviance import unit_deviances
from bpcli.nn.losses import Loss, LossScratch
from bpcli.nn.losses.classification import BinaryCrossEntropy, CrossEntropy
from bpcli.nn.losses.hinge import Hinge
from bpcli.nn.losses.log_link import Gamma, LogLinkLoss, Poisson, Tweedie
from bpcli.nn.losses.regression import Huber, MeanSquaredError, Quantile

Row = list[float]

# Reference loss of each row from its definition, one number at a time.


def mean_over_outputs(f: Callable[[float, float], float]) -> Callable[[Row, Row], float]:
    return lambda z, t: sum(map(f, z, t)) / len(z)


def softmax(z: Row) -> Row:
    total = sum(map(exp, z))
    return [exp(v) / total for v in z]


def logistic(z: float) -> float:
    return 1 / (1 + exp(-z))


def cross_entropy(z: Row, t: Row, smoothing: float = 0.0) -> float:
    smooth = [(1 - smoothing) * v + smoothing / len(t) for v in t]
    return -sum(share * log(p) for share, p in zip(smooth, softmax(z), strict=True))


def binary_cross_entropy(z: float, t: float) -> float:
    return -t * log(logistic(z)) - (1 - t) * log(1 - logistic(z))


def huber(z: float, t: float, delta: float) -> float:
    r = abs(z - t)
    return r**2 / 2 if r <= delta else delta * (r - delta / 2)


def pinball(z: float, t: float, q: float) -> float:
    return q * (t - z) if t >= z else (1 - q) * (z - t)


def tweedie(z: float, t: float, p: float) -> float:
    mean = exp(z)
    return float(-t * mean ** (1 - p) / (1 - p) + mean ** (2 - p) / (2 - p))


def hinge(z: Row, t: Row) -> float:
    if len(z) == 1:
        return max(0.0, 1 - (1 if t[0] else -1) * z[0])
    true = t.index(1.0)
    return max(0.0, *(1 + v - z[true] for i, v in enumerate(z) if i != true))


REFERENCES: list[tuple[Any, Callable[[Row, Row], float]]] = [
    (CrossEntropy(), cross_entropy),
    (CrossEntropy(label_smoothing=0.2), lambda z, t: cross_entropy(z, t, smoothing=0.2)),
    (BinaryCrossEntropy(), mean_over_outputs(binary_cross_entropy)),
    (MeanSquaredError(), mean_over_outputs(lambda z, t: (z - t) ** 2)),
    (MeanSquaredError(link="sigmoid"), mean_over_outputs(lambda z, t: (logistic(z) - t) ** 2)),
    ("mae", mean_over_outputs(lambda z, t: abs(z - t))),
    (Huber(), mean_over_outputs(lambda z, t: huber(z, t, 1.0))),
    (Huber(delta=0.25), mean_over_outputs(lambda z, t: huber(z, t, 0.25))),
    (Poisson(), mean_over_outputs(lambda z, t: exp(z) - t * z)),
    (Gamma(), mean_over_outputs(lambda z, t: z + t * exp(-z))),
    (Tweedie(), mean_over_outputs(lambda z, t: tweedie(z, t, 1.5))),
    (Tweedie(power=1.2), mean_over_outputs(lambda z, t: tweedie(z, t, 1.2))),
    (Quantile(), mean_over_outputs(lambda z, t: abs(z - t) / 2)),
    (Quantile(quantile=0.9), mean_over_outputs(lambda z, t: pinball(z, t, 0.9))),
    (Hinge(), hinge),
]
SPEC: TypeAdapter[Any] = TypeAdapter(Loss)
MEMBERS = [SPEC.validate_python(spec) for spec, _ in REFERENCES]


def named(spec: Any) -> str:
    return "-".join([spec.type, *map(str, spec.model_dump(exclude_defaults=True).values())])


every_loss = pytest.mark.parametrize("loss", MEMBERS, ids=named)


def value_and_gradient(loss: Any, logits: Array, target: Array, weight: Array | None = None) -> tuple[float, Array]:
    out = np.full_like(logits, np.nan)
    scratch = LossScratch(*logits.shape, logits.dtype)
    scratch.a.fill(np.nan)
    scratch.column.fill(np.nan)
    return loss.value_and_gradient(logits, target, weight, out, scratch), out


def problem(loss: Any, rows: int, outputs: int, dtype: np.dtype[Any] = FLOAT64) -> tuple[Array, Array]:
    """Random logits and valid targets."""
    generator = np.random.default_rng(rows + outputs)
    logits = generator.normal(0.0, 2.0, (rows, outputs))
    return logits.astype(dtype), targets_for(loss, rows, outputs, generator).astype(dtype)


def widths(loss: Any) -> tuple[int, int]:
    return (2, 5) if isinstance(loss, CrossEntropy) else (1, 5)


def test_every_loss_has_a_reference() -> None:
    assert {type(loss) for loss in MEMBERS} == set(members(Loss))


@pytest.mark.parametrize(
    ("loss", "reference"),
    [(loss, reference) for loss, (_, reference) in zip(MEMBERS, REFERENCES, strict=True)],
    ids=[named(loss) for loss in MEMBERS],
)
def test_the_value_is_the_weighted_sum_of_the_rows_losses(loss: Any, reference: Callable[[Row, Row], float]) -> None:
    for outputs in widths(loss):
        logits, target = problem(loss, 12, outputs)
        rows = [reference(z, t) for z, t in zip(logits.tolist(), target.tolist(), strict=True)]
        assert value_and_gradient(loss, logits, target)[0] == pytest.approx(sum(rows), rel=1e-13)
        weight = np.linspace(0.0, 3.0, 12)
        expected = sum(w * row for w, row in zip(weight.tolist(), rows, strict=True))
        value, _ = value_and_gradient(loss, logits, target, weight)
        assert type(value) is float
        assert value == pytest.approx(expected, rel=1e-13)


@every_loss
def test_a_weight_of_two_counts_as_the_row_twice(loss: Any) -> None:
    for outputs in widths(loss):
        logits, target = problem(loss, 3, outputs)
        weighted, weighted_gradient = value_and_gradient(loss, logits, target, np.array([1.0, 2.0, 1.0]))
        twice = [0, 1, 1, 2]
        repeated, repeated_gradient = value_and_gradient(loss, logits[twice], target[twice])
        assert weighted == pytest.approx(repeated, rel=1e-13)
        # The gradient is that of the mean over the rows: over 3 of them here, and over 4 there.
        by_row = repeated_gradient * 4
        expected = np.array([by_row[0], by_row[1] + by_row[2], by_row[3]]) / 3
        np.testing.assert_allclose(weighted_gradient, expected, rtol=1e-12, atol=1e-15)


@every_loss
def test_a_weight_of_zero_takes_a_row_out_of_the_gradient(loss: Any) -> None:
    logits, target = problem(loss, 3, 2)
    _, plain = value_and_gradient(loss, logits, target)
    _, gradient = value_and_gradient(loss, logits, target, np.array([1.0, 0.0, 1.0]))
    assert (gradient == plain * [[1.0], [0.0], [1.0]]).all()


@every_loss
def test_weights_of_one_change_nothing(loss: Any) -> None:
    logits, target = problem(loss, 6, 3)
    plain, plain_gradient = value_and_gradient(loss, logits, target)
    weighted, weighted_gradient = value_and_gradient(loss, logits, target, np.ones(6))
    assert weighted == pytest.approx(plain, rel=1e-14)
    np.testing.assert_array_equal(weighted_gradient, plain_gradient)


@every_loss
def test_float32_comes_near_to_float64(loss: Any) -> None:
    logits, target = problem(loss, 40, 3)
    value, gradient = value_and_gradient(loss, logits, target)
    single, single_gradient = value_and_gradient(loss, logits.astype(FLOAT32), target.astype(FLOAT32))
    assert single_gradient.dtype == FLOAT32
    assert single == pytest.approx(value, rel=1e-5)
    np.testing.assert_allclose(single_gradient, gradient, rtol=1e-4, atol=1e-7)


@every_loss
def test_logits_and_targets_are_not_written_to(loss: Any) -> None:
    logits, target = problem(loss, 4, 3)
    before = logits.copy(), target.copy()
    value_and_gradient(loss, logits, target, np.ones(4))
    np.testing.assert_array_equal(logits, before[0])
    np.testing.assert_array_equal(target, before[1])


# Losses with a logarithmic link


@pytest.mark.parametrize("loss", [Poisson(), Gamma(), Tweedie(), Tweedie(power=1.9)], ids=named)
def test_a_logarithmic_link_makes_a_loss_half_the_deviance_up_to_a_constant(loss: Any) -> None:
    target = np.array([[0.5], [2.0], [7.0]])
    logits = np.log(np.array([[[0.4], [3.0], [5.0]], [[1.0], [1.0], [9.0]]]))
    values = [value_and_gradient(loss, z, target)[0] / len(target) for z in logits]
    deviances = [unit_deviances(target, np.exp(z), loss.variance_power).mean() for z in logits]
    assert 2 * (values[1] - values[0]) == pytest.approx(deviances[1] - deviances[0], rel=1e-12)


@pytest.mark.parametrize("loss", [Poisson(), Gamma(), Tweedie(power=1.3)], ids=named)
def test_a_target_divided_by_its_mean_has_the_same_gradient_up_to_a_factor(loss: Any) -> None:
    """exp(z) = m exp(z - log m): the deviance is homogeneous of degree 2 - p."""
    logits, target = problem(loss, 8, 2)
    _, gradient = value_and_gradient(loss, logits, target)
    _, scaled = value_and_gradient(loss, logits - log(50.0), target / 50.0)
    np.testing.assert_allclose(scaled * 50.0 ** (2.0 - loss.variance_power), gradient, rtol=1e-10, atol=1e-15)


# Extreme logits. Warnings are errors here, so an overflow fails the test.


@every_loss
def test_extreme_logits_give_a_finite_value_and_gradient_in_float32(loss: Any) -> None:
    # exp(z) overflows float32 beyond 88, and so does exp(-z) of gamma and tweedie below -88.
    highest = 80.0 if isinstance(loss, LogLinkLoss) else 1e4
    lowest = -80.0 if isinstance(loss, Gamma | Tweedie) else -1e4
    for outputs in widths(loss):
        one_hot = np.eye(outputs, dtype=FLOAT32)
        logits = np.concatenate([highest * one_hot, lowest * one_hot]).astype(FLOAT32)
        for target in (np.concatenate([one_hot, one_hot]), np.roll(np.concatenate([one_hot, one_hot]), 1, axis=1)):
            for weight in (None, np.full(len(logits), 2.0, FLOAT32)):
                value, gradient = value_and_gradient(loss, logits, target, weight)
                assert np.isfinite(value)
                assert np.isfinite(gradient).all()


@pytest.mark.parametrize("loss", [CrossEntropy(), Hinge()], ids=named)
def test_the_extreme_losses_of_classes_are_the_distance_between_logits(loss: Any) -> None:
    logits = np.array([[1e4, -1e4, 0.0]], FLOAT32)
    margin = 1.0 if isinstance(loss, Hinge) else 0.0
    values = [value_and_gradient(loss, logits, np.eye(3, dtype=FLOAT32)[[true]])[0] for true in range(3)]
    assert values == [0.0, 2e4 + margin, 1e4 + margin]


def test_the_extreme_losses_of_two_classes_are_the_wrong_logit() -> None:
    logits = np.array([[1e4], [1e4], [-1e4], [-1e4]], FLOAT32)
    target = np.array([[1.0], [0.0], [1.0], [0.0]], FLOAT32)
    value, gradient = value_and_gradient(BinaryCrossEntropy(), logits, target)
    assert value == 2e4
    assert gradient.ravel().tolist() == [0.0, 0.25, -0.25, 0.0]


@pytest.mark.parametrize("loss", [CrossEntropy(), BinaryCrossEntropy(), MeanSquaredError(link="sigmoid")], ids=named)
def test_extreme_logits_have_probabilities_of_zero_and_one(loss: Any) -> None:
    logits = np.array([[1e4, -1e4]], FLOAT32)
    out = np.empty_like(logits)
    loss.link(logits, out)
    assert out.tolist() == [[1.0, 0.0]]


# Gradients at kinks. Any subgradient is correct; these values are promised.


@pytest.mark.parametrize("loss", ["mae", Huber()])
def test_a_residual_of_zero_pulls_nowhere(loss: Any) -> None:
    logits = np.array([[1.5, -2.0]])
    assert value_and_gradient(SPEC.validate_python(loss), logits, logits.copy())[1].tolist() == [[0.0, 0.0]]


def test_hinge_has_no_gradient_outside_the_margin() -> None:
    _, two = value_and_gradient(Hinge(), np.array([[1.5], [-0.5]]), np.array([[1.0], [0.0]]))
    assert two.tolist() == [[0.0], [0.5]]
    _, more = value_and_gradient(Hinge(), np.array([[3.0, 1.9, -1.0]]), np.eye(3)[[0]])
    assert more.tolist() == [[0.0, 0.0, 0.0]]


def test_hinge_shares_its_gradient_among_classes_that_are_equally_wrong() -> None:
    _, gradient = value_and_gradient(Hinge(), np.array([[0.0, 2.0, 2.0]]), np.eye(3)[[0]])
    assert gradient.tolist() == [[-1.0, 0.5, 0.5]]


def test_hinge_for_two_classes_with_two_logits_is_hinge_of_their_difference() -> None:
    logits, target = np.array([[0.3, 0.1], [0.2, 0.9]]), np.eye(2)
    one_logit = value_and_gradient(Hinge(), logits[:, 1:] - logits[:, :1], target[:, 1:])[0]
    assert value_and_gradient(Hinge(), logits, target)[0] == pytest.approx(one_logit)


# Links


@pytest.mark.parametrize(
    ("loss", "expected"),
    [
        (CrossEntropy(), [softmax([-1.0, 0.0, 2.5])]),
        (BinaryCrossEntropy(), [[logistic(-1.0), 0.5, logistic(2.5)]]),
        (MeanSquaredError(), [[-1.0, 0.0, 2.5]]),
        (MeanSquaredError(link="sigmoid"), [[logistic(-1.0), 0.5, logistic(2.5)]]),
        (SPEC.validate_python("mae"), [[-1.0, 0.0, 2.5]]),
        (Huber(), [[-1.0, 0.0, 2.5]]),
        (Poisson(), [[exp(-1.0), 1.0, exp(2.5)]]),
        (Gamma(), [[exp(-1.0), 1.0, exp(2.5)]]),
        (Tweedie(), [[exp(-1.0), 1.0, exp(2.5)]]),
        (Quantile(), [[-1.0, 0.0, 2.5]]),
        (Hinge(), [[-1.0, 0.0, 2.5]]),
    ],
    ids=lambda value: named(value) if hasattr(value, "type") else "",
)
def test_links_turn_logits_into_predictions_also_in_place(loss: Any, expected: list[Row]) -> None:
    logits = np.array([[-1.0, 0.0, 2.5]])
    out = np.empty_like(logits)
    loss.link(logits, out)
    np.testing.assert_allclose(out, expected, rtol=1e-15)
    assert logits.tolist() == [[-1.0, 0.0, 2.5]]
    loss.link(logits, logits)
    np.testing.assert_array_equal(logits, out)


@every_loss
def test_losses_that_give_probabilities_have_links_that_do(loss: Any) -> None:
    logits, _ = problem(loss, 50, 4)
    loss.link(logits, logits)
    within = bool(((logits >= 0) & (logits <= 1)).all())
    assert within == (loss.gives_probabilities or loss.target_bounds == (0.0, 1.0))


@pytest.mark.parametrize(
    ("loss", "bounds"),
    [
        (MeanSquaredError(), None),
        (MeanSquaredError(link="sigmoid"), (0.0, 1.0)),
        (Poisson(), (0.0, inf)),
        (Gamma(), (0.0, inf)),
        (Tweedie(), (0.0, inf)),
        (Huber(), None),
    ],
    ids=lambda value: named(value) if hasattr(value, "type") else "",
)
def test_a_link_that_cannot_reach_every_value_bounds_the_targets(loss: Any, bounds: tuple[float, float] | None) -> None:
    assert loss.target_bounds == bounds


@pytest.mark.parametrize(
    ("loss", "tasks", "single_logit"),
    [
        ("cross_entropy", {"binary", "multiclass"}, False),
        ("binary_cross_entropy", {"binary", "multilabel"}, True),
        ("hinge", {"binary", "multiclass"}, True),
        *((loss, {"regression"}, False) for loss in ("mse", "mae", "huber", "poisson", "gamma", "tweedie", "quantile")),
    ],
)
def test_each_loss_says_what_it_is_for_and_whether_two_classes_share_a_logit(
    loss: str, tasks: set[str], single_logit: bool
) -> None:
    member = SPEC.validate_python(loss)
    assert (member.tasks, member.single_logit) == (tasks, single_logit)


def test_scratch_for_fewer_rows_is_the_same_memory() -> None:
    scratch = LossScratch(8, 3, FLOAT32)
    part = scratch.part(0, 5, batch=5)
    assert (part.a.shape, part.column.shape) == ((5, 3), (5, 1))
    assert np.shares_memory(part.a, scratch.a)
    assert np.shares_memory(part.column, scratch.column)


@pytest.mark.parametrize(
    "spec",
    [
        {"type": "cross_entropy", "label_smoothing": 1.0},
        {"type": "huber", "delta": 0.0},
        {"type": "tweedie", "power": 1.0},
        {"type": "tweedie", "power": 2.0},
        {"type": "quantile", "quantile": 1.0},
        {"type": "mse", "link": "softmax"},
    ],
    ids=lambda spec: spec["type"],
)
def test_options_out_of_bounds_are_refused(spec: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match=list(spec)[1]):
        SPEC.validate_python(spec)


def test_binary_cross_entropy_of_certain_rows_is_never_below_0() -> None:
    """Both of its sums are large, so that rounding makes their difference negative in some of these."""
    generator = np.random.default_rng(0)
    for rows in range(1, 400):
        signs = generator.choice([-1.0, 1.0], (rows, 1))
        logits = (signs * generator.uniform(20.0, 60.0, (rows, 1))).astype(np.float32)
        target = (logits > 0).astype(np.float32)
        scratch = LossScratch(rows, 1, logits.dtype)
        assert BinaryCrossEntropy().value_and_gradient(logits, target, None, np.empty_like(logits), scratch) >= 0.0
