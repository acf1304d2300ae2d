"""What an NPZ file may hold, and what each command then says; nothing in one is ever executed."""

from __future__ import annotations

import io
import pickle
import struct
import tracemalloc
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import Result, bpcli

from bpcli.system import memory

X = np.random.default_rng(0).normal(size=(40, 3))
Y = np.arange(40) % 2


def npy(array: Any) -> bytes:
    stream = io.BytesIO()
    np.lib.format.write_array(stream, np.asarray(array), allow_pickle=True)
    return stream.getvalue()


def declared(descr: str, shape: tuple[int, ...], body: bytes = b"") -> bytes:
    """An array whose header says what it likes."""
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(stream, {"descr": descr, "fortran_order": False, "shape": shape})
    return stream.getvalue() + body


def save(path: Path, members: Mapping[str, Any]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content if isinstance(content, bytes) else npy(content))
    return path


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of three numbers and two classes."""
    folder = tmp_path_factory.mktemp("plain")
    save(folder / "t.npz", {"X.npy": X, "y.npy": Y})
    (folder / "c.yaml").write_text("data: {path: t.npz}\ntraining: {epochs: 2}\n")
    bpcli("train", folder / "c.yaml", "--run-dir", folder / "run", "-q").ok()
    return folder / "run"


def command(name: str, folder: Path, run: Path) -> Result:
    (folder / "c.yaml").write_text("data: {path: t.npz}\ntraining: {epochs: 1}\n")
    file = folder / "t.npz"
    match name:
        case "init":
            return bpcli("init", file)
        case "predict":
            return bpcli("predict", file, "--checkpoint", run)
        case "evaluate":
            return bpcli("evaluate", run, "--data", file)
        case "train":
            return bpcli("train", folder / "c.yaml", "--run-dir", folder / "run")
        case _:
            return bpcli("check", folder / "c.yaml")


HALF_CHARACTERS = struct.pack("<I", 0xD800) * 40
NO_CHARACTERS = struct.pack("<I", 0x110000) * 40
PAIR = np.zeros(40, [("a", "f8"), ("b", "f8")])

REFUSED = {
    "objects": ({"X": np.array([[1, None]] * 40, dtype=object), "y": Y}, "array 'X': holds Python objects"),
    "objects in y": ({"X": X, "y": np.array([None] * 40)}, "array 'y': holds Python objects"),
    "a pickle": ({"X": pickle.dumps(X), "y": Y}, "array 'X': its header is damaged"),
    "more than there is": ({"X": declared("<f8", (10**6, 3), b"\0" * 80), "y": Y}, "array 'X': its header declares"),
    "beyond counting": ({"X": declared("<f8", (10**30, 3)), "y": Y}, "array 'X': its header declares"),
    "columns of nothing": ({"X": declared("<f8", (0, 10**12)), "y": Y[:0]}, "array 'X': 1,000,000,000,000 columns"),
    "rows of nothing": ({"X": X, "y": declared("|S0", (10**12,))}, "array 'y': holds only empty text"),
    "complex": ({"X": X.astype(complex), "y": Y}, "array 'X': holds complex numbers; only numbers, booleans and text"),
    "structured": ({"X": PAIR, "y": Y}, "array 'X': holds records; only numbers, booleans and text are supported"),
    "pairs": ({"X": declared("(2,)<f8", (40,), b"\0" * 640), "y": Y}, "array 'X': holds records"),
    "dates": (
        {"X": X.astype("M8[s]"), "y": Y},
        "array 'X': holds dates; only numbers, booleans and text are supported",
    ),
    "text as input": ({"X": X.astype("U3"), "y": Y}, "array 'X': holds text; inputs must be numbers"),
    "infinity": (
        {"X": np.where(X[7, 1] == X, np.inf, X), "y": Y},
        "array 'X': row 8 (index 7) holds an infinite value",
    ),
    "long doubles": (
        {"X": np.full((40, 3), np.longdouble("1e4000")), "y": Y},
        "array 'X': row 1 (index 0) holds an infinite value",
    ),
    "half characters": (
        {"X": X, "y": declared("<U1", (40,), HALF_CHARACTERS)},
        "array 'y': row 1 (index 0) holds invalid Unicode text",
    ),
    "no characters": (
        {"X": X, "y": declared("<U1", (40,), NO_CHARACTERS)},
        "array 'y': row 1 (index 0) holds invalid Unicode text",
    ),
    "other lengths": ({"X": X, "y": Y[:39]}, "'X' has 40 rows, 'y' has 39"),
    "no axis": ({"X": np.float64(3), "y": Y}, "array 'X': shape () has no rows"),
    "a header without end": ({"X": npy(X).replace(b"}", b"("), "y": Y}, "array 'X': its header is damaged"),
    "another version": (
        {"X": b"\x93NUMPY\x09\x00" + npy(X)[8:], "y": Y},
        "array 'X': array format 9.0 is not supported",
    ),
    "nothing": ({}, "no array 'X'; it holds nothing"),
    "climbing out": ({"../X": X, "../y": Y}, "no array 'X'"),
}


@pytest.mark.parametrize("name", ["check", "train", "init", "predict", "evaluate"])
@pytest.mark.parametrize(("arrays", "words"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_array_of_numbers_is_refused_by_every_command(
    tmp_path: Path, run: Path, name: str, arrays: Mapping[str, Any], words: str
) -> None:
    save(tmp_path / "t.npz", {f"{key}.npy": array for key, array in arrays.items()})
    result = command(name, tmp_path, run)
    assert (result.code, result.out) == (3, "")
    assert result.err.startswith(f"error: {tmp_path}/t.npz: {words}")
    assert result.err.count("\n") == 1
    assert {path.name for path in tmp_path.iterdir()} <= {"t.npz", "c.yaml"}, "nothing is left behind"


@pytest.mark.parametrize("name", ["check", "train", "init", "predict", "evaluate"])
@pytest.mark.filterwarnings("ignore:Duplicate name:UserWarning")  # of zipfile, where the test writes it
def test_a_member_that_stands_twice_is_refused(tmp_path: Path, run: Path, name: str) -> None:
    with zipfile.ZipFile(tmp_path / "t.npz", "w") as archive:
        for array in (X, X[:1]):
            archive.writestr("X.npy", npy(array))
    result = command(name, tmp_path, run)
    assert (result.code, result.err) == (3, f"error: {tmp_path}/t.npz: the archive holds 'X.npy' more than once\n")


@pytest.mark.parametrize("name", ["check", "train", "init", "evaluate"])
def test_bytes_that_are_no_text_are_refused_where_they_are_classes(tmp_path: Path, run: Path, name: str) -> None:
    save(tmp_path / "t.npz", {"X.npy": X, "y.npy": np.array(["é".encode("latin-1"), b"e"] * 20)})
    result = command(name, tmp_path, run)
    assert (result.code, result.err) == (3, f"error: {tmp_path}/t.npz: column 'y': its bytes are not UTF-8\n")


class Canary:
    """Makes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.path,)


@pytest.mark.parametrize("name", ["check", "train", "init", "predict", "evaluate"])
@pytest.mark.parametrize(
    "form", ["file", "member", "object array", "object array called numbers", "object array beside"]
)
def test_a_pickle_is_never_executed(tmp_path: Path, run: Path, name: str, form: str) -> None:
    canary = tmp_path / "canary"
    bait = Canary(canary)
    honest = npy(np.array([bait] * 40, dtype=object))
    members = {
        "file": None,
        "member": pickle.dumps(bait),
        "object array": honest,
        "object array called numbers": honest.replace(b"'|O'", b"'f8'", 1),
        "object array beside": X,
    }
    if form == "file":
        (tmp_path / "t.npz").write_bytes(pickle.dumps(bait))
    else:
        save(tmp_path / "t.npz", {"X.npy": members[form], "y.npy": honest if form == "object array beside" else Y})
    assert command(name, tmp_path, run).code == 3
    assert not canary.exists()
    pickle.loads(pickle.dumps(bait))
    assert canary.exists(), "the bait was none"


def test_members_that_climb_out_are_not_unpacked(tmp_path: Path, run: Path) -> None:
    (tmp_path / "in").mkdir()
    members = {"X.npy": X, "y.npy": Y, "../out.npy": X, "/tmp/../../out.npy": X}
    save(tmp_path / "in" / "t.npz", members)
    for name in ("check", "init", "predict", "evaluate"):
        command(name, tmp_path / "in", run).ok()
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


@pytest.mark.parametrize("name", ["check", "predict"])
def test_a_compression_bomb_is_refused_before_it_is_unpacked(
    tmp_path: Path, run: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows, free = 2_000_000, 40_000_000
    with zipfile.ZipFile(tmp_path / "t.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        with archive.open("X.npy", "w") as member:
            member.write(declared("<f8", (rows, 3)))
            for _ in range(rows // 1000):
                member.write(bytes(3 * 8 * 1000))
        archive.writestr("y.npy", npy(np.zeros(rows, np.uint8)))
    assert (tmp_path / "t.npz").stat().st_size < 100_000
    monkeypatch.setattr(memory, "available_memory", lambda: free)
    tracemalloc.start()
    try:
        result = command(name, tmp_path, run)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert result.code == 9
    assert result.err == (
        f"error: {tmp_path}/t.npz: array 'X' needs 48.0 MB, but only 40.0 MB is available; use fewer rows\n"
    )
    assert peak < 5_000_000


def test_a_bomb_that_says_that_it_is_small_is_damaged(tmp_path: Path, run: Path) -> None:
    """The archive's own size of a member is what bounds it, and what is behind that is never unpacked."""
    path = save(tmp_path / "t.npz", {"X.npy": declared("<f8", (40, 3), bytes(50_000_000)), "y.npy": Y})
    content = path.read_bytes()
    true, false = (len(declared("<f8", (40, 3), bytes(size))) for size in (50_000_000, 960))
    path.write_bytes(content.replace(struct.pack("<I", true), struct.pack("<I", false)))
    tracemalloc.start()
    try:
        result = command("check", tmp_path, run)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert result.code == 3
    assert "t.npz: not a readable NPZ file: Bad CRC-32 for file 'X.npy'" in result.err
    assert peak < 5_000_000


def test_integers_beyond_float64_are_no_classes(tmp_path: Path, run: Path) -> None:
    save(tmp_path / "t.npz", {"X.npy": X, "y.npy": 2**53 + Y})
    result = command("check", tmp_path, run)
    assert result.code == 2
    assert "column 'y' holds classes of 9,007,199,254,740,992 (2^53) or more" in result.err
    (tmp_path / "c.yaml").write_text("data: {path: t.npz, columns: {y: categorical}}\n")
    summary = bpcli("check", tmp_path / "c.yaml", "--json").ok().json
    assert summary["target"]["classes"] == [str(2**53), str(2**53 + 1)]


@pytest.mark.parametrize("width", [2, 4])
def test_an_array_of_another_width_is_not_predicted(tmp_path: Path, run: Path, width: int) -> None:
    save(tmp_path / "t.npz", {"X.npy": np.zeros((5, width)), "y.npy": np.zeros(5)})
    for name in ("predict", "evaluate"):
        result = command(name, tmp_path, run)
        assert (result.code, result.out, result.err.count("\n")) == (3, "", 1)
