"""Which runs are selected for deletion, which are kept whatever is asked for, and that nothing else is deleted."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bpcli.storage.pruning import Pruning, matching
from bpcli.storage.records import Summary
from bpcli.storage.run_directory import RunDirectory
from bpcli.storage.run_listing import ListedRun, list_runs

NOW = datetime(2026, 11, 30, tzinfo=UTC)
LISTED = {"monitor": "validation_loss", "best": {"epoch": 1}, "epochs": 1, "parameters": 1, "training_seconds": 1.0}

MakeRun = Callable[..., RunDirectory]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "runs"


@pytest.fixture
def make_run(folder: Path) -> MakeRun:
    """Make a run that ended some days ago, newest first in the listing if `days` is least."""

    def made(name: str, /, days: int = 1, status: str = "finished", start: str | None = None, **config: object):
        run = RunDirectory.create(folder / name)
        for path in (run.best, run.last):
            path.write_bytes(bytes(100))
        ended = (NOW - timedelta(days=days)).isoformat()
        times = {"started_at": ended, "finished_at": ended}
        run.summary.write_text(json.dumps({**Summary().to_json(), **LISTED, **times, "status": status}))
        start_from = None if start is None else {"checkpoint": start, "sha256": "0" * 64}
        run.write_config({"name": "small", "data": {"target": "y"}, "start_from": start_from, **config})
        return run

    return made


def pruning(folder: Path, keep: int = 0, days: int | None = None) -> Pruning:
    runs = list_runs(folder).runs
    return Pruning.of(runs, runs, keep, None if days is None else timedelta(days=days), NOW)


def names(pruned: Pruning) -> set[str]:
    return {path.name for path in pruned.runs}


def test_all_but_the_first_and_the_young_are_selected(folder: Path, make_run: MakeRun) -> None:
    for days in (1, 3, 5, 9):
        make_run(f"r{days}", days)
    assert names(pruning(folder, keep=3)) == {"r9"}
    assert names(pruning(folder, days=4)) == {"r5", "r9"}
    assert names(pruning(folder, keep=3, days=4)) == {"r9"}
    assert names(pruning(folder, keep=9)) == set()
    runs = list_runs(folder).runs
    assert names(Pruning.of(runs[::-1], runs, 1, None, NOW)) == {"r1", "r3", "r5"}


def test_filters_go_by_target_config_and_status(folder: Path, make_run: MakeRun) -> None:
    make_run("one", 1)
    make_run("two", 2, status="diverged", name="large", data={"target": ["y", "z"]})
    runs = list_runs(folder).runs

    def found(**by: object) -> list[str]:
        return [run.name for run in matching(runs, **by)]

    assert found() == ["one", "two"]
    assert found(target="y") == ["one", "two"]
    assert found(target="z") == ["two"]
    assert found(names=["sm*"]) == ["one"]
    assert found(names=["large", "small"]) == ["one", "two"]
    assert found(status="diverged") == ["two"]
    assert found(target="z", names=["small"]) == []


def test_a_run_in_training_is_kept_also_if_it_began_after_the_selection(folder: Path, make_run: MakeRun) -> None:
    first, second = make_run("first"), make_run("second", 2)
    with first.locked():
        pruned = pruning(folder)
        assert pruned.kept == {"first": "a process is training here"}
        with second.locked():
            assert list(pruned.delete()) == []
        assert list(pruned.delete()) == [second.path]
    assert (first.path.is_dir(), second.path.exists()) == (True, False)


def test_a_run_that_a_remaining_one_started_from_is_kept(folder: Path, make_run: MakeRun) -> None:
    make_run("a", 4)
    make_run("b", 3, start="../a/checkpoints/best.safetensors")
    make_run("c", 2, start="../b/checkpoints/best.safetensors")
    make_run("d", 1)
    pruned = pruning(folder, keep=2)
    assert (names(pruned), pruned.kept) == (set(), {"b": "'c' started from it", "a": "'b' started from it"})
    assert names(pruning(folder, keep=1)) == {"a", "b", "c"}


def test_nothing_outside_the_folder_is_deleted(folder: Path, make_run: MakeRun, tmp_path: Path) -> None:
    make_run("inside")
    elsewhere = tmp_path / "elsewhere"
    shutil.copytree(folder / "inside", elsewhere / "run")
    (folder / "link").symlink_to(elsewhere / "run")
    linked = make_run("linked", 2)
    shutil.rmtree(linked.best.parent)
    linked.best.parent.symlink_to(elsewhere / "run" / "checkpoints")
    (linked.tensorboard).symlink_to(elsewhere)
    pruned = pruning(folder)
    assert pruned.kept == {"link": "a symbolic link"}
    assert {path.name for path in pruned.delete()} == {"inside", "linked"}
    assert [entry.name for entry in folder.iterdir()] == ["link"]
    assert len(list((elsewhere / "run").rglob("*"))) == 5


def test_a_run_with_files_of_others_is_kept(folder: Path, make_run: MakeRun) -> None:
    (make_run("a").path / "notes.txt").touch()
    (make_run("b").best.parent / "copy.safetensors").touch()
    left = make_run("c")
    (left.path / ".summary.json.123.tmp").touch()
    left.report.touch()
    left.tensorboard.mkdir()
    pruned = pruning(folder)
    assert pruned.kept == {
        "a": "holds 'notes.txt', not written by training",
        "b": "holds 'checkpoints/copy.safetensors', not written by training",
    }
    assert [path.name for path in pruned.delete()] == ["c"]


def test_sizes_are_those_of_the_files(folder: Path, make_run: MakeRun) -> None:
    run = make_run("a")
    files = [path for path in run.path.rglob("*") if path.is_file()]
    folders = [path for path in run.path.rglob("*") if path.is_dir()]
    assert pruning(folder).bytes == sum(path.stat().st_size for path in [*files, *folders])


def test_a_run_without_a_time_is_not_old(folder: Path) -> None:
    run = ListedRun(folder / "a", "finished")
    RunDirectory.create(run.path)
    assert names(Pruning.of([run], [run], 0, timedelta(0), NOW)) == set()
    assert [path.name for path in folder.iterdir()] == ["a"]
