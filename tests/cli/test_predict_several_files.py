"""`bpcli predict` of several files: the answers of the files joined, in their order."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from commands import PENGUINS, Result, bpcli

HEADER, *LINES = PENGUINS.read_text().splitlines()
ENDS = (0, 100, 101, len(LINES))


def predict(run: Path, *arguments: object, stdin: str = "", cwd: Path | None = None) -> Result:
    return bpcli("predict", *arguments, "--checkpoint", run, stdin=stdin, cwd=cwd)


@pytest.fixture
def parts(tmp_path: Path) -> list[Path]:
    """The penguins in three files."""
    files = [tmp_path / f"part-{index}.csv" for index in range(3)]
    for file, start, end in zip(files, ENDS, ENDS[1:], strict=False):
        file.write_text("\n".join([HEADER, *LINES[start:end]]) + "\n")
    return files


@pytest.mark.parametrize(
    "options",
    [(), ("--probabilities",), ("--jsonl",), ("--keep", "island,year"), ("--spreadsheet-safe",)],
    ids=" ".join,
)
def test_several_files_give_the_bytes_of_the_joined_file(penguins_run: Path, parts: list[Path], options: tuple[str]):
    joined = predict(penguins_run, PENGUINS, *options).ok()
    several = predict(penguins_run, *parts, *options).ok()
    assert several.out == joined.out
    assert several.err == joined.err, "the count of rows and the notes are those of all files"


def test_explanations_are_those_of_the_joined_file_up_to_rounding(penguins_run: Path, parts: list[Path]):
    joined = predict(penguins_run, PENGUINS, "--explain").ok().rows
    several = predict(penguins_run, *parts, "--explain").ok().rows
    assert [row.pop("prediction") for row in several] == [row.pop("prediction") for row in joined]
    assert list(several[0]) == list(joined[0])
    numbers = [np.array([[float(cell) for cell in row.values()] for row in rows]) for rows in (several, joined)]
    np.testing.assert_allclose(*numbers, rtol=0, atol=1e-12)


def test_rows_follow_the_order_of_the_files_given(penguins_run: Path, parts: list[Path]):
    alone = [predict(penguins_run, part, "--probabilities").ok().out.splitlines(keepends=True) for part in parts]
    backwards = predict(penguins_run, *reversed(parts), "--probabilities").ok()
    assert backwards.out == "".join([alone[0][0], *alone[2][1:], *alone[1][1:], *alone[0][1:]])
    assert backwards.err.startswith("344 rows predicted by ")


def test_patterns_are_sorted_and_the_option_takes_what_the_argument_takes(penguins_run: Path, parts: list[Path]):
    folder = parts[0].parent
    expected = predict(penguins_run, PENGUINS).ok().out
    assert predict(penguins_run, "part-*.csv", cwd=folder).ok().out == expected
    assert predict(penguins_run, "part-0.csv", "part-[12].csv", cwd=folder).ok().out == expected
    assert predict(penguins_run, "--data", parts[0], "--data", "part-[12].csv", cwd=folder).ok().out == expected
    both = predict(penguins_run, parts[0], "--data", parts[1])
    assert (both.code, both.err) == (2, "error: INPUT and --data name the same thing; give one of them\n")


def test_a_pattern_that_matches_nothing_is_named(penguins_run: Path, parts: list[Path], tmp_path: Path):
    result = predict(penguins_run, "part-0.csv", "rest-*.csv", "-o", "out.csv", cwd=tmp_path)
    assert (result.code, result.err) == (3, "error: rest-*.csv: no file matches\n")
    assert not (tmp_path / "out.csv").exists()


def test_files_may_differ_in_format_and_in_the_order_of_columns(penguins_run: Path, parts: list[Path], tmp_path: Path):
    names = HEADER.split(",")
    rows = [dict(zip(names, line.split(","), strict=True)) for line in LINES[100:]]
    texts = ("species", "island", "sex")
    objects = [
        {name: None if cell in ("", "NA") else cell if name in texts else float(cell) for name, cell in row.items()}
        for row in rows
    ]
    (tmp_path / "rest.jsonl").write_text("".join(json.dumps(dict(reversed(row.items()))) + "\n" for row in objects))
    result = predict(penguins_run, parts[0], tmp_path / "rest.jsonl", "--probabilities").ok()
    assert result.out == predict(penguins_run, PENGUINS, "--probabilities").ok().out


@pytest.mark.parametrize("stream", ["-", "/dev/stdin"])
def test_standard_input_is_read_alone(penguins_run: Path, parts: list[Path], stream: str):
    result = predict(penguins_run, parts[0], stream, stdin=parts[1].read_text())
    assert (result.code, result.out) == (2, "")
    assert result.err == f"error: {stream}: standard input is read alone; leave the other data out\n"
    assert predict(penguins_run, stream, stdin=parts[1].read_text()).code == 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("bill_depth_mm", "depth"), "no column 'bill_depth_mm'; did you mean 'bill_length_mm'?"),
        (("50.4", "long"), "line 3: column 'bill_length_mm': 'long' is not a finite number"),
    ],
)
def test_an_error_names_its_file_and_leaves_no_output(
    penguins_run: Path, parts: list[Path], tmp_path: Path, change: tuple[str, str], message: str
):
    lines = [HEADER, LINES[0], LINES[1].replace(LINES[1].split(",")[2], "50.4")]
    parts[2].write_text("\n".join(lines).replace(*change) + "\n")
    result = predict(penguins_run, *parts, "-o", tmp_path / "out.csv")
    assert (result.code, result.out) == (3, "")
    assert result.err == f"error: {parts[2]}: {message}\n"
    assert not list(tmp_path.glob("*out*"))


def test_files_of_no_rows_add_none(penguins_run: Path, parts: list[Path], tmp_path: Path):
    (tmp_path / "empty.csv").write_text(HEADER + "\n")
    empty = tmp_path / "empty.csv"
    assert predict(penguins_run, empty, *parts, empty).ok().out == predict(penguins_run, PENGUINS).ok().out
    assert predict(penguins_run, empty, empty).ok().out == "prediction\n"


def test_none_of_the_inputs_may_be_the_output(penguins_run: Path, parts: list[Path]):
    before = parts[1].read_bytes()
    result = predict(penguins_run, *parts, "-o", parts[1], "--force")
    assert (result.code, parts[1].read_bytes()) == (2, before)
    assert result.err == f"error: --output {parts[1]}: one of the input files; choose another name\n"


def test_unknown_columns_and_values_of_all_files_are_reported_once(
    penguins_run: Path, parts: list[Path], tmp_path: Path
):
    for index, part in enumerate(parts[1:]):
        header, *lines = part.read_text().replace("Torgersen", "Crozet").replace("Biscoe", "Crozet").splitlines()
        text = [f"{header},colour,extra{index}", *(f"{line},red,1" for line in lines)]
        part.write_text("\n".join(text) + "\n")
    result = predict(penguins_run, *parts).ok()
    unseen = sum("Torgersen" in line or "Biscoe" in line for line in LINES[100:])
    ignored, surprise, _ = result.err.splitlines()
    assert ignored.endswith("since the model does not use them: 'colour', 'extra0', 'extra1'")
    assert "Crozet" in surprise
    assert str(unseen) in surprise
