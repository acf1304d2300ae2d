"""Images that a config declares: read from arrays and columns, scaled by channel, trained, resumed, and asked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import bpcli
from experiments import after, features, prepared, reports, snapshot, write_csv

from bpcli.arrays.fields import Grid
from bpcli.checks.gradcheck import check_gradient
from bpcli.data.columns.arrays import ArrayInput
from bpcli.data.table import Column, Table
from bpcli.errors import MemoryLimitError, MismatchError
from bpcli.experiment.memory_estimate import estimate_memory
from bpcli.experiment.prepared import Prepared
from bpcli.models.summary import ExperimentSummary
from bpcli.nn.layers.conv_layer import ConvLayer
from bpcli.training.stepping import SERIAL

ROWS, SHAPE = 300, (6, 5, 2)
LAYERS: list[Any] = [
    {"type": "conv", "filters": 4},
    {"type": "batch_norm"},
    {"type": "max_pool"},
    {"type": "residual", "layers": [{"type": "conv", "filters": 4}, {"type": "dropout", "rate": 0.1}]},
    {"units": 8},
]


def pictures() -> tuple[Any, Any]:
    """Bytes (rows, *SHAPE), of the second class where a 2 × 2 square of the second channel is bright."""
    generator = np.random.default_rng(0)
    x, y = generator.integers(0, 100, (ROWS, *SHAPE)), generator.integers(0, 2, ROWS)
    for row in np.flatnonzero(y):
        top, left = generator.integers(0, 5), generator.integers(0, 4)
        x[row, top : top + 2, left : left + 2, 1] += 120
    return x.astype(np.uint8), y


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("images")
    x, y = pictures()
    np.savez(folder / "last.npz", X=x, y=y)
    np.savez(folder / "first.npz", X=np.ascontiguousarray(np.moveaxis(x, -1, 1)), y=y)
    np.savez(folder / "flat.npz", X=x.reshape(ROWS, -1), y=y)
    np.savez(folder / "gray.npz", X=x[..., 0], y=y)
    np.savez(folder / "floats.npz", X=np.where(x == 7, np.nan, x.astype(np.float32)), y=y)
    flat = x.reshape(ROWS, -1)
    write_csv(folder / "pixels.csv", {**{f"p{i}": flat[:, i].tolist() for i in range(flat.shape[1])}, "y": y.tolist()})
    return folder


def test_missing_pixels_of_the_training_rows_are_not_said_to_be_new(folder: Path) -> None:
    found = of_images(folder, "floats.npz").notes
    train = next(note for note in found if note.startswith("train rows: column 'X'"))
    assert train.endswith(" values missing; imputed")
    assert "training had none" not in train


def of_images(folder: Path, file: str = "last.npz", **config: Any) -> Prepared:
    given = {
        "data": {"path": file, **({"target": "y"} if file.endswith("csv") else {})},
        "input": {"shape": [*SHAPE]},
        "augment": {"shift": 1, "flip": "horizontal", "cutout": 2, "mixup": 0.2},
        "layers": LAYERS,
        "training": {"epochs": 4, "batch_size": 32},
        "optimizer": {"type": "adam", "learning_rate": 0.01},
    }
    return prepared(folder, **{**given, **config})


def array_of(of: Prepared) -> ArrayInput:
    (fitted,) = of.preprocessor.inputs
    assert isinstance(fitted, ArrayInput)
    return fitted


def test_an_image_passes_the_layers_in_its_shape(folder: Path) -> None:
    of = of_images(folder)
    assert [layer.out_shape for layer in of.network.layers] == [
        *((6, 5, 4), (6, 5, 4), (3, 2, 4), (3, 2, 4), (8,), (1,))
    ]
    first = of.network.layers[0]
    assert isinstance(first, ConvLayer)
    assert first.in_shape == Grid(SHAPE)


@pytest.mark.parametrize("file", ["last.npz", "flat.npz", "pixels.csv"])
def test_one_mean_and_deviation_scale_a_channel(folder: Path, file: str) -> None:
    of = of_images(folder, file)
    x, y = pictures()
    fitted, train = array_of(of), of.datasets["train"]
    scaled = features(train.x).reshape(-1, *SHAPE)
    np.testing.assert_allclose(scaled.mean(axis=(0, 1, 2)), 0.0, atol=1e-6)
    np.testing.assert_allclose(scaled.std(axis=(0, 1, 2)), 1.0, atol=1e-6)
    assert len({*fitted.centers}) == len({*fitted.scales}) == 2
    assert fitted.centers[:2] == fitted.centers[2:4]
    assert (fitted.least[:2], fitted.constant) == ((0.0, 0.0), ())
    assert y.sum() > 0
    assert x[..., 1].max() > 200


@pytest.mark.parametrize("file", ["flat.npz", "pixels.csv", "first.npz"])
def test_columns_and_channels_first_give_the_same_bits_as_an_array(folder: Path, file: str) -> None:
    layout = "channels_first" if file == "first.npz" else "channels_last"
    expected, found = of_images(folder), of_images(folder, file, input={"shape": [*SHAPE], "layout": layout})
    for part in ("train", "validation", "test"):
        np.testing.assert_array_equal(features(found.datasets[part].x), features(expected.datasets[part].x))
    states = [of.plan.new_state() for of in (expected, found)]
    for of, state in zip((expected, found), states, strict=True):
        reports(of.plan, state)
    assert snapshot(states[0]) == snapshot(states[1])


def test_the_summary_names_the_augmentation(folder: Path) -> None:
    summary = ExperimentSummary.of(of_images(folder, augment={"shift": 1, "rotate": 7.5, "flip": "both"}))
    assert summary.augment is not None
    assert summary.augment.shown == "shift 1, flip both, rotate 7.5"
    document = summary.to_json()["augment"]
    assert document == {"shift": 1, "flip": "both", "rotate": 7.5, "crop": 1.0, "cutout": 0, "mixup": 0.0}
    assert "augment" not in ExperimentSummary.of(of_images(folder, augment=None)).to_json()


def test_a_single_channel_needs_no_axis_of_its_own(folder: Path) -> None:
    of = of_images(folder, "gray.npz", input={"shape": [6, 5, 1]})
    assert of.network.layers[0].in_shape == (6, 5, 1)


def test_a_series_is_convolved_along_its_length(folder: Path) -> None:
    of = of_images(folder, "gray.npz", input={"shape": [6, 5]}, layers=[{"type": "conv", "filters": 3}])
    assert of.network.layers[0].out_shape == (6, 3)


@pytest.mark.parametrize("file", ["last.npz", "flat.npz", "pixels.csv"])
def test_bytes_stay_bytes_until_a_batch_is_read(folder: Path, file: str) -> None:
    of = of_images(folder, file)
    array, (x, _) = array_of(of), pictures()
    assert array.stored == "uint8"
    names = array.columns or ["X"]
    columns = x.reshape(ROWS, -1).T if array.columns else [x]
    table = Table([Column(name, "numeric", values) for name, values in zip(names, columns, strict=True)])
    kept, _ = of.preprocessor.encode(table, np.dtype(np.float32), scaled_from=0)
    encoded, _ = of.preprocessor.encode(table, np.dtype(np.float32))
    assert (kept.stores[0].dtype, encoded.stores[0].dtype) == (np.uint8, np.float32)
    np.testing.assert_array_equal(kept.arrays()[0], encoded.arrays()[0])


def test_pixels_between_bytes_are_encoded_by_a_model_that_was_fitted_to_bytes(folder: Path) -> None:
    of = of_images(folder, "pixels.csv")
    values = np.full((2, 60), 100.0)
    values[1] = 100.5
    table = Table(
        [Column(name, "numeric", of_rows) for name, of_rows in zip(array_of(of).columns, values.T, strict=True)]
    )
    for scaled_from in (0, 1 << 30):
        rows, _ = of.preprocessor.encode(table, np.dtype(np.float64), scaled_from=scaled_from)
        first, second = rows.arrays()[0].reshape(2, -1, 2)
        np.testing.assert_allclose(second - first, 0.5 / np.array(array_of(of).scales[:2]) * np.ones((30, 1)))


def test_a_missing_pixel_is_the_mean_of_its_channel(folder: Path) -> None:
    of = of_images(folder, "floats.npz")
    assert array_of(of).missing == ()
    scaled = features(of.datasets["train"].x)
    assert np.isfinite(scaled).all()
    assert np.count_nonzero(np.abs(scaled) < 1e-7) > 50


def test_positions_can_be_scaled_one_by_one(folder: Path) -> None:
    array = array_of(of_images(folder, input={"shape": [*SHAPE], "scale": "position"}))
    assert len({*array.centers}) > 50
    assert array.grid


@pytest.mark.parametrize(
    ("file", "given", "message"),
    [
        (
            "first.npz",
            {"shape": [6, 5, 2]},
            "input.shape: array 'X' holds rows of 2 × 6 × 5, not of 6 × 5 × 2: set `layout: channels_first`",
        ),
        ("last.npz", {"shape": [6, 5, 3]}, "input.shape: array 'X' holds rows of 6 × 5 × 2, not of 6 × 5 × 3: give"),
        ("pixels.csv", {"shape": [6, 5, 3]}, "input.shape: 6 × 5 × 3 is 90 numbers, but the data has 60 input columns"),
    ],
)
def test_another_shape_than_that_of_the_data_is_an_error_with_a_remedy(
    folder: Path, file: str, given: dict[str, Any], message: str
) -> None:
    with pytest.raises(MismatchError) as caught:
        of_images(folder, file, input=given)
    assert str(caught.value).startswith(message)


def test_an_encoder_without_a_scale_is_an_error(folder: Path) -> None:
    with pytest.raises(MismatchError, match=r"data.encoders.numeric: quantile has no scale for a channel"):
        of_images(folder, data={"path": "last.npz", "encoders": {"numeric": "quantile"}})


def test_an_error_of_a_layer_names_its_place_in_the_config(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text(
        f"data: {{path: {folder}/last.npz}}\ninput: {{shape: [6, 5, 2]}}\nlayers:\n"
        "  - {type: conv, filters: 4, kernel: 3}\n  - {type: conv, filters: 4, kernel: 7, padding: valid}\n"
    )
    found = bpcli("check", tmp_path / "bad.yaml")
    assert found.code == 2
    assert "bad.yaml:5:38: layers.1.kernel: its input is 6 × 5 × 4, and 6 is too small for a kernel of 7" in found.err
    (tmp_path / "bad.yaml").write_text(f"data: {{path: {folder}/last.npz}}\nlayers: [{{type: conv, filters: 4}}]\n")
    found = bpcli("check", tmp_path / "bad.yaml")
    assert found.code == 2
    assert "layers.0: conv takes images or series, not arrays of 6 × 5 × 2: for images, declare" in found.err


def test_a_run_that_was_interrupted_within_an_epoch_goes_on_to_the_same_bits(folder: Path) -> None:
    of = of_images(folder)
    assert of.plan.stepping == SERIAL
    whole, broken = of.plan.new_state(), of.plan.new_state()
    reports(of.plan, whole)
    reports(of.plan, broken, after(calls=12))
    assert broken.counters.step > 0
    reports(of.plan, broken)
    assert snapshot(broken) == snapshot(whole)


def test_the_gradient_of_the_users_network_agrees_with_differences(folder: Path) -> None:
    found = check_gradient(of_images(folder, dtype="float64").plan, rows=5, seed=0)
    assert found.passed
    assert {array.name for array in found.arrays} > {"layers.0.weight", "layers.3.0.weight", "layers.1.scale"}


def test_memory_of_images_is_estimated_from_the_layers(folder: Path) -> None:
    of = of_images(folder)
    wide = of.config.model_copy(update={"layers": (of.config.layers[0].model_copy(update={"filters": 400}),)})
    network = wide.plan_network(of.preprocessor.signature, of.preprocessor.target.outputs, {})
    rows: Any = {"train": ROWS, "validation": 0, "test": 0}
    found = estimate_memory(wide, network, of.preprocessor, rows)
    assert found.workspace > 32 * 6 * 5 * 400 * 4
    assert found.workspace < 20 * 240 * 6 * 5 * 400 * 4


def test_an_impossible_network_is_refused_before_memory_is_taken(folder: Path) -> None:
    with pytest.raises(MemoryLimitError, match="training needs"):
        of_images(folder, layers=[{"type": "conv", "filters": 2_000_000_000}])


def test_a_run_on_images_is_evaluated_explained_inspected_and_traced(folder: Path, tmp_path: Path) -> None:
    layers = "[{type: conv, filters: 4}, {type: max_pool}, {units: 8}]"
    (tmp_path / "images.yaml").write_text(
        f"data: {{path: {folder}/pixels.csv, target: y}}\ninput: {{shape: [6, 5, 2]}}\nlayers: {layers}\n"
        "optimizer: {type: adam, learning_rate: 0.01}\ntraining: {epochs: 15, batch_size: 32}\n"
    )
    bpcli("train", "images.yaml", cwd=tmp_path).ok()
    (run,) = (tmp_path / "runs").iterdir()
    scores = bpcli("evaluate", run, "--json", cwd=tmp_path).ok().json
    assert scores["accuracy"] > 0.8
    explained = bpcli("predict", f"{folder}/pixels.csv", "--checkpoint", run, "--explain", cwd=tmp_path).ok()
    first = explained.rows[0]
    parts = [float(value) for name, value in first.items() if name.startswith("contribution_p")]
    assert len(parts) == 60
    inspected = bpcli("inspect", run, "--json", cwd=tmp_path).ok().json
    of_conv = [one for one in inspected["neurons"] if one["layer"] == 0]
    assert len(of_conv) == 4
    traced = bpcli("trace", run, "--row", "1", "--layer", "0", "--neuron", "0", cwd=tmp_path).ok()
    assert "layer 0: conv, relu" in traced.out
    assert "products with zeros of the padding" in traced.out
    assert bpcli("trace", run, "--row", "1", "--html", "trace.html", cwd=tmp_path).ok()
    assert bpcli("report", run, cwd=tmp_path).ok()


@pytest.mark.parametrize("file", ["pixels.csv", "last.npz", "first.npz"])
def test_a_value_far_outside_is_named_by_its_column_or_its_place_in_the_file(folder: Path, file: str) -> None:
    layout = "channels_first" if file == "first.npz" else "channels_last"
    fitted = array_of(of_images(folder, file, input={"shape": [*SHAPE], "layout": layout}))
    x, _ = pictures()
    rows = x[:2].astype(np.float64)
    rows[1, 2, 3, 1] = 9999
    if file == "first.npz":
        rows = np.moveaxis(rows, -1, 1)
    if file == "pixels.csv":
        flat = rows.reshape(2, -1)
        column = fitted.column_of(Table([Column(f"p{i}", "numeric", flat[:, i]) for i in range(flat.shape[1])]))
    else:
        column = fitted.column_of(Table([Column("X", "numeric", rows)]))
    name = {"pixels.csv": f"p{(2 * 5 + 3) * 2 + 1}", "last.npz": f"X{(2 * 5 + 3) * 2 + 1}"}.get(file, f"X{30 + 13}")
    assert {one.column for one in fitted.surprises(column)} == {name}
