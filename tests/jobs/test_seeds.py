"""Runs of several seeds: their directories and commands, processes side by side, and the spread of their scores."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from commands import bpcli
from small_runs import experiment, partly_trained

from bpcli.errors import CheckpointError, ExistsError
from bpcli.jobs.seeds import (
    Division,
    SeedOutcome,
    SeedRun,
    SeedsReport,
    Spread,
    child_command,
    divide,
    require_none,
    spreads,
    train_side_by_side,
)
from bpcli.storage.records import EpochScores
from bpcli.storage.run_directory import RunDirectory
from bpcli.storage.run_listing import ListedRun


def unbegun(path: Path) -> RunDirectory:
    """The directory of a process that was killed before its first checkpoint."""
    directory = RunDirectory.create(path)
    directory.config.write_text("name: x\n")
    directory.crash_log.write_text("Fatal Python error: Segmentation fault\n\n")
    return directory


def checkpointed(path: Path) -> Path:
    """A run directory with a file in place of its last checkpoint."""
    RunDirectory.create(path).last.write_bytes(b"")
    return path


# Directories and commands


def test_directories_are_named_after_the_stem_and_the_seed(tmp_path: Path) -> None:
    assert SeedRun.below(tmp_path / "a.b", range(9, 11)) == [
        SeedRun(9, tmp_path / "a.b-seed9"),
        SeedRun(10, tmp_path / "a.b-seed10"),
    ]


def test_runs_of_a_stem_are_found_in_the_order_of_their_seeds(tmp_path: Path) -> None:
    for name in ("p-seed10", "p-seed9", "pp-seed1", "p-seed", "p-seedx", "p-seed3-old"):
        checkpointed(tmp_path / name)
    assert SeedRun.with_stem(tmp_path / "p") == SeedRun.below(tmp_path / "p", [9, 10])


def test_a_stem_without_runs_is_an_error(tmp_path: Path) -> None:
    for stem in (tmp_path / "nothing", tmp_path / "no" / "folder"):
        with pytest.raises(CheckpointError, match=f"^{stem}: no run directories .*-seed"):
            SeedRun.with_stem(stem)


def test_seeds_that_all_died_before_a_checkpoint_have_nothing_to_resume_from(tmp_path: Path) -> None:
    directory = unbegun(tmp_path / "p-seed0")
    with pytest.raises(
        CheckpointError, match="p: no seed has a checkpoint to resume from; start again with bpcli train"
    ):
        SeedRun.with_stem(tmp_path / "p")
    assert directory.config.exists()
    checkpointed(tmp_path / "p-seed1")
    assert [run.seed for run in SeedRun.with_stem(tmp_path / "p")] == [0, 1]


def test_a_run_has_begun_with_its_first_checkpoint_and_what_is_left_of_one_that_has_not_is_removed(
    tmp_path: Path,
) -> None:
    assert not SeedRun(0, tmp_path / "none").has_started()
    assert SeedRun(0, checkpointed(tmp_path / "begun")).has_started()
    died = unbegun(tmp_path / "died")
    assert not SeedRun(0, died.path).has_started()
    assert not died.path.exists()


def test_an_existing_run_is_refused(tmp_path: Path) -> None:
    runs = SeedRun.below(tmp_path / "p", range(2))
    require_none(runs)
    (tmp_path / "p-seed1").symlink_to(tmp_path / "gone")
    with pytest.raises(ExistsError, match=r"p-seed1: .*exists"):
        require_none(runs)


def test_a_run_is_resumed_where_it_was_and_otherwise_begins(tmp_path: Path) -> None:
    config, common = tmp_path / "c.yaml", ["--set", "training.epochs=3", "--threads", "1"]
    for path in (tmp_path / "none", unbegun(tmp_path / "died").path):
        fresh = ["train", str(config), *common, "--set", "seed=7", "--run-dir", str(path)]
        assert SeedRun(7, path).arguments(config, common) == fresh
        assert SeedRun(7, path).arguments(config, common, resume=True) == fresh
    begun = checkpointed(tmp_path / "begun")
    assert SeedRun(7, begun).arguments(config, common, resume=True) == ["train", "--resume", str(begun), *common]


def test_a_seed_resumed_or_begun_again_by_its_command_is_the_run_that_it_would_have_been(tmp_path: Path) -> None:
    folder = experiment(tmp_path)
    config = folder / "c.json"
    for seed in (0, 1):
        bpcli("train", config, "-q", "--set", f"seed={seed}", "--run-dir", folder / f"whole{seed}").ok()
    stopped = partly_trained(folder, 9).rename(folder / "p-seed0")
    died = unbegun(folder / "p-seed1").path
    for run in SeedRun.with_stem(folder / "p"):
        bpcli(*run.arguments(config, ["-q"], resume=True)).ok()
    for seed, path in enumerate((stopped, died)):
        best, whole_best = (at / "checkpoints/best.safetensors" for at in (path, folder / f"whole{seed}"))
        assert best.read_bytes() == whole_best.read_bytes()
        records = [(at / "metrics.jsonl").read_text().splitlines() for at in (path, folder / f"whole{seed}")]
        timeless = [[{**json.loads(line), "seconds": 0} for line in lines] for lines in records]
        assert timeless[0] == timeless[1]
    assert not RunDirectory(died).crash_log.exists()


# Cores and memory


@pytest.mark.parametrize(
    ("count", "threads", "memory", "expected"),
    [
        (3, None, 100, Division(3, 2, False)),
        (2, None, 100, Division(2, 4, False)),
        (20, None, 100, Division(8, 1, False)),
        (20, 3, 100, Division(2, 3, False)),
        (20, 16, 100, Division(1, 16, False)),
        (20, None, 30, Division(3, 2, True)),
        (20, None, 0, Division(1, 8, True)),
        (20, 3, 20, Division(2, 3, False)),
    ],
)
def test_eight_cores_and_the_memory_are_divided_among_runs_that_need_ten(
    count: int, threads: int | None, memory: int, expected: Division
) -> None:
    assert divide(count, threads, cores=8, memory=memory, needed=10) == expected


# Processes


def programs(*texts: str) -> dict[SeedRun, list[str]]:
    return {SeedRun(seed, Path(f"r{seed}")): [sys.executable, "-c", text] for seed, text in enumerate(texts)}


def none_killed(run: SeedRun, number: int) -> None:
    raise AssertionError(f"seed {run.seed} was killed by {number}")


def codes_of(
    commands: dict[SeedRun, list[str]],
    at_once: int = 2,
    stop: Callable[[], int | None] = lambda: None,
    say: Callable[[SeedRun, str], None] = lambda run, line: None,
    killed: Callable[[SeedRun, int], None] = none_killed,
) -> dict[int, int]:
    codes = train_side_by_side(commands, at_once, stop, say, killed)
    return {run.seed: code for run, code in codes.items()}


def test_exit_codes_are_those_of_processes_and_of_signals_as_in_a_shell_and_signals_are_reported() -> None:
    crash = "import ctypes; ctypes.string_at(0)"
    killed: list[tuple[int, int]] = []
    codes = codes_of(
        programs("raise SystemExit(5)", crash, "raise SystemExit(139)", "import os; os.kill(os.getpid(), 9)", "pass"),
        killed=lambda run, number: killed.append((run.seed, number)),
    )
    assert codes == {0: 5, 1: 139, 2: 139, 3: 137, 4: 0}
    assert sorted(killed) == [(1, signal.SIGSEGV), (3, signal.SIGKILL)]


def test_lines_come_whole_however_they_are_written() -> None:
    program = (
        "import sys, time\nfor part in ('a', 'b\\nc', '\\n', 'é\\n'):\n"
        "    sys.stderr.write(part)\n    sys.stderr.flush()\n    time.sleep(0.05)"
    )
    heard: list[str] = []
    codes_of(programs(program), say=lambda run, line: heard.append(line))
    assert heard == ["ab", "c", "é"]


def test_no_more_than_asked_for_run_at_once(tmp_path: Path, record_property: Any) -> None:
    program = (
        f"import os, time, pathlib\nfolder = pathlib.Path({str(tmp_path)!r})\n"
        "(folder / f'{os.getpid()}').touch()\nprint(len(list(folder.iterdir())), file=__import__('sys').stderr)\n"
        "time.sleep(0.2)\n(folder / f'{os.getpid()}').unlink()"
    )
    counts: list[int] = []
    codes_of(programs(*[program] * 6), say=lambda run, line: counts.append(int(line)))
    assert len(counts) == 6
    assert max(counts) == 2
    record_property("cases", 6)


WAITING = (
    "import signal, sys, time\n"
    "def told(number, frame):\n    print('told', number, file=sys.stderr, flush=True)\n    raise SystemExit(7)\n"
    "signal.signal(signal.SIGTERM, told)\nprint('ready', file=sys.stderr, flush=True)\ntime.sleep(600)"
)


def test_a_signal_is_passed_on_to_those_that_run_and_no_more_are_started() -> None:
    heard: list[tuple[int, str]] = []

    codes = codes_of(
        programs(WAITING, WAITING, "pass"),
        stop=lambda: signal.SIGTERM if len(heard) >= 2 else None,
        say=lambda run, line: heard.append((run.seed, line)),
    )
    assert codes == {0: 7, 1: 7}
    assert [line for _, line in heard].count(f"told {signal.SIGTERM}") == 2


def test_an_error_of_our_own_leaves_no_process_behind() -> None:
    program = "import os, sys, time\nprint(os.getpid(), file=sys.stderr, flush=True)\ntime.sleep(600)"
    found: list[int] = []

    def fail(run: SeedRun, line: str) -> None:
        found.append(int(line))
        raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        codes_of(programs(program, program), at_once=1, say=fail)
    assert len(found) == 1
    with pytest.raises(ProcessLookupError):
        os.kill(found[0], 0)


def test_a_child_runs_bpcli_with_its_arguments_in_whatever_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bpcli.py").write_text("raise RuntimeError('not this one')")
    monkeypatch.chdir(tmp_path)
    lines: list[str] = []
    codes = codes_of(
        {SeedRun(0, tmp_path): child_command(["train", "no.yaml"])}, say=lambda _, line: lines.append(line)
    )
    assert codes == {0: 2}
    assert lines == ["error: no.yaml: no such file"]


# Spread


def test_the_deviation_is_that_of_a_sample() -> None:
    deviation = pytest.approx((((4 / 3) ** 2 + (1 / 3) ** 2 + (5 / 3) ** 2) / 2) ** 0.5)
    assert Spread.of([1.0, 2.0, None, 4.0]) == Spread(7 / 3, deviation, 1.0, 4.0, 3)
    assert Spread.of([3.0]).std is None
    assert Spread.of([None]) == Spread(None, None, None, None, 0)
    assert Spread.of([1.0, float("nan"), float("inf")]) == Spread(1.0, None, 1.0, 1.0, 1)


def listed(seed: int, **changes: Any) -> ListedRun:
    best = EpochScores(seed + 1, {"validation_loss": 0.5 * seed})
    test = {"accuracy": 1.0 - seed / 4, "roc_auc": None if seed else 0.75}
    return ListedRun(Path(f"p-seed{seed}"), "finished", epochs=4, best=best, test=test, **changes)


def test_the_spread_is_over_the_best_epochs_and_the_test_rows() -> None:
    assert spreads([listed(0), listed(1)]) == {
        "validation_loss": Spread(0.25, pytest.approx(0.5**1.5), 0.0, 0.5, 2),
        "test_accuracy": Spread(0.875, pytest.approx(0.5**0.5 / 4), 0.75, 1.0, 2),
        "test_roc_auc": Spread(0.75, None, 0.75, 0.75, 1),
    }
    assert spreads([]) == {}


def test_the_document_has_every_seed_and_of_those_without_a_run_the_exit_code() -> None:
    outcomes = [SeedOutcome(0, "p-seed0", 0, listed(0, positive="yes")), SeedOutcome(1, "p-seed1", 8, None)]
    document = json.loads(json.dumps(SeedsReport("p", 1, outcomes, spreads([listed(0)])).to_json(), allow_nan=False))
    assert list(document) == ["stem", "finished", "positive", "runs", "metrics"]
    assert document["positive"] == "yes"
    assert document["runs"] == [
        {
            "seed": 0,
            "run_directory": "p-seed0",
            "exit_code": 0,
            "status": "finished",
            "epochs": 4,
            "best": {"epoch": 1, "validation_loss": 0.0},
            "test": {"accuracy": 1.0, "roc_auc": 0.75},
        },
        {"seed": 1, "run_directory": "p-seed1", "exit_code": 8},
    ]
    assert document["metrics"]["test_accuracy"] == {"mean": 1.0, "std": None, "min": 1.0, "max": 1.0, "count": 1}
