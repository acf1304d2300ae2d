"""Texts of every kind train, and each row gets the answer that it gets alone."""

from __future__ import annotations

import csv
import json
import unicodedata
from collections.abc import Sequence
from pathlib import Path

import pytest
from commands import bpcli

from bpcli import load
from bpcli.data.columns.text_input import TextInput

CELLS = [
    "a plain sentence, with a comma",
    'he said "no" and\nleft\r\non the next line',
    "",
    " \t ",
    None,
    "\x01\x1f\x7f control characters \x1b[31m",
    "NUL \x00 within",
    "שלום עולם, זה טוב",
    "\u202eright to left\u202c هذا جيد",
    "👩‍👩‍👧 👍🏽 🏳️‍🌈 🇩🇪",
    "这个相机很好用",
    "カメラがとても良い",
    "กล้องนี้ดีมาก",
    "Ångström café",
    "1 2",
    "I a",
    "? !",
    "{}[]: - # & * yaml |",
    "=cmd|' /C calc'!A0",
    "<script>alert(1)</script>",
    "null NaN true",
    "\u200b\ufeff",
    "word " * 3_000,
    "x" * 200_000,
    "\ufffd \ufffe \U0010ffff",
]


def json_lines(path: Path, cells: Sequence[str | None], labelled: bool = True) -> Path:
    labels = ({"y": "pn"[row % 2]} if labelled else {} for row in range(len(cells)))
    rows = [{"t": cell, **label} for cell, label in zip(cells, labels, strict=True)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of all these cells, twice."""
    folder = tmp_path_factory.mktemp("texts")
    json_lines(folder / "t.jsonl", CELLS * 2)
    config = {
        "recipe": "text",
        "data": {"path": "t.jsonl", "target": "y", "columns": {"t": "text"}, "split": {"validation": 0, "test": 0}},
        "training": {"epochs": 3},
    }
    (folder / "c.yaml").write_text(json.dumps(config))
    bpcli("train", folder / "c.yaml", "--run-dir", folder / "run", "-q").ok()
    return folder / "run"


def answers(folder: Path, run: Path, cells: Sequence[str | None]) -> list[dict[str, str]]:
    file = json_lines(folder / "p.jsonl", cells, labelled=False)
    bpcli("predict", file, "--checkpoint", run, "-o", folder / "out.csv", "--force").ok()
    with (folder / "out.csv").open(newline="", encoding="utf-8") as lines:
        return [{key: value for key, value in row.items() if key != "t"} for row in csv.DictReader(lines)]


def test_each_text_gets_one_answer_in_the_same_bits_as_alone(tmp_path: Path, run: Path) -> None:
    together = answers(tmp_path, run, CELLS)
    assert len(together) == len(CELLS)
    alone = [answers(tmp_path, run, [cell])[0] for cell in CELLS if cell is not None]
    assert alone == [answer for cell, answer in zip(CELLS, together, strict=True) if cell is not None]


def test_texts_without_a_token_get_the_answer_of_an_empty_one(tmp_path: Path, run: Path) -> None:
    first, *others = answers(tmp_path, run, ["", " \t ", "\n", None, "\u200b\ufeff", "\u3000", "neverseen"])
    assert others == [first] * len(others)


def test_composed_and_decomposed_texts_have_the_same_answers(tmp_path: Path, run: Path) -> None:
    cells = [cell for cell in CELLS if cell]
    forms = [answers(tmp_path, run, [unicodedata.normalize(form, cell) for cell in cells]) for form in ("NFC", "NFD")]
    assert forms[0] == forms[1]


def test_every_script_has_terms(run: Path) -> None:
    (column,) = load(run).preprocessor.inputs
    assert isinstance(column, TextInput)
    expected = {"שלום", "هذا", "这 个", "カ", "👩‍👩‍👧", "👍🏽", "ångström café", "1 2", "i a", "? !", "\x00"}
    assert expected <= set(column.words)


def test_explained_predictions_show_texts_without_control_characters(tmp_path: Path, run: Path) -> None:
    file = json_lines(tmp_path / "p.jsonl", CELLS, labelled=False)
    shown = bpcli("predict", file, "--checkpoint", run, "--explain", "-o", tmp_path / "out.csv").ok()
    assert not {"\x1b", "\x01", "\x00"} & set(shown.err + shown.out)


def test_cells_of_a_table_with_line_breaks_and_quotes_are_texts(tmp_path: Path) -> None:
    with (tmp_path / "t.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["review", "y"])
        for row in range(40):
            writer.writerow(
                [f'it was "{"good" if row % 2 else "bad"}",\nthey said on day {row}, no more', "np"[row % 2]]
            )
    made = bpcli("init", "t.csv", "--target", "y", "-o", "c.yaml", cwd=tmp_path).ok()
    assert "note: 'review' read as texts: 40 distinct in 40 rows, of 9 words in the mean\n" in made.err
    bpcli("train", "c.yaml", "--run-dir", "run", "--set", "data.split.test=0", "-q", cwd=tmp_path).ok()
    (tmp_path / "p.csv").write_text('review\n"it was ""good"",\nthey said"\n"bad"\n', encoding="utf-8")
    rows = bpcli("predict", "p.csv", "--checkpoint", "run", cwd=tmp_path).ok().rows
    assert [next(value for key, value in row.items() if key not in ("review",)) for row in rows] == ["p", "n"]
