"""A disk that refuses costs one line and exit code 7; what was on it before can be used, and the run goes on."""

from __future__ import annotations

import errno
import itertools
import json
import resource
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from commands import ROOT, Result, bpcli
from faults import Call, Strike, at, disk, fail, fill_up, forked, since
from same_runs import Whole, check_goes_on, check_left_whole

from bpcli.storage.run_directory import RunDirectory

WRITING = ("open", "write", "fsync", "mkdir")
CHANGING = ("open", "replace", "unlink", "mkdir")

REFUSALS = {
    "no space": lambda number: at(number, fail(errno.ENOSPC)),
    "no space any more": lambda number: since(number, fail(errno.ENOSPC), WRITING),
    "no space for the rest": lambda number: at(number, fill_up),
    "no space for the rest nor for more": lambda number: since(number, fill_up, WRITING),
    "input/output error": lambda number: at(number, fail(errno.EIO)),
    "input/output errors": lambda number: since(number, fail(errno.EIO), WRITING),
    "read-only from then on": lambda number: since(number, fail(errno.EROFS), CHANGING),
    "no permission": lambda number: at(number, fail(errno.EACCES)),
}
"""What a disk may do from, or at, a call."""


SAMPLED = ("no space", "no space for the rest nor for more", "read-only from then on")
"""Refusals of the default run: of a call, of writing in part, and of all that is to come."""

REFUSED = [
    pytest.param(refusal, marks=() if refusal in SAMPLED else pytest.mark.exhaustive, id=refusal)
    for refusal in REFUSALS
]


def refusing(refusal: str, number: int, refused: list[int]) -> Strike:
    """One of REFUSALS, which notes the calls that it refuses."""
    strike = REFUSALS[refusal](number)

    def noting(call: Call) -> None:
        try:
            strike(call)
        except OSError:
            refused.append(call.number)
            raise

    return noting


def train(whole: Whole, run: Path, strike: Strike = lambda call: None) -> tuple[Result, list[str]]:
    """The command, and the calls that it made to change the disk."""
    with disk(strike) as names:
        result = bpcli("train", whole.config, "--run-dir", run, "--quiet")
    return result, names


@pytest.mark.parametrize("step", [59, pytest.param(1, marks=pytest.mark.exhaustive)])
@pytest.mark.parametrize("refusal", REFUSED)
def test_a_disk_that_refuses_any_call_of_training_is_one_line_with_7_and_the_run_goes_on(
    small: Whole, runs: Path, refusal: str, step: int, record_property: Any
) -> None:
    result, names = train(small, runs / "counted")
    result.ok()
    cases, went_on = 0, 0
    # The first makes the folder of runs, which is there already; the last closes a folder, which no disk has a say in.
    places = range(2, len(names), step)
    for place in places:
        directory, refused = RunDirectory(runs / f"refused{place}"), list[int]()
        result, _ = train(small, directory.path, refusing(refusal, place, refused))
        if not refused:
            assert result.code == 0
            continue
        cases += 1
        assert (result.code, result.out, result.err.count("\n")) == (7, "", 1)
        assert result.err.startswith(f"error: {runs}")
        if directory.last.exists():
            went_on += check_goes_on(small, directory)
        elif directory.path.exists():
            check_left_whole(directory)
            assert bpcli("train", "--resume", directory.path).code == 4
    record_property("cases", cases)
    assert cases > 0.9 * len(places) - 1
    assert went_on > len(places) / 2


@pytest.mark.parametrize("refusal", REFUSED)
def test_a_disk_that_refuses_any_call_of_predicting_leaves_the_old_file_or_none(
    small: Whole, tmp_path: Path, refusal: str, record_property: Any
) -> None:
    output = tmp_path / "out.csv"
    arguments = ("predict", small.folder / "t.csv", "--checkpoint", small.directory.path, "-o", output, "--force")
    with disk() as names:
        bpcli(*arguments).ok()
    whole = output.read_text()
    assert names[:5] == ["open", "write", "fsync", "close", "replace"]
    cases = 0
    for old, place in itertools.product((None, "old"), range(1, len(names) + 1)):
        output.unlink(missing_ok=True)
        if old is not None:
            output.write_text(old)
        refused = list[int]()
        with disk(refusing(refusal, place, refused)):
            result = bpcli(*arguments)
        cases += bool(refused)
        found = output.read_text() if output.exists() else None
        if refused:
            assert (result.code, result.out, result.err.count("\n")) == (7, "", 1)
            assert result.err.startswith(f"error: {output}: cannot write: ")
            assert found == (whole if refused[0] > names.index("replace") + 1 else old)
        else:
            assert (result.code, found) == (0, whole)
        leftovers = list(tmp_path.glob(".*"))
        assert not leftovers or "read-only" in refusal  # where nothing can be removed either
        for leftover in leftovers:
            leftover.unlink()
    record_property("cases", cases)
    assert cases > len(names)


@pytest.mark.parametrize("step", [997, pytest.param(13, marks=pytest.mark.exhaustive)])
def test_a_limit_on_the_size_of_files_is_one_line_with_7_and_the_run_goes_on(
    small: Whole, runs: Path, step: int, record_property: Any
) -> None:
    """The operating system's own short writes: it takes as many bytes of a file as the limit has room for."""
    largest = max(path.stat().st_size for path in small.directory.path.rglob("*.*"))
    limits = range(0, largest, step)
    for limit in limits:
        directory = RunDirectory(runs / f"limited{limit}")

        def limited(path: Path = directory.path, limit: int = limit) -> None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
            result = bpcli("train", small.config, "--run-dir", path, "--quiet")
            assert (result.out, result.err.count("\n")) == ("", 1)
            assert "cannot write: File too large" in result.err
            raise SystemExit(result.code)

        assert forked(limited) == 7
        check_goes_on(small, directory)
    record_property("cases", len(limits))
    assert len(limits) > 3000 // step


@pytest.mark.parametrize("step", [9, pytest.param(1, marks=pytest.mark.exhaustive)])
def test_a_run_directory_that_is_removed_under_the_run_is_one_line_with_7(
    small: Whole, runs: Path, step: int, record_property: Any
) -> None:
    def removing(call: Call) -> None:
        shutil.rmtree(runs / "run")

    _, names = train(small, runs / "counted")
    first = names.index("write")
    places = range(first, len(names) + 1, step)
    for place in places:
        result, _ = train(small, runs / "run", at(place, removing))
        if result.code == 0:  # all of it had been written
            assert place > len(names) - 4
            assert result.out == f"{runs}/run\n"
            continue
        assert (result.code, result.out, result.err.count("\n")) == (7, "", 1)
        assert result.err.startswith(f"error: {runs}/run")
        assert "No such file or directory" in result.err
        assert not (runs / "run").exists()
    record_property("cases", len(places))


FULL = Path("/dev/full")


@pytest.mark.skipif(not FULL.exists(), reason="there is no /dev/full here")
@pytest.mark.parametrize("step", [3, pytest.param(1, marks=pytest.mark.exhaustive)])
def test_a_full_standard_output_is_one_line_with_7_whatever_the_command(small: Whole, runs: Path, step: int) -> None:
    table, run = small.folder / "t.csv", small.directory.path
    commands: list[tuple[object, ...]] = [
        ("--help",),
        ("--version",),
        ("schema",),
        ("init", table, "--target", "y"),
        ("check", small.config),
        ("train", small.config, "--quiet", "--run-dir", runs / "quiet"),
        ("train", small.config, "--json", "--quiet", "--run-dir", runs / "json"),
        ("evaluate", run),
        ("evaluate", run, "--json"),
        ("predict", table, "--checkpoint", run),
    ][::step]
    with FULL.open("wb") as full:
        processes = [
            subprocess.Popen(
                [sys.executable, "-m", "bpcli", *map(str, command)], cwd=ROOT, stdout=full, stderr=subprocess.PIPE
            )
            for command in commands
        ]
        for command, process in zip(commands, processes, strict=True):
            _, err = process.communicate(timeout=100)
            assert process.returncode == 7, command
            last = err.decode().splitlines()[-1]
            if "--json" in command:
                assert json.loads(last) == {"code": 7, "place": None, "message": "No space left on device"}, command
            else:
                assert last == "error: No space left on device", command
    for name in ("quiet", "json")[step == 3 :]:
        assert check_goes_on(small, RunDirectory(runs / name))
