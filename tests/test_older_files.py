"""Files of version 0.1 stay of use: its checkpoints load and predict the same, and its runs go on to the same end."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from commands import bpcli as bpcli_here
from golden.make_bits import ARITHMETIC, PREDICTIONS, bits, bpcli, prediction

import bpcli as package
from bpcli.storage.checkpoint import Checkpoint

OLD = Path(__file__).parent / "golden" / "0.1"
EXPECTED: dict[str, Any] = json.loads((OLD / "expected.json").read_text(encoding="utf-8"))
FINISHED = sorted(path.name for path in (OLD / "finished").iterdir())


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the files in which all has been predicted again, and all runs that can have gone on, as copies.

    One process does it, with the kernels that wrote the files.
    """
    folder = tmp_path_factory.mktemp("old") / "0.1"
    shutil.copytree(OLD, folder)
    finished = {name: folder / "finished" / name for name in FINISHED}
    commands = [prediction(run, str(data_of(run)), folder / f"{name}.csv") for name, run in finished.items()]
    for name, run in EXPECTED["runs"].items():
        copy = gone_on(folder, name)
        shutil.copytree(folder / name, copy)
        commands.append(["train", "--resume", str(copy), "--quiet", "--no-cache", *run["with"]])
        commands.append(prediction(copy, str(data_of(folder / name))))
    bpcli(commands, folder)
    return folder


def gone_on(folder: Path, name: str) -> Path:
    return folder / "gone_on" / name.replace("/", "_")


def data_config(run: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((run / "config.yaml").read_text())["data"]
    return found


def data_of(run: Path) -> Path:
    return run / data_config(run)["path"]


def is_recorded(folder: Path, name: str = "broken_off/rprop_full_batch") -> bool:
    """Whether a run has gone on with the arithmetic that the files were written with."""
    versions, environment = summary(gone_on(folder, name))["versions"], EXPECTED["environment"]
    keys = (*ARITHMETIC, *["numba"] * ("compiled" in name))
    return all(versions.get(key) == environment[key] for key in keys)


def summary(run: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((run / "summary.json").read_text())
    return found


def columns(path: Path, missing: Sequence[str] = ()) -> dict[str, list[Any]]:
    """The columns of a CSV file; those of numbers as numbers, None for what is missing."""
    header, *rows = csv.reader(path.read_text().splitlines())
    return {name: _values(cells, missing) for name, cells in zip(header, zip(*rows, strict=True), strict=True)}


def _values(cells: Sequence[str], missing: Sequence[str] = ()) -> list[Any]:
    known = [None if cell in missing else cell for cell in cells]
    with suppress(ValueError):
        return [None if cell is None else float(cell) for cell in known]
    return list(known)


def assert_close(found: dict[str, list[Any]], expected: dict[str, list[Any]]) -> None:
    assert found.keys() == expected.keys()
    for name, values in expected.items():
        if isinstance(values[0], float):
            np.testing.assert_allclose(found[name], values, rtol=1e-4, atol=1e-6, err_msg=name)
        else:
            assert found[name] == values


def assert_rounded(found: dict[str, list[Any]], before: dict[str, list[Any]]) -> None:
    """Version 0.1 wrote the digits of float32, in which it computed probabilities."""
    for name, values in before.items():
        if isinstance(values[0], float):
            np.testing.assert_allclose(found[name], values, rtol=1e-6, atol=1.2e-7, err_msg=name)
        else:
            assert found[name] == values


@pytest.mark.parametrize("name", FINISHED)
def test_a_checkpoint_predicts_what_it_predicted(old: Path, name: str):
    before, now = OLD / "finished" / name / PREDICTIONS, old / f"{name}.csv"
    assert_close(columns(now), columns(before))
    if is_recorded(old):
        assert_rounded(columns(now), columns(before))


@pytest.mark.parametrize("name", FINISHED)
def test_a_checkpoint_tells_python_what_it_told_the_command_line(name: str):
    run = OLD / "finished" / name
    data, answers = data_of(run), columns(run / PREDICTIONS)
    if data.suffix == ".npz":
        x = np.load(data)["X"]
        rows: Any = x.reshape(len(x), -1)
    else:
        values_by_column = columns(data, data_config(run)["missing"])
        rows = {column: np.array(values, object) for column, values in values_by_column.items()}
    model = package.load(run)
    predicted = np.array(model.predict(rows)).reshape(-1, sum(key.startswith("prediction") for key in answers))
    found = dict(zip(answers, predicted.T.tolist(), strict=False))
    if len(found) < len(answers):
        found |= dict(zip(list(answers)[len(found) :], model.predict_probabilities(rows).T.tolist(), strict=True))
    assert_close({key: _values([_cell(value) for value in values]) for key, values in found.items()}, answers)


def _cell(value: object) -> str:
    """A value as predictions write it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


@pytest.mark.parametrize("name", FINISHED)
def test_the_test_rows_of_a_run_score_what_they_scored(old: Path, name: str):
    scores = summary(OLD / "finished" / name)["test"] or {}
    numbers = {metric: score for metric, score in scores.items() if isinstance(score, float)}
    rows = "test" if numbers else "train"
    found = bpcli_here("evaluate", old / "finished" / name, "--split", rows, "--json", "--no-cache").ok().json
    found = found.get("unweighted", found)  # version 0.1 did not weight metrics
    assert {metric: found[metric] for metric in numbers} == pytest.approx(numbers, rel=1e-4, abs=1e-6)


@pytest.mark.parametrize("name", EXPECTED["runs"])
def test_a_run_goes_on_to_where_it_would_have_ended(old: Path, name: str):
    run, expected = gone_on(old, name), EXPECTED["runs"][name]
    assert summary(run)["status"] == "finished"
    assert summary(run)["epochs"] == expected["epochs"]
    if not is_recorded(old, name):
        pytest.skip("its bits were recorded on other arithmetic")
    assert bits(run) == expected["bits"]


def test_a_run_whose_array_was_a_column_for_each_position_goes_on_with_those(tmp_path: Path):
    folder = tmp_path / "0.1"
    shutil.copytree(OLD, folder)
    run = folder / "finished" / "images_of_more_axes"
    bpcli_here("train", "--resume", run, "--quiet", "--set", "training.epochs=6").ok()
    assert (summary(run)["status"], summary(run)["epochs"]) == ("finished", 6)
    gone_on = Checkpoint.load(run / "checkpoints" / "last.safetensors")
    assert [column.name for column in gone_on.header.preprocessor.inputs] == [f"X{place}" for place in range(64)]
    new = tmp_path / "0.1" / "finished" / "new"
    bpcli_here("train", run / "config.yaml", "--run-dir", new, "--quiet", "--set", "training.epochs=6").ok()
    whole = Checkpoint.load(new / "checkpoints" / "last.safetensors")
    assert [column.name for column in whole.header.preprocessor.inputs] == ["X"]
    # Adam takes whole steps where a gradient is rounding alone, which differs between processors.
    difference = np.abs(gone_on.vectors["params"] - whole.vectors["params"])
    assert np.mean(difference < 1e-5) > 0.97
    assert difference.max() < 1e-2
