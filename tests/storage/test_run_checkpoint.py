"""A path stands for a checkpoint, and a run that is not over says so."""

from __future__ import annotations

from pathlib import Path

import pytest

from bpcli.errors import CheckpointError
from bpcli.storage.records import Summary
from bpcli.storage.run_checkpoint import find_checkpoint, unfinished_notes
from bpcli.storage.run_directory import RunDirectory

CRASHED = "Fatal Python error: Bus error\n\nCurrent thread 0x1 (most recent call first):\n"


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    """A directory without a checkpoint, under a name that a shell must have quoted."""
    return RunDirectory.create(tmp_path / "my run")


def refusal(run: RunDirectory) -> str:
    with pytest.raises(CheckpointError) as caught:
        find_checkpoint(run.path)
    return str(caught.value).removeprefix(f"{run.path}: ")


def test_a_run_stands_for_its_best_checkpoint_and_a_file_for_itself(run: RunDirectory) -> None:
    run.best.touch()
    run.last.touch()
    assert find_checkpoint(run.path) == run.best
    assert find_checkpoint(run.best) == run.best
    assert find_checkpoint(run.last) == run.last


def test_a_path_to_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="nothing: no such run or checkpoint"):
        find_checkpoint(tmp_path / "nothing")


def test_without_a_best_checkpoint_the_way_to_one_follows_from_how_the_run_ended(run: RunDirectory) -> None:
    resume = f"bpcli train --resume '{run.path}'"
    assert refusal(run) == "died before its first checkpoint; start again with bpcli train"
    run.crash_log.write_text(CRASHED)
    assert refusal(run) == "died of SIGBUS before its first checkpoint; start again with bpcli train"
    run.write_summary(Summary(status="running"))
    run.last.touch()
    assert refusal(run) == f"died of SIGBUS before its first best checkpoint; continue with {resume}"
    run.crash_log.unlink()
    assert refusal(run) == f"died before its first best checkpoint; continue with {resume}"
    with run.locked():
        still = "no best checkpoint yet: the first epoch is still training; try again later"
        assert refusal(run) == still
    run.write_summary(Summary(status="interrupted"))
    assert refusal(run) == f"no best checkpoint yet; continue with {resume}"
    run.write_summary(Summary(status="diverged"))
    assert refusal(run) == (
        "diverged in its first epoch, so there is no best checkpoint; train again at a lower learning rate"
    )


def test_only_a_run_that_is_not_over_has_a_note(run: RunDirectory) -> None:
    run.write_summary(Summary(status="running"))
    resume = f"continue with bpcli train --resume '{run.path}'"
    assert unfinished_notes(run.best) == [f"this run died before it finished; {resume}"]
    run.crash_log.write_text(CRASHED)
    assert unfinished_notes(run.last) == [f"this run died of SIGBUS before it finished; {resume}"]
    with run.locked():
        assert unfinished_notes(run.best) == ["this run is still training; its best checkpoint may change"]
    for status in ("finished", "stopped", "interrupted", "diverged"):
        run.write_summary(Summary(status=status))
        assert unfinished_notes(run.best) == []


def test_a_checkpoint_without_its_run_has_no_note(run: RunDirectory, tmp_path: Path) -> None:
    assert unfinished_notes(run.best) == []
    assert unfinished_notes(tmp_path / "copy.safetensors") == []
    run.summary.write_text("{")
    assert unfinished_notes(run.best) == []
