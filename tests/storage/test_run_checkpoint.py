"""A path stands for a checkpoint, and a run that is not over says so."""

from __future__ import annotations

from pathlib import Path

import pytest

from bpcli.errors import CheckpointError, ExitCode
from bpcli.storage.records import Summary
from bpcli.storage.run_checkpoint import find_checkpoint, finished_runs, unfinished_notes
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


def finished(runs: Path, name: str, at: str, status: str = "finished") -> RunDirectory:
    run = RunDirectory.create(runs / name)
    run.best.write_bytes(b"")
    run.write_summary(Summary(status=status, finished_at=at))
    return run


def test_of_finished_runs_the_one_that_finished_last_comes_first(tmp_path: Path):
    finished(tmp_path, "z", "2026-11-21T10:00:00")
    finished(tmp_path, "a", "2026-11-21T12:00:00")
    finished(tmp_path, "m", "2026-11-21T11:00:00")
    assert [run.path.name for run in finished_runs(tmp_path)] == ["a", "m", "z"]


def test_runs_that_are_unfinished_broken_or_none_are_passed_over(tmp_path: Path):
    finished(tmp_path, "good", "2026-11-21T10:00:00")
    for status in ("running", "interrupted", "diverged"):
        finished(tmp_path, status, "2026-11-22T10:00:00", status)
    finished(tmp_path, "without a best", "2026-11-22T10:00:00").best.unlink()
    finished(tmp_path, "torn summary", "2026-11-22T10:00:00").summary.write_text('{"status": "fin')
    finished(tmp_path, "other summary", "2026-11-22T10:00:00").summary.write_text("[]")
    finished(tmp_path, "deep summary", "2026-11-22T10:00:00").summary.write_text("[" * 100_000)
    finished(tmp_path, "binary summary", "2026-11-22T10:00:00").summary.write_bytes(b"\xff\xfe")
    (tmp_path / "notes.txt").write_text("")
    assert [run.path.name for run in finished_runs(tmp_path)] == ["good"]


@pytest.mark.parametrize("there", [True, False])
def test_without_a_finished_run_there_is_a_word_on_what_to_do(tmp_path: Path, there: bool):
    runs = tmp_path / "runs"
    if there:
        runs.mkdir()
    with pytest.raises(CheckpointError) as caught:
        finished_runs(runs)
    assert str(caught.value) == f"{runs}: no finished run; train one first, or name one with --checkpoint"
    assert caught.value.exit_code == ExitCode.CHECKPOINT == 4


def test_runs_that_finished_together_are_ordered_by_name(tmp_path: Path) -> None:
    for name in ("b", "c", "a"):
        finished(tmp_path, name, "2026-11-21T10:00:00")
    RunDirectory.create(tmp_path / "undated").best.touch()
    RunDirectory(tmp_path / "undated").write_summary(Summary(status="finished"))
    assert [run.path.name for run in finished_runs(tmp_path)] == ["c", "b", "a", "undated"]
