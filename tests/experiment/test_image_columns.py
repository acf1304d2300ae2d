"""Pictures beside other columns, from the config to predictions of new rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from commands import bpcli
from experiments import after, prepared, reports, snapshot

from bpcli.checks.gradcheck import check_gradient
from bpcli.data.columns.arrays import ArrayInput
from bpcli.errors import MismatchError
from bpcli.experiment.prepared import Prepared
from bpcli.models.model import Model

Image: Any = pytest.importorskip("PIL.Image")

ROWS = 90
LAYERS: list[Any] = [{"type": "conv", "filters": 4}, {"type": "batch_norm"}, "max_pool", {"units": 6}]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """goods.csv: the price is the width of the bright bar in the picture, and 5 more for wool, and the weight."""
    folder = tmp_path_factory.mktemp("goods")
    generator, lines = np.random.default_rng(0), ["photo,weight,material,price"]
    (folder / "photos").mkdir()
    for place in range(ROWS):
        bar, weight = int(generator.integers(1, 8)), generator.normal(3, 1)
        material = ["wool", "silk"][place % 2]
        pixels = generator.integers(0, 60, (8, 8)).astype(np.uint8)
        pixels[2:5, :bar] += 150
        Image.fromarray(pixels).save(folder / "photos" / f"{place}.png")
        lines.append(f"photos/{place}.png,{weight:.3f},{material},{bar + weight + 5 * (material == 'wool'):.3f}")
    (folder / "goods.csv").write_text("\n".join(lines) + "\n")
    (folder / "goods.yaml").write_text(yaml.safe_dump({**config(layers=LAYERS), "name": "goods"}))
    return folder


def config(**photo: Any) -> dict[str, Any]:
    return {
        "data": {"path": "goods.csv", "target": "price", "columns": {"photo": {"type": "image", **photo}}},
        "layers": [{"units": 8}],
        "training": {"epochs": 3, "batch_size": 16, "early_stopping": None},
        "optimizer": {"type": "adam", "learning_rate": 0.01},
    }


def of_goods(folder: Path, **given: Any) -> Prepared:
    return prepared(folder, **{**config(layers=LAYERS), **given})


def image_of(of: Prepared) -> ArrayInput:
    found = next(column for column in of.preprocessor.inputs if column.name == "photo")
    assert isinstance(found, ArrayInput)
    return found


@pytest.fixture(scope="module")
def run(folder: Path) -> Path:

    return folder / bpcli("train", "goods.yaml", cwd=folder).ok().last


def test_the_layers_of_an_image_give_features_beside_the_other_columns(folder: Path) -> None:
    of = of_goods(folder)
    assert image_of(of).shape == (8, 8, 1)
    assert of.network.n_in == 6 + 1 + 2
    assert [stem.field.name for stem in of.network.stems.trained] == ["photo"]
    names = {slot.name for slot in of.network.layout.slots}
    assert {"stems.photo.0.weight", "stems.photo.1.scale", "stems.photo.3.weight", "layers.0.weight"} <= names
    assert {slot.name for slot in of.network.state_layout.slots} == {
        "stems.photo.1.running_mean",
        "stems.photo.1.running_variance",
    }


def test_without_layers_there_are_convolutions_by_the_size(folder: Path) -> None:
    (stem,) = prepared(folder, **config()).network.stems.trained
    assert [layer.type for layer in stem.layer.within] == ["conv", "max_pool", "dense"]
    assert stem.layer.out_shape == (32,)
    (stem,) = prepared(folder, **config(size=[32, 24], channels=3)).network.stems.trained
    assert stem.layer.in_shape == (32, 24, 3)
    assert [layer.type for layer in stem.layer.within] == ["conv", "max_pool", "conv", "max_pool", "dense"]


def test_one_scale_a_channel_makes_pixels_standard(folder: Path) -> None:
    of = of_goods(folder)
    at = [field.name for field in of.preprocessor.signature].index("photo")
    pixels = of.datasets["train"].x.arrays()[at]
    assert pixels.mean() == pytest.approx(0, abs=1e-6)
    assert pixels.std() == pytest.approx(1, abs=1e-6)
    assert len({*image_of(of).centers}) == 1


def test_a_run_that_was_interrupted_within_an_epoch_goes_on_to_the_same_bits(folder: Path) -> None:
    of = of_goods(folder, augment={"shift": 1, "rotate": 5})
    whole, broken = of.plan.new_state(), of.plan.new_state()
    reports(of.plan, whole)
    reports(of.plan, broken, after(calls=8))
    assert broken.counters.step > 0
    reports(of.plan, broken)
    assert snapshot(broken) == snapshot(whole)
    assert snapshot(whole) != snapshot(trained(of_goods(folder)))


def trained(of: Prepared) -> Any:
    state = of.plan.new_state()
    reports(of.plan, state)
    return state


def test_its_gradient_agrees_with_differences(folder: Path) -> None:
    found = check_gradient(of_goods(folder, dtype="float64").plan, rows=5, seed=0)
    assert found.passed
    assert {array.name for array in found.arrays} > {"stems.photo.0.weight", "stems.photo.1.shift", "layers.0.weight"}


def test_members_of_an_ensemble_have_images_too(folder: Path) -> None:
    of = of_goods(folder, ensemble={"members": 2, "folds": True}, augment={"flip": "vertical"})
    state = trained(of)
    assert state.params.shape[0] == 2
    assert not np.array_equal(state.params[0], state.params[1])


def test_new_rows_are_predicted_from_their_pictures(run: Path, folder: Path, tmp_path: Path) -> None:
    whole = bpcli("predict", str(folder / "goods.csv"), "--run", str(run)).ok().rows
    photo = folder / "photos" / "3.png"
    text = (folder / "goods.csv").read_text().splitlines()
    (tmp_path / "new.csv").write_text("\n".join([text[0], text[4].replace("photos/3.png", str(photo))]) + "\n")
    alone = bpcli("predict", str(tmp_path / "new.csv"), "--run", str(run)).ok().rows
    assert alone == [whole[3]]
    assert len({row["prediction"] for row in whole}) == ROWS


def test_python_rows_have_paths_or_pixels(run: Path, folder: Path) -> None:
    model = Model.load(run)
    pixels = [np.asarray(Image.open(folder / "photos" / f"{place}.png"))[..., None] for place in (3, 4)]
    rest = {"weight": [3.0, 2.5], "material": ["wool", "silk"]}
    paths = [folder / "photos" / "3.png", str(folder / "photos" / "4.png")]
    from_paths = model.predict({"photo": paths, **rest})
    assert from_paths.tolist() == model.predict({"photo": np.stack(pixels), **rest}).tolist()
    assert from_paths[0] != from_paths[1]


def test_grays_are_given_the_channels_of_training(folder: Path, tmp_path: Path) -> None:
    for name, shade in (("a", (200, 10, 10)), ("b", (10, 10, 200)), ("gray", (90, 90, 90))):
        Image.new("RGB", (8, 8), shade).convert("L" if name == "gray" else "RGB").save(tmp_path / f"{name}.png")
    lines = ["photo,y", *(f"{'ab'[row % 2]}.png,{row % 2}" for row in range(20))]
    (tmp_path / "all.csv").write_text("\n".join(lines) + "\n")
    (tmp_path / "gray.csv").write_text("photo\ngray.png\n")
    (tmp_path / "c.yaml").write_text(
        "data: {path: all.csv, target: y, columns: {photo: image}}\ntraining: {epochs: 1}\nlayers: [4]\n".replace(
            "[4]", "[{units: 4}]"
        )
    )
    run = bpcli("train", "c.yaml", cwd=tmp_path).ok().last
    assert len(bpcli("predict", "gray.csv", "--run", run, cwd=tmp_path).ok().rows) == 1


def test_init_writes_the_size_and_the_channels(folder: Path, tmp_path: Path) -> None:
    bpcli("init", str(folder / "goods.csv"), "--target", "price", "-o", str(tmp_path / "my.yaml")).ok()
    assert "photo: {type: image, size: [8, 8], channels: 1}    # paths of 90 pictures" in (
        (tmp_path / "my.yaml").read_text()
    )
    bpcli("check", str(tmp_path / "my.yaml")).ok()


def test_check_lists_the_layers_of_the_column(folder: Path, run: Path) -> None:
    found = bpcli("check", "goods.yaml", cwd=folder).ok().out
    assert "photo 0  conv" in found
    assert "8 × 8 × 1 → 8 × 8 × 4" in found
    stems = bpcli("check", "goods.yaml", "--json", cwd=folder).ok().json["stems"]
    assert [layer["type"] for layer in stems[0]["layers"]] == ["conv", "batch_norm", "max_pool", "dense"]


def test_the_paths_of_pictures_can_be_kept(run: Path, folder: Path) -> None:
    whole = bpcli("predict", "goods.csv", "--run", str(run), cwd=folder).ok().rows
    kept = bpcli("predict", "goods.csv", "--run", str(run), "--keep", "photo", cwd=folder).ok().rows
    assert [row["photo"] for row in kept] == [f"photos/{place}.png" for place in range(ROWS)]
    assert [row["prediction"] for row in kept] == [row["prediction"] for row in whole]


def test_contributions_of_pixels_are_named_by_position_and_add_up(run: Path, folder: Path) -> None:
    (row, *_) = bpcli("predict", "goods.csv", "--run", str(run), "--explain", cwd=folder).ok().rows
    pixels = [f"contribution_photo[{line},{place}]" for line in range(8) for place in range(8)]
    names = [name for name in row if name.startswith("contribution_")]
    assert sorted(names) == sorted([*pixels, "contribution_weight", "contribution_material"])
    total = float(row["baseline"]) + sum(float(row[name]) for name in names)
    assert total == pytest.approx(float(row["explained"]))


def test_a_table_of_pictures_alone_is_predicted_from_its_file(folder: Path, tmp_path: Path) -> None:
    lines = [f"{folder / 'photos' / f'{place}.png'},{'ab'[place % 2]}" for place in range(40)]
    (tmp_path / "alone.csv").write_text("\n".join(["photo,kind", *lines]) + "\n")
    bpcli("init", "alone.csv", "--target", "kind", "-o", "c.yaml", cwd=tmp_path).ok()
    assert "input:" not in (tmp_path / "c.yaml").read_text()
    run = bpcli("train", "c.yaml", "--set", "training.epochs=1", cwd=tmp_path).ok().last
    assert len(bpcli("predict", "alone.csv", "--run", run, cwd=tmp_path).ok().rows) == 40


def test_init_says_which_row_has_no_picture(folder: Path) -> None:
    (folder / "empty.csv").write_text((folder / "goods.csv").read_text().replace("photos/4.png", ""))
    found = bpcli("init", "empty.csv", "--target", "price", cwd=folder)
    assert (found.code, found.err) == (3, "error: empty.csv: column 'photo': 1 row without a picture, such as row 5\n")
    trained = bpcli("train", "goods.yaml", "--set", "data.path=empty.csv", cwd=folder)
    assert trained.code == 3
    assert trained.err.endswith("column 'photo': 1 row without a picture, such as row 5\n")


def test_a_shape_of_the_input_beside_a_column_of_images_is_an_error(folder: Path) -> None:
    with pytest.raises(MismatchError, match=r"input: is for arrays and columns of pixels; column 'photo' is of type"):
        prepared(folder, **config(), input={"shape": [8, 8, 1]})


@pytest.mark.parametrize(
    ("photo", "augment", "what"),
    [
        (
            {"layers": [{"type": "conv", "filters": 2, "kernel": 19, "padding": "valid"}]},
            None,
            "columns.photo.layers.0",
        ),
        ({"encoder": "quantile"}, None, "columns.photo.encoder: quantile has no scale for a channel"),
        ({}, {"shift": 8}, "augment.shift: must be less than the image's side, 8"),
        ({}, {"mixup": 0.2}, "augment.mixup: averages whole rows, and the data has other columns"),
        ({"layers": []}, {"shift": 1}, "augment: changes images, and the data has none"),
    ],
)
def test_what_does_not_fit_is_named(folder: Path, photo: Any, augment: Any, what: str) -> None:
    with pytest.raises(MismatchError) as caught:
        prepared(folder, **config(**photo), augment=augment)
    assert what in str(caught.value)


def test_pictures_beside_columns_are_inspected_by_region_and_named_by_path(folder: Path, tmp_path: Path) -> None:
    written = yaml.safe_dump(config(layers=LAYERS) | {"training": {"epochs": 2}, "name": "goods"})
    (folder / "short.yaml").write_text(written)
    run = tmp_path / "run"
    bpcli("train", folder / "short.yaml", "--run-dir", run, "-q").ok()
    found = bpcli("inspect", run, "--json").ok().json
    assert {one["column"] for one in found["importance"]["columns"]} == {"photo", "weight", "material"}
    (image,) = found["importance"]["images"]
    assert (image["image"], len(image["regions"]), image["channels"]) == ("photo", 16, [])
    assert {one["column"] for one in found["dependence"]["columns"]} == {"weight", "material"}
    drivers = {name for neuron in found["neurons"] for name, _ in neuron["drivers"]}
    assert any(name.startswith("photo: rows ") for name in drivers)
    exciting = found["neurons"][0]["excited_by"][0]
    assert exciting["file"] == f"photos/{exciting['row'] - 1}.png"
    page = tmp_path / "page.html"
    bpcli("inspect", run, "--html", page).ok()
    html = page.read_text()
    assert "Filters of stem &#x27;photo&#x27; (layers)" in html
    assert "<span>photos/" in html
