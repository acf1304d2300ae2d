import json
import math

import numpy as np
import pytest
from golden.metrics import GOLDEN, close

from bpcli.metrics.multilabel import MULTILABEL, multilabel_report


@pytest.mark.parametrize("case", GOLDEN["multilabel"])
def test_report_equals_scikit_learn(case):
    given, expected = GOLDEN["multilabel"][case], GOLDEN["multilabel"][case]["expected"]
    arrays = [np.array(given[key]) for key in ("true", "predicted", "probabilities")]
    labels = [f"label {index}" for index in range(arrays[0].shape[1])]
    report = multilabel_report(*arrays, labels).to_json()
    assert report.pop("rows") == len(given["true"])
    for figures, golden in zip(report.pop("per_label").values(), expected["per_label"], strict=True):
        assert figures == close(golden)
    assert report == close(expected["scalars"])
    for name, metric in MULTILABEL.items():
        assert metric.function(*arrays) == report[name]


def test_two_labels_worked_by_hand():
    true = np.array([[1, 0], [1, 1], [0, 1], [1, 0]])
    predicted = np.array([[1, 0], [1, 0], [0, 1], [0, 1]])
    # x: 2 of 2 predictions right, 3 rows. y: 1 of 2 predictions right, 2 rows. Together 3 of 4, 5 rows.
    report = multilabel_report(true, predicted, None, ["x", "y"]).to_json()
    assert report == {
        "rows": 4,
        "subset_accuracy": 2 / 4,
        "hamming_loss": 3 / 8,
        "precision_macro": (1 + 1 / 2) / 2,
        "recall_macro": close((2 / 3 + 1 / 2) / 2),
        "f1_macro": close((4 / 5 + 2 / 4) / 2),
        "precision_micro": 3 / 4,
        "recall_micro": 3 / 5,
        "f1_micro": close(6 / 9),
        "per_label": {
            "x": {"precision": 1.0, "recall": close(2 / 3), "f1": close(4 / 5), "support": 3},
            "y": {"precision": 0.5, "recall": 0.5, "f1": 0.5, "support": 2},
        },
    }


def test_probabilities_worked_by_hand():
    true = np.array([[1, 0], [0, 1]])
    probabilities = np.array([[0.5, 0.25], [0.25, 0.25]])
    report = multilabel_report(true, true, probabilities, ["x", "y"]).to_json()
    # The true outcomes had 0.5, 0.75, 0.75 and 0.25.
    assert report["log_loss"] == close(-math.log(0.5 * 0.75 * 0.75 * 0.25) / 4)
    assert report["brier"] == close((0.25 + 0.0625 + 0.0625 + 0.5625) / 4)
    # x is ranked correctly; y is tied.
    assert report["roc_auc"] == (1 + 0.5) / 2


def test_a_label_neither_true_nor_predicted_stays_out_of_the_macro_means():
    true = np.array([[1, 0], [0, 0]])
    report = multilabel_report(true, true, true * 0.5 + 0.25, ["x", "never"]).to_json()
    assert (report["f1_macro"], report["f1_micro"], report["roc_auc"]) == (1.0, 1.0, 1.0)
    assert report["per_label"]["never"] == {
        "precision": 0.0, "recall": 0.0, "f1": 0.0, "support": 0, "roc_auc": None, "average_precision": None
    }  # fmt: skip


def test_without_any_label_true_or_predicted_the_averages_are_undefined():
    nothing = np.zeros((3, 2), dtype=np.int8)
    report = multilabel_report(nothing, nothing, nothing + 0.5, ["x", "y"]).to_json()
    undefined = {name for name in MULTILABEL if report[name] is None}
    assert undefined == set(MULTILABEL) - {"subset_accuracy", "hamming_loss", "log_loss", "brier"}
    assert json.loads(json.dumps(report, allow_nan=False)) == report


def test_arrays_that_cannot_be_measured_are_refused():
    true = np.ones((2, 2))
    with pytest.raises(ValueError, match="are empty"):
        multilabel_report(true[:0], true[:0], None, ["x", "y"])
    with pytest.raises(ValueError, match="same shape"):
        multilabel_report(true[:, 0], true[:, 0], None, ["x"])
    with pytest.raises(ValueError, match="must have shape"):
        multilabel_report(true, true, true[:, :1], ["x", "y"])
    with pytest.raises(ValueError, match="requires probabilities"):
        MULTILABEL["roc_auc"].function(true, true)
