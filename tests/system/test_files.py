"""Atomic writes: a file has its old or its new content, whatever happens."""

from __future__ import annotations

import errno
import os
import socket
import threading
from pathlib import Path

import pytest

from bpcli.errors import DataError, ExitCode, FileAccessError
from bpcli.system.files import (
    file_access,
    is_stream,
    path_from_here,
    remove_leftovers,
    replacing,
    write_atomic,
    write_output,
)


@pytest.fixture
def disk_full(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", fail)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_is_written_and_replaced(tmp_path: Path):
    path = tmp_path / "a.bin"
    write_atomic(path, b"old")
    write_atomic(path, b"new")
    assert path.read_bytes() == b"new"
    assert names(tmp_path) == ["a.bin"]


def test_where_the_disk_is_full_the_old_file_stays(tmp_path: Path, request: pytest.FixtureRequest):
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")
    request.getfixturevalue("disk_full")
    with pytest.raises(FileAccessError) as caught:
        write_atomic(path, b"new")
    assert str(caught.value) == f"{path}: cannot write: No space left on device"
    assert caught.value.exit_code == ExitCode.IO == 7
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["a.bin"]


def test_where_the_disk_is_full_a_new_file_does_not_appear(tmp_path: Path, disk_full: None):
    with pytest.raises(FileAccessError, match="No space left on device"), replacing(tmp_path / "a.csv") as file:
        file.write("half of it")
    assert names(tmp_path) == []


def test_a_file_being_replaced_keeps_its_name_until_it_is_whole(tmp_path: Path):
    path = tmp_path / "a.csv"
    path.write_text("old")
    with replacing(path) as file:
        file.write("new ü\n")
        file.flush()
        assert path.read_text() == "old"
    assert path.read_bytes() == "new ü\n".encode()
    assert names(tmp_path) == ["a.csv"]


def test_an_error_while_a_file_is_replaced_leaves_the_old_one(tmp_path: Path):
    path = tmp_path / "a.csv"
    path.write_text("old")

    def write_half() -> None:
        with replacing(path) as file:
            file.write("half")
            raise DataError("bad row")

    with pytest.raises(DataError, match="bad row"):
        write_half()
    assert path.read_text() == "old"
    assert names(tmp_path) == ["a.csv"]


def test_a_missing_folder_is_named(tmp_path: Path):
    with pytest.raises(FileAccessError, match=r"nowhere/a: cannot write: No such file or directory$"):
        write_atomic(tmp_path / "nowhere" / "a", b"")


def test_only_left_over_temporary_files_of_the_same_name_are_removed(tmp_path: Path):
    kept = ["a", ".a", ".a.tmp.txt", ".b.1.tmp", "a.1.tmp"]
    for name in [*kept, ".a.1.tmp", ".a.22.tmp"]:
        (tmp_path / name).write_text("")
    remove_leftovers(tmp_path / "a")
    assert names(tmp_path) == sorted(kept)


@pytest.mark.parametrize("name", ["folder", "pipe"])
def test_only_a_regular_file_is_ever_replaced(tmp_path: Path, name: str):
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(FileAccessError, match=f"{name}: cannot write: not a regular file"):
        write_atomic(tmp_path / name, b"")
    assert names(tmp_path) == ["folder", "pipe"]
    assert not (tmp_path / name).is_file()


def test_a_link_stays_a_link(tmp_path: Path):
    (tmp_path / "elsewhere").mkdir()
    target, link = tmp_path / "elsewhere" / "real", tmp_path / "link"
    target.write_text("old")
    link.symlink_to(target)
    write_atomic(link, b"new")
    assert link.is_symlink()
    assert target.read_text() == "new"
    assert names(target.parent) == ["real"]


def test_a_temporary_file_that_cannot_be_made_is_said_with_the_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def refuse(path: Path, *arguments: object, **options: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(FileAccessError, match=r"a: cannot write: Permission denied$"):
        write_atomic(tmp_path / "a", b"")


def test_a_path_is_shown_from_here_only_where_it_lies_below(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    here = tmp_path.resolve() / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    assert path_from_here(here / "runs" / ".." / "runs" / "a") == "runs/a"
    assert path_from_here(Path("../there")) == str(here.parent / "there")


def test_a_path_in_a_message_is_printable():
    with (
        pytest.raises(FileAccessError, match=r"^a\\x1bb: cannot read: Permission denied$"),
        file_access(Path("a\x1bb"), "read"),
    ):
        raise PermissionError(errno.EACCES, "Permission denied")


def test_pipes_sockets_and_devices_are_streams_and_files_are_not(tmp_path: Path):
    file, pipe, path = tmp_path / "file", tmp_path / "pipe", tmp_path / "socket"
    file.touch()
    os.mkfifo(pipe)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        assert [is_stream(one) for one in (pipe, path, Path(os.devnull))] == [True] * 3
        assert is_stream(server.fileno())
    assert [is_stream(one) for one in (file, tmp_path, tmp_path / "nothing")] == [False] * 3
    with file.open() as opened:
        assert not is_stream(opened.fileno())


def read_from(pipe: Path) -> tuple[threading.Thread, list[bytes]]:
    """A thread that reads a pipe to its end, and what it has read."""
    found: list[bytes] = []
    thread = threading.Thread(target=lambda: found.append(pipe.read_bytes()))
    thread.start()
    return thread, found


@pytest.mark.parametrize("way", ["at once", "in a block"])
def test_a_stream_is_written_to_and_not_replaced(tmp_path: Path, way: str):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader, found = read_from(pipe)
    if way == "at once":
        write_output(pipe, b"one\ntwo\n")
    else:
        with replacing(pipe) as stream:
            stream.write("one\ntwo\n")
    reader.join(timeout=10)
    assert found == [b"one\ntwo\n"]
    assert is_stream(pipe)
    assert names(tmp_path) == ["pipe"]


def test_an_output_file_is_replaced_as_a_whole(tmp_path: Path, disk_full: None):
    (tmp_path / "a").write_bytes(b"old")
    with pytest.raises(FileAccessError):
        write_output(tmp_path / "a", b"new")
    assert (tmp_path / "a").read_bytes() == b"old"


def test_a_leftover_that_is_gone_meanwhile_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(Path, "glob", lambda self, pattern: iter([self / ".a.1.tmp"]))
    remove_leftovers(tmp_path / "a")
