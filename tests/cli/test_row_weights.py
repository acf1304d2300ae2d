"""Row weights where scores are shown: weighted values, and the unweighted ones beside them where they differ."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from commands import bpcli
from comparison_runs import TEST, A, B, by
from pages import tables

WEIGHT = np.where(A > 0.5, 0.5, 2)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that answers yes where the second number is above 0."""
    return by(tmp_path_factory.mktemp("weights"), "run", 0, 4, extra=", weight: w", w=WEIGHT)


def test_train_shows_the_unweighted_scores_in_parentheses(run: Path) -> None:
    result = bpcli("train", run / "config.yaml", "--run-dir", run.parent / "again").ok()
    summary = json.loads((run.parent / "again/summary.json").read_text())
    accuracy, plain = summary["test"]["accuracy"], summary["test"]["unweighted"]["accuracy"]
    assert accuracy == pytest.approx(np.average(((B > 0) == (A > 0))[TEST], weights=WEIGHT[TEST]))
    assert f"test, 30 rows: accuracy {accuracy:.4f} (unweighted {plain:.4f}), " in result.out
    last = json.loads((run.parent / "again/metrics.jsonl").read_text().splitlines()[-1])
    assert last["validation_accuracy"] != last["validation_accuracy_unweighted"]


def test_evaluate_has_a_column_of_each_and_both_confusion_matrices(run: Path) -> None:
    document = bpcli("evaluate", run, "--json").ok().json
    plain = document["unweighted"]
    lines = bpcli("evaluate", run, "--require", "yes.recall>=0").ok().out.splitlines()
    assert re.search(r", 30 rows of total weight \d+(\.\d+)?, epoch 1$", lines[0])
    assert lines[1].split() == ["weighted", "unweighted"]
    assert lines[2].split() == ["accuracy", f"{document['accuracy']:.4f}", f"{plain['accuracy']:.4f}"]
    assert "unweighted, 30 rows" in lines
    assert sum(line.startswith("true \\ predicted") for line in lines) == 2
    assert sum(map(sum, document["confusion_matrix"])) == document["weight_sum"] == WEIGHT[TEST].sum()
    assert sum(map(sum, plain["confusion_matrix"])) == plain["rows"] == 30
    assert lines[-2].split()[:3] == ["required", "value", "(weighted)"]


def test_the_page_of_a_run_shows_both(run: Path, tmp_path: Path) -> None:
    bpcli("report", run, "-o", tmp_path / "page.html").ok()
    html = (tmp_path / "page.html").read_text()
    document = bpcli("evaluate", run, "--json").ok().json
    header, accuracy, *_ = tables(html)["All metrics"]
    assert header == ["metric", "weighted", "unweighted"]
    assert accuracy == ["accuracy", f"{document['accuracy']:.4f}", f"{document['unweighted']['accuracy']:.4f}"]
    assert "Scores and curves are weighted by &#x27;w&#x27;" in html
    assert "validation accuracy unweighted" in html


def test_weights_of_1_are_as_if_there_were_none(tmp_path: Path) -> None:
    outcomes = []
    for name, extra in (("ones", ", weight: w"), ("none", ", exclude: [w]")):
        run = by(tmp_path, name, 0, 4, extra=extra, w=np.ones(90))
        document = bpcli("evaluate", run, "--json").ok().json
        outcomes.append({key: document[key] for key in document if key != "checkpoint"})
    assert outcomes[0] == outcomes[1]
    assert "unweighted" not in outcomes[0]
