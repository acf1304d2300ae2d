"""Predictions from file to file."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from commands import PENGUINS

from bpcli.config.experiment import ExperimentConfig
from bpcli.data.columns import Surprise
from bpcli.data.spec import DataSpec
from bpcli.errors import DataError, UsageError
from bpcli.experiment.prepare import prepare
from bpcli.jobs.runner import Runner
from bpcli.models.evaluation import evaluate_file
from bpcli.models.model import Model
from bpcli.models.prediction import CHUNK_ROWS, predict_files
from bpcli.storage.run_directory import RunDirectory
from bpcli.training.spec import TrainingSpec

HEADER, *LINES = PENGUINS.read_text().splitlines()


@pytest.fixture(scope="module")
def model(penguins_run: Path) -> Model:
    return Model.load(penguins_run)


def write(tmp_path: Path, lines: list[str]) -> Path:
    path = tmp_path / "data.csv"
    path.write_text("\n".join([HEADER, *lines]) + "\n")
    return path


@pytest.mark.parametrize("rows", [1, CHUNK_ROWS - 1, CHUNK_ROWS, CHUNK_ROWS + 1, 2 * CHUNK_ROWS])
def test_every_row_is_predicted_once_at_the_edges_of_chunks(model: Model, tmp_path: Path, rows: int):
    out = io.StringIO()
    lines = (LINES * (rows // len(LINES) + 1))[:rows]
    tally = predict_files(model, [write(tmp_path, lines)], out)
    assert tally.rows == rows
    assert out.getvalue().count("\n") == rows + 1


def test_what_was_not_seen_in_training_is_counted_over_all_chunks(model: Model, tmp_path: Path):
    lines = [LINES[0], LINES[0].replace("Torgersen", "Crozet")] * CHUNK_ROWS
    tally = predict_files(model, [write(tmp_path, lines)], io.StringIO())
    assert tally.surprises == {Surprise(column="island", value="Crozet"): CHUNK_ROWS}
    assert tally.ignored == ()


def test_memory_does_not_grow_with_the_values_never_seen(model: Model, tmp_path: Path):
    lines = [LINES[0].replace("Torgersen", f"Island {i}") for i in range(3000)]
    tally = predict_files(model, [write(tmp_path, lines)], io.StringIO())
    assert sum(tally.surprises.values()) == 3000
    assert tally.surprises[Surprise(column="island", value="(others)")] == 2000


def test_an_array_of_another_width_is_refused(model: Model, tmp_path: Path):
    x = np.random.default_rng(0).normal(size=(40, 3))
    np.savez(tmp_path / "three.npz", X=x, y=np.arange(40) % 2)
    np.savez(tmp_path / "five.npz", X=np.hstack([x, x[:, :2]]))
    of = prepare(ExperimentConfig(data=DataSpec(path="three.npz"), training=TrainingSpec(epochs=1)), tmp_path)
    run = RunDirectory.create(tmp_path / "run")
    list(Runner(of, run).run())
    with pytest.raises(DataError, match=r"five\.npz: rows of 5 numbers; the model expects 3"):
        predict_files(Model.load(run.path), [tmp_path / "five.npz"], io.StringIO())
    np.savez(tmp_path / "labelled.npz", X=np.hstack([x, x[:, :2]]), y=np.arange(40) % 2)
    with pytest.raises(DataError, match=r"labelled\.npz: rows of 5 numbers; the model expects 3"):
        evaluate_file(Model.load(run.path), tmp_path / "labelled.npz")
    assert evaluate_file(Model.load(run.path), tmp_path / "three.npz").report.rows == 40


def test_nothing_is_written_where_nothing_can_be_predicted(model: Model, tmp_path: Path, concrete_run: Path):
    out = io.StringIO()
    with pytest.raises(DataError, match="no column 'colour'"):
        predict_files(model, [PENGUINS], out, keep=["colour"])
    with pytest.raises(DataError, match="is not a finite number"):
        predict_files(model, [write(tmp_path, [LINES[0].replace("39.1", "long")])], out)
    with pytest.raises(UsageError, match="--probabilities: a model with loss 'mse' gives none"):
        predict_files(Model.load(concrete_run), [PENGUINS], out, probabilities=True)
    assert out.getvalue() == ""


def test_names_are_quoted_as_csv_needs(model: Model, tmp_path: Path):
    path = tmp_path / "data.csv"
    path.write_text(f'"a,b",{HEADER}\n"x ""y"" z",{LINES[0]}\n')
    out = io.StringIO()
    predict_files(model, [path], out, keep=["a,b"])
    assert out.getvalue() == '"a,b",prediction\n"x ""y"" z",Adelie\n'
