"""Contributions by region of predictions that are explained."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from planted_images import corner_run, images

from bpcli.inspection.attributions import attributions
from bpcli.inspection.explained_regions import ExplainedRegions
from bpcli.models.evaluation import split_rows
from bpcli.models.model import Model


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    return Model.load(corner_run(tmp_path_factory.mktemp("corner")))


def sums() -> list[float]:
    x = images()
    found: list[float] = (x - x.mean(axis=(0, 1, 2)))[:, 2:4, 4:6, 1].sum(axis=(1, 2)).tolist()
    return found


def test_few_rows_are_described_one_by_one_with_signs(model: Model) -> None:
    found = ExplainedRegions(model)
    assert list(found.lines()) == []
    found.add(attributions(model, split_rows(model, None).table.slice(0, 2)))
    first, second = found.lines()
    one, two = sums()[:2]
    assert first.startswith(f"row 1 of X, contributions by region: rows 2-3, columns 4-5 ({one:+.4g}); ")
    assert second.startswith(f"row 2 of X, contributions by region: rows 2-3, columns 4-5 ({two:+.4g}); ")
    assert first.endswith("; and 5 smaller ones")


def test_many_rows_are_summed_up_whatever_blocks_they_come_in(model: Model) -> None:
    found, table = ExplainedRegions(model), split_rows(model, None).table
    for start, stop in ((20, 60), (0, 3), (3, 20)):
        found.add(attributions(model, table.slice(start, stop)))
    (line,) = found.lines()
    mean = np.abs(sums()).mean()
    assert line.startswith(f"X, contributions by region, mean size over 60 rows: rows 2-3, columns 4-5 ({mean:.4g}); ")


def test_tables_have_no_regions(penguins_run: Path) -> None:
    model = Model.load(penguins_run)
    found = ExplainedRegions(model)
    found.add(attributions(model, split_rows(model, None).table.slice(0, 2)))
    assert list(found.lines()) == []
