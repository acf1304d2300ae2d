"""Resolution of a path to a checkpoint file, finished runs of a folder, and notes on unfinished ones."""

from __future__ import annotations

import shlex
from pathlib import Path

from bpcli.errors import CheckpointError
from bpcli.storage.run_directory import RunDirectory, wrong_path_hint
from bpcli.system.files import kind_of, path_from_here
from bpcli.wording import printable


def find_checkpoint(path: Path) -> Path:
    """Return the checkpoint file of a path: the file itself, or the best checkpoint of a run directory."""
    if not path.exists():
        raise CheckpointError(f"{printable(str(path))}: no such run or checkpoint")
    if not path.is_dir():
        if kind_of(path) in ("config", "data"):
            raise CheckpointError(f"{printable(str(path))}: neither a run nor a checkpoint{wrong_path_hint(path)}")
        return path
    run = RunDirectory.open(path)
    if not run.best.is_file():
        raise CheckpointError(f"{printable(str(path))}: {_why_no_best(run)}")
    return run.best


def finished_runs(runs: Path) -> list[RunDirectory]:
    """Finished runs in a folder, latest first. Raises CheckpointError if there are none."""
    finished = []
    for folder in runs.iterdir() if runs.is_dir() else ():
        run = RunDirectory(folder)
        summary = run.read_summary()
        if summary.status == "finished" and run.best.is_file():
            finished.append((summary.finished_at or "", folder.name, run))
    if not finished:
        raise CheckpointError(
            f"{printable(str(runs))}: no finished run; train one first, or name one with --checkpoint"
        )
    return [run for _, _, run in sorted(finished, key=lambda item: item[:2], reverse=True)]


def unfinished_notes(checkpoint: Path) -> list[str]:
    """Note for a checkpoint of a run that died or is still training; empty for any other."""
    run = RunDirectory(checkpoint.resolve().parent.parent)
    if run.read_summary().status != "running":
        return []
    if run.has_died():
        return [f"this run {run.death()} before it finished; continue with {_resuming(run)}"]
    return ["this run is still training; its best checkpoint may change"]


def _why_no_best(run: RunDirectory) -> str:
    if run.read_summary().status == "diverged":
        return "diverged in its first epoch, so there is no best checkpoint; train again at a lower learning rate"
    if run.has_died():
        if not run.last.is_file():
            return f"{run.death()} before its first checkpoint; start again with bpcli train"
        return f"{run.death()} before its first best checkpoint; continue with {_resuming(run)}"
    if run.is_marked_running():
        return "no best checkpoint yet: the first epoch is still training; try again later"
    return f"no best checkpoint yet; continue with {_resuming(run)}"


def _resuming(run: RunDirectory) -> str:
    return f"bpcli train --resume {shlex.quote(printable(path_from_here(run.path)))}"
