"""Mutations of real files end with a table or with an error that says what is wrong: never with a bug."""

from __future__ import annotations

import gzip
import io
import re
import shutil
import signal
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import pytest
from commands import CONFIGS, DATASETS, Result, bpcli
from mutations import mutated
from reference_csv import assert_read_alike

from bpcli.data.files.cells import ReadOptions

ROWS = 60
"""Of a data set that are mutated: a command takes some 15 ms then."""

CELLS = (
    *(b'"', b'""', b",", b"\n", b"\r", b"\r\n", b"\0", b" ", b"\t", b";", b"nan", b"inf", b"1e309", b"-1e308", b"1e38"),
    *(b"1_000", b"9" * 400, b"9007199254740993", b"-0", b"+.5e-400", b"NA", b"true", b"No", b"\xe9", b"\xef\xbb\xbf"),
    *(b"\xff\xfe", "１".encode(), "\u202e".encode(), b"\x1b[2J", b"[/red]", b"=1+1", b"z" * 3000),
)
WORDS = (
    *(b"&a ", b"*a", b"!!python/object/apply:os.abort []", b"{", b"}", b"[", b"]", b": ", b"- ", b"|", b">", b'"'),
    *(b"'", b"#", b"%YAML 1.1\n", b"\n---\n", b"\n...\n", b"<<: ", b"~", b".inf", b".nan", b"1e400", b"-1", b"0"),
    *(b"1" + b"0" * 30, b"9" * 101, b"true", b"\t", "\u2028".encode(), b'"\\0"', b'"\\ud800"', b"1e-320", b"1e38"),
    *(b"10000000000", b"null", b"{type: adam}", b"[" * 60, b"0x", b"0o7", b"\xff", b"\0", b"\x1b[2J", b"train_loss"),
)
ARRAYS = (
    *(b"|O", b"<f8", b">f2", b"<c16", b"<M8[s]", b"|V4", b"<U4", b"|S0", b"<f16", b"<i8", b"|b1", b"True", b"(0, 3)"),
    *(b"(-1,)", b"(2**99,)", b"(1000000000000,)", b"()", b"__import__('os')", b"9" * 50, b"\n", b"\x93NUMPY\x03\x00"),
)


@dataclass(frozen=True)
class Source:
    """A real file below a folder, what is put into it, and the commands that read it."""

    path: str
    hostile: tuple[bytes, ...]
    commands: tuple[tuple[str, ...], ...]


CSV = (("check", "{config}"), ("init", "{file}", "--target", "{target}"))
MODEL = (
    ("predict", "{file}", "--checkpoint", "{run}", "--probabilities", "--keep", "year"),
    ("evaluate", "{run}", "--data", "{file}"),
)
SOURCES = [
    *(Source(f"configs/{path.name}", WORDS, (("check", "{file}"),)) for path in sorted(CONFIGS.iterdir())),
    *(Source(f"datasets/{name}.csv", CELLS, CSV) for name in ("auto_mpg", "concrete", "credit_data")),
    Source("datasets/penguins.csv", CELLS, CSV + MODEL),
    Source("datasets/penguins.csv.gz", CELLS, CSV + MODEL),
    Source("datasets/digits_8x8.npz", CELLS, (("check", "{config}"), ("init", "{file}"))),
    Source("datasets/deflated.npz", CELLS, (("check", "{config}"), ("init", "{file}"))),
    Source("datasets/penguins.parquet", CELLS, (*CSV, *MODEL)),
    Source("datasets/X.npy", ARRAYS, (("check", "{config}"), ("init", "{file}"))),
]
TARGETS = {
    "auto_mpg": "Miles_per_Gallon",
    "concrete": "compressive_strength",
    "credit_data": "Status",
    "penguins": "species",
    "digits_8x8": "y",
    "deflated": "y",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped configs, and the first rows of the shipped data."""
    folder = tmp_path_factory.mktemp("mutations")
    shutil.copytree(CONFIGS, folder / "configs")
    (folder / "datasets").mkdir()
    for path in DATASETS.glob("*.csv"):
        head = b"".join(path.read_bytes().splitlines(keepends=True)[: ROWS + 1])
        (folder / "datasets" / path.name).write_bytes(head)
    penguins = (folder / "datasets" / "penguins.csv").read_bytes()
    (folder / "datasets" / "penguins.csv.gz").write_bytes(gzip.compress(penguins, mtime=0))
    if find_spec("polars"):
        import polars as pl

        pl.read_csv(penguins, null_values="NA").write_parquet(folder / "datasets" / "penguins.parquet")
    saved: dict[str, Callable[..., None]] = {
        "digits_8x8": np.savez,
        "deflated": np.savez_compressed,
        "fashion_mnist_2k": np.savez_compressed,
    }
    for name, save in saved.items():
        with np.load(DATASETS / f"{name if name != 'deflated' else 'digits_8x8'}.npz") as arrays:
            few = {key: array.reshape(len(array), -1)[:ROWS, 20:24].squeeze() for key, array in arrays.items()}
            few |= {key: array[:ROWS] % 3 for key, array in arrays.items() if array.ndim == 1}
        stream = io.BytesIO()
        save(stream, **few)
        (folder / "datasets" / f"{name}.npz").write_bytes(stream.getvalue())
    for name, target in TARGETS.items():
        for suffix in (".csv", ".csv.gz", ".npz", ".parquet"):
            (folder / f"{name}{suffix}.yaml").write_text(f"data: {{path: mutated{suffix}, target: {target}}}\n")
    with np.load(folder / "datasets" / "digits_8x8.npz") as arrays:
        np.save(folder / "datasets" / "X.npy", arrays["X"])
        np.save(folder / "y.npy", arrays["y"])
    (folder / "X.npy.yaml").write_text("data: {path: mutated.npz}\n")
    return folder


def write_archive(file: Path, x: bytes) -> None:
    """An archive in good order, whatever its array X is."""
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("X.npy", x)
        archive.write(file.with_name("y.npy"), "y.npy")


@contextmanager
def no_hang(seconds: int = 60) -> Iterator[None]:
    """Within the block, whatever takes so long ends as a bug would."""

    def give_up(number: int, frame: FrameType | None) -> None:
        raise AssertionError("it hangs")

    before = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


SAID = re.compile(r"(error|note|warning): \S|[\d,]+ rows? predicted")


def is_an_answer(result: Result) -> bool:
    """Whether a command ended well, or with errors that it names; every line of which can be shown anywhere.

    Names keep their no-break spaces.
    """
    lines = result.err.replace("\xa0", " ").splitlines()
    return (
        result.code in (0, 2, 3, 7, 9)
        and (result.code > 0) == any(line.startswith("error: ") for line in lines)
        and all(SAID.match(line) and line.isprintable() for line in lines)
    )


@pytest.mark.parametrize("cases", [6, pytest.param(400, marks=pytest.mark.exhaustive)])
@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.path)
def test_a_mutated_file_is_read_or_refused(
    folder: Path, penguins_run: Path, source: Source, cases: int, record_property: Callable[[str, Any], None]
) -> None:
    original = folder / source.path
    if original.suffix == ".parquet":
        pytest.importorskip("polars")
    suffix = "".join(original.suffixes)
    name = original.name.removesuffix(suffix)
    file = folder / ("configs/mutated.yaml" if suffix == ".yaml" else f"mutated{suffix.replace('npy', 'npz')}")
    told = {"file": file, "run": penguins_run, "config": folder / f"{name}{suffix}.yaml", "target": TARGETS.get(name)}
    content = original.read_bytes()
    before = sorted(folder.rglob("*"))
    codes: Counter[int] = Counter()
    for case in range(cases):
        write = write_archive if suffix == ".npy" else Path.write_bytes
        write(file, mutated(content, source.hostile, f"{source.path} {case}"))
        for command in source.commands:
            with no_hang():
                result = bpcli(*(word.format(**told) for word in command), cwd=folder)
            assert is_an_answer(result), f"case {case}, {command[0]}: {result.code} {result.err}"
            codes[result.code] += 1
    file.unlink()
    assert sorted(folder.rglob("*")) == before, "a command wrote a file"
    assert codes[0] < codes.total(), "none of the mutations mattered"
    record_property("cases", codes.total())


@pytest.mark.parametrize("cases", [12, pytest.param(2000, marks=pytest.mark.exhaustive)])
@pytest.mark.parametrize("name", ["auto_mpg", "concrete", "credit_data", "penguins"])
def test_what_a_mutated_file_holds_is_what_the_reference_finds(
    folder: Path, name: str, cases: int, record_property: Callable[[str, Any], None]
) -> None:
    file, content = folder / "both.csv", (folder / "datasets" / f"{name}.csv").read_bytes()
    read = 0
    for case in range(cases):
        file.write_bytes(mutated(content, CELLS, f"both {name} {case}"))
        read += assert_read_alike(file, ReadOptions())
    file.unlink()
    assert 0 < read < cases
    record_property("cases", cases)
