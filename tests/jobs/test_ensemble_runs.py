"""Runs of ensembles on folds: checkpoints, resuming, predictions out of fold, and what starts from them."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import bpcli as bpcli_command
from experiments import write_csv
from small_runs import experiment, partly_trained, trained

import bpcli
from bpcli.errors import BpcliError, CheckpointError, ConfigError
from bpcli.experiment.opening import open_experiment
from bpcli.jobs.reproduction import Reproduction
from bpcli.models.evaluation import evaluate_split
from bpcli.storage.checkpoint import Checkpoint
from bpcli.storage.run_directory import RunDirectory

MEMBERS = 3
FOLDED = f"ensemble={{members: {MEMBERS}, folds: true}}"
DENSE = "layers=[{units: 5}, {type: dropout, rate: 0.2}]"
ROWS = [{"a": 0.5, "b": -1.0}, {"a": -2.0, "b": 0.25}]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run, not to be changed."""
    return trained(experiment(tmp_path_factory.mktemp("whole")), FOLDED)


def test_a_checkpoint_has_the_parameters_of_every_member(whole: Path) -> None:
    best = Checkpoint.load(RunDirectory(whole).best)
    assert best.vectors["params"].shape == (MEMBERS, best.network.layout.size)
    assert best.vectors["state"].shape == (MEMBERS, best.network.state_layout.size)
    assert Checkpoint.from_bytes(best.to_bytes()).vectors["params"].tobytes() == best.vectors["params"].tobytes()
    assert json.loads((whole / "summary.json").read_text())["parameters"] == MEMBERS * best.network.layout.size


@pytest.mark.parametrize("layers", [DENSE, None], ids=["together", "one by one"])
@pytest.mark.parametrize("calls", [1, 3, 12])
def test_a_resumed_run_ends_with_the_same_bits(tmp_path: Path, layers: str | None, calls: int) -> None:
    """With batch_norm, members take their steps one by one."""
    settings = [FOLDED, *([layers] if layers else [])]
    for name in ("straight", "stopped"):
        (tmp_path / name).mkdir()
        experiment(tmp_path / name)
    straight = RunDirectory(trained(tmp_path / "straight", *settings))
    partly_trained(tmp_path / "stopped", calls, *settings)
    stopped = RunDirectory(partly_trained(tmp_path / "stopped", 10**6))
    for file in ("best", "last"):
        before, now = (Checkpoint.load(getattr(run, file)).vectors for run in (straight, stopped))
        assert all(np.array_equal(before[name], now[name]) for name in before)
    assert straight.out_of_fold.read_bytes() == stopped.out_of_fold.read_bytes()


def test_the_run_is_reproduced(whole: Path) -> None:
    reproduction = Reproduction(RunDirectory(whole))
    list(reproduction.run())
    assert reproduction.identical


def test_predictions_are_the_mean_of_the_members(whole: Path) -> None:
    model = bpcli.load(whole)
    assert model.members == MEMBERS
    of_members = [model.of_member(member).predict_probabilities(ROWS) for member in range(MEMBERS)]
    np.testing.assert_allclose(model.predict_probabilities(ROWS), np.mean(of_members, axis=0), rtol=1e-6)
    assert len({one.tobytes() for one in of_members}) == MEMBERS


def out_of_fold(run: Path) -> list[dict[str, str]]:
    with RunDirectory(run).out_of_fold.open(newline="") as file:
        return list(csv.DictReader(file))


def test_each_training_row_is_predicted_by_the_member_that_does_not_train_on_it(whole: Path) -> None:
    lines, model = out_of_fold(whole), bpcli.load(whole)
    with (whole.parent / "t.csv").open(newline="") as file:
        table = list(csv.DictReader(file))
    assert [int(line["row"]) for line in lines] == sorted(int(line["row"]) for line in lines)
    assert len(lines) == json.loads((whole / "summary.json").read_text())["rows"]["train"] == 34
    for line in lines:
        row = table[int(line["row"]) - 1]
        assert line["y"] == row["y"]
        inputs = {name: float(row[name]) for name in ("a", "b")}
        (probabilities,) = model.of_member(int(line["fold"])).predict_probabilities([inputs])
        assert float(line["probability_c1"]) == pytest.approx(probabilities[1], rel=1e-12)
        assert line["prediction"] == model.classes[int(probabilities.argmax())]


def test_validation_scores_are_those_out_of_fold(whole: Path) -> None:
    lines = out_of_fold(whole)
    losses = [-np.log(float(line[f"probability_{line['y']}"])) for line in lines]
    evaluation = evaluate_split(bpcli.load(whole), "validation")
    best = json.loads((whole / "summary.json").read_text())["best"]
    assert evaluation.source.startswith("training rows, out of fold, of")
    assert evaluation.report.rows == 34
    assert evaluation.report.scores["log_loss"] == pytest.approx(np.mean(losses), rel=1e-9)
    assert best["validation_loss"] == pytest.approx(np.mean(losses), rel=1e-5)
    record = json.loads((whole / "metrics.jsonl").read_text().splitlines()[best["epoch"] - 1])
    members = record["validation_loss_members"]
    assert len(members) == MEMBERS
    counts = np.bincount([int(line["fold"]) for line in lines])
    assert np.average(members, weights=counts) == pytest.approx(record["validation_loss"])


def test_thresholds_and_calibration_are_fitted_out_of_fold(tmp_path: Path) -> None:
    run = trained(experiment(tmp_path), FOLDED, "decision={threshold: f1, calibration: temperature}")
    summary, lines = json.loads((run / "summary.json").read_text()), out_of_fold(run)
    assert summary["decision"]["rows"] == len(lines) == 34
    threshold = summary["decision"]["thresholds"]["c1"]["value"]
    assert all((line["prediction"] == "c1") == (float(line["probability_c1"]) > threshold) for line in lines)
    assert summary["decision"]["scores"].keys() == {"validation", "test"}


def time_series(folder: Path) -> Path:
    numbers = np.random.default_rng(0).normal(size=90).cumsum()
    return write_csv(folder / "s.csv", {"x": numbers[:-1], "y": numbers[1:]})


def test_rows_in_time_order_are_predicted_only_from_earlier_ones(tmp_path: Path) -> None:
    time_series(tmp_path)
    config: dict[str, Any] = {
        "data": {"path": "s.csv", "target": "y", "split": {"order": "time", "test": 0.1}},
        "ensemble": {"members": 4, "folds": True},
        "training": {"epochs": 2},
    }
    (tmp_path / "c.json").write_text(json.dumps(config))
    prepared = open_experiment(tmp_path / "c.json")
    folds = prepared.plan.folds
    assert folds is not None
    assert folds.forward
    lines = out_of_fold(trained(tmp_path))
    assert [int(line["row"]) for line in lines] == list(range(41, 81))
    assert [int(line["fold"]) for line in lines] == sorted(int(line["fold"]) for line in lines)
    assert evaluate_split(bpcli.load(tmp_path / "run"), "validation").report.rows == 40


def test_a_group_is_in_one_fold(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    group = generator.integers(0, 12, 80)
    columns = {"g": group, "x": generator.normal(size=80), "y": generator.integers(0, 2, 80)}
    write_csv(tmp_path / "t.csv", {name: values.tolist() for name, values in columns.items()})
    config: dict[str, Any] = {
        "data": {"path": "t.csv", "target": "y", "group": "g", "split": {"test": 0}},
        "ensemble": {"members": 3, "folds": True},
        "training": {"epochs": 1},
    }
    (tmp_path / "c.json").write_text(json.dumps(config))
    lines = out_of_fold(trained(tmp_path))
    fold_of = {int(group[int(line["row"]) - 1]): line["fold"] for line in lines}
    assert len(lines) == 80
    assert all(fold_of[int(group[int(line["row"]) - 1])] == line["fold"] for line in lines)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (["data.split.validation=0.2"], "every training row is validated out of fold; omit this share"),
        (["ensemble.members=1"], "folds need at least 2 members"),
        (["ensemble.members=40"], "34 rows cannot be divided into 40 folds"),
        (["data.train=t.csv", "data.validation=t.csv", "data.path=null"], "has validation rows of its own"),
    ],
)
def test_folds_that_cannot_be_are_an_error(tmp_path: Path, settings: list[str], message: str) -> None:
    experiment(tmp_path)
    with pytest.raises(BpcliError, match=message):
        open_experiment(tmp_path / "c.json", [FOLDED, *settings])


def test_a_run_cannot_become_another_ensemble(tmp_path: Path) -> None:
    partly_trained(experiment(tmp_path), 3, FOLDED)
    with pytest.raises(CheckpointError, match="ensemble is not what this run started with"):
        partly_trained(tmp_path, 3, "ensemble.members=4")


def test_an_ensemble_starts_from_another_member_by_member(tmp_path: Path, whole: Path) -> None:
    experiment(tmp_path)
    start = [FOLDED, f"start_from={{checkpoint: {whole}}}"]
    state = open_experiment(tmp_path / "c.json", start).plan.new_state()
    np.testing.assert_array_equal(state.params, Checkpoint.load(RunDirectory(whole).best).vectors["params"])
    with pytest.raises(ConfigError, match=r"4 members, but 3 members in"):
        open_experiment(tmp_path / "c.json", [*start, "ensemble.members=4"])


def test_every_member_may_start_from_one_network(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    one = trained(experiment(tmp_path / "one"))
    experiment(tmp_path)
    state = open_experiment(tmp_path / "c.json", [FOLDED, f"start_from={{checkpoint: {one}}}"]).plan.new_state()
    params = Checkpoint.load(RunDirectory(one).best).vectors["params"]
    assert all(np.array_equal(member, params) for member in state.params)


@pytest.mark.parametrize("command", [("inspect", "--member", "2"), ("inspect",), ("evaluate",)])
def test_commands_without_test_rows_take_rows_out_of_fold(tmp_path: Path, command: tuple[str, ...]) -> None:
    run = trained(experiment(tmp_path), FOLDED, "data.split.test=0", "training.epochs=1")
    name, *options = command
    result = bpcli_command(name, run, *options).ok()
    assert result.out.startswith(f"training rows, out of fold, of {tmp_path}/t.csv, 40 rows")
    wrong = bpcli_command("inspect", run, "--member", "3")
    assert (wrong.code, wrong.err) == (2, "error: --member 3: there are members 0 to 2\n")
