"""Runs in a directory of their own, and whether what two of them left behind is the same to the last bit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from experiments import after

from bpcli.checkpoint import Checkpoint
from bpcli.experiment import Prepared
from bpcli.resume import resume_state
from bpcli.runner import Runner
from bpcli.runs import RunDirectory


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
    return {key: value for key, value in directory.read_summary().items() if key not in times}


def check_same(one: RunDirectory, other: RunDirectory) -> None:
    assert records(one) == records(other)
    assert contents(one.last) == contents(other.last)
    assert contents(one.best) == contents(other.best)
    assert summary(one) == summary(other)
    assert one.config.read_text() == other.config.read_text()
