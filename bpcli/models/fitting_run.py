"""Choice of the finished run whose model predicts a file, by the headers of checkpoints."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from bpcli.data.files.read import ReadOptions, read_header
from bpcli.documents.json_value import Json
from bpcli.errors import CheckpointError, DataError, UsageError
from bpcli.models.new_rows import options_of_new_rows
from bpcli.storage.header import header_from
from bpcli.storage.run_checkpoint import finished_runs
from bpcli.storage.run_directory import RunDirectory
from bpcli.storage.safetensors_file import read_about
from bpcli.system.files import is_stream
from bpcli.wording import listed, printable

MOST_NAMED = 4
"""Runs that a message names."""


class _Lacking(NamedTuple):
    """Run that does not fit a file, and the columns that the file lacks."""

    run: RunDirectory
    columns: list[str]


def fitting_run(source: Path | None, runs: Path) -> RunDirectory:
    """Newest finished run in `runs` that takes the columns of a file, or of standard input if `source` is None.

    A run of a cross-validation, which has learned from a part of the rows, is taken only if no other fits. A pipe, like
    standard input, can be read only once: it gets the newest run, and whether that fits is seen when it is read.

    Raises:
        CheckpointError: there is no finished run.
        DataError: the file cannot be read.
        UsageError: no run fits, or runs of different targets do.
    """
    finished = finished_runs(runs)
    if source is None or is_stream(source):
        return next((run for run in finished if not _is_fold(run)), finished[0])
    headers = _Headers(source)
    fitting: dict[tuple[str, ...], RunDirectory] = {}
    of_folds: dict[tuple[str, ...], RunDirectory] = {}
    lacking: list[_Lacking] = []
    failure: DataError | None = None
    for run in finished:
        try:
            about = read_about(run.best)
            found = of_folds if _fold(about) else fitting
            if (target := _target(about)) in found:
                continue
            missing = headers.missing(about)
        except CheckpointError:
            continue  # the newest run tells when it is loaded
        except DataError as error:
            failure = failure or error
            continue
        if missing:
            lacking.append(_Lacking(run, missing))
        else:
            found[target] = run
    fitting = fitting or of_folds
    if len(fitting) > 1:
        _refuse_to_choose(source, fitting)
    if fitting:
        return next(iter(fitting.values()))
    if failure is not None and not lacking:
        raise failure
    if lacking:
        _refuse_to_predict(source, runs, min(lacking, key=lambda one: len(one.columns)))
    return finished[0]


def _refuse_to_choose(source: Path, fitting: dict[tuple[str, ...], RunDirectory]) -> None:
    """Raise UsageError for runs of different targets."""
    found = [f"{printable(str(run.path))} ({listed(target)})" for target, run in fitting.items()]
    more = f" and {len(found) - MOST_NAMED:,} more" if len(found) > MOST_NAMED else ""
    named = ", ".join(found[:MOST_NAMED]) + more
    newest = printable(str(next(iter(fitting.values())).path))
    raise UsageError(
        f"{printable(str(source))}: fits runs of different targets: {named}; choose one, such as --checkpoint {newest}"
    )


def _refuse_to_predict(source: Path, runs: Path, nearest: _Lacking) -> None:
    """Raise UsageError for a file that fits no run."""
    raise UsageError(
        f"{printable(str(source))}: fits no finished run in {printable(str(runs))}; for the nearest, "
        f"{printable(str(nearest.run.path))}, it lacks {listed(nearest.columns)}"
    )


def _is_fold(run: RunDirectory) -> bool:
    """Whether a run is one of a cross-validation; False if its checkpoint does not tell."""
    try:
        return _fold(read_about(run.best)) is not None
    except CheckpointError:
        return False


def _fold(about: dict[str, Json]) -> Json:
    """Fold of the rows that a run left out, as the header of its checkpoint has it, or None."""
    section: Json = about
    for key in ("config", "data", "split", "fold"):
        section = section.get(key) if isinstance(section, dict) else None
    return section


def _target(about: dict[str, Json]) -> tuple[str, ...]:
    """Names of the target columns, as the header of a checkpoint has them; empty if it is not valid."""
    fitted = about.get("preprocessor")
    target = fitted.get("target") if isinstance(fitted, dict) else None
    if not isinstance(target, dict):
        return ()
    names = target.get("names", [target.get("name")])
    return tuple(map(str, names)) if isinstance(names, list) else ()


class _Headers:
    """Header of a file, as models read it, read once for all that read it alike."""

    def __init__(self, source: Path) -> None:
        self._source = source
        self._known: list[tuple[tuple[object, ...], list[str]]] = []

    def missing(self, about: dict[str, Json]) -> list[str]:
        """Columns of a model that the file lacks. Raises CheckpointError, and DataError for a file it cannot read."""
        header = header_from(about)
        fitted = header.preprocessor
        names = self._read(options_of_new_rows(header.config.data, fitted.input_kinds, fitted))
        there = {*names}
        return [name for name in fitted.input_kinds_in(names) if name not in there]

    def _read(self, options: ReadOptions) -> list[str]:
        way = (options.dialect, options.sheet, options.x, options.y, options.split_arrays)
        for known, names in self._known:
            if known == way:
                return names
        self._known.append((way, read_header(self._source, options)))
        return self._known[-1][1]
