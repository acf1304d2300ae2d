"""Options of delimited text for workbooks: errors with their place, not silence."""

from __future__ import annotations

from pathlib import Path

import pytest
from experiments import write_csv

from bpcli.errors import ConfigError
from bpcli.experiment.opening import open_experiment

openpyxl = pytest.importorskip("openpyxl")
pytest.importorskip("python_calamine")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rows = [("a", "y"), *((row, row % 7 + 0.5) for row in range(40))]
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    book.save(tmp_path / "t.xlsx")
    write_csv(tmp_path / "t.csv", {"a": [one for one, _ in rows[1:]], "y": [one for _, one in rows[1:]]})
    return tmp_path


def config(folder: Path, data: str) -> Path:
    (folder / "c.yaml").write_text(f"data:\n  target: y\n{data}")
    return folder / "c.yaml"


def test_each_option_of_text_is_an_error_with_its_line_and_what_to_do(folder: Path) -> None:
    path = config(folder, "  path: t.xlsx\n  header: false\n  comment: '#'\n  delimiter: ;\n")
    with pytest.raises(ConfigError) as caught:
        open_experiment(path)
    is_for = "is for delimited text, but the data is a workbook"
    assert caught.value.messages == (
        f"{path}:4:11: data.header: {is_for}; name the columns in the first row of the sheet",
        f"{path}:5:12: data.comment: {is_for}; delete such rows in the sheet, or skip those at its beginning with "
        "data.skip_rows",
        f"{path}:6:14: data.delimiter: {is_for}; omit it",
    )


def test_options_that_apply_and_those_of_a_text_beside_are_taken(folder: Path) -> None:
    assert open_experiment(config(folder, "  path: t.xlsx\n  skip_rows: 0\n  decimal: ','\n")).rows["train"] == 28
    beside = "  train: t.xlsx\n  test: t.csv\n  delimiter: ','\n  accept: [duplicate_rows]\n"
    assert open_experiment(config(folder, beside)).rows["test"] == 40
