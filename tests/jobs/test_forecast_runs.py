"""Runs that forecast series: scored, reproduced, resumed and forecasting with the same bits."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import bpcli
from experiments import after, write_csv
from forecasts import config, days, run_of, waves

from bpcli.config.loading import load_config
from bpcli.experiment.prepare import prepare
from bpcli.experiment.prepared import Prepared
from bpcli.jobs.reproduction import Reproduction
from bpcli.jobs.runner import Runner
from bpcli.storage.checkpoint import Checkpoint
from bpcli.storage.run_directory import RunDirectory
from bpcli.training.ridge import features_of

COLUMNS = {"day": days(60), "y": waves(60)}
BLENDED = {"blend": "auto"}
WHOLE: dict[str, Any] = {
    "skip": "linear",
    "layers": [{"units": 4}],
    "ensemble": {"members": 2, "linear": True},
    "training": {"epochs": 3, "batch_size": 8, "final": "all_rows"},
}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run with all that series have: two networks and a ridge regression, trained again on all rows."""
    return run_of(tmp_path_factory.mktemp("whole"), COLUMNS, config(BLENDED, **WHOLE))


def scores_of(run: Path) -> dict[str, Any]:
    return json.loads((run / "summary.json").read_text())["test"]


def test_the_scores_of_training_are_those_of_evaluate(whole: Path) -> None:
    found = bpcli("evaluate", whole, "--json").ok().json
    scores = scores_of(whole)
    assert {name: found[name] for name in scores} == scores


@pytest.mark.parametrize("final", ["null", "all_rows"])
def test_a_run_with_a_linear_member_is_reproduced(tmp_path: Path, final: str) -> None:
    run = run_of(tmp_path, COLUMNS, config(BLENDED, **WHOLE), f"training.final={final}")
    repeated = Reproduction(RunDirectory(run))
    list(repeated.run())
    assert repeated.identical
    assert [*repeated.weights] == (["last", "best"] if final == "null" else ["last", "validated", "final", "best"])


def test_a_changed_linear_member_is_found(tmp_path: Path) -> None:
    run = run_of(tmp_path, COLUMNS, config(BLENDED, **WHOLE), "training.final=null")
    best = Checkpoint.load(run / "checkpoints/best.safetensors")
    best.vectors["params"][-1, -1] += 1
    best.save(run / "checkpoints/best.safetensors")
    repeated = Reproduction(RunDirectory(run))
    list(repeated.run())
    assert [name for name, weights in repeated.weights.items() if not weights.identical] == ["best"]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_last_member_is_the_ridge_regression(tmp_path: Path, dtype: str) -> None:
    run = run_of(tmp_path, COLUMNS, config(**WHOLE), "training.final=null", f"dtype={dtype}")
    from bpcli.models.model import Model

    model, prepared = Model.load(run), _prepared(run)
    assert prepared.linear is not None
    assert model.members == 3
    rows = prepared.datasets["test"]
    found = model.of_member(2).logits(rows.x)
    wanted = prepared.linear.logits(features_of(rows))
    assert np.abs(found - wanted).max() < (1e-14 if dtype == "float64" else 1e-6)


@pytest.mark.parametrize("calls", [3, 7, 12, 17, 20])
def test_a_stopped_run_goes_on_to_the_same_bits(tmp_path: Path, whole: Path, calls: int) -> None:
    """Stopped within the first, second or third epoch, or the final training."""
    write_csv(tmp_path / "t.csv", COLUMNS)
    (tmp_path / "c.json").write_text(json.dumps(config(BLENDED, **WHOLE)))
    loaded = load_config(tmp_path / "c.json", ())
    directory = RunDirectory.create(tmp_path / "run")
    list(Runner(prepare(loaded.config, tmp_path), directory).run(after(calls)))
    assert not (json.loads(directory.summary.read_text()).get("test"))
    bpcli("train", "--resume", directory.path).ok()
    for name in ("best", "last", "final", "validated"):
        found, wanted = (Checkpoint.load(run / f"checkpoints/{name}.safetensors") for run in (directory.path, whole))
        assert {key: vector.tobytes() for key, vector in found.vectors.items()} == {
            key: vector.tobytes() for key, vector in wanted.vectors.items()
        }
        assert found.header.intervals == wanted.header.intervals
        assert found.header.latest == wanted.header.latest
    assert scores_of(directory.path) == scores_of(whole)


def test_the_number_of_threads_changes_no_bit(tmp_path: Path, whole: Path) -> None:
    write_csv(tmp_path / "t.csv", COLUMNS)
    (tmp_path / "c.json").write_text(json.dumps(config(BLENDED, **WHOLE)))
    bpcli("train", tmp_path / "c.json", "--run-dir", tmp_path / "run", "--threads", 2).ok()
    found, wanted = (Checkpoint.load(run / "checkpoints/best.safetensors") for run in (tmp_path / "run", whole))
    assert found.vectors["params"].tobytes() == wanted.vectors["params"].tobytes()


def test_the_order_of_rows_changes_no_bit_of_the_training(tmp_path: Path) -> None:
    columns = {
        "day": days(40) + days(40),
        "y": waves(80),
        "shop": ["a"] * 40 + ["b"] * 40,
        "kind": [f"k{step * step % 5}" for step in range(80)],
    }
    settings = config({"window": 4}, {"group": "shop"})
    rows = np.random.default_rng(3).permutation(80).tolist()
    runs = []
    for name, order in (("sorted", range(80)), ("shuffled", rows)):
        (tmp_path / name).mkdir()
        given = {key: [cells[row] for row in order] for key, cells in columns.items()}
        runs.append(run_of(tmp_path / name, given, settings))
    found, wanted = (Checkpoint.load(run / "checkpoints/best.safetensors") for run in runs)
    assert found.vectors["params"].tobytes() == wanted.vectors["params"].tobytes()
    answers = [bpcli("forecast", run).ok().out for run in runs]
    assert answers[0] == answers[1]


def test_without_validation_rows_there_are_no_intervals(tmp_path: Path) -> None:
    run = run_of(tmp_path, COLUMNS, config(BLENDED, **WHOLE), "data.split.validation=0", "training.final=null")
    found = bpcli("forecast", run).ok()
    assert [*found.rows[0]] == ["day", "step", "forecast"]
    assert len(found.rows) == 3
    assert "coverage_50" not in scores_of(run)


def test_intervals_of_too_few_windows_are_left_out_with_a_note(whole: Path, tmp_path: Path) -> None:
    run = run_of(tmp_path, COLUMNS, config({"intervals": [0.5, 0.95]}), "training.epochs=1")
    found = bpcli("forecast", run).ok()
    assert [*found.rows[0]] == ["day", "step", "forecast", "lower_50", "upper_50"]
    assert "no interval of 95%: 10 validation windows are too few" in found.err


def test_a_model_of_each_dtype_forecasts(tmp_path: Path) -> None:
    run = run_of(tmp_path, COLUMNS, config(), "dtype=float64")
    assert len(bpcli("forecast", run).ok().rows) == 3
    assert bpcli("evaluate", run, "--json").ok().json["mase"] == scores_of(run)["mase"]


def _prepared(run: Path) -> Prepared:
    loaded = load_config(run / "config.yaml", ())
    return prepare(loaded.config, loaded.folder)
