"""`bpcli predict` between programs: rows are answered as they arrive, and outputs may be pipes and devices."""

from __future__ import annotations

import csv
import gzip
import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pytest
from commands import PENGUINS, Result, bpcli, bpcli_process

HEADER, *LINES = PENGUINS.read_text().splitlines()
TEXTS = ("species", "island", "sex")


def objects() -> list[str]:
    """The penguins as JSON."""
    rows = [
        {name: None if cell in ("", "NA") else cell if name in TEXTS else float(cell) for name, cell in row.items()}
        for row in csv.DictReader(PENGUINS.read_text().splitlines())
    ]
    return list(map(json.dumps, rows))


def predict(run: Path, data: object, *options: object, stdin: str = "") -> Result:
    return bpcli("predict", data, "--checkpoint", run, *options, stdin=stdin)


@contextmanager
def served(run: Path, *options: str) -> Iterator[tuple[IO[bytes], IO[bytes], subprocess.Popen[bytes]]]:
    """The command as another program's: its input, its output and the process."""
    command = [sys.executable, "-m", "bpcli", "predict", "-", "--checkpoint", str(run), *options]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield process.stdin, process.stdout, process
        finally:
            process.kill()


def asked(into: IO[bytes], out: IO[bytes], lines: Sequence[str]) -> list[str]:
    """The answer to each line, read before the next is written."""
    answers = []
    for line in lines:
        into.write(line.encode() + b"\n")
        into.flush()
        answers.append(out.readline().decode().rstrip("\n"))
    return answers


def test_each_row_is_answered_before_the_next_is_written_with_the_bits_of_a_batch(penguins_run: Path) -> None:
    expected = predict(penguins_run, PENGUINS, "--probabilities").ok().out.splitlines()
    with served(penguins_run, "--probabilities") as (into, out, process):
        into.write(f"{HEADER}\n{LINES[0]}\n".encode())
        into.flush()
        assert [out.readline().decode().rstrip("\n") for _ in range(2)] == expected[:2]
        assert asked(into, out, LINES[1:20]) == expected[2:21]
        into.write("\n".join(LINES[20:]).encode())  # and some at once, the last one without an end
        into.close()
        assert out.read().decode().splitlines() == expected[21:]
        assert process.wait(timeout=60) == 0


def test_objects_are_answered_one_by_one(penguins_run: Path) -> None:
    names = ("prediction", "probability_Adelie", "probability_Chinstrap", "probability_Gentoo")
    rows = predict(penguins_run, PENGUINS, "--probabilities").ok().rows
    expected = [{name: row[name] if name == names[0] else float(row[name]) for name in names} for row in rows]
    with served(penguins_run, "--probabilities", "--jsonl") as (into, out, process):
        answers = asked(into, out, objects()[:20])
        into.close()
        assert [json.loads(answer) for answer in answers] == expected[:20]
        assert process.wait(timeout=60) == 0


def test_a_row_that_arrives_in_parts_is_answered_once_it_is_whole(penguins_run: Path) -> None:
    expected = predict(penguins_run, PENGUINS).ok().out.splitlines()
    with served(penguins_run) as (into, out, process):
        for part in (HEADER[:10], HEADER[10:] + "\n" + LINES[0] + "\n" + LINES[1][:9]):
            into.write(part.encode())
            into.flush()
        assert [out.readline().decode().rstrip("\n") for _ in range(2)] == expected[:2]
        assert asked(into, out, [LINES[1][9:]]) == [expected[2]]
        into.close()
        assert process.wait(timeout=60) == 0


@pytest.mark.parametrize(
    "bad", [pytest.param("x", marks=pytest.mark.exhaustive), "Adelie,Torgersen,long,18,181,3750,male,2007"]
)
def test_an_error_in_a_later_row_names_it_and_leaves_what_was_answered(penguins_run: Path, bad: str) -> None:
    with served(penguins_run) as (into, out, process):
        into.write(f"{HEADER}\n{LINES[0]}\n".encode())
        into.flush()
        assert [out.readline(), out.readline()] == [b"prediction\n", b"Adelie\n"]
        into.write(f"{bad}\n".encode())
        into.flush()
        assert process.wait(timeout=60) == 3
        assert out.read() == b""
        assert process.stderr is not None
        assert process.stderr.read().startswith(b"error: standard input: line 3: ")


def test_json_lines_on_standard_input_are_known_by_their_content(penguins_run: Path) -> None:
    expected = predict(penguins_run, PENGUINS).ok().out
    lines = "\n".join(objects())
    assert predict(penguins_run, "-", stdin=lines).ok().out == expected
    assert predict(penguins_run, "-", stdin="\ufeff\n " + lines).ok().out == expected
    assert predict(penguins_run, "-", stdin="[" + ",".join(objects()) + "]").ok().out == expected


def test_the_first_object_names_the_columns_and_later_ones_may_lack_some(penguins_run: Path) -> None:
    first, second, *_ = map(json.loads, objects())
    whole = predict(penguins_run, "-", stdin=f"{json.dumps(first)}\n{json.dumps({**second, 'sex': None})}\n").ok().out
    del second["sex"]
    assert predict(penguins_run, "-", stdin=f"{json.dumps(first)}\n{json.dumps(second)}\n").ok().out == whole
    result = predict(penguins_run, "-", stdin=f"{json.dumps(second)}\n{json.dumps(first)}\n")
    assert (result.code, result.out) == (3, "")
    assert result.err.startswith("error: standard input: line 1: no column 'sex'")
    empty = predict(penguins_run, "-", stdin="")
    assert (empty.code, empty.err.count("\n")) == (3, 1)


def test_a_json_line_has_the_columns_of_csv(penguins_run: Path) -> None:
    options = ("--probabilities", "--keep", "sex,species")
    rows = predict(penguins_run, PENGUINS, *options).ok().rows
    found = [json.loads(line) for line in predict(penguins_run, PENGUINS, *options, "--jsonl").ok().out.splitlines()]
    assert [list(row) for row in found] == [list(row) for row in rows]
    assert [list(map(str, row.values())) for row in found] == [list(row.values()) for row in rows]
    kept = predict(penguins_run, "-", "--keep", "sex", "--jsonl", stdin="\n".join(objects()[:4])).ok().out
    assert [json.loads(line)["sex"] for line in kept.splitlines()] == ["male", "female", "female", None]


def test_json_lines_are_not_made_safe_for_spreadsheets(penguins_run: Path) -> None:
    result = predict(penguins_run, PENGUINS, "--jsonl", "--spreadsheet-safe")
    assert (result.code, result.err) == (2, "error: --spreadsheet-safe: for CSV; leave it out with --jsonl\n")


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_substituted_processes_are_inputs_and_outputs(penguins_run: Path, tmp_path: Path) -> None:
    expected = predict(penguins_run, PENGUINS).ok().out
    (tmp_path / "in.csv.gz").write_bytes(gzip.compress(PENGUINS.read_bytes()))
    command = (
        f"{sys.executable} -m bpcli predict <(zcat in.csv.gz) --checkpoint {penguins_run} -o >(gzip > out.gz); wait"
    )
    subprocess.run(["bash", "-c", command], cwd=tmp_path, check=True, capture_output=True, timeout=120)
    assert gzip.decompress((tmp_path / "out.gz").read_bytes()).decode() == expected


@pytest.mark.parametrize(
    "name", ["/dev/stdout", *(pytest.param(name, marks=pytest.mark.exhaustive) for name in ("/dev/fd/1", "-"))]
)
def test_standard_output_may_be_a_file_under_another_name(penguins_run: Path, tmp_path: Path, name: str) -> None:
    with (tmp_path / "out.csv").open("wb") as file:
        command = [
            sys.executable,
            "-m",
            "bpcli",
            "predict",
            str(PENGUINS),
            "--checkpoint",
            str(penguins_run),
            "-o",
            name,
        ]
        subprocess.run(command, stdout=file, stderr=subprocess.PIPE, check=True, timeout=120)
    assert (tmp_path / "out.csv").read_text() == predict(penguins_run, PENGUINS).ok().out


def test_the_null_device_takes_predictions_and_stays_a_device(penguins_run: Path) -> None:
    assert predict(penguins_run, PENGUINS, "-o", os.devnull).ok().out == ""
    assert Path(os.devnull).is_char_device()


def test_the_reader_of_a_named_pipe_may_leave(penguins_run: Path, tmp_path: Path) -> None:
    (tmp_path / "long.csv").write_text("\n".join([HEADER, *LINES * 100]))
    os.mkfifo(tmp_path / "out")
    heads: list[str] = []

    def read_one() -> None:
        with (tmp_path / "out").open() as file:
            heads.append(file.readline())

    reader = threading.Thread(target=read_one)
    reader.start()
    process = bpcli_process("predict", "long.csv", "--checkpoint", penguins_run, "-o", "out", cwd=tmp_path)
    assert process.communicate(timeout=60) == (b"", b"")
    reader.join()
    assert (process.returncode, heads) == (141, ["prediction\n"])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["long.csv", "out"]
