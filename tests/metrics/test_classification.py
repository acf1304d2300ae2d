import json
import math

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from golden.metrics import GOLDEN, close
from hypothesis import given
from hypothesis import strategies as st

from bpcli.metrics.classification import BINARY, MULTICLASS, classification_report

NEED_PROBABILITIES = {"roc_auc", "average_precision", "log_loss", "brier"}


def names(n_classes):
    return [f"class {code}" for code in range(n_classes)]


@st.composite
def codes(draw, n_classes=4):
    rows = draw(st.integers(1, 40))
    return [draw(hnp.arrays(np.int64, rows, elements=st.integers(0, n_classes - 1))) for _ in range(2)]


@pytest.mark.parametrize("case", GOLDEN["classification"])
def test_report_equals_scikit_learn(case):
    given, expected = GOLDEN["classification"][case], GOLDEN["classification"][case]["expected"]
    probabilities = np.array(given["probabilities"])
    classes = names(probabilities.shape[1])
    report = classification_report(
        np.array(given["true"]), np.array(given["predicted"]), probabilities, classes
    ).to_json()
    assert report.pop("rows") == len(given["true"])
    assert report.pop("positive", None) == (classes[1] if len(classes) == 2 else None)
    assert report.pop("confusion_matrix") == expected["confusion_matrix"]
    assert list(report["per_class"]) == classes
    for figures, golden in zip(report.pop("per_class").values(), expected["per_class"], strict=True):
        assert figures == close(golden)
    assert report == close(expected["scalars"])


@pytest.mark.parametrize("case", GOLDEN["classification"])
def test_each_metric_on_its_own_equals_scikit_learn(case):
    given = GOLDEN["classification"][case]
    arrays = [np.array(given[key]) for key in ("true", "predicted", "probabilities")]
    metrics = BINARY if case.startswith("binary") else MULTICLASS
    alone = {name: metric.function(*arrays) for name, metric in metrics.items()}
    assert alone == close(given["expected"]["scalars"])


def test_three_classes_worked_by_hand():
    # Confusion, true in rows:  a: 2 right, 1 as b;  b: 1 right, 1 as c;  c: 1 right.
    report = classification_report(
        np.array([0, 0, 0, 1, 1, 2]), np.array([0, 0, 1, 1, 2, 2]), None, ["a", "b", "c"]
    ).to_json()
    assert report == {
        "rows": 6,
        "accuracy": close(4 / 6),
        "balanced_accuracy": close((2 / 3 + 1 / 2 + 1) / 3),
        "precision_macro": close((1 + 1 / 2 + 1 / 2) / 3),
        "recall_macro": close((2 / 3 + 1 / 2 + 1) / 3),
        "f1_macro": close((4 / 5 + 1 / 2 + 2 / 3) / 3),
        "precision_weighted": close((3 * 1 + 2 * 1 / 2 + 1 * 1 / 2) / 6),
        "recall_weighted": close(4 / 6),
        "f1_weighted": close((3 * 4 / 5 + 2 * 1 / 2 + 1 * 2 / 3) / 6),
        # c·s − Σ tₖpₖ = 4·6 − (3·2 + 2·2 + 1·2) = 12; s² − Σ tₖ² = 36 − 14 = 22; s² − Σ pₖ² = 36 − 12 = 24.
        "mcc": close(12 / math.sqrt(22 * 24)),
        "confusion_matrix": [[2, 1, 0], [0, 1, 1], [0, 0, 1]],
        "per_class": {
            "a": {"precision": 1.0, "recall": close(2 / 3), "f1": close(4 / 5), "support": 3},
            "b": {"precision": 0.5, "recall": 0.5, "f1": 0.5, "support": 2},
            "c": {"precision": 0.5, "recall": 1.0, "f1": close(2 / 3), "support": 1},
        },
    }


def test_probabilities_of_three_classes_worked_by_hand():
    true, predicted = np.array([0, 2]), np.array([0, 1])
    probabilities = np.array([[0.5, 0.25, 0.25], [0.25, 0.5, 0.25]])
    report = classification_report(true, predicted, probabilities, ["a", "b", "c"]).to_json()
    assert report["log_loss"] == close(-(math.log(0.5) + math.log(0.25)) / 2)
    # Row 0: 0.5² + 0.25² + 0.25² = 0.375. Row 1: 0.25² + 0.5² + 0.75² = 0.875.
    assert report["brier"] == close((0.375 + 0.875) / 2)
    # a is ranked right (1), b has no rows (left out), c is tied (½): mean 0.75, and of the precisions (1 + ½) / 2.
    assert (report["roc_auc"], report["average_precision"]) == (0.75, 0.75)


def test_brier_of_two_classes_is_the_squared_error_of_the_second():
    true, probabilities = np.array([0, 1]), np.array([[0.75, 0.25], [0.5, 0.5]])
    assert BINARY["brier"].function(true, true, probabilities) == close((0.25**2 + 0.5**2) / 2)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_log_loss_of_a_wrong_certainty_is_that_of_the_dtypes_epsilon(dtype):
    true = np.array([0, 1])
    probabilities = np.array([[0, 1], [0, 1]], dtype=dtype)
    epsilon = float(np.finfo(dtype).eps)
    expected = -(math.log(epsilon) + math.log1p(-epsilon)) / 2
    assert BINARY["log_loss"].function(true, true, probabilities) == pytest.approx(expected, rel=1e-12)


def test_a_loss_without_probabilities_leaves_out_the_metrics_that_need_them():
    true = np.array([0, 1, 1])
    report = classification_report(true, true, None, ["a", "b"]).to_json()
    assert set(BINARY) - set(report) == NEED_PROBABILITIES
    assert report["per_class"]["a"] == {"precision": 1.0, "recall": 1.0, "f1": 1.0, "support": 1}


@pytest.mark.parametrize("name", sorted(NEED_PROBABILITIES))
def test_a_metric_that_needs_probabilities_says_so(name):
    assert BINARY[name].needs_probabilities
    with pytest.raises(ValueError, match="requires probabilities"):
        BINARY[name].function(np.array([0, 1]), np.array([0, 1]))


def test_a_single_class_has_no_roc_auc():
    rows = np.zeros(3, dtype=np.int32)
    report = classification_report(rows, rows, np.ones((3, 1)), ["only"]).to_json()
    assert (report["accuracy"], report["mcc"], report["brier"]) == (1.0, 0.0, 0.0)
    assert (report["roc_auc"], report["average_precision"]) == (None, 1.0)


def test_the_second_class_may_be_absent_without_probabilities_to_tell_of_it():
    rows = np.zeros(3, dtype=np.int32)
    assert [BINARY[name].function(rows, rows) for name in ("precision", "accuracy")] == [0.0, 1.0]


def test_a_report_is_ready_for_json():
    report = classification_report(
        np.array([1], dtype=np.int32), np.array([1]), np.array([[0, 1]], dtype=np.float32), ["a", "b"]
    ).to_json()
    assert json.loads(json.dumps(report, allow_nan=False)) == report
    scalars = [report[name] for name in BINARY if name in report]
    assert {type(value) for value in scalars} == {float, type(None)}


def test_mcc_does_not_overflow_at_many_rows():
    # 200,000 rows: (s² − Σ tₖ²)² is 4e20, which overflows 64 bits.
    true = np.arange(200_000) % 2
    assert MULTICLASS["mcc"].function(true, true) == 1.0


@pytest.mark.parametrize(
    ("true", "predicted", "probabilities", "words"),
    [
        ([], [], None, "are empty"),
        ([0, 1], [0], None, "same shape"),
        ([[0, 1]], [[0, 1]], None, "same shape, with 1 axes"),
        ([0, 2], [0, 1], None, "from 0 to 1"),
        ([0, 1], [0, -1], None, "from 0 to 1"),
        ([0, 1], [0, 1], [[1.0], [1.0]], "must have shape"),
        ([0, 1], [0, 1], [[0.5, 0.5], [np.nan, np.nan]], "finite"),
    ],
)
def test_arrays_that_cannot_be_measured_are_refused(true, predicted, probabilities, words):
    arrays = np.array(true, dtype=np.int64), np.array(predicted, dtype=np.int64)
    with pytest.raises(ValueError, match=words):
        classification_report(*arrays, None if probabilities is None else np.array(probabilities), ["a", "b"])


@given(codes())
def test_scalars_agree_with_the_confusion_matrix(arrays):
    report = classification_report(*arrays, None, names(4)).to_json()
    confusion = np.array(report["confusion_matrix"])
    assert report["accuracy"] == close(np.trace(confusion) / confusion.sum())
    assert report["recall_weighted"] == close(report["accuracy"])
    assert [figures["support"] for figures in report["per_class"].values()] == confusion.sum(axis=1).tolist()
    assert confusion.sum() == report["rows"] == len(arrays[0])


@given(codes())
def test_mcc_and_macro_f1_are_the_same_with_true_and_predicted_exchanged(arrays):
    for name in ("mcc", "f1_macro", "accuracy"):
        metric = MULTICLASS[name]
        assert metric.function(*arrays) == close(metric.function(*reversed(arrays)))


@given(codes())
def test_every_metric_is_between_its_bounds(arrays):
    for name, metric in MULTICLASS.items():
        if not metric.needs_probabilities:
            lowest = -1 if name == "mcc" else 0
            assert lowest - 1e-15 <= metric.function(*arrays) <= 1 + 1e-15


@given(codes(), st.permutations(range(4)))
def test_renaming_the_classes_changes_no_scalar(arrays, renamed):
    true, predicted = (np.array(renamed)[codes] for codes in arrays)
    for metric in MULTICLASS.values():
        if not metric.needs_probabilities:
            assert metric.function(true, predicted) == close(metric.function(*arrays))


@given(codes(n_classes=2))
def test_binary_and_multiclass_agree_on_what_they_share(arrays):
    report = classification_report(*arrays, None, names(2)).to_json()
    for name, metric in MULTICLASS.items():
        if not metric.needs_probabilities:
            assert metric.function(*arrays) == report[name]
    assert report["precision"] == report["per_class"]["class 1"]["precision"]
