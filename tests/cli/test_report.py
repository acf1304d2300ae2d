"""`bpcli report`: one page that needs nothing beside it, and says what the files of the run say."""

from __future__ import annotations

import json
import re
import shutil
from html import unescape
from pathlib import Path

import pytest
from commands import CONFIGS, PENGUINS, bpcli
from pages import Checked


@pytest.fixture(scope="module")
def penguins_page(penguins_run: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("report") / "page.html"
    assert bpcli("report", penguins_run, "-o", path).ok().out == f"{path}\n"
    return path.read_text()


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


def test_a_regression_has_residuals(concrete_run: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    bpcli("report", concrete_run, "-o", page).ok()
    words = Checked(page.read_text()).words
    assert "compressive_strength: residuals" in words
    assert "Confusion matrix" not in words


def test_without_output_it_goes_into_the_run_and_may_be_written_again(penguins_run: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(penguins_run, run)
    for _ in range(2):
        bpcli("report", run).ok()
    assert (run / "report.html").is_file()


def test_a_file_that_exists_is_replaced_only_by_force(penguins_run: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text("mine")
    refused = bpcli("report", penguins_run, "-o", page)
    assert refused.code == 8
    assert page.read_text() == "mine"
    bpcli("report", penguins_run, "-o", page, "--force").ok()
    assert page.read_text().startswith("<!doctype html>")


def test_a_dash_is_standard_output(penguins_run: Path) -> None:
    assert bpcli("report", penguins_run, "-o", "-").ok().out.startswith("<!doctype html>")


def test_a_run_whose_data_is_gone_has_a_report_without_an_evaluation(penguins_run: Path, tmp_path: Path) -> None:
    page, other = tmp_path / "page.html", tmp_path / "other"
    data = tmp_path / "gone.csv"
    shutil.copy(PENGUINS, data)
    bpcli("train", CONFIGS / "penguins.yaml", "--run-dir", other, "--set", f"data.path={data}", "-q").ok()
    data.unlink()
    done = bpcli("report", other, "-o", page).ok()
    assert "note: no evaluation:" in done.err
    assert "Loss" in Checked(page.read_text()).words


def test_what_is_no_run_is_refused(tmp_path: Path) -> None:
    refused = bpcli("report", tmp_path)
    assert refused.code == 4
    assert "not a run directory" in refused.err
