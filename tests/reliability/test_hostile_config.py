"""What a config may hold, and what no command waits for, runs, or takes memory for."""

from __future__ import annotations

import os
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest
from commands import PENGUINS, Result, bpcli

DATA = f"data: {{path: {PENGUINS}, target: species}}\n"
BOMB = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 40))
TAG = "tags ('!…') are not allowed; put text that starts with '!' in quotes"
DEEP = "nested more than 50 levels deep"

REFUSED = {
    "empty": ("", "c.yaml: empty; a config is a mapping of keys to values"),
    "a list": ("- 1\n", "c.yaml:1:1: a config is a mapping of keys to values, not a list"),
    "alias bomb": (BOMB, "c.yaml:15:12: more than 100,000 keys and values, with aliases expanded"),
    "self-alias": (DATA + "layers: &a [*a]\n", "c.yaml:2:13: this alias is inside its own anchor"),
    "deep list": (DATA + "layers: " + "[" * 100_000, f"c.yaml:2:59: {DEEP}"),
    "deep mapping": (DATA + "layers: " + "{a: " * 10_000, f"c.yaml:2:206: {DEEP}"),
    "python": (DATA + "seed: !!python/object/apply:os.system ['touch canary']\n", f"c.yaml:2:7: {TAG}"),
    "python name": (DATA + "seed: !!python/name:os.system\n", f"c.yaml:2:7: {TAG}"),
    "two documents": (DATA + "---\nseed: 1\n", "c.yaml:2:1: a second document starts here; a config is one document"),
    "merge key": (f"d: &d {{seed: 1}}\n<<: *d\n{DATA}", "c.yaml:2:1: merge keys ('<<') are not allowed"),
    "key twice": (DATA + DATA, "c.yaml:2:1: data: duplicate key; first defined at"),
    "unknown key": (DATA + "sed: 1\n", "c.yaml:2:1: sed: unknown key; did you mean 'seed'?"),
    "NUL": (DATA + "name: \0\n", "c.yaml:2:7: the character '\\x00' is not allowed in YAML"),
    "NUL in a path": (
        'data: {path: "a\\0b", target: y}\n',
        "c.yaml:1:14: data.path: file names cannot contain a NUL character",
    ),
    "half a character": ('data: {path: "\\ud800", target: y}\n', "c.yaml:1:14: data.path: half of a character"),
    "not UTF-8": (b"name: \xe9\n", "c.yaml:1:7: byte 0xe9 is not UTF-8 text; save the file as UTF-8"),
    "UTF-16": (DATA.encode("utf-16"), "c.yaml: UTF-16 text; save it as UTF-8"),
    "over 1 MiB": (DATA + "#" * (1 << 20), "c.yaml: larger than 1 MiB, which is too much for a config; is it the data"),
    "escapes": (DATA + '"\x1b[2J": 1\n', "c.yaml:2:2: the character '\\x1b' is not allowed in YAML"),
    "escaped escapes": (DATA + '"\\e[2J\\u202e": 1\n', 'c.yaml:2:1: "\\u001b[2J\\u202e": unknown key'),
    "a name that climbs out": (DATA + "name: ../../run\n", "c.yaml:2:7: name: must begin with a letter or digit"),
    "no data": ("data: {target: y}\n", "c.yaml:1:7: data: give either path, or train with validation and test"),
    "data twice": (
        "data: {path: a.csv, validation: b.csv}\n",
        "c.yaml:1:7: data: validation and test files require train; with path, use split",
    ),
    "infinite rate": (DATA + "optimizer: {type: sgd, learning_rate: .inf}\n", "must be a finite number, not .inf"),
    "5,000 digits": (DATA + f"seed: {'9' * 5000}\n", "c.yaml:2:7: seed: a number of 5,000 characters"),
}


@pytest.mark.parametrize("command", [("check",), ("train", "--run-dir", "run")], ids=["check", "train"])
@pytest.mark.parametrize(("text", "words"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_config_is_refused_with_its_place(
    tmp_path: Path, command: tuple[str, ...], text: str | bytes, words: str
) -> None:
    (tmp_path / "c.yaml").write_bytes(text if isinstance(text, bytes) else text.encode())
    result = bpcli(command[0], "c.yaml", *command[1:], cwd=tmp_path)
    assert (result.code, result.out) == (2, "")
    assert words in result.err
    assert all(line.startswith("error: c.yaml") and line.isprintable() for line in result.err.splitlines())
    assert [path.name for path in tmp_path.iterdir()] == ["c.yaml"], "nothing was run, and nothing is left behind"


@pytest.mark.exhaustive  # tests/config/test_yaml_text.py reads such a file by default
def test_a_config_of_just_a_mebibyte_is_read(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text(DATA + "#" * ((1 << 20) - len(DATA)))
    bpcli("check", tmp_path / "c.yaml").ok()


@pytest.mark.parametrize("layers", ["[{units: 1000000000}]", "[{units: 1000000000}, {units: 1000000000}]"])
@pytest.mark.parametrize("command", ["check", "train"])
def test_a_layer_of_a_billion_units_is_refused_before_memory_is_taken(
    tmp_path: Path, layers: str, command: str
) -> None:
    (tmp_path / "c.yaml").write_text(f"{DATA}layers: {layers}\n".replace("{units", "{type: dense, units"))
    bpcli("check", tmp_path / "c.yaml", "--set", "layers=[]").ok()  # what is imported once counts for none
    tracemalloc.start()
    try:
        result = bpcli(command, "c.yaml", cwd=tmp_path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (result.code, result.out) == (9, "")
    *_, error = result.err.splitlines()
    assert error.startswith("error: training needs ")
    assert " TB, but " in error
    assert error.endswith(" is available; use fewer units, a smaller batch, or fewer rows")
    assert peak < 10_000_000
    assert [path.name for path in tmp_path.iterdir()] == ["c.yaml"]


def test_memory_that_runs_out_all_the_same_is_no_bug(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def exhausted(*_: object, **__: object) -> None:
        raise MemoryError

    monkeypatch.setattr("bpcli.experiment.opening.prepare", exhausted)
    (tmp_path / "c.yaml").write_text(DATA)
    result = bpcli("check", tmp_path / "c.yaml")
    assert (result.code, result.err) == (
        9,
        "error: out of memory; use fewer rows or columns, fewer units, or a smaller batch\n",
    )
    assert "MemoryError" in bpcli("check", tmp_path / "c.yaml", "--debug").err


def a_pipe(folder: Path) -> Path:
    os.mkfifo(folder / "pipe")
    return folder / "pipe"


NO_FILES: dict[str, tuple[Callable[[Path], Path], str, str, str]] = {
    "pipe": (
        a_pipe,
        "a pipe or device; a config is",
        "a pipe, which can be read only once",
        "no such checkpoint",
    ),
    "folder": (lambda folder: folder, "a folder; a config is", "a folder without pictures", "not a run directory"),
    "zeros": (
        lambda _: Path("/dev/zero"),
        "a pipe or device; a",
        "not a regular file; expected a data",
        "no such checkpoint",
    ),
    "nothing": (lambda folder: folder / "none", "no such file", "no such file", "no such run or checkpoint"),
    "in a file": (lambda _: PENGUINS / "x", "no such file", "no such file", "no such run or checkpoint"),
}


@pytest.mark.parametrize(("make", "config", "data", "checkpoint"), NO_FILES.values(), ids=NO_FILES)
def test_nothing_waits_for_what_is_no_regular_file(
    tmp_path: Path, penguins_run: Path, make: Callable[[Path], Path], config: str, data: str, checkpoint: str
) -> None:
    path = make(tmp_path)
    (tmp_path / "c.yaml").write_text(f"data: {{path: {path}, target: species}}\n")
    for command in ("check", "train"):
        refused(bpcli(command, path, cwd=tmp_path), 2, path, config)
        refused(bpcli(command, "c.yaml", cwd=tmp_path), 3, path, data)
    refused(bpcli("init", path, "--target", "y"), 3, path, data)
    if path.exists() and not path.is_dir():  # predict reads pipes and devices
        refused(bpcli("evaluate", penguins_run, "--data", path), 3, path, data)
    else:
        refused(bpcli("predict", path, "--checkpoint", penguins_run), 3, path, data)
    refused(bpcli("evaluate", penguins_run, "--data", path), 3, path, data)
    refused(bpcli("predict", PENGUINS, "--checkpoint", path), 4, path, checkpoint)
    refused(bpcli("evaluate", path), 4, path, checkpoint)
    refused(bpcli("train", "--resume", path), 4, path, "not a run directory" if path.exists() else "no such run")


def refused(result: Result, code: int, path: Path, words: str) -> None:
    assert (result.code, result.out) == (code, "")
    assert result.err.startswith(f"error: {path}: {words}")
    assert result.err.count("\n") == 1
