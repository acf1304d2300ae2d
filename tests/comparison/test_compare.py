"""A comparison of runs whose answers follow by hand."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from comparison_runs import TEST, YES, A, B, by
from experiments import write_csv
from small_runs import experiment

from bpcli.comparison.compare import SAME, compare_runs
from bpcli.comparison.document import AnswerDisagreement, NumberDisagreement
from bpcli.comparison.not_worse import NotWorse
from bpcli.errors import DataError
from bpcli.jobs.training import train
from bpcli.models.evaluation import evaluate_file, evaluate_split
from bpcli.models.model import Model
from bpcli.storage.run_directory import RunDirectory


def test_all_runs_are_scored_on_the_test_rows_of_the_first_as_evaluate_scores_them(compared_runs: Path) -> None:
    paths = [compared_runs / name for name in ("right", "wrong", "both")]
    found = compare_runs(paths)
    assert found.labels == ["right", "wrong", "both"]
    assert (found.rows.count, found.task, found.notes) == (30, "binary", [])
    for path in paths:
        assert found.scores[path.name] == evaluate_split(Model.load(path), "test").report
    assert found.scores["right"].scores["accuracy"] == 1
    assert found.scores["wrong"].scores["accuracy"] == np.mean((B > 0) == YES, where=TEST)


def test_the_rows_that_one_run_alone_has_right_are_counted_as_by_hand(compared_runs: Path) -> None:
    (found,) = compare_runs([compared_runs / "right", compared_runs / "wrong"]).differences
    missed = TEST & ((B > 0) != YES)
    assert missed.sum() > 10
    assert found.headline.right_by == {"right": missed.sum(), "wrong": 0}
    assert found.headline.difference == pytest.approx(-missed.sum() / 30)
    assert found.headline.p == pytest.approx(2 * 0.5 ** missed.sum())
    assert found.headline.better == "right"
    assert found.log_loss is not None
    assert not found.same_model
    assert found.disagreement == [
        AnswerDisagreement(
            name,
            rows=int((TEST & of).sum()),
            different=int((missed & of).sum()),
            right_by={"right": int((missed & of).sum()), "wrong": 0},
        )
        for name, of in (("no", ~YES), ("yes", YES))
    ]


def test_of_quantities_the_distances_are_those_by_hand(compared_runs: Path) -> None:
    (found,) = compare_runs([compared_runs / "numbers/exact", compared_runs / "numbers/short"]).differences
    assert (found.headline.metric, found.headline.better, found.log_loss) == ("rmse", "exact", None)
    assert found.headline.difference == pytest.approx(np.sqrt(np.mean(A[TEST] ** 2)), rel=1e-9)
    (group,) = found.disagreement
    assert isinstance(group, NumberDisagreement)
    assert (group.name, group.rows, group.nearer) == ("y", 30, {"exact": 30, "short": 0})
    assert group.mean_distance == pytest.approx(np.abs(A[TEST]).mean())
    assert group.greatest_distance == pytest.approx(np.abs(A[TEST]).max())


def test_other_rows_can_be_given(compared_runs: Path, tmp_path: Path) -> None:
    a, b = np.random.default_rng(9).normal(size=(2, 40))
    new = write_csv(tmp_path / "new.csv", {"a": a, "b": b, "y": np.where(a > 0, "yes", "no")})
    found = compare_runs([compared_runs / "right", compared_runs / "wrong"], new)
    assert (found.rows.source, found.rows.count) == (str(new), 40)
    for name in ("right", "wrong"):
        assert found.scores[name] == evaluate_file(Model.load(compared_runs / name), new).report
    assert found.scores["wrong"].scores["accuracy"] == np.mean((a > 0) == (b > 0))
    assert len(found.notes) == 1


def test_what_is_told_of_a_run_is_what_its_directory_says(compared_runs: Path) -> None:
    found = compare_runs([compared_runs / "right", compared_runs / "wrong"]).runs[1]
    summary = RunDirectory(compared_runs / "wrong").read_summary()
    assert (found.label, found.status, found.epochs, found.parameters) == ("wrong", "finished", 1, 3)
    assert (found.best, found.monitor) == (summary.best, "validation_loss")
    assert found.training_seconds == summary.training_seconds
    assert [record.epoch for record in found.curve] == [1]


def test_a_curve_holds_the_numbers_of_the_file_and_no_others(compared_runs: Path, tmp_path: Path) -> None:
    path = shutil.copytree(compared_runs / "wrong", tmp_path / "wrong")
    with (path / "metrics.jsonl").open("a") as file:
        file.write('{"epoch": 2, "validation_loss": NaN, "train_loss": 0.5}\n')
    shutil.copy(compared_runs / "t.csv", tmp_path / "t.csv")
    document = json.loads(json.dumps(compare_runs([compared_runs / "right", path]).to_json(), allow_nan=False))
    curve = document["runs"][1]["curve"]
    assert [record["epoch"] for record in curve] == [1, 2]
    assert (curve[1].get("validation_loss"), curve[1]["train_loss"]) == (None, 0.5)


def test_configs_are_compared_key_by_key(tmp_path: Path) -> None:
    folder = experiment(tmp_path)
    settings = {"one": [], "two": ["data.exclude=[b]", "layers=[{units: 3}]"]}
    for name, changes in settings.items():
        train(folder / "c.json", ["training.epochs=1", *changes], run_dir=folder / name)
    found = {entry.key: entry.values for entry in compare_runs([folder / "one", folder / "two"]).config}
    assert found["data.exclude"] == {"one": [], "two": ["b"]}
    assert found["layers.0.units"] == {"one": 5, "two": 3}
    assert found["layers.2.rate"] == {"one": 0.2}
    assert "optimizer.learning_rate" not in found


def test_where_runs_and_data_stand_is_no_difference_of_configs(tmp_path: Path) -> None:
    folder = experiment(tmp_path)
    paths = [train(folder / "c.json", run_dir=folder / name).path for name in ("run", "much/deeper/run")]
    found = compare_runs(paths)
    assert found.labels == [str(path) for path in paths]
    assert found.config == []
    assert found.differences[0].headline.p == 1


def test_different_numbers_of_epochs_are_told_and_equal_ones_are_not(tmp_path: Path) -> None:
    folder = experiment(tmp_path)
    for name, epochs in (("short", 2), ("long", 3), ("too", 3)):
        train(folder / "c.json", [f"training.epochs={epochs}"], run_dir=folder / name)
    expected = "trained for different numbers of epochs: 'short' 2, 'long' 3"
    assert compare_runs([folder / "short", folder / "long"]).notes == [expected]
    assert compare_runs([folder / "long", folder / "too"]).notes == []


def test_identical_models_are_called_that(compared_runs: Path, tmp_path: Path) -> None:
    again = by(tmp_path, "again", 4, 0)
    (found,) = compare_runs([compared_runs / "right", again]).differences
    assert found.same_model
    assert (found.headline.verdict, found.headline.difference) == (SAME, 0)
    (other,) = compare_runs([compared_runs / "right", compared_runs / "both"]).differences
    assert not other.same_model


def test_the_same_weights_with_another_decision_are_compared(tmp_path: Path) -> None:
    base = by(tmp_path, "base", 1, 0)
    high, same = (
        train(tmp_path / "c.yaml", [f"decision.threshold={value}"], run_dir=tmp_path / name, threads=1).path
        for name, value in (("high", 0.9), ("same", 0.5))
    )
    requirement = NotWorse.parse("recall not worse")
    found = compare_runs([base, high, same], requirements=[requirement])
    other, equal = found.differences
    assert (other.same_model, equal.same_model) == (False, True)
    assert found.notes == ["'high' has the same weights as 'base', but another threshold (0.9, not 0.5)"]
    recall = np.mean(A[TEST & YES] > np.log(9))
    assert found.scores["base"].scores["recall"] == 1
    assert found.scores["high"].scores["recall"] == pytest.approx(recall)
    missed = int((TEST & YES & (np.log(9) >= A)).sum())
    assert other.headline.right_by == {"base": missed, "high": 0}
    assert other.log_loss is not None
    assert other.log_loss.verdict.startswith("no difference in log_loss")
    assert [(one.difference, one.met) for one in found.requirements] == [(pytest.approx(recall - 1), False), (0, True)]


def test_another_calibration_is_named(tmp_path: Path) -> None:
    base = by(tmp_path, "base", 1, 0, y=np.where(A + B > 0, "yes", "no"))
    setting = ["decision.calibration=temperature"]
    calibrated = train(tmp_path / "c.yaml", setting, run_dir=tmp_path / "calibrated", threads=1).path
    found = compare_runs([base, calibrated])
    temperature = Model.load(calibrated).decision.calibration
    assert found.notes == [
        f"'calibrated' has the same weights as 'base', but another calibration ({temperature}, not none)"
    ]
    log_loss = found.differences[0].log_loss
    assert log_loss is not None
    assert log_loss.difference != 0
    assert found.differences[0].headline.difference == 0


def test_the_document_is_plain_json(compared_runs: Path) -> None:
    document = compare_runs([compared_runs / "numbers/exact", compared_runs / "numbers/short"]).to_json()
    assert json.loads(json.dumps(document, allow_nan=False)) == json.loads(json.dumps(document))
    assert document["rows"]["source"].endswith("numbers/t.csv")  # type: ignore[index, call-overload, union-attr]


def test_the_weights_of_the_first_run_count_for_all(tmp_path: Path) -> None:
    weight = np.where(A > 0.5, 0.25, 2)
    plain = by(tmp_path, "plain", 4, 0, w=weight, extra=", exclude: [w]")
    weighted = by(tmp_path, "weighted", 0, 4, w=weight, extra=", weight: w")
    found = compare_runs([weighted, plain])
    right = (B > 0) == YES
    assert found.rows.weight == "w"
    assert found.notes == ["all scores are weighted by 'w', as in 'weighted'; the runs have different data.weight"]
    accuracy = np.average(right[TEST], weights=weight[TEST])
    assert found.scores["weighted"].scores["accuracy"] == pytest.approx(accuracy)
    assert found.differences[0].headline.difference == pytest.approx(1 - accuracy)
    found = compare_runs([plain, weighted])
    assert (found.rows.weight, found.scores["weighted"].scores["accuracy"]) == (None, np.mean(right[TEST]))
    assert found.notes == ["all scores are unweighted, as in 'plain'; the runs have different data.weight"]


def test_a_note_about_the_rows_that_all_runs_share_is_said_once(compared_runs: Path, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "far.csv", {"a": [1, 1e9, -1], "b": [0.5, 1, -1], "y": ["yes", "yes", "no"]})
    found = compare_runs([compared_runs / name for name in ("right", "wrong", "both")], path)
    assert [line for line in found.notes if "far outside" in line] == [
        line for line in evaluate_file(Model.load(compared_runs / "right"), path).notes if "far outside" in line
    ]


def test_runs_without_test_rows_are_compared_out_of_fold(tmp_path: Path) -> None:
    """Whatever the folds of each run, a row is answered by members that have not seen it."""
    experiment(tmp_path)
    folded = ["ensemble={members: 3, folds: true}", "data.split.test=0", "training.epochs=2"]
    runs = [
        train(tmp_path / "c.json", [*folded, *more], run_dir=tmp_path / name, threads=1).path
        for name, more in {"one": [], "two": ["layers=[{units: 2}]"], "seed": ["seed=1"]}.items()
    ]
    found = compare_runs(runs)
    assert found.rows.source.startswith("training rows, out of fold, of")
    assert found.rows.count == 40
    assert "no test rows: each row is predicted out of fold" in found.notes
    for run in runs:
        assert found.scores[run.name] == evaluate_split(Model.load(run), "validation").report
    plain = train(tmp_path / "c.json", ["data.split.test=0"], run_dir=tmp_path / "plain", threads=1).path
    with pytest.raises(DataError, match=r"no test rows but rows in folds, and .* has none of these; give other rows"):
        compare_runs([runs[0], plain])
