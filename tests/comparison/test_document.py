"""The document of a comparison has its keys in one order, and those alone that apply."""

from __future__ import annotations

import json
from dataclasses import replace

from bpcli.comparison.document import (
    AnswerDisagreement,
    BootstrapInterval,
    ComparedRows,
    ComparedRun,
    Comparison,
    ConfigDifference,
    JudgedDifference,
    RunDifference,
)
from bpcli.documents.scores import ScoreReport
from bpcli.storage.records import EpochRecord, EpochScores

INTERVAL = BootstrapInterval(0.95, -0.5, 0.25, "percentiles", 10, 0)
ACCURACY = JudgedDifference(
    run="b",
    against="a",
    metric="accuracy",
    difference=-0.25,
    interval=INTERVAL,
    test="McNemar, exact",
    p=0.5,
    right_by={"a": 2, "b": 1},
    p_corrected=1.0,
    better=None,
    verdict="no difference",
)
LOG_LOSS = replace(ACCURACY, metric="log_loss", test="paired bootstrap", right_by=None)
GROUP = AnswerDisagreement("x", 4, 3, {"a": 2, "b": 1})
KEYS = [
    "run",
    "against",
    "metric",
    "difference",
    "interval",
    "test",
    "p",
    "right_by",
    "p_corrected",
    "better",
    "verdict",
]


def run(label: str) -> ComparedRun:
    curve = [EpochRecord(1, {"train_loss": 0.5}, 1)]
    return ComparedRun(label, f"runs/{label}", "finished", 1, 9, 0.5, "train_loss", EpochScores(1), curve)


def comparison(*differences: RunDifference) -> Comparison:
    config = [ConfigDifference("seed", {"a": 0, "b": 1}), ConfigDifference("layers.0.units", {"a": 3})]
    scores = {"a": ScoreReport(4, {"accuracy": 0.75}), "b": ScoreReport(4, {"accuracy": 0.5})}
    return Comparison([run("a"), run("b")], config, ComparedRows("t.csv", 4), "binary", scores, differences, ["n"])


def test_all_that_was_found_is_in_the_document() -> None:
    document = json.loads(json.dumps(comparison(RunDifference(ACCURACY, LOG_LOSS, [GROUP], False)).to_json()))
    assert list(document) == ["runs", "config", "rows", "task", "scores", "differences", "notes", "requirements"]
    assert document["runs"][1] == {
        "label": "b",
        "path": "runs/b",
        "status": "finished",
        "epochs": 1,
        "parameters": 9,
        "training_seconds": 0.5,
        "monitor": "train_loss",
        "best": {"epoch": 1},
        "curve": [{"epoch": 1, "train_loss": 0.5, "best_epoch": 1}],
    }
    assert document["config"][1] == {"key": "layers.0.units", "values": {"a": 3}}
    assert document["rows"] == {"source": "t.csv", "count": 4}
    assert document["scores"]["a"] == {"rows": 4, "accuracy": 0.75}
    (entry,) = document["differences"]
    assert list(entry) == [*KEYS, "log_loss", "disagreement", "same_model"]
    assert list(entry["log_loss"]) == [key for key in KEYS if key != "right_by"]
    assert list(entry["interval"]) == ["confidence", "low", "high", "method", "resamples", "seed"]
    assert entry["disagreement"] == [{"name": "x", "rows": 4, "different": 3, "right_by": {"a": 2, "b": 1}}]


def test_what_does_not_apply_is_not_in_the_document() -> None:
    entry = RunDifference(LOG_LOSS, None, [], True).to_json()
    assert list(entry) == [*(key for key in KEYS if key != "right_by"), "disagreement", "same_model"]
    assert entry["same_model"] is True
