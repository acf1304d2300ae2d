"""`bpcli reproduce`: what it prints and where, its exit codes, and its document."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
from commands import Result, bpcli
from small_runs import (
    change_epoch,
    change_header,
    cut_short_before,
    experiment,
    nudge_weights,
    record,
    trained,
)

from bpcli.storage.checkpoint import Checkpoint


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return experiment(tmp_path)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished run, not to be changed."""
    folder = experiment(tmp_path_factory.mktemp("finished"))
    trained(folder)
    return folder


@pytest.fixture
def run(finished: Path, tmp_path: Path) -> Path:
    """A finished run of one's own, with its data beside it."""
    shutil.copytree(finished, tmp_path, dirs_exist_ok=True)
    return tmp_path / "run"


def reproduce(run: Path, *options: str) -> Result:
    return bpcli("reproduce", run, "-q", *options)


def differing(run: Path) -> str:
    """What the error says, but for its beginning."""
    result = reproduce(run)
    assert result.code == 6
    assert result.err.count("\n") == 1
    start = "error: not reproduced: "
    assert result.err.startswith(start)
    return result.err.removeprefix(start).rstrip("\n")


def test_what_comes_out_is_said_in_words(run: Path) -> None:
    result = reproduce(run).ok()
    lines = result.out.splitlines()
    assert lines[0] == "metrics of 6 epochs: identical"
    assert re.fullmatch(r"last weights, 24 steps: SHA-256 [0-9a-f]{64}, identical", lines[1])
    assert re.fullmatch(r"best weights, \d+ steps: SHA-256 [0-9a-f]{64}, identical", lines[2])
    assert len(lines) == 3
    assert result.err == ""


def test_progress_goes_to_stderr(run: Path) -> None:
    result = bpcli("reproduce", run).ok()
    assert re.search(r"^epoch 6/6  train_loss ", result.err, re.MULTILINE)
    assert result.out == reproduce(run).out


def test_the_document_goes_to_stdout_whether_or_not_all_is_identical(run: Path) -> None:
    document = reproduce(run, "--json").ok().json
    assert (document["run_directory"], document["identical"], document["epochs"]) == (str(run), True, 6)
    assert document["first_difference"] is None
    change_epoch(run, 2, train_loss="x")
    result = reproduce(run, "--json")
    assert (result.code, result.json["identical"]) == (6, False)
    assert (result.json["first_difference"]["epoch"], result.json["first_difference"]["was"]) == (2, "x")
    error = json.loads(result.err)
    assert error["code"] == 6
    assert error["message"].startswith("not reproduced: epoch 2 is the first that differs: train_loss was 'x', is now ")


def test_the_first_difference_is_one_line_of_error_and_the_code_6(run: Path) -> None:
    loss = record(run, 3)["train_loss"]
    change_epoch(run, 3, train_loss=loss + 0.25)
    assert differing(run) == (
        f"epoch 3 is the first that differs: train_loss was {loss + 0.25!r}, is now {loss!r}, off by 0.25; "
        "the environment is unchanged; the run may have been resumed with other settings"
    )
    assert reproduce(run).out.startswith("metrics of 6 epochs: not identical\nlast weights, 24 steps: ")


def test_other_weights_are_shown_with_both_digests(run: Path) -> None:
    nudge_weights(run, "last")
    assert differing(run).startswith("the metrics are identical, but the weights of last differ; ")
    expected = r"^last weights, \d+ steps: SHA-256 \w+, not identical, now \w+$"
    assert re.search(expected, reproduce(run).out, re.MULTILINE)


def test_a_tolerance_is_said_with_the_largest_difference(run: Path) -> None:
    loss = record(run, 3)["train_loss"]
    change_epoch(run, 3, train_loss=loss + 0.25)
    within = reproduce(run, "--tolerance", "0.3").ok().out.splitlines()
    assert within[0] == "metrics of 6 epochs: not identical"
    assert within[-1] == "reproduced within 0.3: largest difference 0.25, epoch 3, train_loss"
    beyond = reproduce(run, "--tolerance", "1e-6")
    assert beyond.code == 6
    assert beyond.err.startswith(
        "error: not reproduced: beyond the tolerance of 1e-06: largest difference 0.25, epoch 3, train_loss: was "
        f"{loss + 0.25!r}, is now {loss!r}; "
    )
    assert reproduce(run, "--tolerance", "-1").code == 2


def test_weights_that_were_not_reached_are_called_that(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = trained(folder, "training.goal={metric: loss, value: 0.01}")
    monkeypatch.setattr("bpcli.training.monitor.Monitor.is_reached", lambda *_: True)
    result = reproduce(run)
    assert result.code == 6
    assert "epoch 2 is the first that differs: the run has it, but training now ended earlier; " in result.err
    assert re.search(r"^last weights, 24 steps: SHA-256 \w+, not reached$", result.out, re.MULTILINE)


def test_what_is_not_compared_is_said_last(folder: Path) -> None:
    run, epoch, _ = cut_short_before(folder)
    lines = reproduce(run).ok().out.splitlines()
    assert lines[-1] == f"not compared: metrics of epoch {epoch + 1}, cut short by max_time"


def test_what_differs_in_the_environment_is_named_before_and_in_the_error(run: Path) -> None:
    versions = Checkpoint.load(run / "checkpoints/last.safetensors").header.versions
    change_header(run, "last", versions={**versions, "blas": "mkl \x1b[2J", "numba": "0.61.0"})
    result = bpcli("reproduce", run).ok()
    assert f"note: blas was mkl \\x1b[2J, is now {versions['blas']}\n" in result.err
    assert "note: numba was 0.61.0, is now not used\n" in result.err
    change_epoch(run, 1, train_loss=0.0)
    assert differing(run).endswith(
        f"; changed in the environment: blas (mkl \\x1b[2J, now {versions['blas']}), numba (0.61.0, now not used)"
    )


def refused(run: Path, code: int) -> str:
    result = reproduce(run)
    assert (result.code, result.out, result.err.count("\n")) == (code, "", 1)
    return result.err


def test_changed_data_is_the_code_3(run: Path) -> None:
    with (run.parent / "t.csv").open("a") as file:
        file.write("1,2,c0\n")
    assert refused(run, 3).endswith("t.csv: the data has changed since the run; restore the original\n")


def test_what_is_no_run_is_the_code_4(run: Path) -> None:
    assert "not a run directory, but a folder of runs; give one of the runs that bpcli runs " in refused(run.parent, 4)
    (run / "checkpoints/last.safetensors").unlink()
    assert refused(run, 4).endswith("run: nothing to reproduce; it has no last checkpoint\n")
