"""`bpcli inspect` and `report` of networks of images: regions in place of pixels, as text, in JSON and on pages."""

from __future__ import annotations

from pathlib import Path

import pytest
from commands import bpcli
from planted_images import classes_run, corner_run
from terminals import bpcli_on_terminal


@pytest.fixture(scope="module")
def halves(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return classes_run(tmp_path_factory.mktemp("halves"))


@pytest.fixture(scope="module")
def corner(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return corner_run(tmp_path_factory.mktemp("corner"))


def test_regions_are_mapped_and_ranked_and_no_pixel_is_named(corner: Path) -> None:
    out = bpcli("inspect", corner).ok().out
    lines = out.splitlines()
    first = lines.index("X, 6 × 6 × 2, in 3 × 3 regions; darker: more important; rows and columns count from 0")
    assert lines[first + 1 : first + 5] == [
        "  permutation  integrated gradients",
        "0 │      │     │      │",
        "2 │    ██│     │    ██│",
        "4 │      │     │      │",
    ]
    assert lines[first + 7].startswith("rows 2-3, columns 4-5 ")
    assert next(line for line in lines if line.startswith("channel ")).startswith("channel    permutation")
    assert "X33" not in out
    assert "partial dependence" not in out


def test_a_terminal_sees_progress_that_leaves_no_trace(halves: Path, tmp_path: Path) -> None:
    stages = ("integrated gradients", "permutation importance", "neurons of layer 0")
    shown = bpcli_on_terminal("inspect", halves, cwd=tmp_path).ok().out
    for stage in stages:
        assert f"{stage} \x1b[" in shown
    assert shown.rindex("\x1b[2K") < shown.index("darker: more important")
    shown = bpcli_on_terminal("report", halves, "-o", "report.html", cwd=tmp_path).ok().out
    assert f"{stages[1]} \x1b[" in shown
    assert bpcli("inspect", halves).ok().err.count("\x1b") == 0


def test_pixels_of_an_array_are_numbered_in_explanations(corner: Path) -> None:
    (line, *_) = bpcli("predict", corner.parent / "t.npz", "--run", corner, "--explain").ok().out.splitlines()
    assert line.startswith("prediction,explained,baseline,contribution_X0,contribution_X1,")


def test_a_series_has_steps(tmp_path: Path) -> None:
    from numpy import random, savez

    x = random.default_rng(0).normal(size=(40, 12, 2))
    savez(tmp_path / "t.npz", X=x, y=x[:, 4:6, 0].sum(axis=1))
    config = "data: {path: t.npz}\ninput: {shape: [12, 2]}\nlayers: [{type: conv, filters: 2}]\ntraining: {epochs: 2}\n"
    (tmp_path / "c.yaml").write_text(config)
    bpcli("train", "c.yaml", "--run-dir", "run", "-q", cwd=tmp_path).ok()
    out = bpcli("inspect", "run", cwd=tmp_path).ok().out
    assert "X, 12 × 2, in 6 stretches; " in out
    assert "\nsteps 4-5 " in out
    bpcli("inspect", "run", "--html", "run.html", cwd=tmp_path).ok()
    assert "Map of contributions" in (tmp_path / "run.html").read_text()


def test_the_document_has_regions_beside_the_image_as_a_column(corner: Path) -> None:
    found = bpcli("inspect", corner, "--json").ok().json
    importance = found["importance"]
    assert [one["column"] for one in importance["columns"]] == ["X"]
    (image,) = importance["images"]
    assert image["grid"] == {"shape": [6, 6, 2], "bounds": [[0, 2, 4, 6], [0, 2, 4, 6]]}
    first = image["regions"][0]
    assert (first["part"], first["rows"], first["columns"]) == ("rows 2-3, columns 4-5", [2, 3], [4, 5])
    assert first["importance"] == pytest.approx(importance["columns"][0]["importance"])
    assert [one["part"] for one in image["channels"]] == ["channel 1", "channel 0"]
    assert found["dependence"]["columns"] == []


def test_a_pixel_or_the_image_can_be_named(corner: Path) -> None:
    found = bpcli("inspect", corner, "--column", "X33").ok().out
    assert "X33     none" in found
    assert "X33: mean prediction over 60 rows with the column set to each value" in found
    assert bpcli("inspect", corner, "--column", "X33", "--json").ok().json["importance"].get("images") is None
    assert "rows 4-5, columns 4-5" in bpcli("inspect", corner, "--column", "X").ok().out
    refused = bpcli("inspect", corner, "--column", "Y")
    assert (refused.code, refused.err.count("\n")) == (2, 1)


def test_the_page_shows_filters_mistakes_examples_and_means(halves: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    found = bpcli("inspect", halves, "--html", page).ok()
    assert found.out == f"{page}\n"
    html = page.read_text()
    headings = [part.split("</h")[0] for part in html.split("<h3>")[1:]]
    assert headings == [
        "Most confident mistakes",
        "Right predictions",
        "Means of the classes",
        "Filters of layer 0 (conv)",
        "Map of the regions",
    ]
    assert html.count('<img src="data:image/png;base64,') == html.count("<img ") >= 2 * (4 + 4 + 2) + 2 + 1
    assert 'alt=""' not in html
    assert bpcli("inspect", halves, "--html", page).code == 8
    bpcli("inspect", halves, "--html", page, "--force").ok()


def test_a_report_shows_mistakes_and_regions(halves: Path, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    bpcli("report", halves, "-o", page).ok()
    html = page.read_text()
    for part in ("<h3>Most confident mistakes</h3>", "<h3>Map of the regions</h3>", "Importance of regions"):
        assert part in html
    assert "Right predictions" not in html


@pytest.mark.parametrize("option", ["--json", "--column=X", "--neuron=0.1"])
def test_a_page_shows_everything(halves: Path, tmp_path: Path, option: str) -> None:
    found = bpcli("inspect", halves, "--html", tmp_path / "page.html", option)
    assert (found.code, found.err.count("\n")) == (2, 1)
    assert f"{option.partition('=')[0]} and --html exclude each other" in found.err


def test_predictions_of_images_are_explained_by_pixel_and_summed_up_by_region(corner: Path) -> None:
    found = bpcli("predict", corner.parent / "t.npz", "--checkpoint", corner, "--explain").ok()
    assert len(found.rows[0]) == 3 + 72
    assert "note: X, contributions by region, mean size over 60 rows: rows 2-3, columns 4-5 (" in found.err
