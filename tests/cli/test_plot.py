"""`bpcli plot`: learning curves of runs as a file."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from commands import bpcli, bpcli_process


@pytest.mark.parametrize(
    ("name", "start"),
    [("a.png", b"\x89PNG"), ("a.PDF", b"%PDF-"), pytest.param("a.svg", b"<?xml", marks=pytest.mark.exhaustive)],
)
def test_the_suffix_says_what_is_written(penguins_run: Path, tmp_path: Path, name: str, start: bytes) -> None:
    path = tmp_path / name
    result = bpcli("plot", penguins_run, "-o", path).ok()
    assert (result.out, result.err) == (f"{path}\n", "")
    assert path.read_bytes().startswith(start)


def test_the_same_runs_give_the_same_file(penguins_run: Path, concrete_run: Path, tmp_path: Path) -> None:
    paths = [tmp_path / "a.svg", tmp_path / "b.svg"]
    for path in paths:
        bpcli("plot", penguins_run, concrete_run, "-o", path, "--metric", "loss", "--size", "5x2.5").ok()
    assert paths[0].read_bytes() == paths[1].read_bytes()
    assert b'width="360pt" height="180pt"' in paths[0].read_bytes()


def test_losses_of_different_kinds_on_one_axis_are_told(penguins_run: Path, concrete_run: Path, tmp_path: Path) -> None:
    told = "note: different loss functions on one axis, whose values cannot be compared: 'cross_entropy', 'mse'\n"
    assert bpcli("plot", penguins_run, concrete_run, "-o", tmp_path / "a.svg").ok().err == told
    assert bpcli("plot", penguins_run, "-o", tmp_path / "b.svg").ok().err == ""
    of_rate = ("--metric", "learning_rate")
    assert bpcli("plot", penguins_run, concrete_run, "-o", tmp_path / "c.svg", *of_rate).ok().err == ""


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["-o", "curve.gif"], 2, "--output curve.gif: the suffix selects the file format; use one of .png, .pdf, .svg"),
        (["-o", "curve"], 2, "--output curve: the suffix selects the file format; use one of .png, .pdf, .svg"),
        ([], 2, "Missing option '--output'"),
        (["-o", "a.png", "--size", "3"], 2, "--size '3': give width and height in inches, 1 to 30, as in 3.5x2.5"),
        (["-o", "a.png", "--size", "3x900"], 2, "--size '3x900': give width and height in inches"),
        (["-o", "a.png", "--dpi", "9999"], 2, "Invalid value for '--dpi'"),
        (["-o", "a.png", "--metric", "loss\x1b"], 2, "--metric 'loss\\x1b': not in any run; did you mean 'loss'?"),
        (["-o", "there.png"], 8, "there.png: already exists; choose another --output, or add --force"),
        (["-o", "no/folder/a.png"], 7, "no/folder/a.png: folder 'no/folder' does not exist"),
    ],
)
def test_what_cannot_be_done_is_one_line(
    penguins_run: Path, tmp_path: Path, arguments: list[str], code: int, message: str
) -> None:
    (tmp_path / "there.png").write_text("mine")
    result = bpcli("plot", penguins_run, *arguments, cwd=tmp_path)
    assert (result.code, result.out, result.err.count("\n")) == (code, "", 1)
    assert result.err.startswith(f"error: {message}")
    assert [path.name for path in tmp_path.iterdir()] == ["there.png"]
    assert (tmp_path / "there.png").read_text() == "mine"


def test_force_replaces_what_is_there(penguins_run: Path, tmp_path: Path) -> None:
    (tmp_path / "there.png").write_text("mine")
    bpcli("plot", penguins_run, "-o", tmp_path / "there.png", "--force").ok()
    assert (tmp_path / "there.png").read_bytes().startswith(b"\x89PNG")


def test_what_is_no_run_is_refused(tmp_path: Path) -> None:
    refused = bpcli("plot", tmp_path, "-o", tmp_path / "a.png")
    assert (refused.code, "not a run directory" in refused.err) == (4, True)


def test_without_matplotlib_it_says_what_to_install(
    penguins_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    result = bpcli("plot", penguins_run, "-o", tmp_path / "a.png")
    assert (result.code, result.out) == (2, "")
    assert result.err == 'error: plot requires matplotlib: pip install "backprop-cli[plot]"\n'


def test_it_needs_no_display_and_is_silent_without_a_home(penguins_run: Path, tmp_path: Path) -> None:
    nowhere = {"HOME": "/proc/none", "MPLCONFIGDIR": "/proc/none", "DISPLAY": "", "MPLBACKEND": "TkAgg"}
    process = bpcli_process("plot", penguins_run, "-o", "a.png", cwd=tmp_path, environment=nowhere)
    assert process.communicate(timeout=100) == (b"a.png\n", b"")
    assert process.returncode == 0
