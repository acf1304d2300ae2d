"""`bpcli report`: where the page goes, what is printed, and its exit codes."""

from __future__ import annotations

import shutil
from pathlib import Path

from commands import CONFIGS, PENGUINS, bpcli
from pages import Checked

from bpcli.report.contents import report_of
from bpcli.storage.run_directory import RunDirectory


def test_the_page_goes_to_a_file_whose_name_is_printed_or_to_standard_output(
    penguins_run: Path, tmp_path: Path
) -> None:
    page = tmp_path / "page.html"
    written = bpcli("report", penguins_run, "-o", page).ok()
    assert (written.out, written.err) == (f"{page}\n", "")
    assert page.read_text() == report_of(RunDirectory(penguins_run)).html
    assert bpcli("report", penguins_run, "-o", "-").ok().out == page.read_text()


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


def test_a_run_whose_data_is_gone_has_a_report_without_an_evaluation(penguins_run: Path, tmp_path: Path) -> None:
    page, other = tmp_path / "page.html", tmp_path / "other"
    data = tmp_path / "gone.csv"
    shutil.copy(PENGUINS, data)
    bpcli(
        "train",
        CONFIGS / "penguins.yaml",
        "--run-dir",
        other,
        "--set",
        f"data.path={data}",
        "-q",
        "--set",
        "training.epochs=2",
    ).ok()
    data.unlink()
    done = bpcli("report", other, "-o", page).ok()
    assert "note: no evaluation:" in done.err
    assert "Loss" in Checked(page.read_text()).words


def test_what_is_no_run_is_refused(tmp_path: Path) -> None:
    refused = bpcli("report", tmp_path)
    assert refused.code == 4
    assert "not a run directory" in refused.err


def test_how_the_run_ended_is_said_in_the_words_of_train(tmp_path: Path) -> None:
    trained = bpcli("train", CONFIGS / "penguins.yaml", "--set", "training.epochs=2", "--run-dir", tmp_path / "two")
    assert "; all epochs done\n" in trained.ok().out
    assert "finished after 2 epochs (all epochs done)" in bpcli("report", tmp_path / "two", "-o", "-").ok().out
