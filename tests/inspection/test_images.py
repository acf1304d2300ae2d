"""Importance, contributions and drivers by region, and pictures, on networks of images that are known."""

from __future__ import annotations

import numpy as np
import pytest
from planted_images import SHAPE, classes_run, corner_run, images

from bpcli.data.preprocess.image_inputs import images_among
from bpcli.inspection.attributions import sampled_attributions
from bpcli.inspection.document import RankedColumns
from bpcli.inspection.filters import first_filters
from bpcli.inspection.importance import permutation_importance
from bpcli.inspection.neurons import inspect_neurons
from bpcli.inspection.pictured import pictured_images
from bpcli.models.evaluation import SplitRows, split_rows
from bpcli.models.model import Model
from bpcli.storage.checkpoint import Checkpoint


@pytest.fixture(scope="module")
def corner(tmp_path_factory: pytest.TempPathFactory) -> tuple[Model, SplitRows]:
    model = Model.load(corner_run(tmp_path_factory.mktemp("corner")))
    return model, split_rows(model, None)


@pytest.fixture(scope="module")
def halves(tmp_path_factory: pytest.TempPathFactory) -> tuple[Model, SplitRows]:
    model = Model.load(classes_run(tmp_path_factory.mktemp("halves")))
    return model, split_rows(model, None)


def test_only_the_region_and_the_channel_that_the_network_reads_are_important(corner: tuple[Model, SplitRows]) -> None:
    model, rows = corner
    found = permutation_importance(model, rows.table)
    assert [one.column for one in found.columns] == ["X"]
    (image,) = found.images
    assert (image.image, image.grid.shape, len(image.regions), len(image.channels)) == ("X", SHAPE, 9, 2)
    important = {part.part: part.importance for part in image.regions if part.importance}
    sums = images()[:, 2:4, 4:6, 1].sum(axis=(1, 2))
    assert important == {"rows 2-3, columns 4-5": pytest.approx(2 * sums.var(ddof=1), rel=0.2)}
    assert found.columns[0].importance == pytest.approx(important["rows 2-3, columns 4-5"])
    assert [part.importance > 0 for part in image.channels] == [False, True]


def test_a_pixel_is_a_column_if_it_is_named(corner: tuple[Model, SplitRows]) -> None:
    model, rows = corner
    found = permutation_importance(model, rows.table, pixels=["X33", "X0"])  # 2, 4, channel 1
    assert {one.column: one.importance > 0 for one in found.columns} == {"X": True, "X33": True, "X0": False}


def test_a_number_of_an_image_has_a_name_by_position(
    corner: tuple[Model, SplitRows], halves: tuple[Model, SplitRows]
) -> None:
    (image,), (gray,) = (images_among(model.preprocessor.inputs) for model, _ in (corner, halves))
    assert image.positions[:3] == ["X[0,0,0]", "X[0,0,1]", "X[0,1,0]"]
    assert image.positions[33] == "X[2,4,1]"
    assert (gray.positions[9], len(gray.positions)) == ("X[1,1]", 64)


def test_contributions_of_a_region_are_the_sums_of_its_pixels(corner: tuple[Model, SplitRows]) -> None:
    model, rows = corner
    of = images_among(model.preprocessor.inputs)
    added = sampled_attributions(model, rows.table)
    ranked = RankedColumns.of(permutation_importance(model, rows.table), added, of)
    best, *others = ranked.images[0].regions
    x = images()
    sums = (x - x.mean(axis=(0, 1, 2)))[:, 2:4, 4:6, 1].sum(axis=(1, 2))
    assert (best.part, best.rows, best.columns) == ("rows 2-3, columns 4-5", (2, 3), (4, 5))
    assert best.contribution == pytest.approx(np.abs(sums).mean())
    assert [part.contribution for part in others] == pytest.approx([0.0] * 8)
    assert [(part.part, part.contribution > 1e-9) for part in ranked.images[0].channels] == [
        ("channel 1", True),
        ("channel 0", False),
    ]
    assert ranked.columns[0].contribution == pytest.approx(best.contribution)


def test_filters_are_driven_by_regions_and_excited_by_files(halves: tuple[Model, SplitRows]) -> None:
    model, rows = halves
    files = [f"{row}.png" for row in rows.numbers]
    first, second = inspect_neurons(model, rows.table, rows.numbers, files)
    assert {name.split(",")[0].split(" ")[0] for name, _ in (*first.drivers, *second.drivers)} == {"rows"}
    exciting = first.excited_by[0]
    assert exciting.file == f"{exciting.row}.png"
    name, shown = next(iter(exciting.cells.items()))
    top, left = (int(part.split(" ")[1].split("-")[0]) for part in name.split(", "))
    pixels = rows.table["X"].values[exciting.row - 1, top : top + 2, left : left + 2]
    assert float(shown) == pytest.approx(pixels.mean(), abs=1e-3)


def test_mistakes_are_pictured_most_confident_first(halves: tuple[Model, SplitRows]) -> None:
    model, rows = halves
    (found,) = pictured_images(model, rows.table, rows.numbers, None, only_mistakes=True)
    assert {one.number for one in found.mistakes} <= {1, 11, 21, 31, 41, 51}
    sure = [one.probability for one in found.mistakes]
    assert sure == sorted(sure, key=lambda one: -(one or 0.0))
    assert all(one.true != one.predicted for one in found.mistakes)
    assert (found.examples, found.means) == ([], [])
    one = found.mistakes[0]
    np.testing.assert_array_equal(one.shades, rows.table["X"].values[one.number - 1])


def test_examples_are_right_and_means_are_of_the_predicted_class(halves: tuple[Model, SplitRows]) -> None:
    model, rows = halves
    (found,) = pictured_images(model, rows.table, rows.numbers, None)
    assert [(one.true, one.predicted) for one in found.examples] == [("a", "a")] * 2 + [("b", "b")] * 2
    for one in (*found.mistakes, *found.examples):
        total = one.contributions.sum()
        assert total > 0, "what is explained is the predicted class"
        top, left = one.strongest.rows[0], (one.strongest.columns or (0,))[0]
        region = one.contributions[top : top + 2, left : left + 2].sum()
        sums = one.contributions.reshape(4, 2, 4, 2).sum(axis=(1, 3))
        assert region == pytest.approx(sums.max())
    means = {one.name: one for one in found.means}
    for name, half in (("a", slice(0, 4)), ("b", slice(4, 8))):
        assert means[name].shades[:, half].mean() > 120
        assert means[name].rows >= 10


def test_filters_are_the_kernels_of_the_first_convolution(
    halves: tuple[Model, SplitRows], corner: tuple[Model, SplitRows]
) -> None:
    (found,) = first_filters(halves[0])
    assert found.title == "layer 0 (conv)"
    weight, _ = Checkpoint.load(halves[0].path).predicting
    assert found.kernels.shape == (2, 3, 3, 1)
    assert found.kernels[1, 0, 2, 0] == weight.reshape(-1)[(0 * 3 + 2) * 2 + 1]
    assert first_filters(corner[0]) == []
