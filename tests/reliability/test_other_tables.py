"""A model asked about another table than it was trained on: the same answer, or a line that says what differs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from commands import PENGUINS, Result, bpcli

HEADER, *LINES = PENGUINS.read_text().splitlines()
NAMES = HEADER.split(",")

Table = list[list[str]]


def table() -> Table:
    return [line.split(",") for line in (HEADER, *LINES)]


def write(path: Path, rows: Table) -> Path:
    path.write_text("".join(",".join(row) + "\n" for row in rows))
    return path


def renamed(old: str, new: str) -> Callable[[Table], Table]:
    return lambda rows: [[new if name == old else name for name in rows[0]], *rows[1:]]


def without(name: str) -> Callable[[Table], Table]:
    place = NAMES.index(name)
    return lambda rows: [[*row[:place], *row[place + 1 :]] for row in rows]


def with_cells(name: str, cell: str) -> Callable[[Table], Table]:
    place = NAMES.index(name)
    return lambda rows: [rows[0], *([*row[:place], cell, *row[place + 1 :]] for row in rows[1:])]


def answers(folder: Path, run: Path, edit: Callable[[Table], Table], *options: str) -> Result:
    return bpcli("predict", write(folder / "t.csv", edit(table())), "--checkpoint", run, *options)


SAME: dict[str, Callable[[Table], Table]] = {
    "reordered": lambda rows: [row[::-1] for row in rows],
    "sorted by name": lambda rows: list(map(list, zip(*sorted(zip(*rows, strict=True)), strict=True))),
    "without the target": without("species"),
    "without what was excluded": without("year"),
    "with more columns": lambda rows: [[*row, f"more {number}"] for number, row in enumerate(rows)],
    "with another target": with_cells("species", "Dodo"),
    "with blanks": lambda rows: [[f" {cell}\t" for cell in row] for row in rows],
}


@pytest.mark.parametrize("edit", SAME.values(), ids=SAME)
def test_what_the_model_does_not_look_at_changes_no_bit(
    tmp_path: Path, penguins_run: Path, edit: Callable[[Table], Table]
) -> None:
    expected = bpcli("predict", PENGUINS, "--checkpoint", penguins_run, "--probabilities").ok().out
    assert answers(tmp_path, penguins_run, edit, "--probabilities").ok().out == expected


REFUSED = {
    "missing": (without("island"), "no column 'island'; it has '"),
    "renamed": (
        renamed("bill_length_mm", "bill_lenght_mm"),
        "no column 'bill_length_mm'; did you mean 'bill_lenght_mm'?",
    ),
    "other case": (renamed("island", "Island"), "no column 'island'; did you mean 'Island'?"),
    "a header too short": (
        lambda rows: without("sex")(rows[:1]) + rows[1:],
        ("line 2: 8 fields, but the header has 7 columns", "no column 'sex'; it has '"),
    ),
    "two missing": (
        lambda rows: renamed("sex", "gender")(renamed("island", "isle")(rows)),
        "no columns 'island', 'sex'; it has 'species', 'isle', ",
    ),
    "other type": (with_cells("body_mass_g", "heavy"), "line 2: column 'body_mass_g': 'heavy' is not a finite number"),
    "yes and no for numbers": (with_cells("body_mass_g", "yes"), "line 2: column 'body_mass_g': 'yes' is not a finite"),
    "another unit": (with_cells("body_mass_g", "3.7 kg"), "line 2: column 'body_mass_g': '3.7 kg' is not a finite"),
    "decimal commas": (
        with_cells("body_mass_g", '"3,7"'),
        "line 2: column 'body_mass_g': '3,7' is not a finite number",
    ),
}


@pytest.mark.parametrize(("edit", "words"), REFUSED.values(), ids=REFUSED)
def test_no_answer_is_given_where_the_columns_are_others(
    tmp_path: Path, penguins_run: Path, edit: Callable[[Table], Table], words: str | tuple[str, str]
) -> None:
    path = write(tmp_path / "t.csv", edit(table()))
    predicting, evaluating = (words, words) if isinstance(words, str) else words
    for command, words in (
        (("predict", path, "--checkpoint", penguins_run), predicting),
        (("evaluate", penguins_run, "--data", path), evaluating),
    ):
        result = bpcli(*command)
        assert (result.code, result.out) == (3, "")
        assert result.err.startswith(f"error: {path}: {words}")
        assert result.err.count("\n") == 1


def test_categories_never_seen_are_named_and_counted_and_take_the_unknown_place(
    tmp_path: Path, penguins_run: Path
) -> None:
    first = answers(tmp_path, penguins_run, with_cells("island", "Atlantis"), "--probabilities").ok()
    assert "note: column 'island': 344 rows with 'Atlantis', not seen in training\n" in first.err
    other_case = answers(tmp_path, penguins_run, with_cells("island", "biscoe"), "--probabilities").ok()
    assert "note: column 'island': 344 rows with 'biscoe', not seen in training\n" in other_case.err
    numbers = answers(tmp_path, penguins_run, with_cells("island", "7"), "--probabilities").ok()
    assert first.out == other_case.out == numbers.out, "one place for all of them"
    known = answers(tmp_path, penguins_run, with_cells("island", "Biscoe"), "--probabilities").ok()
    assert known.out != first.out


def test_an_answer_that_is_no_number_is_refused(tmp_path: Path) -> None:
    """A class would still come out of it: the first."""
    (tmp_path / "t.csv").write_text("x,z,y\n" + "".join(f"{row / 1e4},{row},{'pq'[row % 2]}\n" for row in range(60)))
    (tmp_path / "c.yaml").write_text("data: {path: t.csv, target: y}\ntraining: {epochs: 1}\n")
    bpcli("train", "c.yaml", "-q", "--run-dir", "run", cwd=tmp_path).ok()
    (tmp_path / "far.csv").write_text("x,z,y\n0,1,p\n1e37,1,q\n")
    too_large = "column 'x': 1e+37 is too large; if it marks a missing value, add it to data.missing\n"
    evaluated = bpcli("evaluate", "run", "--data", "far.csv", cwd=tmp_path)
    assert (evaluated.code, evaluated.out, evaluated.err) == (3, "", f"error: far.csv: {too_large}")
    predicted = bpcli("predict", "far.csv", "--checkpoint", "run", cwd=tmp_path)
    assert (predicted.code, len(predicted.out.splitlines())) == (3, 2), "the header, and the row before"
    assert predicted.err.endswith(f"error: far.csv: row 2: {too_large}")


def test_a_quantity_beyond_the_type_of_the_network_is_answered(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("x,y\n" + "".join(f"{row},{row * 1e34}\n" for row in range(60)))
    (tmp_path / "c.yaml").write_text("data: {path: t.csv, target: y}\ntraining: {epochs: 40}\n")
    bpcli("train", "c.yaml", "-q", "--run-dir", "run", cwd=tmp_path).ok()
    (tmp_path / "far.csv").write_text("x\n1\n1e9\n")
    near, far = bpcli("predict", "far.csv", "--checkpoint", "run", cwd=tmp_path).ok().rows
    assert abs(float(near["prediction"])) < 60e34
    assert float(np.finfo(np.float32).max) < abs(float(far["prediction"])) < np.inf
