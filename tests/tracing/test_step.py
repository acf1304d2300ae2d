"""A traced step: the textbook's published numbers, and bitwise the step that training takes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from commands import CONFIGS, bpcli
from experiments import write_csv

from bpcli.arrays.memory import Array
from bpcli.storage.checkpoint import Checkpoint


def traced(source: Path, *options: object) -> Any:
    return bpcli("trace", source, "--json", *options).ok().json


def numbers(value: Any) -> Array:
    return np.array(value, dtype=np.float64)


# The textbook: Matt Mazur, "A step by step backpropagation example" (2015)


def test_the_textbook_example_traces_to_its_published_numbers() -> None:
    document = traced(CONFIGS / "textbook.yaml")
    hidden, closing = document["layers"]
    assert document["rows"][0]["columns"] == {"i1": "0.05", "i2": "0.1"}
    assert hidden["forward"]["x"] == [[0.05, 0.1]]
    assert hidden["forward"]["z"][0][0] == pytest.approx(0.3775, abs=1e-12)
    assert hidden["forward"]["y"][0] == pytest.approx([0.593269992, 0.596884378], abs=5e-10)
    assert closing["forward"]["z"][0][0] == pytest.approx(1.105905967, abs=5e-10)
    assert document["error"]["predictions"][0] == pytest.approx([0.75136507, 0.772928465], abs=5e-10)
    assert document["loss"]["before"] == pytest.approx(0.298371109, abs=5e-10)
    assert closing["backward"]["dz"][0][0] == pytest.approx(0.138498562, abs=5e-10)
    assert closing["parameters"]["weight"]["gradient"][0][0] == pytest.approx(0.082167041, abs=5e-10)
    # dE/dout_h1 = 0.055399425 - 0.019049119, and f' = 0.241300709
    assert hidden["backward"]["dy"][0][0] == pytest.approx(0.036350306, abs=5e-10)
    assert hidden["backward"]["slope"][0][0] == pytest.approx(0.241300709, abs=5e-10)
    assert hidden["parameters"]["weight"]["gradient"][0][0] == pytest.approx(0.000438568, abs=5e-10)
    new = numbers(closing["parameters"]["weight"]["after"]).T.ravel()
    assert new == pytest.approx([0.35891648, 0.408666186, 0.511301270, 0.561370121], abs=5e-9)
    new = numbers(hidden["parameters"]["weight"]["after"]).T.ravel()
    assert new == pytest.approx([0.149780716, 0.19956143, 0.24975114, 0.29950229], abs=5e-9)


def test_the_text_of_the_textbook_example_shows_them() -> None:
    out = bpcli("trace", CONFIGS / "textbook.yaml", "--row", 1).ok().out
    lines = [" ".join(line.split()) for line in out.splitlines()]
    for shown in (
        "neuron 0 0.05 · 0.15 + 0.1 · 0.2 + 0.35 0.377500000 0.593269992",
        "o1 1.105905967 0.751365070 0.010000000 "
        "2 · (0.75136507 - 0.01) · 0.75136507 · (1 - 0.75136507) / 2 0.138498562",
        "L = 0.298371109",
        "neuron 0 0.138498562 · 0.4 + (-0.038098237) · 0.5 0.036350306 0.241300709 0.008771355",
        "layers.0.weight[0, 0] i1 → neuron 0 0.000438568 = x · dL/dz = 0.05 · 0.008771355",
        "layers.0.weight[0, 0] i1 → neuron 0 0.150000000 0.000438568 -0.000219284 0.149780716",
        "layers.1.weight[0, 0] neuron 0 → o1 0.400000000 0.082167041 -0.041083520 0.358916480",
        "L before 0.298371109, after 0.280471447",
    ):
        assert shown in lines, shown


# Equality with a step of training

MIXED = [{"type": "batch_norm"}, {"units": 5, "activation": "gelu"}, {"type": "dropout", "rate": 0.3}]
STEPS: dict[str, dict[str, Any]] = {
    **{
        f"{kind}": {
            "optimizer": kind,
            "layers": [*MIXED, {"type": "layer_norm"}, "scale", "parametric", {"units": 4, "activation": "relu"}],
        }
        for kind in ("sgd", "rprop", "adagrad", "rmsprop", "adadelta", "adam", "adamw", "nadam")
    },
    "float64": {"dtype": "float64", "layers": MIXED},
    "momentum": {"optimizer": {"type": "sgd", "momentum": 0.9, "nesterov": True}},
    "penalties and bounds": {"training": {"penalty": {"l1": 0.01, "l2": 0.1}, "clip": {"norm": 0.1, "value": 0.05}}},
    "warm-up": {"schedule": {"type": "exponential", "gamma": 0.9, "warmup_epochs": 6}, "layers": MIXED},
    "class weights": {"training": {"class_weights": "balanced"}},
    "label smoothing": {"loss": {"type": "cross_entropy", "label_smoothing": 0.1}},
    "hinge": {"loss": "hinge"},
    "sample weights": {"weight": "size"},
}
ROWS = 7


def config_in(folder: Path, **given: Any) -> Path:
    """Seven rows in one batch."""
    generator = np.random.default_rng(0)
    a, b = generator.normal(size=(2, ROWS)).round(3).tolist()
    kinds = ["x", "y", "x", "z", "x", "y", "x"]
    write_csv(
        folder / "t.csv", {"a": a, "b": b, "c": ["p", "q"] * 3 + ["p"], "size": range(1, ROWS + 1), "kind": kinds}
    )
    data = {
        "path": "t.csv",
        "target": "kind",
        "split": {"validation": 0, "test": 0},
        "weight": given.pop("weight", None),
    }
    training = {"batch_size": "full", "epochs": 3, **given.pop("training", {})}
    path = folder / "t.yaml"
    path.write_text(yaml.safe_dump({"data": data, "layers": [{"units": 4}], "training": training, **given}))
    return path


def parameters_after(document: Any) -> dict[str, Array]:
    return {
        f"layers.{layer['index']}.{name}": numbers(one["after"])
        for layer in document["layers"]
        for name, one in layer["parameters"].items()
    }


def parameters_of(run: Path) -> dict[str, Array]:
    checkpoint = Checkpoint.load(run / "checkpoints" / "last.safetensors")
    return checkpoint.network.layout.views(checkpoint.vectors["params"])


ALL_ROWS = [f"--row={number}" for number in range(1, ROWS + 1)]


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.exhaustive if index % 2 else ()) for index, name in enumerate(STEPS)]
)
def test_the_step_is_the_one_that_training_takes_to_the_bit(
    tmp_path: Path, name: str, record_property: Callable[[str, object], None]
) -> None:
    config, run = config_in(tmp_path, **STEPS[name]), tmp_path / "run"
    first = traced(config, *ALL_ROWS)
    bpcli("train", config, "--run-dir", run, "--quiet", "--set", "training.epochs=1").ok()
    cases = 0
    for key, value in parameters_of(run).items():
        assert np.array_equal(parameters_after(first)[key], value.astype(np.float64)), key
        cases += value.size
    # Resume from a checkpoint with its optimizer state; with more epochs, training resumes from there too.
    bpcli("train", "--resume", run, "--quiet", "--set", "training.epochs=3").ok()
    fourth = traced(run, *ALL_ROWS, "--set", "training.epochs=4")
    assert (fourth["epoch"], fourth["update"]["number"]) == (3, 4)
    bpcli("train", "--resume", run, "--quiet", "--set", "training.epochs=4").ok()
    for key, value in parameters_of(run).items():
        assert np.array_equal(parameters_after(fourth)[key], value.astype(np.float64)), key
        cases += value.size
    assert cases > 0
    record_property("cases", cases)


def test_the_loss_is_the_one_that_training_reports(tmp_path: Path) -> None:
    config, run = (
        config_in(tmp_path, layers=MIXED, training={"penalty": {"l2": 0.1}}, dtype="float64"),
        tmp_path / "run",
    )
    document = traced(config, *ALL_ROWS)
    bpcli("train", config, "--run-dir", run, "--quiet", "--set", "training.epochs=1").ok()
    before = document["loss"]["before"] - document["error"]["penalty"]
    assert before == pytest.approx(sum(document["error"]["of_rows"]) / ROWS, rel=1e-12)
    # Training adds the penalty on the weights at the end of the epoch.
    (line,) = (run / "metrics.jsonl").read_text().splitlines()
    after = parameters_after(document)
    penalty = 0.05 * sum(float(np.sum(value**2)) for name, value in after.items() if name.endswith("weight"))
    assert json.loads(line)["train_loss"] == pytest.approx(before + penalty, rel=1e-12)
    assert document["loss"]["after"] < document["loss"]["before"]


# Consistency of the traced numbers


def test_every_number_follows_from_those_before_it(tmp_path: Path) -> None:
    layers = [{"units": 5, "activation": "tanh"}, {"type": "dropout", "rate": 0.3}, {"units": 3, "activation": "silu"}]
    config = config_in(tmp_path, layers=layers, dtype="float64", training={"penalty": {"l2": 0.1}})
    document = traced(config, "--row=2", "--row=5")
    assert [row["row"] for row in document["rows"]] == [2, 5]
    upstream = numbers(document["error"]["dlogits"])
    for layer in reversed(document["layers"]):
        forward = {name: numbers(value) for name, value in layer["forward"].items()}
        backward = {name: numbers(value) for name, value in layer["backward"].items()}
        np.testing.assert_allclose(backward["dy"], upstream, rtol=1e-12)
        if layer["type"] == "dropout":
            assert set(np.round(forward["mask"].ravel(), 6)) <= {0.0, round(1 / 0.7, 6)}
            np.testing.assert_array_equal(forward["y"], forward["x"] * forward["mask"])
            upstream = backward["dy"] * forward["mask"]
            continue
        weight, bias = layer["parameters"]["weight"], layer["parameters"]["bias"]
        np.testing.assert_allclose(forward["z"], forward["x"] @ numbers(weight["before"]) + numbers(bias["before"]))
        np.testing.assert_allclose(backward["dz"], backward["dy"] * backward["slope"], rtol=1e-12)
        np.testing.assert_allclose(numbers(weight["gradient"]), forward["x"].T @ backward["dz"], atol=1e-15)
        np.testing.assert_allclose(numbers(bias["gradient"]), backward["dz"].sum(axis=0), atol=1e-15)
        penalized = numbers(weight["gradient"]) + 0.1 * numbers(weight["before"])
        np.testing.assert_allclose(numbers(weight["applied"]), penalized, rtol=1e-12, atol=1e-15)
        assert bias["applied"] == bias["gradient"]
        for one in (weight, bias):
            np.testing.assert_allclose(numbers(one["before"]) + numbers(one["step"]), numbers(one["after"]), rtol=1e-12)
        upstream = backward["dz"] @ numbers(weight["before"]).T


def test_rows_are_those_of_the_file_in_its_own_words() -> None:
    document = traced(CONFIGS / "penguins.yaml", "--row", 3)
    (row,) = document["rows"]
    assert (row["row"], row["split"], row["weight"]) == (3, "train", 1.0)
    assert row["target"] == {"species": "Adelie"}
    assert row["columns"]["bill_length_mm"] == "40.3"
    assert dict(zip(document["inputs"], document["layers"][0]["forward"]["x"][0], strict=True))["sex=female"] == 1.0
    assert document["outputs"] == ["Adelie", "Chinstrap", "Gentoo"]
    assert document["error"]["targets"] == [[1.0, 0.0, 0.0]]


def test_without_a_row_it_is_the_first_that_trains() -> None:
    assert [row["row"] for row in traced(CONFIGS / "xor.yaml")["rows"]] == [1]


def test_a_note_lists_the_rows_of_a_small_batch_of_all_rows() -> None:
    xor = CONFIGS / "xor.yaml"
    note = "this step is of one row; training takes all 4 at once: --row 1 --row 2 --row 3 --row 4"
    assert traced(xor)["notes"] == [note]
    assert traced(xor, *(f"--row={row}" for row in (1, 2, 3, 4)))["notes"] == []
    assert traced(xor, "--set", "training.batch_size=2")["notes"] == []


def test_a_row_weighs_what_it_weighs_in_training(tmp_path: Path) -> None:
    config = config_in(tmp_path, training={"class_weights": {"z": 3.0}})
    weights = [row["weight"] for row in traced(config, *ALL_ROWS)["rows"]]
    assert weights == pytest.approx([7 / 9, 7 / 9, 7 / 9, 21 / 9, 7 / 9, 7 / 9, 7 / 9], rel=1e-6)


def test_predictions_of_numbers_are_in_the_units_of_the_file_too() -> None:
    document = traced(CONFIGS / "concrete.yaml", "--row", 1, "--row", 2)
    error = document["error"]
    target = [float(row["target"]["compressive_strength"]) for row in document["rows"]]
    scaled, predicted = numbers(error["targets"])[:, 0], numbers(error["predictions"])[:, 0]
    slope = (target[1] - target[0]) / (scaled[1] - scaled[0])
    expected = target[0] + (predicted - scaled[0]) * slope
    np.testing.assert_allclose(numbers(error["in_units"])[:, 0], expected, rtol=1e-5)
    assert "ŷ in the file's units" in bpcli("trace", CONFIGS / "concrete.yaml").ok().out
    assert "the file's units" not in bpcli("trace", CONFIGS / "textbook.yaml").ok().out


def test_inputs_and_targets_say_how_they_are_made_of_the_files_values() -> None:
    document = traced(CONFIGS / "penguins.yaml", "--row", 3, "--row", 4)
    third, fourth = (dict(zip(document["inputs"], row["inputs_made"], strict=True)) for row in document["rows"])
    assert third["sex=female"] == "one-hot: 1 where sex is female, else 0; the value is female"
    assert third["bill_length_mm"].startswith("(40.3 - 43.977560976) / ")
    x = dict(zip(document["inputs"], document["layers"][0]["forward"]["x"][0], strict=True))
    assert eval(third["bill_length_mm"]) == pytest.approx(x["bill_length_mm"], rel=1e-6)
    assert fourth["bill_length_mm"].startswith("missing, replaced by 43.977560976: (43.977560976 - 43.977560976)")
    assert fourth["sex=male"] == "one-hot: 1 where sex is male, else 0; the value is missing"
    assert fourth["sex is missing"] == "1 where sex is missing, else 0"
    assert document["rows"][0]["targets_made"] == ["1 for the class of the row, Adelie, 0 for the others"] * 3
    assert "(0 - 0.5) / 0.5" in bpcli("trace", CONFIGS / "xor.yaml").ok().out
    concrete = traced(CONFIGS / "concrete.yaml", "--row", 2)
    (target,) = concrete["rows"][0]["targets_made"]
    assert target.startswith("(61.89 - ")
    assert eval(target) == pytest.approx(concrete["error"]["targets"][0][0], rel=1e-6)


def test_the_norm_of_the_gradient_and_the_factor_are_shown(tmp_path: Path) -> None:
    config = config_in(tmp_path, dtype="float64", training={"penalty": {"l2": 0.1}, "clip": {"norm": 0.1}})
    document = traced(config, *ALL_ROWS)
    update, squares = document["update"], 0.0
    for layer in document["layers"]:
        for one in layer["parameters"].values():
            penalty = 0.1 * numbers(one["before"]) if one["is_weight"] else 0.0
            squares += float(np.sum((numbers(one["gradient"]) + penalty) ** 2))
    assert update["gradient_norm"] == pytest.approx(squares**0.5, rel=1e-12)
    assert update["clip_factor"] == pytest.approx(0.1 / squares**0.5, rel=1e-12)
    out = bpcli("trace", config, *ALL_ROWS).ok().out
    assert "weights: g = dL/dw + l2 · w, l2 = 0.1; other parameters: g = gradient\n" in out
    assert f"= 0.1 / {squares**0.5:.9f} = {0.1 / squares**0.5:.9f}\n" in out
    assert "gradient of the data loss" in out
