"""`missing` of one column, from training to `predict`: new rows are read with it too."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from commands import Result, bpcli

CONFIG = """\
data:
  path: train.csv
  target: bought
  columns:
    age: {type: numeric, missing: [unknown]}
    city: categorical
layers: [{units: 4}]
training: {epochs: 3}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run in which `unknown` is a missing age, and a city."""
    folder, generator = tmp_path_factory.mktemp("own-missing"), np.random.default_rng(0)
    lines = ["age,city,bought"]
    for row in range(120):
        age = "unknown" if row % 6 == 0 else str(generator.integers(18, 80))
        lines.append(f"{age},{('Oslo', 'Rome', 'unknown')[row % 3]},{('no', 'yes')[row % 4 < 2]}")
    (folder / "train.csv").write_text("\n".join(lines) + "\n")
    (folder / "c.yaml").write_text(CONFIG)
    bpcli("train", "c.yaml", "--run-dir", "run", "-q", cwd=folder).ok()
    return folder


def predict(folder: Path, text: str, *options: str, source: str = "-") -> Result:
    return bpcli("predict", source, "--checkpoint", "run", "--probabilities", *options, stdin=text, cwd=folder)


def test_the_word_is_a_missing_value_in_its_column(folder: Path) -> None:
    by_word = predict(folder, "age,city\nunknown,Rome\n40,Oslo\n").ok()
    assert by_word.out == predict(folder, "age,city\n,Rome\n40,Oslo\n").ok().out
    assert len(by_word.rows) == 2
    known = predict(folder, "age,city\n50,Rome\n40,Oslo\n").ok()
    assert known.rows[0] != by_word.rows[0], "the age counts"
    assert known.rows[1] == by_word.rows[1]


def test_the_word_is_a_category_in_another_column(folder: Path) -> None:
    city = predict(folder, "age,city\n40,unknown\n").ok()
    missing = predict(folder, "age,city\n40,\n").ok()
    assert city.rows != missing.rows
    assert "not in the training set" not in city.err
    assert len(city.err.splitlines()) == 1, "a city that training knew needs no note"


def test_files_streams_and_json_lines_are_read_alike(folder: Path) -> None:
    text = "age,city\nunknown,Rome\n40,unknown\n"
    (folder / "new.csv").write_text(text)
    rows = [{"age": "unknown", "city": "Rome"}, {"age": 40, "city": "unknown"}]
    (folder / "new.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    expected = predict(folder, text).ok().out
    assert predict(folder, "", source="new.csv").ok().out == expected
    assert predict(folder, "", source="new.jsonl").ok().out == expected


def test_kept_cells_are_copied_unchanged(folder: Path) -> None:
    kept = predict(folder, "age,city\nunknown,unknown\n", "--keep", "age,city").ok()
    assert (kept.rows[0]["age"], kept.rows[0]["city"]) == ("unknown", "unknown")
    assert kept.rows[0].items() >= predict(folder, "age,city\n,unknown\n").ok().rows[0].items()


def test_any_other_word_is_an_error_that_names_its_line(folder: Path) -> None:
    result = predict(folder, "age,city\n40,Rome\nunclear,Rome\n")
    assert result.code == 3
    assert result.err == "error: standard input: line 3: column 'age': 'unclear' is not a finite number\n"
