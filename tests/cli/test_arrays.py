"""Arrays of more than two axes through the commands: one input, and the answers of a column for each position."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import DATASETS, bpcli

import bpcli as package
from bpcli.errors import DataError
from bpcli.storage.checkpoint import Checkpoint

ROWS = 300
CONFIG = {
    "layers": [{"type": "batch_norm"}, {"type": "layer_norm"}, {"type": "dropout", "rate": 0.1}, {"units": 6}],
    "loss": "cross_entropy",
    "training": {"epochs": 3, "batch_size": 32},
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same digits as an array of four axes, of two, and as text; a run on each of the first two."""
    folder = tmp_path_factory.mktemp("arrays")
    digits = np.load(DATASETS / "digits_8x8.npz")
    x, y = digits["X"][:ROWS], digits["y"][:ROWS]
    np.savez(folder / "whole.npz", X=x.reshape(-1, 4, 8, 2), y=y)
    np.savez(folder / "flat.npz", X=x, y=y)
    with (folder / "rows.csv").open("w", newline="") as file:
        csv.writer(file).writerows([[*(f"X{place}" for place in range(64)), "y"], *np.column_stack([x, y]).tolist()])
    for name in ("whole", "flat"):
        config = {**CONFIG, "data": {"path": f"{name}.npz"}}
        (folder / f"{name}.yaml").write_text(json.dumps(config))
        bpcli("train", folder / f"{name}.yaml", "--run-dir", folder / name, "--quiet").ok()
    return folder


def images(folder: Path) -> Any:
    return np.load(folder / "whole.npz")["X"]


def metrics(run: Path) -> list[dict[str, Any]]:
    records = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    return [{key: value for key, value in record.items() if key != "seconds"} for record in records]


def test_training_gives_the_bits_of_a_column_for_each_position(folder: Path):
    assert metrics(folder / "whole") == metrics(folder / "flat")
    whole, flat = (Checkpoint.load(folder / name / "checkpoints" / "last.safetensors") for name in ("whole", "flat"))
    assert {name: vector.tobytes() for name, vector in whole.vectors.items()} == {
        name: vector.tobytes() for name, vector in flat.vectors.items()
    }


def test_the_checkpoint_has_one_entry_for_the_array(folder: Path):
    header = Checkpoint.load(folder / "whole" / "checkpoints" / "best.safetensors").header
    (entry,) = header.model_dump(mode="json")["preprocessor"]["inputs"]
    assert (entry["name"], entry["type"], entry["shape"], entry["stored"]) == ("X", "array", [4, 8, 2], "uint8")
    assert len(entry["centers"]) == len(entry["scales"]) == 64


@pytest.mark.parametrize("run", ["whole", "flat"])
@pytest.mark.parametrize("data", ["whole.npz", "flat.npz", "rows.csv"])
def test_predictions_are_the_same_from_every_form_of_the_rows(folder: Path, run: str, data: str):
    expected = bpcli("predict", folder / "flat.npz", "--checkpoint", folder / "flat", "--probabilities").ok().out
    assert bpcli("predict", folder / data, "--checkpoint", folder / run, "--probabilities").ok().out == expected


def test_text_on_standard_input_has_a_column_for_each_position(folder: Path):
    expected = bpcli("predict", folder / "whole.npz", "--checkpoint", folder / "whole").ok().out
    text = (folder / "rows.csv").read_text()
    assert bpcli("predict", "-", "--checkpoint", folder / "whole", stdin=text).ok().out == expected


def test_the_newest_run_is_found_for_every_form_of_the_rows(folder: Path, monkeypatch: pytest.MonkeyPatch):
    (folder / "runs").mkdir(exist_ok=True)
    monkeypatch.chdir(folder)
    bpcli("train", "whole.yaml", "--runs-dir", "runs", "--quiet").ok()
    for data in ("whole.npz", "flat.npz", "rows.csv"):
        assert len(bpcli("predict", data).ok().rows) == ROWS


def test_positions_can_be_kept_and_the_whole_cannot(folder: Path):
    rows = bpcli("predict", folder / "whole.npz", "--checkpoint", folder / "whole", "--keep", "X20,X3,y").ok().rows
    flat = images(folder).reshape(ROWS, 64)
    assert [[int(row["X20"]), int(row["X3"])] for row in rows] == flat[:, [20, 3]].tolist()
    refused = bpcli("predict", folder / "whole.npz", "--checkpoint", folder / "whole", "--keep", "X")
    assert refused.code == 2
    assert "--keep: 'X' is an array; name positions of it, such as 'X0'" in refused.err


def test_contributions_are_named_by_position(folder: Path):
    row = bpcli("predict", folder / "whole.npz", "--checkpoint", folder / "whole", "--explain").ok().rows[0]
    found = [float(row[f"contribution_X{place}"]) for place in range(64)]
    assert float(row["baseline"]) + sum(found) == pytest.approx(float(row["explained"]), abs=1e-4)


def test_another_shape_is_refused_in_one_line(folder: Path, tmp_path: Path):
    np.savez(tmp_path / "other.npz", X=images(folder).reshape(ROWS, 8, 8), y=np.zeros(ROWS, int))
    refused = bpcli("predict", tmp_path / "other.npz", "--checkpoint", folder / "whole")
    assert refused.code == 3
    message = "other.npz: array 'X': holds rows of 8 × 8; the model expects rows of 4 × 8 × 2"
    assert refused.err.splitlines()[-1].endswith(message)
    evaluated = bpcli("evaluate", folder / "whole", "--data", tmp_path / "other.npz")
    assert (evaluated.code, "holds rows of 8 × 8" in evaluated.err) == (3, True)
    np.savez(tmp_path / "wide.npz", X=np.zeros((5, 65)))
    wide = bpcli("predict", tmp_path / "wide.npz", "--checkpoint", folder / "whole")
    assert (wide.code, "rows of 65 numbers; the model expects 64" in wide.err) == (3, True)


@pytest.mark.parametrize("data", [None, "whole.npz", "flat.npz", "rows.csv"])
def test_evaluations_are_the_same_from_every_form_of_the_rows(folder: Path, data: str | None):
    given = [] if data is None else ["--data", folder / data]
    whole, flat = (bpcli("evaluate", folder / run, *given, "--json").ok().json for run in ("whole", "flat"))
    for one in (whole, flat):  # a run is warned of the file that it was trained on
        one["notes"] = [note for note in one["notes"] if "the model was trained on" not in note]
    about = {"data": "", "checkpoint": ""}
    assert {**whole, **about} == {**flat, **about}


def test_check_shows_the_array_in_one_line(folder: Path):
    found = bpcli("check", folder / "whole.yaml", "--json").ok().json
    column = {"name": "X", "kind": "array", "encoding": "standard", "inputs": 64, "shape": [4, 8, 2], "missing": 0}
    assert found["columns"] == [column]
    lines = [line.split() for line in bpcli("check", folder / "whole.yaml").ok().out.splitlines()]
    assert ["X", "array", "4", "×", "8", "×", "2", "standard", "64", "0"] in lines
    (note,) = [one for one in found["notes"] if "constant in the training set" in one]
    constant = np.count_nonzero(np.ptp(images(folder), axis=0) == 0)
    count, rest = note.split(" ", 1)
    assert int(count) >= constant > 0, "in all rows, and so in those of training"
    assert rest == "of 64 positions of 'X' are constant in the training set"


def test_inspection_is_by_position(folder: Path):
    whole, flat = (bpcli("inspect", folder / run, "--json").ok().json for run in ("whole", "flat"))
    for part in ("importance", "contributions", "dependence", "neurons"):
        assert whole[part] == flat[part]
    assert [column["name"] for column in whole["network"]["columns"]] == ["X"]
    curve = bpcli("inspect", folder / "whole", "--column", "X20", "--json").ok().json["dependence"]["columns"]
    assert [one["column"] for one in curve] == ["X20"]
    refused = bpcli("inspect", folder / "whole", "--column", "X64")
    assert (refused.code, "no input column 'X64'" in refused.err) == (2, True)


def test_a_step_is_traced_by_position(folder: Path):
    whole, flat = (
        bpcli("trace", folder / f"{name}.yaml", "--row", "3", "--row", "5", "--json").ok().json
        for name in ("whole", "flat")
    )
    assert [row["columns"] for row in whole["rows"]] == [row["columns"] for row in flat["rows"]]
    assert [row["inputs_made"] for row in whole["rows"]] == [row["inputs_made"] for row in flat["rows"]]
    assert np.ravel(whole["layers"][0]["forward"]["x"]).tolist() == np.ravel(flat["layers"][0]["forward"]["x"]).tolist()


def test_the_gradient_check_names_positions(folder: Path):
    out = bpcli("gradcheck", folder / "whole.yaml").ok().out
    (line,) = [line for line in out.splitlines() if line.strip().startswith("0  batch_norm")]
    name, place = line.split("layers.0.")[1].split("[")
    index = np.ravel_multi_index([int(one) for one in place.split("]")[0].split(",")], (4, 8, 2))
    assert name in ("scale", "shift")
    assert line.split("]")[1].split()[0] == f"X{index}"


def test_a_run_goes_on_with_its_array(folder: Path, tmp_path: Path):
    run = tmp_path / "run"
    short = ["--set", "training.epochs=1", "--set", f"data.path={folder / 'whole.npz'}"]
    bpcli("train", folder / "whole.yaml", "--run-dir", run, "--quiet", *short).ok()
    bpcli("train", "--resume", run, "--quiet", "--set", "training.epochs=3").ok()
    assert metrics(run) == metrics(folder / "whole")


def test_a_report_has_the_array_in_one_row(folder: Path, tmp_path: Path):
    bpcli("report", folder / "whole", "--output", tmp_path / "report.html").ok()
    assert "array 4 × 8 × 2" in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_python_gives_arrays_as_they_are(folder: Path):
    model, x = package.load(folder / "whole"), images(folder)
    expected = model.predict_probabilities({f"X{place}": x.reshape(ROWS, 64)[:, place] for place in range(64)})
    for rows in ({"X": x}, [{"X": image} for image in x], x, x.reshape(ROWS, 64)):
        assert np.array_equal(model.predict_probabilities(rows), expected)
    flat = package.load(folder / "flat")
    assert np.array_equal(flat.predict_probabilities(x.reshape(ROWS, 64)), expected)
    with pytest.raises(DataError, match=r"array 'X' must be \(rows, 4, 8, 2\); this one is \(300, 8, 8\)"):
        model.predict(x.reshape(ROWS, 8, 8))


def test_a_column_beside_the_array_joins_it(folder: Path, tmp_path: Path):
    digits = np.load(folder / "whole.npz")
    y = np.column_stack([digits["X"].sum(axis=(1, 2, 3)), digits["y"]])
    for name, x in (("whole", digits["X"]), ("flat", digits["X"].reshape(ROWS, 64))):
        np.savez(tmp_path / f"{name}.npz", X=x, y=y)
        config = {**CONFIG, "layers": [{"units": 5}], "data": {"path": f"{name}.npz", "target": "y1"}}
        (tmp_path / f"{name}.yaml").write_text(json.dumps(config))
        bpcli("train", tmp_path / f"{name}.yaml", "--run-dir", tmp_path / name, "--quiet").ok()
    assert metrics(tmp_path / "whole") == metrics(tmp_path / "flat")
    assert len(bpcli("predict", tmp_path / "whole.npz", "--checkpoint", tmp_path / "whole").ok().rows) == ROWS
