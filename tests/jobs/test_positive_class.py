"""A run with a positive class is the run of data in which the classes have another order, bit for bit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import bpcli
from experiments import write_csv

from bpcli.jobs.training import train
from bpcli.models.evaluation import evaluate_split
from bpcli.models.model import Model
from bpcli.storage.checkpoint import Checkpoint

A, B = np.random.default_rng(5).normal(size=(2, 120)).round(3)
LATE = A + B > 0.8
PARTS = ["train", "validation", "test"] * 40


def trained(folder: Path, name: str, late: str, ok: str, **data: Any) -> Path:
    """A run on rows whose classes have these words."""
    columns = {"a": A, "b": B, "part": PARTS, "y": np.where(LATE, late, ok)}
    write_csv(folder / f"{name}.csv", columns)
    config = {
        "data": {"path": f"{name}.csv", "target": "y", "split": {"column": "part"}, **data},
        "layers": [{"units": 6}],
        "training": {"epochs": 8, "early_stopping": {"monitor": "validation_f1"}},
    }
    (folder / f"{name}.json").write_text(json.dumps(config))
    return train(folder / f"{name}.json", run_dir=folder / name, threads=1).path


def curve(run: Path) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    return [{name: value for name, value in line.items() if name != "seconds"} for line in lines]


def test_the_classes_are_exchanged_and_nothing_else(tmp_path: Path) -> None:
    named = trained(tmp_path, "named", "late", "ok", positive="late")
    renamed = trained(tmp_path, "renamed", "z late", "ok")  # the last in sorted order
    assert curve(named) == curve(renamed)
    one, other = (Checkpoint.load(run / "checkpoints/last.safetensors").vectors for run in (named, renamed))
    assert one.keys() == other.keys()
    assert all(np.array_equal(one[name], other[name]) for name in one)
    report, expected = (evaluate_split(Model.load(run), "test").report for run in (named, renamed))
    assert (report.positive, expected.positive) == ("late", "z late")
    assert (report.scores, report.confusion_matrix) == (expected.scores, expected.confusion_matrix)
    assert list(report.groups) == ["ok", "late"]


def test_without_it_the_last_class_in_sorted_order_is_positive(tmp_path: Path) -> None:
    report = evaluate_split(Model.load(trained(tmp_path, "plain", "late", "ok")), "test").report
    assert (report.positive, list(report.groups)) == ("ok", ["late", "ok"])


def test_what_a_run_says_names_the_class(tmp_path: Path) -> None:
    run = trained(tmp_path, "run", "late", "ok", positive="late")
    about = "precision, recall, F1 and curves refer to the positive class, 'late'"
    assert about in bpcli("evaluate", run).ok().out
    assert "y, binary: ok, late; positive class 'late'" in bpcli("inspect", run).ok().out
    assert bpcli("inspect", run, "--json").ok().json["network"]["target"]["positive"] == "late"
    assert bpcli("evaluate", run, "--json").ok().json["positive"] == "late"
    summary = json.loads((run / "summary.json").read_text())
    assert (summary["positive"], summary["test"]["positive"]) == ("late", "late")
    failed = bpcli("evaluate", run, "--require", "f1>1", "--require", "accuracy>1")
    assert failed.code == 6
    assert "required f1 of class 'late' > 1, but it is" in failed.err
    assert "required accuracy > 1, but it is" in failed.err
    bpcli("report", run, "--output", tmp_path / "report.html").ok()
    page = (tmp_path / "report.html").read_text()
    assert "Precision, recall, F1 and curves refer to the positive class, &#x27;late&#x27;." in page
    assert page.count("positive class: &#x27;late&#x27;") == 4  # ROC, precision and recall, calibration, threshold
    result = bpcli("train", tmp_path / "run.json", "--run-dir", tmp_path / "again").ok()
    assert "\npositive class: 'late'\n" in result.out
    explained = bpcli("predict", tmp_path / "run.csv", "--run", run, "--explain").ok()
    assert "explained is the log-odds of the predicted class" in explained.err


def test_an_unknown_class_is_an_error_at_its_place(tmp_path: Path) -> None:
    write_csv(tmp_path / "t.csv", {"a": A, "y": np.where(LATE, "late", "ok")})
    (tmp_path / "c.yaml").write_text("data:\n  path: t.csv\n  target: y\n  positive: lat\n")
    result = bpcli("check", "c.yaml", cwd=tmp_path)
    assert (result.code, result.err) == (
        2,
        "error: c.yaml:4:13: data.positive: the target has no class 'lat'; did you mean 'late'?\n",
    )


@pytest.mark.parametrize("first", ["late", "ok"])
def test_runs_with_other_positive_classes_are_compared_by_that_of_the_first(tmp_path: Path, first: str) -> None:
    runs = {name: trained(tmp_path, name, "late", "ok", positive=name) for name in ("late", "ok")}
    second = next(name for name in runs if name != first)
    rows = tmp_path / "new.csv"
    a, b = np.random.default_rng(6).normal(size=(2, 50)).round(3)
    write_csv(rows, {"a": a, "b": b, "part": ["test"] * 50, "y": np.where(a > 0, "late", np.where(b > 1, "?", "ok"))})
    found = bpcli("compare", runs[first], runs[second], "--data", rows, "--json").ok().json
    by_self = bpcli("evaluate", runs[second], "--data", rows, "--json").ok().json
    scores = found["scores"][second]
    assert {found["scores"][name]["positive"] for name in runs} == {first}
    assert (
        f"'{second}' was trained with the positive class '{second}'; its test scores here are of '{first}'"
        in found["notes"]
    )
    assert scores["per_class"] == by_self["per_class"]
    assert (scores["precision"], scores["recall"]) == tuple(
        by_self["per_class"][first][name] for name in ("precision", "recall")
    )
    for name in ("accuracy", "log_loss", "f1_macro", "roc_auc", "brier"):
        assert scores[name] == pytest.approx(by_self[name], rel=1e-7)  # 1 - p is rounded
