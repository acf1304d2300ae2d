"""Makes metrics.json: seeded random predictions, and what scikit-learn says of them with and without weights.

Run by hand, in an environment of its own:

    python -m venv /tmp/sk && /tmp/sk/bin/pip install scikit-learn && /tmp/sk/bin/python tests/golden/make_metrics.py
"""

import json
import warnings
from pathlib import Path

import numpy as np
import sklearn
from sklearn import metrics as sk
from sklearn.exceptions import UndefinedMetricWarning

TIES = 10  # probabilities are whole tenths: many are tied, and some exactly 0 or 1


def probabilities_for(rng, true, n_classes, skill, ties):
    logits = rng.normal(size=(len(true), n_classes)) * 1.5
    logits[np.arange(len(true)), true] += skill
    chances = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return rng.multinomial(TIES, chances) / TIES if ties else chances


def weights_for(case, rows):
    """Weights of a case's rows: in some cases whole, in some fractions, some 0."""
    rng = np.random.default_rng(len(case))
    whole = rng.integers(0, 4, rows).astype(float)
    weights = whole if len(case) % 2 else (rng.gamma(0.7, size=rows) * (whole > 0)).round(3)
    weights[0] = 0.5 if rows == 1 else 3
    return weights


def per_class_ranks(true, probabilities, weight):
    """ROC AUC and average precision of each column, None where undefined."""
    ranks = []
    for positive, scores in zip(true.T, probabilities.T, strict=True):
        there = positive if weight is None else positive[weight > 0]
        some, all_ = there.any(), there.all()
        of = {"sample_weight": weight}
        ranks.append(
            {
                "roc_auc": float(sk.roc_auc_score(positive, scores, **of)) if some and not all_ else None,
                "average_precision": float(sk.average_precision_score(positive, scores, **of)) if some else None,
            }
        )
    return ranks


def mean_of_defined(values):
    defined = [value for value in values if value is not None]
    return float(np.mean(defined)) if defined else None


def prf(true, predicted, average, **options):
    figures = sk.precision_recall_fscore_support(true, predicted, average=average, zero_division=0, **options)
    return dict(zip(("precision", "recall", "f1"), map(float, figures[:3]), strict=True))


def per_name(true, predicted, ranks, **options):
    figures = sk.precision_recall_fscore_support(true, predicted, average=None, zero_division=0, **options)
    return [
        {"precision": p, "recall": r, "f1": f, "support": float(s), **rank}
        for (*prf_, s), rank in zip(zip(*figures, strict=True), ranks, strict=True)
        for p, r, f in [map(float, prf_)]
    ]


def classification(true, predicted, probabilities, weight=None):
    of = {"sample_weight": weight}
    n_classes = probabilities.shape[1]
    codes = list(range(n_classes))
    ranks = per_class_ranks(true[:, np.newaxis] == codes, probabilities, weight)
    scalars = {
        "accuracy": sk.accuracy_score(true, predicted, **of),
        "balanced_accuracy": sk.balanced_accuracy_score(true, predicted, **of),
        "mcc": sk.matthews_corrcoef(true, predicted, **of),
        "log_loss": sk.log_loss(true, probabilities, labels=codes, **of),
        "brier": sk.brier_score_loss(true, probabilities, labels=codes, **of),
    }
    for average in ("macro", "weighted"):
        scalars |= {f"{name}_{average}": v for name, v in prf(true, predicted, average, **of).items()}
    if n_classes == 2:
        scalars |= prf(true, predicted, "binary", pos_label=1, **of)
        scalars |= ranks[1]
    else:
        scalars |= {name: mean_of_defined(rank[name] for rank in ranks) for name in ranks[0]}
        if len(set(true if weight is None else true[weight > 0])) == n_classes:
            # scikit-learn's own mean is the same where every class has rows.
            assert np.isclose(scalars["roc_auc"], sk.roc_auc_score(true, probabilities, multi_class="ovr", **of))
    return {
        "scalars": scalars,
        "confusion_matrix": sk.confusion_matrix(true, predicted, labels=codes, **of).tolist(),
        "per_class": per_name(true, predicted, ranks, labels=codes, **of),
    }


def multilabel(true, predicted, probabilities, weight=None):
    of = {"sample_weight": weight}
    of_cells = {"sample_weight": None if weight is None else np.repeat(weight, true.shape[1])}
    ranks = per_class_ranks(true, probabilities, weight)
    scalars = {
        "subset_accuracy": sk.accuracy_score(true, predicted, **of),
        "hamming_loss": sk.hamming_loss(true, predicted, **of),
        "roc_auc": mean_of_defined(rank["roc_auc"] for rank in ranks),
        "average_precision": mean_of_defined(rank["average_precision"] for rank in ranks),
        "log_loss": sk.log_loss(true.ravel(), probabilities.ravel(), labels=[0, 1], **of_cells),
        "brier": sk.brier_score_loss(true.ravel(), probabilities.ravel(), pos_label=1, **of_cells),
    }
    for average in ("macro", "micro"):
        scalars |= {f"{name}_{average}": v for name, v in prf(true, predicted, average, **of).items()}
    return {"scalars": scalars, "per_label": per_name(true, predicted, ranks, **of)}


def regression(true, predicted, weight=None):
    of = {"sample_weight": weight}
    functions = {
        "mse": sk.mean_squared_error,
        "rmse": sk.root_mean_squared_error,
        "mae": sk.mean_absolute_error,
        "r2": sk.r2_score,
        "mape": sk.mean_absolute_percentage_error,
        "median_absolute_error": sk.median_absolute_error,
    }
    each = {name: f(true, predicted, multioutput="raw_values", **of) for name, f in functions.items()}
    return {
        "scalars": {name: float(f(true, predicted, **of)) for name, f in functions.items()},
        "per_target": [{name: float(each[name][k]) for name in each} for k in range(true.shape[1])],
    }


def class_case(seed, shares, rows, skill=1.5, ties=True, never_predicted=None):
    """`shares` are the classes' shares of the true rows; one of 0 is a class that is absent."""
    rng = np.random.default_rng(seed)
    true = rng.choice(len(shares), size=rows, p=shares)
    probabilities = probabilities_for(rng, true, len(shares), skill, ties)
    choices = np.where(np.arange(len(shares)) == never_predicted, -1, probabilities)
    return true, choices.argmax(axis=1), probabilities


def label_case(seed, shares, rows, ties):
    rng = np.random.default_rng(seed)
    true = (rng.random((rows, len(shares))) < shares).astype(int)
    probabilities = 1 / (1 + np.exp(-(2 * true - 1 + rng.normal(size=true.shape) * 1.5)))
    if ties:
        probabilities = probabilities.round(1)
    return true, (probabilities > 0.5).astype(int), probabilities


def target_case(seed, rows, targets, noise, offset):
    rng = np.random.default_rng(seed)
    true = (rng.normal(size=(rows, targets)) * 3 + offset).round(2)
    return true, (true + rng.standard_t(2, size=true.shape) * noise).round(2)


CLASS_CASES = {
    "binary, ties": class_case(1, [0.6, 0.4], 60),
    "binary, untied": class_case(2, [0.5, 0.5], 40, ties=False),
    "binary, imbalanced": class_case(3, [0.94, 0.06], 80),
    "binary, worse than chance": class_case(4, [0.5, 0.5], 40, skill=-1.5),
    "binary, second class absent": class_case(5, [1.0, 0.0], 20),
    "binary, first class absent": class_case(6, [0.0, 1.0], 20),
    "binary, second class never predicted": class_case(7, [0.7, 0.3], 30, never_predicted=1),
    "binary, one row": class_case(8, [0.5, 0.5], 1),
    "multiclass, ties": class_case(11, [0.25, 0.25, 0.25, 0.25], 60),
    "multiclass, untied": class_case(12, [0.2, 0.3, 0.5], 30, ties=False),
    "multiclass, imbalanced": class_case(13, [0.8, 0.1, 0.06, 0.04], 90),
    "multiclass, a class absent but predicted": class_case(14, [0.5, 0.5, 0.0], 40),
    "multiclass, a class neither true nor predicted": class_case(15, [0.5, 0.0, 0.5], 40, never_predicted=1),
    "multiclass, a class never predicted": class_case(16, [0.4, 0.3, 0.3], 40, never_predicted=2),
    "multiclass, only one class true": class_case(17, [0.0, 1.0, 0.0], 15),
}
LABEL_CASES = {
    "ties": label_case(21, [0.5, 0.3, 0.2], 50, ties=True),
    "untied": label_case(22, [0.5, 0.4], 30, ties=False),
    "imbalanced": label_case(23, [0.05, 0.9, 0.5, 0.2], 60, ties=True),
    "a label without rows, predicted": label_case(24, [0.5, 0.0], 30, ties=True),
}
TARGET_CASES = {
    "one target": target_case(31, 30, 1, 1.0, 20),
    "three targets": target_case(32, 25, 3, 0.5, -15),
    "worse than the mean": target_case(33, 20, 2, 20.0, 10),
    "two rows": target_case(34, 2, 1, 0.5, 10),
}


def main():
    warnings.simplefilter("ignore", UndefinedMetricWarning)
    warnings.filterwarnings("ignore", message="A single label was found|y_pred contains classes not in y_true")
    names = ("true", "predicted", "probabilities")
    sections = [f'"scikit-learn":"{sklearn.__version__}"']
    for task, cases, judge in (
        ("classification", CLASS_CASES, classification),
        ("multilabel", LABEL_CASES, multilabel),
        ("regression", TARGET_CASES, regression),
    ):
        lines = []
        for case, arrays in cases.items():
            given = {name: array.tolist() for name, array in zip(names, arrays, strict=False)}
            weight = weights_for(case, len(arrays[0]))
            expected = {
                "expected": judge(*arrays),
                "weight": weight.tolist(),
                "weighted": judge(*arrays, weight=weight),
            }
            lines.append(f"{compact(case)}:{compact({**given, **expected})}")
        # One case a line, so that a change can be read in a diff.
        sections.append(f"{compact(task)}:{{\n" + ",\n".join(lines) + "\n}")
    text = "{" + ",\n".join(sections) + "}\n"
    Path(__file__).with_name("metrics.json").write_text(text, encoding="utf-8")


def compact(value):
    return json.dumps(value, separators=(",", ":"), allow_nan=False)


if __name__ == "__main__":
    main()
