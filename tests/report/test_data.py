"""What a report says of the data: rows, targets and inputs, as the data has them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from commands import PENGUINS
from comparison_runs import PART, YES, A
from experiments import write_csv

from bpcli.documents.table import Table
from bpcli.jobs.training import train
from bpcli.models.evaluation import own_data
from bpcli.models.model import Model
from bpcli.pages.page import Section
from bpcli.report.data import data_section
from bpcli.storage.records import Summary


def section_of(run: Path, summary: Summary | None = None) -> Section:
    model = Model.load(run)
    return data_section(model, own_data(model), summary or Summary())


def table(section: Section, title: str) -> list[list[str]]:
    (found,) = [one for one in section.tables if isinstance(one, Table) and one.title == title]
    return [list(found.header), *(list(row) for row in found.rows)]


def title_ending(section: Section, words: str) -> str:
    """The title of the table whose title ends with these words."""
    (title,) = [one.title for one in section.tables if isinstance(one, Table) and one.title.endswith(words)]
    return title


def test_the_rows_of_each_class_in_each_split_are_counted(compared_runs: Path) -> None:
    section = section_of(compared_runs / "right")
    counts = {
        name: [str(np.sum(of & (part == PART))) for part in ("train", "validation", "test")]
        for name, of in (("no", ~YES), ("yes", YES))
    }
    classes = title_ending(section, " class")
    assert table(section, classes) == [["class", "train", "validation", "test"], *([k, *v] for k, v in counts.items())]
    assert table(section, "Rows") == [["split", "rows"], ["train", "30"], ["validation", "30"], ["test", "30"]]


def test_of_the_penguins_too(penguins_run: Path) -> None:
    section = section_of(penguins_run)
    _, *rows = table(section, title_ending(section, " class"))
    summary = json.loads((penguins_run / "summary.json").read_text())
    assert [sum(int(row[place]) for row in rows) for place in (1, 2, 3)] == list(summary["rows"].values())
    lines = [line.split(",")[0] for line in PENGUINS.read_text().splitlines()[1:]]
    assert {row[0]: sum(map(int, row[1:])) for row in rows} == {name: lines.count(name) for name in set(lines)}
    support = {name: str(scores["support"]) for name, scores in summary["test"]["per_class"].items()}
    assert {row[0]: row[3] for row in rows} == support


def test_the_spread_of_a_quantity_in_each_split_is_shown(compared_runs: Path) -> None:
    header, *rows = table(section_of(compared_runs / "numbers/exact"), "Target")
    assert header == ["target", "split", "mean", "standard deviation", "least", "greatest"]
    for row, part in zip(rows, ("train", "validation", "test"), strict=True):
        values = 10 * A[part == PART]
        assert row[:2] == ["y", part]
        assert [float(cell) for cell in row[2:]] == [
            pytest.approx(of(values), abs=5e-5) for of in (np.mean, np.std, np.min, np.max)
        ]


def test_labels_are_counted_one_by_one(tmp_path: Path) -> None:
    x = np.arange(80)
    write_csv(tmp_path / "t.csv", {"x": x, "big": (x > 10).astype(int), "odd": x % 2})
    (tmp_path / "c.yaml").write_text(
        "data: {path: t.csv, target: [big, odd], split: {validation: 0, test: 0}}\ntraining: {epochs: 1}\n"
    )
    section = section_of(train(tmp_path / "c.yaml", run_dir=tmp_path / "run").path)
    assert table(section, title_ending(section, " label")) == [["label", "train"], ["big", "69"], ["odd", "40"]]


def test_without_the_unchanged_data_there_is_what_the_checkpoint_holds(compared_runs: Path, tmp_path: Path) -> None:
    model = Model.load(compared_runs / "right")
    section = data_section(model, None, Summary())
    assert [one.title for one in section.tables if isinstance(one, Table)] == ["Rows", "Inputs"]
    assert [row[-1] for row in table(section, "Inputs")[1:]] == ["-", "-"]
    own = own_data(model)
    changed = replace(own, selection=replace(own.selection, digest="0" * 64))
    section = data_section(model, changed, Summary())
    assert [one.title for one in section.tables if isinstance(one, Table)] == ["Rows", "Inputs"]
    assert [row[-1] for row in table(section, "Inputs")[1:]] == ["0", "0"]


def test_columns_are_counted_and_warnings_and_the_digest_are_told(penguins_run: Path) -> None:
    section = section_of(penguins_run, Summary(warnings=["column 'x' equals the target"]))
    first, warning, digest = section.sentences
    assert first.startswith("6 input columns ")
    assert " 14 features; the target is 'species'." in first
    assert warning == "Warning: column 'x' equals the target."
    assert digest.endswith(Model.load(penguins_run).header.data.sha256)
    header, *rows = table(section, "Inputs")
    assert header == ["column", "kind", "encoding", "inputs", "missing"]
    cells = [line.split(",") for line in PENGUINS.read_text().splitlines()]
    place = cells[0].index("sex")
    missing = sum(row[place] in ("", "NA") for row in cells)
    assert missing > 0
    assert {row[0]: row[-1] for row in rows}["sex"] == str(missing)
