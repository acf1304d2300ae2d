"""Runs with a threshold and a calibration: fitted on validation rows, stored, applied, and found again."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import CONFIGS, DATASETS, bpcli
from experiments import after, write_csv

import bpcli as package
from bpcli.config.loading import load_config
from bpcli.decision.fitted import FittedDecision
from bpcli.errors import UsageError
from bpcli.experiment.prepare import prepare
from bpcli.jobs.resume import resume_state
from bpcli.jobs.runner import Runner
from bpcli.jobs.training import train
from bpcli.models.evaluation import evaluate_file, evaluate_split
from bpcli.models.model import Model
from bpcli.storage.checkpoint import Checkpoint
from bpcli.storage.run_directory import RunDirectory

CREDIT = DATASETS / "credit_data.csv"
SHORT = ["training.epochs=6", "training.early_stopping=null"]
F1 = "decision={threshold: f1, calibration: temperature}"


@pytest.fixture(scope="module")
def credit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of the shipped experiment with calibration and the threshold of the best F1."""
    return train(CONFIGS / "credit.yaml", [*SHORT, F1], run_dir=tmp_path_factory.mktemp("credit") / "run").path


def decision_of(run: Path) -> FittedDecision:
    found = Checkpoint.load(run / "checkpoints/best.safetensors").header.decision
    assert found is not None
    return found


def test_what_is_reached_on_the_validation_rows_is_what_evaluate_finds_there(credit: Path) -> None:
    decision = decision_of(credit)
    (chosen,) = decision.thresholds
    found = evaluate_split(Model.load(credit), "validation")
    assert found.report.scores["f1"] == pytest.approx(chosen.score, rel=1e-12)
    assert found.report.rows == decision.rows == 668
    assert "threshold and calibration were fitted on these rows, so scores on them may be too optimistic" in found.notes
    for other in (0.05, 0.2, 0.5, 0.8):
        beside = evaluate_split(Model.load(credit).with_threshold(other), "validation").report.scores["f1"]
        assert (beside or 0) <= (chosen.score or 0)


def test_the_summary_has_the_scores_of_the_test_rows_by_the_decision(credit: Path) -> None:
    summary = RunDirectory(credit).read_summary()
    assert summary.test == evaluate_split(Model.load(credit), "test").report
    assert summary.decision is not None
    assert list(summary.decision.scores) == ["validation", "test"]
    fitted = summary.decision.scores["validation"]
    assert (fitted["after"]["log_loss"] or 1) <= (fitted["before"]["log_loss"] or 0)
    document = bpcli("evaluate", credit, "--json").ok().json["decision"]
    assert document["scores"]["evaluated"] == json.loads(json.dumps(summary.decision.to_json()))["scores"]["test"]
    assert document["thresholds"]["bad"]["value"] == decision_of(credit).thresholds[0].value
    assert document["scores"]["evaluated"]["after"]["log_loss"] == pytest.approx(summary.test.scores["log_loss"])


def test_predict_evaluate_and_python_decide_alike(credit: Path, tmp_path: Path) -> None:
    model, (chosen,) = package.load(credit), decision_of(credit).thresholds
    assert model.decision == decision_of(credit)
    result = bpcli("predict", CREDIT, "--run", credit, "--probabilities").ok()
    assert f"threshold {chosen.value:.4g}" in result.err
    by_probability = [float(row["probability_bad"]) > chosen.value for row in result.rows]
    assert [row["prediction"] == "bad" for row in result.rows] == by_probability
    with CREDIT.open() as file:
        rows = list(csv.DictReader(file))[:300]
    assert model.predict(rows).tolist() == [row["prediction"] for row in result.rows[:300]]
    np.testing.assert_allclose(
        model.predict_probabilities(rows)[:, 1], [float(row["probability_bad"]) for row in result.rows[:300]], rtol=1e-6
    )
    pairs = list(zip([row["Status"] for row in everything()], [row["prediction"] for row in result.rows], strict=True))
    classes = ("good", "bad")
    counts = [[pairs.count((true, predicted)) for predicted in classes] for true in classes]
    assert evaluate_file(model, CREDIT).report.confusion_matrix == counts


def everything() -> list[dict[str, str]]:
    with CREDIT.open() as file:
        return list(csv.DictReader(file))


def test_a_threshold_on_the_command_line_is_used_instead(credit: Path) -> None:
    result = bpcli("predict", CREDIT, "--run", credit, "--probabilities", "--threshold", "0.9").ok()
    assert [row["prediction"] == "bad" for row in result.rows] == [
        float(row["probability_bad"]) > 0.9 for row in result.rows
    ]
    assert "threshold 0.9 (given)" in bpcli("evaluate", credit, "--threshold", "0.9").ok().out
    refused = bpcli("evaluate", credit, "--threshold", "1.1")
    assert refused.code == 2
    shown = bpcli("evaluate", credit).ok().out
    bad = evaluate_split(Model.load(credit), "validation").report.groups["bad"]["support"]
    assert f"(f1, chosen on 668 validation rows, {bad} of them bad, where it is 0." in shown
    assert "\ncalibration: temperature " in shown
    assert "\nthese rows, before → after calibration: log loss " in shown


def test_the_report_shows_thresholds_and_intervals(credit: Path, tmp_path: Path) -> None:
    bpcli("report", credit, "--output", tmp_path / "page.html").ok()
    page = (tmp_path / "page.html").read_text()
    (chosen,) = decision_of(credit).thresholds
    assert f">threshold {chosen.value:.4g}</text>" in page
    assert "Calibration by bin of probability, with 95% Wilson intervals" in page
    assert "Cost by threshold" not in page
    assert "predicted if its probability is above the threshold" in page


def test_explanations_say_that_they_are_of_uncalibrated_log_odds(credit: Path) -> None:
    result = bpcli("predict", CREDIT, "--run", credit, "--explain").ok()
    assert "explained is the log-odds of the predicted class, before calibration;" in result.err


def test_another_decision_of_a_finished_run_is_fitted_without_training(credit: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(credit, run)
    before = Checkpoint.load(run / "checkpoints/best.safetensors")
    cost = "decision.threshold={type: cost, false_positive: 1, false_negative: 5}"
    result = bpcli("train", "--resume", run, "--set", cost).ok()
    assert "threshold" in result.out
    assert "nothing to train" not in result.err
    now = Checkpoint.load(run / "checkpoints/best.safetensors")
    assert np.array_equal(before.vectors["params"], now.vectors["params"])
    assert now.header.decision != before.header.decision
    fresh = train(CONFIGS / "credit.yaml", [*SHORT, F1, cost], run_dir=tmp_path / "fresh").path
    assert decision_of(fresh) == decision_of(run)
    assert "nothing to train" in bpcli("train", "--resume", run).ok().err
    bpcli("report", run, "--output", tmp_path / "page.html").ok()
    assert "Cost by threshold" in (tmp_path / "page.html").read_text()


SMALL = {"target": "y", "weight": "w", "split": {"column": "part"}}


def small(folder: Path, decision: dict[str, Any] | None = None, **config: Any) -> Path:
    """Config of a small experiment with weights, of two classes, three classes, labels and a number."""
    a, b, noise = np.random.default_rng(2).normal(size=(3, 90)).round(3)
    columns = {
        "a": a,
        "b": b,
        "w": [1, 2, 0.5] * 30,
        "part": [part for part in ("train", "validation", "test") for _ in range(30)],
        "y": np.where(a + noise > 0.3, "yes", "no"),
        "three": np.where(a > 0.5, "high", np.where(b > 0, "mid", "low")),
        "l1": (a + noise > 0).astype(int),
        "l2": (b + noise > 0).astype(int),
        "never": [*(a[:30] > 0).astype(int), *[0] * 60],
    }
    write_csv(folder / "t.csv", columns)
    others = [name for name in ("y", "three", "l1", "l2", "never") if name not in np.ravel(config.get("target", "y"))]
    document: dict[str, Any] = {
        "data": {"path": "t.csv", **SMALL, "exclude": others, **{k: v for k, v in config.items() if k == "target"}},
        "layers": [{"units": 5}],
        "training": {"epochs": 6, "batch_size": 8},
        **{key: value for key, value in config.items() if key != "target"},
        "decision": decision or {},
    }
    (folder / "c.json").write_text(json.dumps(document))
    return folder / "c.json"


def test_a_stopped_run_has_its_decision_and_ends_as_one_that_was_not_stopped(tmp_path: Path) -> None:
    config = small(tmp_path, {"threshold": "balanced_accuracy", "calibration": "isotonic"})
    whole = train(config, run_dir=tmp_path / "whole", threads=1).path
    directory = RunDirectory.create(tmp_path / "stopped")
    loaded = load_config(config)
    list(Runner(prepare(loaded.config, loaded.folder), directory).run(after(14)))
    model = Model.load(directory.path)
    assert directory.read_summary().status == "interrupted"
    assert (model.decision.rows, len(model.decision.thresholds)) == (30, 1)
    score = model.decision.thresholds[0].score
    reached = evaluate_split(model, "validation").report
    assert score is not None
    assert 0 < score <= 1
    assert reached.rows == 30
    prepared = prepare(load_config(directory.config).config, directory.path)
    list(Runner(prepared, directory, resume_state(prepared, directory)).run())
    assert decision_of(directory.path) == decision_of(whole)
    summaries = [RunDirectory(path).read_summary() for path in (directory.path, whole)]
    assert summaries[0].decision == summaries[1].decision
    assert summaries[0].test == summaries[1].test


def test_rows_count_with_their_weights(tmp_path: Path) -> None:
    weighted = Model.load(train(small(tmp_path, {"threshold": "f1"}), run_dir=tmp_path / "run").path)
    with (tmp_path / "t.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["part"] == "validation"]
    p = weighted.predict_probabilities([{"a": float(row["a"]), "b": float(row["b"])} for row in rows])[:, 1]
    weights, truth = np.array([float(row["w"]) for row in rows]), np.array([row["y"] == "yes" for row in rows])
    above = p > np.array([weighted.decision.thresholds[0].value])
    f1 = 2 * weights[above & truth].sum() / (weights[above].sum() + weights[truth].sum())
    assert weighted.decision.thresholds[0].score == pytest.approx(f1, rel=1e-12)
    assert evaluate_split(weighted, "validation").report.scores["f1"] == pytest.approx(f1, rel=1e-12)


def test_each_label_has_a_threshold_of_its_own(tmp_path: Path) -> None:
    config = small(tmp_path, {"threshold": "f1", "calibration": "temperature"}, target=["l1", "l2", "never"])
    run = train(config, run_dir=tmp_path / "run").path
    one, two, never = decision_of(run).thresholds
    assert one.value != two.value
    assert (never.value, never.score, never.met) == (0.5, None, False)
    shown = bpcli("evaluate", run, "--split", "validation").ok().out
    assert (
        f"threshold of l1 {one.value:.4g} (f1, chosen on 30 validation rows, {one.positives} of them l1, where it is"
        in shown
    )
    assert "threshold of never 0.5 (not chosen by f1: the 30 validation rows are all of one kind)" in shown
    result = bpcli("predict", tmp_path / "t.csv", "--run", run, "--probabilities").ok()
    for name, chosen in (("l1", one), ("l2", two), ("never", never)):
        assert [row[f"prediction_{name}"] == "1" for row in result.rows] == [
            float(row[f"probability_{name}"]) > chosen.value for row in result.rows
        ]


def test_several_classes_can_be_calibrated_by_a_temperature(tmp_path: Path) -> None:
    config = small(tmp_path, {"calibration": "temperature"}, target="three")
    plain = train(config, ["decision.calibration=null"], run_dir=tmp_path / "plain").path
    run = train(config, run_dir=tmp_path / "run").path
    first, other = Model.load(plain), Model.load(run)
    rows = {"a": np.linspace(-1, 1, 9), "b": np.linspace(1, -1, 9)}
    assert np.array_equal(first.predict(rows), other.predict(rows))
    assert not np.allclose(first.predict_probabilities(rows), other.predict_probabilities(rows))
    assert Checkpoint.load(plain / "checkpoints/best.safetensors").header.decision is None
    with pytest.raises(UsageError, match="--threshold: requires two classes or labels"):
        first.with_threshold(0.3)


def test_a_number_needs_no_rows_and_holds_for_every_checkpoint_of_the_run(tmp_path: Path) -> None:
    config = small(tmp_path, {"threshold": 0.25})
    run = train(config, ["data.split={validation: 0, test: 0}"], run_dir=tmp_path / "run").path
    for path in (run, run / "checkpoints/last.safetensors"):
        model = Model.load(path)
        assert model.decision.values is not None
        assert (model.decision.values.tolist(), model.decision_notes) == ([0.25], [])
    assert "threshold 0.25 (given)" in bpcli("evaluate", run).ok().out


def test_the_last_checkpoint_has_no_fitted_decision_and_says_so(credit: Path) -> None:
    result = bpcli("evaluate", credit / "checkpoints/last.safetensors").ok()
    assert "note: thresholds and calibration are fitted to the best epoch alone" in result.err
    assert "threshold" not in result.out


@pytest.mark.parametrize(
    ("decision", "config", "messages"),
    [
        (
            {"threshold": "f1", "calibration": "isotonic"},
            {"target": "three"},
            [
                "decision.threshold: requires two classes or labels, but the target has 3 classes, of which the most "
                "probable is predicted; omit it",
                "decision.calibration: isotonic requires two classes: functions of each of several probabilities need "
                "not add up to 1; use temperature",
            ],
        ),
        (
            {"threshold": 0.3, "calibration": "temperature"},
            {"target": "a"},
            [
                "decision.threshold: requires two classes or labels, but the task is regression; omit it",
                "decision.calibration: requires probabilities, which mse does not give; omit it",
            ],
        ),
        (
            {"threshold": "f1"},
            {"loss": "hinge"},
            ["decision.threshold: requires probabilities, which hinge does not give; use binary_cross_entropy"],
        ),
        (
            {"calibration": "isotonic"},
            {"target": ["l1", "l2"]},
            ["decision.calibration: isotonic requires two classes, but the target is of labels; use temperature"],
        ),
        (
            {"threshold": "f1"},
            {"target": "never"},
            [
                "decision.threshold: f1 requires validation rows of both classes, but all 30 validation rows are '0'; "
                "give a number"
            ],
        ),
    ],
)
def test_a_decision_that_the_data_does_not_allow_is_an_error_of_the_config(
    tmp_path: Path, decision: dict[str, Any], config: dict[str, Any], messages: list[str]
) -> None:
    result = bpcli("check", small(tmp_path, decision, **config))
    assert result.code == 2
    assert [line.partition("decision.")[2] for line in result.err.splitlines()] == [
        message.removeprefix("decision.") for message in messages
    ]


def test_without_validation_rows_check_says_what_to_do(tmp_path: Path) -> None:
    config = small(tmp_path, {"threshold": "f1", "calibration": "temperature"})
    result = bpcli("check", config, "--set", "data.split={validation: 0, test: 0}")
    assert result.code == 2
    assert "f1 is chosen on validation rows, and there are none; set data.split.validation" in result.err
    assert "temperature is fitted on validation rows, and there are none" in result.err


@pytest.mark.parametrize(
    "decision",
    [
        {"thresholds": [{"value": 0.5}] * 2},
        {"thresholds": [{"value": 1.5}]},
        {"calibration": {"type": "temperature", "temperature": 0}},
        {"calibration": {"type": "isotonic", "given": [0.5, 0.1], "calibrated": [0, 1]}},
    ],
)
def test_a_checkpoint_whose_decision_does_not_fit_is_refused(credit: Path, decision: dict[str, Any]) -> None:
    header = Checkpoint.load(credit / "checkpoints/best.safetensors").header
    document = {**header.model_dump(mode="json", by_alias=True), "decision": decision}
    with pytest.raises(ValueError, match="decision"):
        type(header).model_validate(document)


def test_few_validation_rows_for_a_decision_are_noted(tmp_path: Path) -> None:
    def noted(decision: dict[str, Any], **config: Any) -> list[str]:
        loaded = load_config(small(tmp_path, decision, **config))
        return [note for note in prepare(loaded.config, loaded.folder).notes if note.startswith("decision.")]

    small(tmp_path)
    with (tmp_path / "t.csv").open() as file:
        validation = [row for row in csv.DictReader(file) if row["part"] == "validation"]
    positives = sum(row["y"] == "yes" for row in validation)
    assert 1 < positives < 20
    threshold = (
        f"decision.threshold: only {positives} validation rows are 'yes', so the threshold chosen by f1 is uncertain; "
        "with fewer than 20, prefer more validation rows or a number"
    )
    isotonic = "decision.calibration: isotonic on 30 validation rows overfits; with fewer than 500, prefer temperature"
    assert noted({"threshold": {"type": "f1"}, "calibration": {"type": "isotonic"}}) == [threshold, isotonic]
    assert noted({"threshold": 0.3, "calibration": {"type": "temperature"}}) == []
    labels = noted({"threshold": {"type": "f1"}}, target=["l1", "l2"])
    counts = [sum(row[name] == "1" for row in validation) for name in ("l1", "l2")]
    assert len(labels) == sum(count < 20 for count in counts)
