"""`bpcli runs`: filters of the list, and `--prune`, which deletes runs."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import timedelta
from glob import glob
from pathlib import Path
from typing import TYPE_CHECKING

from bpcli.cli.console import aligned, note, result, result_json
from bpcli.errors import UsageError
from bpcli.system.files import kind_of, path_from_here
from bpcli.system.memory import shown_bytes
from bpcli.wording import counted, number, printable, quoted

if TYPE_CHECKING:
    from bpcli.storage.run_listing import ListedRun

UNITS = {"w": "weeks", "d": "days", "h": "hours", "m": "minutes"}


def config_names(given: str) -> list[str]:
    """Patterns of config names: those of the files that a path or pattern names, else the text itself."""
    files = [Path(path) for path in sorted(glob(given)) if Path(path).is_file()]  # noqa: PTH207
    if not files:
        return [Path(given).stem if kind_of(Path(given)) == "config" else given]
    from bpcli.config.loading import run_name
    from bpcli.config.yaml_text import read_yaml

    return [str(read_yaml(file).data.get("name") or run_name(file.stem)) for file in files]


def parse_age(text: str) -> timedelta:
    """Duration such as 7d, 12h or 2w. Raises UsageError for anything else."""
    match = re.fullmatch(r"(\d{1,6})([wdhm])", text)
    if match is None:
        raise UsageError(f"--older-than {quoted(text)}: must be a number and w, d, h or m, such as 7d")
    return timedelta(**{UNITS[match[2]]: int(match[1])})


def require_criteria(
    prune: bool, keep: int | None, older_than: str | None, status: str | None, yes: bool, as_csv: bool
) -> None:
    """Raise UsageError for options of pruning without --prune, and for --prune without a criterion."""
    given = {"--keep": keep is not None, "--older-than": older_than is not None, "--yes": yes}
    alone = next((name for name, is_given in given.items() if is_given), None)
    if not prune and alone is not None:
        raise UsageError(f"{alone} belongs to --prune")
    if prune and as_csv:
        raise UsageError("--prune and --csv exclude each other; use --json")
    if prune and keep is None and older_than is None and status is None:
        raise UsageError("--prune: say which runs, by --keep N, --older-than AGE or --status STATUS")


def prune_runs(
    folder: Path,
    candidates: Sequence[ListedRun],
    everything: Sequence[ListedRun],
    keep: int | None,
    older_than: str | None,
    yes: bool,
    as_json: bool,
) -> None:
    """List the runs that meet the criteria, and with `yes` delete them."""
    from bpcli.storage.pruning import Pruning

    age = None if older_than is None else parse_age(older_than)
    pruning = Pruning.of(candidates, everything, keep or 0, age)
    deleted = {path.name for path in pruning.delete()} if yes else set()
    runs = {run.path: run for run in candidates}
    kept = {**pruning.kept, **{path.name: "a process is training here" for path in pruning.runs if _left(path, yes)}}
    if as_json:
        listed = [
            {
                "name": path.name,
                "path": path_from_here(path),
                "status": runs[path].status,
                "started_at": runs[path].started_at,
                "bytes": size,
                "deleted": path.name in deleted,
            }
            for path, size in pruning.runs.items()
        ]
        reasons = [{"name": name, "reason": reason} for name, reason in kept.items()]
        result_json({"folder": str(folder), "prune": listed, "kept": reasons})
        return
    shown = [path for path in pruning.runs if not yes or path.name in deleted]
    if shown:
        rows = [["run", "status", "epochs", "best", "size"]]
        rows += [
            [
                path.name,
                runs[path].status,
                number(runs[path].epochs),
                number(runs[path].score),
                shown_bytes(pruning.runs[path]),
            ]
            for path in shown
        ]
        for line in aligned(rows, right=(2, 3, 4)):
            result(line)
    for name, reason in kept.items():
        note(f"kept: {printable(name)}: {reason}")
    what = f"{counted(len(shown), 'run')}, {shown_bytes(sum(pruning.runs[path] for path in shown))}"
    if not shown:
        note("nothing to delete")
    elif yes:
        note(f"deleted {what}")
    else:
        note(f"would delete {what}; add --yes to delete")


def _left(path: Path, yes: bool) -> bool:
    return yes and path.exists()
