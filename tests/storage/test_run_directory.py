"""Run directories: made once, found again, and never half written."""

from __future__ import annotations

import errno
import fcntl
import os
import re
from pathlib import Path

import pytest

from bpcli.config.yaml_text import read_yaml
from bpcli.errors import CheckpointError, ExistsError, ExitCode, FileAccessError
from bpcli.storage.records import EpochRecord, Summary
from bpcli.storage.run_directory import RunDirectory, wrong_path_hint


def finished(runs: Path, name: str, at: str, status: str = "finished") -> RunDirectory:
    run = RunDirectory.create(runs / name)
    run.best.write_bytes(b"")
    run.write_summary(Summary(status=status, finished_at=at))
    return run


def test_a_new_directory_has_room_for_checkpoints(tmp_path: Path):
    run = RunDirectory.create(tmp_path / "deep" / "run")
    assert run.best.parent.is_dir()
    assert [path.relative_to(tmp_path / "deep/run").as_posix() for path in (run.best, run.last)] == [
        "checkpoints/best.safetensors",
        "checkpoints/last.safetensors",
    ]


@pytest.mark.parametrize("kind", ["folder", "file", "link"])
def test_nothing_that_exists_is_ever_taken_for_a_new_run(tmp_path: Path, kind: str):
    path = tmp_path / "run"
    if kind == "folder":
        path.mkdir()
    elif kind == "file":
        path.write_text("")
    else:
        path.symlink_to(tmp_path / "nowhere")
    with pytest.raises(ExistsError, match="run: already exists; choose another --run-dir") as caught:
        RunDirectory.create(path)
    assert caught.value.exit_code == ExitCode.EXISTS == 8


def test_a_run_below_a_file_cannot_be_made(tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(FileAccessError, match="file/run: cannot create: "):
        RunDirectory.create(tmp_path / "file" / "run")


def test_runs_of_one_second_have_different_names(tmp_path: Path):
    names = [RunDirectory.create_named(tmp_path, "penguins").path.name for _ in range(5)]
    assert len(set(names)) == 5
    assert re.fullmatch(r"penguins-\d{8}-\d{6}", names[0])
    assert all(re.fullmatch(r"penguins-\d{8}-\d{6}(-\d)?", name) for name in names)


def test_where_all_names_are_taken_it_is_said_and_nothing_overwritten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    asked = []

    def taken(path: Path) -> RunDirectory:
        asked.append(path.name)
        raise ExistsError("taken")

    monkeypatch.setattr(RunDirectory, "create", taken)
    with pytest.raises(
        ExistsError, match=r"p\\x1b-\d{8}-\d{6}: already exists, as do 998 numbered variants; choose a --run-dir$"
    ):
        RunDirectory.create_named(tmp_path, "p\x1b")
    assert len(set(asked)) == 999
    assert asked[1] == f"{asked[0]}-2"
    assert asked[-1] == f"{asked[0]}-999"


def test_only_one_at_a_time_trains_in_a_directory(tmp_path: Path):
    run = RunDirectory.create(tmp_path / "run\x1b")
    with run.locked(), pytest.raises(ExistsError, match=r"run\\x1b: another process is training here$"), run.locked():
        pass
    with run.locked():
        assert run.path.is_dir()
    run.path.rename(tmp_path / "elsewhere")
    with pytest.raises(FileAccessError, match=r"run\\x1b: cannot lock: No such file or directory$"), run.locked():
        pass


def test_a_run_has_died_if_it_is_marked_running_and_nobody_holds_its_lock(tmp_path: Path):
    run = RunDirectory.create(tmp_path / "run")
    assert run.has_died()  # before it had a summary
    with run.locked():
        assert run.is_marked_running()
        assert not run.has_died()
    for status in ("running", "interrupted", "diverged", "finished", "stopped"):
        run.write_summary(Summary(status=status))
        assert run.is_marked_running() == run.has_died() == (status == "running")
    run.summary.write_text("{")
    assert not run.has_died()


def test_a_death_has_the_name_of_the_signal_that_was_logged(tmp_path: Path):
    run = RunDirectory.create(tmp_path / "run")
    assert (run.signal, run.death()) == (None, "died")
    run.crash_log.touch()
    assert (run.signal, run.death()) == (None, "died")
    run.crash_log.write_text("Fatal Python error: Illegal instruction\n\n")
    assert (run.signal, run.death()) == ("SIGILL", "died of SIGILL")
    run.remove_leftovers()
    assert not run.crash_log.exists()


def test_nothing_to_resume_from_says_how_the_process_died(tmp_path: Path):
    run = RunDirectory.create(tmp_path / "run")
    run.crash_log.write_text("Fatal Python error: Aborted\n\n")
    nothing = "nothing to resume from; start again with bpcli train"
    with pytest.raises(CheckpointError, match=f"run: died of SIGABRT before its first checkpoint: {nothing}$"):
        run.require_last()
    finished(tmp_path, "other", "")
    with pytest.raises(CheckpointError, match=f"other: {nothing}$"):
        RunDirectory(tmp_path / "other").require_last()


def test_only_a_run_that_died_before_its_first_checkpoint_is_discarded(tmp_path: Path):
    def began(name: str) -> RunDirectory:
        run = RunDirectory.create(tmp_path / name)
        for path in (run.config, run.metrics, run.crash_log, run.last.with_name(".last.safetensors.1.tmp")):
            path.touch()
        run.write_summary(Summary(status="running"))
        return run

    began("died").remove_if_unstarted()
    for kept in (began("last").last, began("best").best, tmp_path / "foreign/checkpoints/notes.txt"):
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.touch()
    began("over").write_summary(Summary(status="finished"))
    RunDirectory.create(tmp_path / "empty")
    with began("training").locked():
        for path in tmp_path.iterdir():
            RunDirectory(path).remove_if_unstarted()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["best", "foreign", "last", "over", "training"]
    assert all((tmp_path / name / "config.yaml").exists() for name in ("best", "last", "over", "training"))
    assert (tmp_path / "foreign/checkpoints/notes.txt").exists()


def test_a_folder_without_checkpoints_is_no_run(tmp_path: Path):
    with pytest.raises(CheckpointError, match="not a run directory"):
        RunDirectory.open(tmp_path)


def test_paths_of_data_are_kept_relative_to_the_run_through_links_too(tmp_path: Path):
    (tmp_path / "disk" / "runs").mkdir(parents=True)
    (tmp_path / "runs").symlink_to(tmp_path / "disk" / "runs")
    data = tmp_path / "data.csv"
    data.write_text("a\n")
    run = RunDirectory.create(tmp_path / "runs" / "r")
    relative = run.relative_to_run(data)
    assert relative == "../../../data.csv"
    assert (run.path / relative).samefile(data)


def test_metrics_are_appended_line_by_line(tmp_path: Path):
    run = RunDirectory.create(tmp_path / "run")
    records = [EpochRecord(1, {"loss": 0.1}), EpochRecord(2, {"loss": None}, best_epoch=1)]
    for record in records:
        run.records.append(record)
    assert run.metrics.read_text() == '{"epoch": 1, "loss": 0.1}\n{"epoch": 2, "loss": null, "best_epoch": 1}\n'
    assert list(run.records.read()) == records


@pytest.mark.parametrize(
    "torn", [b"", b'{"epoch": 4, "lo', b"\0\0\0\0", b'{"epoch": 4, "lo\xff', b"7\n", b'{"epoch": null}\n']
)
def test_going_on_drops_later_epochs_and_a_torn_line(tmp_path: Path, torn: bytes):
    run = RunDirectory.create(tmp_path / "run")
    for epoch in (1, 2, 3):
        run.records.append(EpochRecord(epoch))
    with run.metrics.open("ab") as file:
        file.write(torn)
    run.records.keep(2)
    assert run.metrics.read_text() == '{"epoch": 1}\n{"epoch": 2}\n'


@pytest.mark.parametrize("damaged", ["", "{", "\0\0", "[" * 100_000, "7", '{"epoch": "2"}'])
def test_a_damaged_line_costs_no_other_its_epoch(tmp_path: Path, damaged: str):
    run = RunDirectory.create(tmp_path / "run")
    run.metrics.write_text(f'{{"epoch": 1}}\n{damaged}\n{{"epoch": 3}}\n')
    assert list(run.records.read()) == [EpochRecord(1), EpochRecord(3)]
    run.records.keep(3)
    assert run.metrics.read_text() == '{"epoch": 1}\n{"epoch": 3}\n'


def test_a_disk_that_knows_no_locks_is_an_io_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def refuse(descriptor: int, operation: int) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    run = RunDirectory.create(tmp_path / "run")
    monkeypatch.setattr(fcntl, "flock", refuse)
    with pytest.raises(FileAccessError, match="run: cannot lock: No locks available"), run.locked():
        raise AssertionError("it was not locked")


def test_what_goes_wrong_under_the_lock_is_not_taken_for_a_lock_that_is_held(tmp_path: Path):
    run = RunDirectory.create(tmp_path / "run")
    with pytest.raises(BlockingIOError), run.locked():
        raise BlockingIOError


def test_a_run_without_metrics_has_none(tmp_path: Path):
    run = RunDirectory.create(tmp_path / "run")
    assert list(run.records.read()) == []
    run.records.keep(5)
    assert run.metrics.read_text() == ""


WORDS = [
    *(
        "no",
        "yes",
        "on",
        "null",
        "Null",
        "~",
        "true",
        "FALSE",
        "1e5",
        "-1e5",
        "+.5e3",
        ".5",
        "0o17",
        "0x1F",
        "017",
        "12:30",
    ),
    *(
        "1_000",
        "2026-11-21",
        ".inf",
        ".nan",
        "-.INF",
        "",
        " ",
        "a: b",
        "# c",
        "- d",
        "<<",
        "=",
        "!e",
        "&f",
        "*g",
        "[h",
        "{i",
    ),
    *("'", '"', "\\", "é", "🐧", "\u2028", "\x85", "a\nb", "a\tb", "\ufeff", "\x7f", "?", "%j", "@k", "`l", ">", "|"),
]


def test_the_config_can_be_read_again_whatever_its_words_are(tmp_path: Path):
    run = RunDirectory.create(tmp_path / "run")
    config = {
        "name": "x",
        "data": {"target": WORDS, "columns": {word: "numeric" for word in WORDS if word not in ("", "<<")}},
        "numbers": [0, -1, 1e-05, 1e20, 0.1, 1e-320, True, None],
    }
    run.write_config(config)
    assert read_yaml(run.config).data == config
    text = run.config.read_text()
    assert "- é\n  - 🐧\n" in text
    assert text.index("name") < text.index("data") < text.index("numbers")


def test_a_summary_is_read_back_and_none_is_empty(tmp_path: Path):
    run = RunDirectory.create(tmp_path / "run")
    assert run.read_summary() == Summary()
    run.write_summary(Summary(status="running", epochs=3))
    assert run.read_summary() == Summary(status="running", epochs=3)


def test_a_path_that_is_no_run_is_explained(tmp_path: Path):
    run = RunDirectory.create(tmp_path / "runs" / "a")
    (run.path / "report.html").touch()
    (run.path / "checkpoints" / "notes").touch()
    belongs = f"; give the run that it belongs to, {run.path}"
    assert wrong_path_hint(run.report) == wrong_path_hint(run.path / "checkpoints" / "notes") == belongs
    assert "but a folder of runs" in wrong_path_hint(tmp_path / "runs")
    assert "but a config" in wrong_path_hint(tmp_path / "c.yaml")
    assert "but data" in wrong_path_hint(tmp_path / "t.csv")
    for path in (run.path / "zebra" / "x", run.path / "a" / "x", tmp_path / "zebra"):
        assert wrong_path_hint(path) == "; it has no checkpoints folder"
