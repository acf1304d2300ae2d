"""A run where a config is wanted, data where a run is, and so on: one line that says what it is and what to give."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from commands import PENGUINS, bpcli

CONFIG_COMMANDS = (["check"], ["train"], ["gradcheck"])
RUN_COMMANDS = (["evaluate"], ["inspect"], ["report"], ["reproduce"], ["train", "--resume"], ["compare", "runs/a"])
BEST = "runs/a/checkpoints/best.safetensors"

AS_CONFIG = {
    "my.csv": "data, not a config; bpcli init writes a config for it",
    BEST: "a checkpoint, not a config; its run directory has one, config.yaml",
    "runs": "a folder; a config is a regular file of YAML text",
    "runs/a": "a folder; a config is a regular file of YAML text, as runs/a/config.yaml is",
}
AS_RUN = {
    "my.yaml": ", but a config; train it with bpcli train my.yaml",
    "my.csv": ", but data; create a config with bpcli init, then train it with bpcli train",
    "runs": ", but a folder of runs; give one of the runs that bpcli runs runs lists",
    "runs/a/config.yaml": "; give the run that it belongs to, runs/a",
    "runs/a/checkpoints": "; give the run that it belongs to, runs/a",
    BEST: "; give the run that it belongs to, runs/a",
    "empty": "; it has no checkpoints folder",
}
AS_DATA = {
    "my.yaml": "a config; expected a data file",
    BEST: "a checkpoint; expected a data file",
    "empty": "a folder without pictures; expected a data file, or a folder of pictures",
}


@pytest.fixture
def folder(penguins_run: Path, tmp_path: Path) -> Path:
    shutil.copytree(penguins_run, tmp_path / "runs/a")
    shutil.copy(PENGUINS, tmp_path / "my.csv")
    (tmp_path / "my.yaml").write_text("data: {path: my.csv, target: species}\n")
    (tmp_path / "empty").mkdir()
    return tmp_path


def refused(folder: Path, code: int, *arguments: str) -> str:
    result = bpcli(*arguments, cwd=folder)
    assert (result.code, result.out, result.err.count("\n")) == (code, "", 1), arguments
    return result.err


def test_what_is_no_config_is_told_by_its_kind(folder: Path, record_property: Callable[[str, object], None]):
    cases = 0
    for command in CONFIG_COMMANDS:
        for path, words in AS_CONFIG.items():
            if (command, path) != (["train"], "runs/a"):
                assert refused(folder, 2, *command, path) == f"error: {path}: {words}\n"
                cases += 1
    assert cases == 11
    record_property("cases", cases)


def test_who_trains_a_run_hears_of_both_that_it_can_mean(folder: Path):
    assert refused(folder, 2, "train", "runs/a") == (
        "error: runs/a: a run directory, not a config; use --resume runs/a to continue it, or "
        "runs/a/config.yaml for a new run\n"
    )


def test_a_trace_takes_a_config_or_a_run_and_says_what_else_it_is_given(folder: Path):
    assert refused(folder, 2, "trace", "my.csv") == f"error: my.csv: {AS_CONFIG['my.csv']}\n"
    assert refused(folder, 4, "trace", "runs") == f"error: runs: not a run directory{AS_RUN['runs']}\n"
    assert refused(folder, 2, "trace", BEST).startswith(f"error: {BEST}: give the run directory")


def test_what_is_no_run_is_told_by_its_kind(folder: Path, record_property: Callable[[str, object], None]):
    cases = 0
    for command in RUN_COMMANDS:
        of_checkpoints = command[0] in ("evaluate", "inspect")
        for path, words in AS_RUN.items():
            if of_checkpoints and path == BEST:
                continue
            is_file = (folder / path).is_file()
            what = "neither a run nor a checkpoint" if of_checkpoints and is_file else "not a run directory"
            assert refused(folder, 4, *command, path) == f"error: {path}: {what}{words}\n"
            cases += 1
    assert cases == 40
    record_property("cases", cases)


def test_what_is_no_data_is_told_by_its_kind(folder: Path):
    for path, words in AS_DATA.items():
        assert refused(folder, 3, "predict", path, "--checkpoint", "runs/a") == f"error: {path}: {words}\n"
        assert refused(folder, 3, "init", path, "--target", "species") == f"error: {path}: {words}\n"
        assert refused(folder, 3, "evaluate", "runs/a", "--data", path) == f"error: {path}: {words}\n"
    (folder / "c.yaml").write_text("data: {path: my.yaml, target: species}\n")
    assert refused(folder, 3, "check", "c.yaml") == f"error: my.yaml: {AS_DATA['my.yaml']}\n"
    assert refused(folder, 2, "predict", "runs/a") == (
        "error: runs/a: a run directory, not data; give the data, and --checkpoint runs/a\n"
    )


def test_an_output_in_a_folder_that_is_not_there_is_refused_before_the_work(folder: Path):
    for command in (
        ["predict", "my.csv", "--checkpoint", "runs/a"],
        ["init", "my.csv", "--target", "species"],
        ["report", "runs/a"],
    ):
        err = refused(folder, 7, *command, "-o", "no/such/out")
        assert err == "error: no/such/out: folder 'no/such' does not exist; create it first\n"
