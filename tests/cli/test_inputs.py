"""Data in formats other than one CSV file: the same experiment, the same predictions."""

from __future__ import annotations

import bz2
import csv
import gzip
import json
import lzma
import os
import sqlite3
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from commands import PENGUINS, bpcli

TRAINING = ["--set", "training.epochs=2", "-q", "--run-dir", "run"]


def values() -> list[dict[str, Any]]:
    def value(cell: str) -> Any:
        try:
            return None if cell == "NA" else float(cell) if "." in cell else int(cell)
        except ValueError:
            return cell

    with PENGUINS.open(newline="") as file:
        return [{name: value(cell) for name, cell in row.items()} for row in csv.DictReader(file)]


@pytest.fixture(scope="session")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of the penguins in many formats."""
    folder, rows, text = tmp_path_factory.mktemp("inputs"), values(), PENGUINS.read_bytes()
    (folder / "t.csv").write_bytes(text)
    (folder / "t.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    (folder / "t.json").write_text(json.dumps(rows))
    (folder / "t.csv.gz").write_bytes(gzip.compress(text))
    (folder / "t.csv.bz2").write_bytes(bz2.compress(text))
    (folder / "t.csv.xz").write_bytes(lzma.compress(text))
    header, *lines = text.decode().splitlines(keepends=True)
    for part in range(3):
        (folder / f"part-{part}.csv").write_text(header + "".join(lines[part * 120 : (part + 1) * 120]))
    with sqlite3.connect(folder / "t.db") as database:
        database.execute(f"create table t ({', '.join(rows[0])})")
        database.executemany(
            f"insert into t values ({', '.join('?' * len(rows[0]))})", [[*row.values()] for row in rows]
        )
    database.close()
    if (zstandard := _imported("zstandard")) is not None:
        (folder / "t.csv.zst").write_bytes(zstandard.compress(text))
    if (openpyxl := _imported("openpyxl")) is not None:
        book = openpyxl.Workbook()
        book.active.append(["nothing here"])
        sheet = book.create_sheet("penguins")
        for line in (list(rows[0]), *(list(row.values()) for row in rows)):
            sheet.append(line)
        book.save(folder / "t.xlsx")
    return folder


def _imported(name: str) -> Any:
    try:
        return __import__(name)
    except ImportError:
        return None


QUERY = "select * from t order by rowid"


@pytest.mark.parametrize(
    ("data", "options"),
    [
        ("t.jsonl", []),
        *(
            pytest.param(name, [], marks=pytest.mark.exhaustive)
            for name in ("t.json", "t.csv.bz2", "t.csv.xz", "t.csv.zst")
        ),
        ("t.xlsx", ["--sheet", "penguins"]),
        ("part-*.csv", []),
        ("sqlite:///{}/t.db", ["--query", QUERY]),
    ],
)
def test_every_format_trains_the_same_model(
    inputs: Path, tmp_path: Path, penguins_made: str, data: str, options: list[str]
) -> None:
    if "*" not in data and "://" not in data and not (inputs / data).exists():
        pytest.skip("an extra is not installed")
    where = data.format(inputs) if "://" in data else inputs / data
    bpcli("init", where, *options, "--target", "species", "-o", "c.yaml", cwd=tmp_path).ok()
    bpcli("train", "c.yaml", *TRAINING, cwd=tmp_path).ok()
    assert bpcli("predict", PENGUINS, "--checkpoint", "run", "--probabilities", cwd=tmp_path).ok().out == penguins_made
    evaluated = bpcli("evaluate", "run", "--json", cwd=tmp_path).ok().json
    assert evaluated["rows"] == 344
    assert not [note for note in evaluated["notes"] if "changed" in note]


@pytest.fixture(scope="session")
def penguins_made(inputs: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Predictions of the model that the CSV file gives."""
    folder = tmp_path_factory.mktemp("csv")
    bpcli("init", inputs / "t.csv", "--target", "species", "-o", "c.yaml", cwd=folder).ok()
    bpcli("train", "c.yaml", *TRAINING, cwd=folder).ok()
    return bpcli("predict", PENGUINS, "--checkpoint", "run", "--probabilities", cwd=folder).ok().out


@pytest.mark.parametrize("name", ["t.jsonl", "t.json", "t.csv.gz", "t.csv.bz2", "t.csv.xz"])
def test_predict_reads_every_format(inputs: Path, penguins_run: Path, name: str) -> None:
    expected = bpcli("predict", PENGUINS, "--checkpoint", penguins_run, "--keep", "island,year").ok().out
    assert bpcli("predict", inputs / name, "--checkpoint", penguins_run, "--keep", "island,year").ok().out == expected


def test_a_run_of_several_files_names_them_and_can_be_resumed_and_moved(inputs: Path, tmp_path: Path) -> None:
    folder = tmp_path / "here"
    folder.mkdir()
    for part in range(3):
        (folder / f"part-{part}.csv").write_bytes((inputs / f"part-{part}.csv").read_bytes())
    (folder / "c.yaml").write_text("data: {path: 'part-*.csv', target: species}\ntraining: {epochs: 2}\n")
    bpcli("train", "c.yaml", "-q", "--run-dir", "run", cwd=folder).ok()
    config = yaml.safe_load((folder / "run" / "config.yaml").read_text())
    assert config["data"]["path"] == [f"../part-{part}.csv" for part in range(3)]
    (folder / "part-3.csv").write_text("later\n")  # not of the run
    moved = folder.rename(tmp_path / "there")
    assert (
        bpcli("evaluate", "run", cwd=moved)
        .ok()
        .out.startswith("test rows of part-0.csv, part-1.csv, part-2.csv, 52 rows")
    )
    bpcli("train", "--resume", "run", "--set", "training.epochs=3", "-q", cwd=moved).ok()
    bpcli("reproduce", "run", cwd=moved).ok()
    (moved / "part-1.csv").write_bytes((moved / "part-2.csv").read_bytes())
    assert "the data file has changed since training" in bpcli("evaluate", "run", cwd=moved).ok().err


def test_a_run_of_a_database_can_be_moved_and_says_when_rows_changed(inputs: Path, tmp_path: Path) -> None:
    folder = tmp_path / "here"
    folder.mkdir()
    (folder / "t.db").write_bytes((inputs / "t.db").read_bytes())
    (folder / "c.yaml").write_text(
        "data: {url: 'sqlite:///t.db', query: select * from t, target: species}\ntraining: {epochs: 2}\n"
    )
    assert "note: data.query has no ORDER BY" in bpcli("train", "c.yaml", "--run-dir", "run", cwd=folder).ok().err
    moved = folder.rename(tmp_path / "there")
    assert bpcli("evaluate", "run", cwd=moved).ok().out.startswith("test rows of t.db, 52 rows")
    bpcli("reproduce", "run", cwd=moved).ok()
    with sqlite3.connect(moved / "t.db") as database:
        database.execute("update t set year = 1")
    database.close()
    assert "the data file has changed since training" in bpcli("evaluate", "run", cwd=moved).ok().err
    (moved / "t.db").unlink()
    assert "the data of this run no longer exists" in bpcli("evaluate", "run", cwd=moved).err


def test_pipes_are_inputs_and_outputs_of_predict(penguins_run: Path, tmp_path: Path) -> None:
    expected = bpcli("predict", PENGUINS, "--checkpoint", penguins_run).ok().out
    for name in ("in", "out"):
        os.mkfifo(tmp_path / name)
    written: list[str] = []
    threads = [
        threading.Thread(target=(tmp_path / "in").write_bytes, args=(gzip.compress(PENGUINS.read_bytes()),)),
        threading.Thread(target=lambda: written.append((tmp_path / "out").read_text())),
    ]
    for thread in threads:
        thread.start()
    bpcli("predict", tmp_path / "in", "--checkpoint", penguins_run, "-o", tmp_path / "out").ok()
    for thread in threads:
        thread.join()
    assert written == [expected]
    result = bpcli("evaluate", penguins_run, "--data", tmp_path / "in")
    assert (result.code, result.out) == (3, "")
    assert "a pipe, which can be read only once (bpcli predict does); write it to a file first" in result.err


def test_standard_output_has_a_name_of_its_own(penguins_run: Path) -> None:
    expected = bpcli("predict", PENGUINS, "--checkpoint", penguins_run).ok().out
    assert bpcli("predict", PENGUINS, "--checkpoint", penguins_run, "-o", "/dev/stdout").ok().out == expected


@pytest.mark.parametrize("name", ["t.csv.gz", "t.csv.bz2", "t.csv.xz"])
def test_standard_input_may_be_compressed(inputs: Path, penguins_run: Path, name: str) -> None:
    expected = bpcli("predict", PENGUINS, "--checkpoint", penguins_run).ok().out
    compressed = (inputs / name).read_bytes()
    assert bpcli("predict", "-", "--checkpoint", penguins_run, stdin=compressed).ok().out == expected


def test_arrays_with_the_names_of_keras_and_without_any_are_found(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    x, y = generator.normal(size=(60, 4)).astype(np.float32), np.arange(60) % 2
    np.savez(tmp_path / "keras.npz", x_train=x[:40], y_train=y[:40], x_test=x[40:], y_test=y[40:])
    np.savez(tmp_path / "plain.npz", x, y)
    for name, arrays, rows in (("keras", "{x: x, y: y}", 20), ("plain", "{x: arr_0, y: arr_1}", 60)):
        bpcli("init", f"{name}.npz", "-o", f"{name}.yaml", cwd=tmp_path).ok()
        assert f"  arrays: {arrays}\n" in (tmp_path / f"{name}.yaml").read_text()
        run = ["--set", "training.epochs=1", "-q", "--run-dir", name]
        bpcli("train", f"{name}.yaml", *run, cwd=tmp_path).ok()
        assert bpcli("evaluate", name, "--json", cwd=tmp_path).ok().json["rows"] == rows
        assert len(bpcli("predict", f"{name}.npz", "--checkpoint", name, cwd=tmp_path).ok().rows) == 60
    (tmp_path / "c.yaml").write_text("data: {path: keras.npz, arrays: {x: images, y: labels}}\n")
    error = bpcli("check", "c.yaml", cwd=tmp_path).err
    assert "no array 'images'; it holds 'x_train', 'y_train', 'x_test', 'y_test'" in error
    assert "data.arrays" in error


def test_an_npy_file_has_no_targets_but_can_be_predicted(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    x = generator.normal(size=(60, 4))
    np.savez(tmp_path / "t.npz", X=x, y=np.arange(60) % 2)
    np.save(tmp_path / "x.npy", x)
    (tmp_path / "c.yaml").write_text("data: {path: t.npz}\ntraining: {epochs: 1}\n")
    bpcli("train", "c.yaml", "-q", "--run-dir", "run", cwd=tmp_path).ok()
    found = [bpcli("predict", name, "--checkpoint", "run", cwd=tmp_path).ok().out for name in ("t.npz", "x.npy")]
    assert found[0] == found[1]
    result = bpcli("check", "c.yaml", "--set", "data.path=x.npy", cwd=tmp_path)
    assert result.code == 2
    assert "an NPY file has one array: name a column of it as target, or give an NPZ file of X and y" in result.err


def test_a_password_in_a_url_is_refused_and_not_shown(tmp_path: Path) -> None:
    url = "postgresql://me:secret@host/db"
    (tmp_path / "c.yaml").write_text(f"data: {{url: '{url}', query: select 1, target: y}}\n")
    for result in (
        bpcli("check", "c.yaml", cwd=tmp_path),
        bpcli("train", "c.yaml", "--json", cwd=tmp_path),
        bpcli("init", url, "--query", "select 1", "--target", "y", cwd=tmp_path),
    ):
        assert result.code == 2
        assert "leave the password out" in result.err
        assert "secret" not in result.err + result.out
    assert [path.name for path in tmp_path.iterdir()] == ["c.yaml"]
