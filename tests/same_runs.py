"""Runs in a directory of their own, and whether what two of them left behind is the same to the last bit."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from experiments import after

from bpcli.errors import CheckpointError
from bpcli.experiment.prepared import Prepared
from bpcli.jobs.resume import resume_state
from bpcli.jobs.runner import Runner
from bpcli.storage.checkpoint import Checkpoint
from bpcli.storage.run_directory import RunDirectory


def new_run(path: Path) -> RunDirectory:
    return RunDirectory.create(path)


def go(of: Prepared, directory: RunDirectory, calls: int | None = None, resume: bool = False) -> Runner:
    """Run, until the call number `calls` for whether to stop, and from the directory's checkpoint if so told."""
    run = Runner(of, directory, resume_state(of, directory) if resume else None)
    list(run.run((lambda: False) if calls is None else after(calls)))
    return run


def records(directory: RunDirectory) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in directory.metrics.read_text().splitlines()]
    return [{key: value for key, value in line.items() if key != "seconds"} for line in lines]


def contents(path: Path) -> tuple[dict[str, bytes], dict[str, Any]]:
    """A checkpoint's vectors as bytes, and its header without times."""
    checkpoint = Checkpoint.load(path)
    header = checkpoint.header.model_dump()
    del header["sha256"]
    if header["counters"]:
        del header["counters"]["seconds"]
    return {name: vector.tobytes() for name, vector in checkpoint.vectors.items()}, header


def summary(directory: RunDirectory) -> dict[str, Any]:
    times = ("training_seconds", "started_at", "finished_at")
    return {key: value for key, value in directory.read_summary().to_json().items() if key not in times}


def check_same(one: RunDirectory, other: RunDirectory) -> None:
    assert records(one) == records(other)
    assert contents(one.last) == contents(other.last)
    assert contents(one.best) == contents(other.best)
    assert summary(one) == summary(other)
    assert one.config.read_text() == other.config.read_text()


@dataclass(frozen=True)
class Whole:
    """An experiment, where its files are, and a run of it that nothing disturbed."""

    folder: Path
    config: Path
    prepared: Prepared
    directory: RunDirectory


def check_left_whole(directory: RunDirectory) -> None:
    """Every file of a run under its final name can be read."""
    for path in (directory.last, directory.best):
        if path.exists():
            Checkpoint.load(path)
    for path in (directory.summary, directory.config):
        assert not path.exists() or path.read_text().endswith("\n")


def check_goes_on(whole: Whole, directory: RunDirectory) -> bool:
    """A run that was broken off goes on to the bits of the whole one, if there is a checkpoint, or says what to do."""
    check_left_whole(directory)
    if not directory.last.exists():
        with pytest.raises(CheckpointError, match="nothing to resume from; start again with bpcli train"):
            resume_state(whole.prepared, directory)
        return False
    go(whole.prepared, directory, resume=True)
    check_same(whole.directory, directory)
    names = [[path.relative_to(run.path) for path in run.path.rglob("*")] for run in (whole.directory, directory)]
    assert sorted(names[0]) == sorted(names[1])
    return True
