"""The report of a run is one page that needs nothing beside it, and says what the files of the run say."""

from __future__ import annotations

import json
import re
import shutil
from html import unescape
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import CONFIGS
from comparison_runs import by
from experiments import write_csv
from pages import Checked, drawn, tables

from bpcli.errors import CheckpointError, DataError
from bpcli.experiment.opening import open_experiment
from bpcli.jobs.training import train
from bpcli.models.evaluation import evaluate_split
from bpcli.models.model import Model
from bpcli.models.summary import ExperimentSummary
from bpcli.report.contents import report_of
from bpcli.storage.run_directory import RunDirectory


def page_of(run: Path) -> str:
    return report_of(RunDirectory(run)).html


@pytest.fixture(scope="module")
def penguins_page(penguins_run: Path) -> str:
    return page_of(penguins_run)


def test_a_page_is_whole_small_and_asks_nothing_of_elsewhere(penguins_page: str) -> None:
    parsed = Checked(penguins_page)
    assert parsed.addresses == ["data:,"]
    assert not re.search(r"url\(|@import|fetch\(|https?:", penguins_page)
    assert len(penguins_page.encode()) < 500_000


def test_its_numbers_are_those_of_the_files(penguins_run: Path, penguins_page: str) -> None:
    records = [json.loads(line) for line in (penguins_run / "metrics.jsonl").read_text().splitlines()]
    summary = json.loads((penguins_run / "summary.json").read_text())
    charts = [json.loads(unescape(found)) for found in re.findall(r'data-points="([^"]*)"', penguins_page)]
    shown = {series["name"]: series["points"] for series in charts[0]}
    assert list(shown) == ["train loss", "validation loss"]
    for name, points in shown.items():
        values = [(record["epoch"], record[name.replace(" ", "_")]) for record in records]
        assert [(point[2], point[3]) for point in points] == [(x, pytest.approx(y, rel=1e-5)) for x, y in values]
    words = Checked(penguins_page).words
    assert f"{summary['test']['accuracy']:.4f}" in words
    cells = [int(word) for word in re.findall(r'<td style="--share[^>]*>(\d+)</td>', penguins_page)]
    assert cells == [count for row in summary["test"]["confusion_matrix"] for count in row]


def test_a_regression_has_residuals(concrete_run: Path) -> None:
    words = Checked(page_of(concrete_run)).words
    assert "compressive_strength: residuals" in words
    assert "Confusion matrix" not in words


def test_two_classes_name_the_positive_one(compared_runs: Path) -> None:
    html = page_of(compared_runs / "wrong")
    assert "the positive class, &#x27;yes&#x27;." in html
    accuracy = evaluate_split(Model.load(compared_runs / "wrong"), "test").report.scores["accuracy"]
    assert f"{accuracy:.4f}" in Checked(html).words
    importance = tables(html)["Permutation importance"]
    assert [row[0] for row in importance[1:]] == ["b", "a"]
    assert importance[0] == ["column", "worse by", "low", "high"]
    assert importance[2][1:] == ["0.0000", "0.0000", "0.0000"]
    assert "Importance of columns" in Checked(html).words


def test_a_run_whose_data_is_gone_has_a_report_without_an_evaluation(tmp_path: Path) -> None:
    run = by(tmp_path, "run", 4, 0)
    (tmp_path / "t.csv").unlink()
    made = report_of(RunDirectory(run))
    assert len(made.notes) == 1
    assert made.notes[0].startswith(f"no evaluation: {tmp_path}/t.csv: the data of this run ")
    assert "Loss" in Checked(made.html).words
    assert "Permutation importance" not in tables(made.html)
    assert [row[-1] for row in tables(made.html)["Inputs"][1:]] == ["-", "-"]


def test_a_run_without_a_best_checkpoint_has_no_report(tmp_path: Path) -> None:
    run = by(tmp_path, "run", 4, 0)
    (run / "checkpoints/best.safetensors").unlink()
    with pytest.raises(CheckpointError, match="no best checkpoint"):
        report_of(RunDirectory(run))


def test_its_columns_are_those_of_the_experiment_in_the_same_words(penguins_page: str) -> None:
    said = ExperimentSummary.of(open_experiment(CONFIGS / "penguins.yaml")).to_json()["columns"]
    header, *rows = tables(penguins_page)["Inputs"]
    assert header == ["column", "kind", "encoding", "inputs", "missing"]
    assert isinstance(said, list)
    assert rows == [
        [str(column[name]) for name in ("name", "kind", "encoding", "inputs", "missing")] for column in said
    ]


def test_how_the_run_ended_is_said(penguins_page: str, tmp_path: Path) -> None:
    assert "finished after 1 epoch (all epochs done)" in page_of(by(tmp_path, "run", 4, 0))
    assert "(early stopping: validation_loss has not improved for 20 epochs)" in penguins_page


def test_a_run_of_before_says_why_it_ended_by_the_name_of_the_reason(penguins_run: Path, tmp_path: Path) -> None:
    run = Path(shutil.copytree(penguins_run, tmp_path / "run"))
    summary = json.loads((run / "summary.json").read_text())
    for name in ("stop_explanation", "diagnosis", "warnings"):
        del summary[name]
    (run / "summary.json").write_text(json.dumps(summary))
    assert "(early stopping)" in page_of(run)


def test_health_and_warnings_stand_on_the_page(penguins_run: Path, tmp_path: Path) -> None:
    run = Path(shutil.copytree(penguins_run, tmp_path / "run"))
    records = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    for record in records:
        layer = {"layer": 0, "gradient_norm": 0.5, "update_ratio": 0.001, "dead": 0.25, "saturated": None}
        record["health"] = [layer, {**layer, "layer": 2, "dead": None, "saturated": 0.125}]
    (run / "metrics.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    summary = json.loads((run / "summary.json").read_text())
    told = {"diagnosis": ["layer 0: sick <b>"], "warnings": ["column 'x': equal to target <i>"]}
    (run / "summary.json").write_text(json.dumps({**summary, **told}))
    html = page_of(run)
    assert "<p>Layer 0: sick &lt;b&gt;.</p>" in html
    assert "<p>Warning: column &#x27;x&#x27;: equal to target &lt;i&gt;.</p>" in html
    assert re.findall(r"<figcaption>(Gradient norm|Update to weight|Dead units|Saturated units)<", html) == [
        "Gradient norm",
        "Update to weight",
        "Dead units",
        "Saturated units",
    ]
    assert "layer 0 (dense)" in html
    Checked(html)


def test_the_health_of_layers_is_that_of_the_file(penguins_run: Path, penguins_page: str) -> None:
    records = [json.loads(line) for line in (penguins_run / "metrics.jsonl").read_text().splitlines()]
    charts = {"Gradient norm": "gradient_norm", "Update to weight": "update_ratio", "Dead units": "dead"}
    for title, key in {**charts, "Saturated units": "saturated"}.items():
        curves = drawn(penguins_page)[title]
        assert curves
        for curve in curves:
            index = int(curve["name"].split()[1])
            values = {
                record["epoch"]: layer[key]
                for record in records
                for layer in record["health"]
                if layer["layer"] == index and layer[key] is not None
            }
            assert {x: y for *_, x, y in curve["points"]} == pytest.approx(values, rel=1e-5)


def test_a_regression_that_is_worse_than_the_mean_is_called_that(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    write_csv(tmp_path / "d.csv", {"x": rng.normal(size=80), "y": rng.normal(size=80) + 50})
    (tmp_path / "c.yaml").write_text("data: {path: d.csv, target: y}\nlayers: []\ntraining: {epochs: 1}\n")
    settings = ["optimizer={type: sgd, learning_rate: 0.9}", "training.batch_size=2"]
    run = train(tmp_path / "c.yaml", settings, run_dir=tmp_path / "r").path
    clipped, said = evaluate_split(Model.load(run), None).notes
    assert "clipped to at least 0" in clipped
    assert re.fullmatch("r2 is -.*: worse than predicting the mean of these rows", said)
    assert f"R{said[1:]}." in Checked(page_of(run)).words


def test_the_largest_of_runs_makes_a_page_that_is_still_small(tmp_path: Path) -> None:
    """26 classes, more columns than are shown, 2,000 epochs, eight layers watched, and the longest names."""
    rng = np.random.default_rng(0)
    classes = [f"class {chr(97 + number)} {'long ' * 40}" for number in range(26)]
    columns = {f"column_{number}_{'x' * 60}": rng.normal(size=520).round(3) for number in range(220)}
    write_csv(tmp_path / "d.csv", {**columns, "class": classes * 20})
    (tmp_path / "c.yaml").write_text(
        "data: {path: d.csv, target: class}\nlayers: [{units: 4}, {units: 4}]\ntraining: {epochs: 1}\n"
    )
    train(tmp_path / "c.yaml", run_dir=tmp_path / "r")
    with (tmp_path / "r/metrics.jsonl").open("w") as file:
        for epoch in range(1, 2_001):
            names = ("gradient_norm", "update_ratio", "dead", "saturated")
            health = [{"layer": index, **dict(zip(names, rng.random(4), strict=True))} for index in range(8)]
            values = dict(zip(("train_loss", "validation_loss", "validation_accuracy"), rng.random(3), strict=True))
            record = {"epoch": epoch, **values, "learning_rate": rng.random(), "best_epoch": 1, "health": health}
            file.write(json.dumps(record) + "\n")
    html = page_of(tmp_path / "r")
    Checked(html)
    assert html.count("<figure") == 11
    assert "Confusion matrix" in tables(html)
    assert 200_000 < len(html.encode()) < 500_000


def test_charts_and_tables_are_for_keyboards_and_screen_readers_too(penguins_page: str) -> None:
    figures = re.findall(r"<figure[^>]*>", penguins_page)
    assert figures
    assert all('tabindex="0"' in figure and 'aria-describedby="how-to-read"' in figure for figure in figures)
    assert penguins_page.count('id="how-to-read"') == 1
    drawings = re.findall(r"<svg viewBox=[^>]*>", penguins_page)
    assert len(drawings) == len(figures)
    assert all('role="img" aria-label="' in drawing for drawing in drawings)
    assert penguins_page.count("<caption>") == penguins_page.count("<table")
    assert '<html lang="en">' in penguins_page


def test_what_is_printed_is_dark_on_light_and_without_controls(penguins_page: str) -> None:
    assert "@media screen and (prefers-color-scheme: dark)" in penguins_page
    printed = "".join(re.findall(r"@media print \{(.*?)\n\}", penguins_page, re.DOTALL))
    assert "output, details, .how { display: none; }" in printed


DAMAGES: list[Any] = [None, "x", [1], -1, 1e308, 10**400, {"epoch": "x"}, {"epoch": 10**400}]


@pytest.mark.parametrize("step", [7, pytest.param(1, marks=pytest.mark.exhaustive)])
def test_whatever_stands_in_summary_and_metrics_there_is_a_page(
    compared_runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, record_property: Any, step: int
) -> None:
    """Files that somebody edited: each value of both in turn something that training does not write."""
    run = Path(shutil.copytree(compared_runs / "right", tmp_path / "run"))
    summary = json.loads((run / "summary.json").read_text())
    only = json.loads((run / "metrics.jsonl").read_text())
    first, *between, last = ({**only, "epoch": epoch} for epoch in (1, 2, 3))

    def no_data(*_: Any) -> None:
        raise DataError("left out, as it takes its time")

    monkeypatch.setattr("bpcli.report.contents.own_data", no_data)
    model = Model.load(run)
    monkeypatch.setattr("bpcli.report.contents.Model.load", lambda _: model)
    cases = 0

    def report(told: dict[str, Any], records: list[Any]) -> None:
        nonlocal cases
        (run / "summary.json").write_text(json.dumps(told))
        (run / "metrics.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
        Checked(report_of(RunDirectory(run)).html)
        cases += 1

    places = [("summary", name) for name in summary] + [("metrics", name) for name in last]
    for index, damage in enumerate(DAMAGES):
        for file, place in places[index % step :: step]:
            if file == "summary":
                report({**summary, place: damage}, [first, *between, last])
            else:
                report(summary, [{**first, place: damage}, *between, {**last, place: damage}])
    record_property("cases", cases)
    assert cases >= len(DAMAGES) * (len(places) // step) > 200 // step
