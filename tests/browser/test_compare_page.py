"""The page of a comparison: what it shows is what `bpcli compare --json` and the runs' own files say."""

from __future__ import annotations

from pathlib import Path

import pytest
from browsing import Open, near, place_of, read_cell, records, values_shown
from commands import bpcli

NAMES = ("penguins", "concrete", pytest.param("hostile", marks=pytest.mark.exhaustive))


@pytest.mark.parametrize("name", NAMES)
def test_scores_and_tests_are_those_of_the_json_document(
    visit: Open, pages: dict[str, Path], pairs: dict[str, tuple[Path, Path]], name: str
) -> None:
    opened = visit(pages[f"comparison of {name}"])
    document = bpcli("compare", *pairs[name], "--json").ok().json
    scores = [document["scores"][run["label"]] for run in document["runs"]]
    found = {key: [read_cell(cell.lstrip("★ ")) for cell in cells] for key, cells in opened.table("metric").items()}
    assert len(found) >= 3
    for key, cells in found.items():
        assert cells == [near(score[key.replace(" ", "_")]) for score in scores]
    (difference,) = document["differences"]
    parts = [difference, *([difference["log_loss"]] if "log_loss" in difference else [])]
    assert len(parts) == (1 if document["task"] == "regression" else 2)
    for part in parts:
        header = ("runs", f"difference in {part['metric'].replace('_', ' ')}", "low", "high")
        ((_, *cells),) = [[key, *cells] for key, cells in opened.table(*header).items()]
        interval = part["interval"]
        assert [read_cell(cell) for cell in cells[:3]] == [
            near(value) for value in (part["difference"], interval["low"], interval["high"])
        ]
        assert read_cell(cells[4]) == near(part["p"])
    assert opened.page.get_by_text(difference["verdict"], exact=False).count() > 0


def test_the_mouse_brings_the_values_of_both_runs(
    visit: Open, pages: dict[str, Path], pairs: dict[str, tuple[Path, Path]]
) -> None:
    opened = visit(pages["comparison of penguins"])
    figure = opened.chart("Validation loss")
    long, short = (records(run) for run in pairs["penguins"])
    for index, epoch in enumerate(list(long)[:4]):
        opened.page.mouse.move(*place_of(figure, 0, index))
        expected = [lines[epoch]["validation_loss"] for lines in (long, short) if epoch in lines]
        x, values = values_shown(figure)
        assert x == epoch
        assert list(values.values()) == [pytest.approx(value, rel=1e-5) for value in expected]
