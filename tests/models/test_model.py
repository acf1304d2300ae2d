"""A restored model gives Python what the command line gives a file."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import CONFIGS, DATASETS, PENGUINS, bpcli

import bpcli as package
from bpcli.data.files.cells import ReadOptions
from bpcli.data.files.python_rows import table_from_rows
from bpcli.errors import BpcliError, CheckpointError, DataError, UsageError
from bpcli.models.model import Model
from bpcli.storage.checkpoint import Checkpoint

INPUTS = ["island", "bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g", "sex"]
NUMERIC = INPUTS[1:5]


def penguins(rows: slice = slice(None)) -> list[dict[str, Any]]:
    """Penguins as Python has them: numbers as numbers, None where unknown."""
    header, *lines = [line.split(",") for line in PENGUINS.read_text().splitlines()]
    records = [dict(zip(header, line, strict=True)) for line in lines[rows]]
    for record in records:
        for name, text in record.items():
            known = None if text in ("", "NA") else text
            record[name] = float(known) if known and name in NUMERIC else known  # type: ignore[assignment]
    return records


@pytest.fixture(scope="module")
def model(penguins_run: Path) -> Model:
    return package.load(penguins_run)


@pytest.fixture(scope="module")
def answers(penguins_run: Path) -> list[dict[str, str]]:
    """What the command line says of the same penguins."""
    return bpcli("predict", PENGUINS, "--checkpoint", penguins_run, "--probabilities").ok().rows


def test_rows_columns_and_files_get_the_same_answers(model: Model, answers: list[dict[str, str]]):
    rows = penguins()
    expected = [answer["prediction"] for answer in answers]
    assert model.predict(rows).tolist() == expected
    assert model.predict({name: [row[name] for row in rows] for name in INPUTS}).tolist() == expected
    columns = {name: np.array([row[name] for row in rows], dtype=object) for name in INPUTS}
    assert model.predict(columns).tolist() == expected


def test_probabilities_have_a_column_for_each_class(model: Model, answers: list[dict[str, str]]):
    probabilities = model.predict_probabilities(penguins())
    assert model.classes == ("Adelie", "Chinstrap", "Gentoo")
    assert probabilities.dtype == np.float64
    written = [[float(answer[f"probability_{name}"]) for name in model.classes] for answer in answers]
    np.testing.assert_array_equal(probabilities, written)


def test_a_row_gives_the_same_bits_alone(model: Model):
    rows = penguins()
    together = model.predict_probabilities(rows)
    for index in range(0, len(rows), 31):
        np.testing.assert_array_equal(model.predict_probabilities([rows[index]])[0], together[index])


def test_none_and_nan_stand_for_what_is_not_known(model: Model):
    (row,) = penguins(slice(1))
    nothing = [dict.fromkeys(INPUTS), dict.fromkeys(INPUTS, float("nan")), dict.fromkeys(INPUTS, np.float32("nan"))]
    probabilities = model.predict_probabilities(nothing)
    np.testing.assert_array_equal(probabilities[0], probabilities[1])
    np.testing.assert_array_equal(probabilities[0], probabilities[2])
    assert not np.array_equal(probabilities[0], model.predict_probabilities([row])[0])


def test_other_columns_and_the_target_are_not_needed_and_do_no_harm(model: Model):
    (row,) = penguins(slice(1))
    bare = {name: row[name] for name in INPUTS}
    assert model.predict([bare]).tolist() == model.predict([{**row, "colour": object()}]).tolist() == ["Adelie"]


def test_no_rows_get_no_answers(model: Model):
    assert model.predict([]).shape == (0,)
    assert model.predict_probabilities({name: [] for name in INPUTS}).shape == (0, 3)


def test_an_array_holds_the_inputs_in_their_order(tmp_path: Path, concrete_run: Path):
    lines = (DATASETS / "concrete.csv").read_text().splitlines()[1:]
    x = np.array([line.split(",")[:-1] for line in lines], dtype=float)
    model = package.load(str(concrete_run))
    predictions = model.predict(x)
    assert predictions.shape == (1030,)
    rows = bpcli("predict", DATASETS / "concrete.csv", "--checkpoint", concrete_run).ok().rows
    np.testing.assert_array_equal(predictions, [float(row["prediction"]) for row in rows])
    true = np.array([float(line.split(",")[-1]) for line in lines])
    assert np.sqrt(np.mean((predictions - true) ** 2)) < 7


@pytest.mark.parametrize("shape", [(8,), (3, 7), (3, 8, 1)])
def test_an_array_of_another_shape_is_refused(concrete_run: Path, shape: tuple[int, ...]):
    with pytest.raises(DataError, match=r"an array must be \(rows, 8\)"):
        package.load(concrete_run).predict(np.zeros(shape))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sex": ...}, "no value for column 'sex'"),
        ({"bill_length_mm": "long"}, "column 'bill_length_mm': 'long' is not a finite number"),
        ({"bill_length_mm": float("inf")}, "column 'bill_length_mm' holds inf, which is not numeric"),
        ({"bill_length_mm": [1, 2]}, "column 'bill_length_mm' holds a value of type list, which is not numeric"),
    ],
)
def test_rows_that_do_not_fit_are_a_data_error(model: Model, change: dict[str, Any], message: str):
    (row,) = penguins(slice(1))
    changed = {name: value for name, value in {**row, **change}.items() if value is not ...}
    with pytest.raises(DataError, match=message):
        model.predict([changed])


def test_columns_that_do_not_fit_are_a_data_error(model: Model):
    (row,) = penguins(slice(1))
    columns = {name: [row[name]] for name in INPUTS}
    with pytest.raises(DataError, match="no column 'sex'"):
        model.predict({name: values for name, values in columns.items() if name != "sex"})
    with pytest.raises(DataError, match="columns differ in length: 1 to 2 values"):
        model.predict({**columns, "sex": ["male", "female"]})


@pytest.mark.parametrize("rows", ["text", 5, None, [1, 2], [[1, 2]]])
def test_what_is_no_rows_at_all_is_a_data_error(model: Model, rows: Any):
    with pytest.raises(DataError, match="give a mapping of columns, a list of mappings, or a two-dimensional array"):
        model.predict(rows)


def test_a_loss_without_probabilities_has_none(concrete_run: Path):
    with pytest.raises(UsageError, match="a model with loss mse gives no probabilities"):
        package.load(concrete_run).predict_probabilities(np.zeros((1, 8)))


def train(tmp_path: Path, data: str, config: str) -> Model:
    (tmp_path / "data.csv").write_text(data)
    (tmp_path / "c.yaml").write_text(config)
    bpcli("train", tmp_path / "c.yaml", "-q", "--run-dir", tmp_path / "run").ok()
    return package.load(tmp_path / "run")


def test_several_quantities_are_a_matrix_in_their_own_units(tmp_path: Path):
    lines = "".join(f"{x / 40},{x * 5},{1000 - x}\n" for x in range(80))
    config = "data: {path: data.csv, target: [up, down]}\nlayers: []\ntraining: {epochs: 200}\n"
    config += "optimizer: {type: adam, learning_rate: 0.05}\n"
    predictions = train(tmp_path, "x,up,down\n" + lines, config).predict({"x": [0, 1, 2]})
    np.testing.assert_allclose(predictions, [[0, 1000], [200, 960], [400, 920]], atol=1)


def test_labels_are_a_matrix_of_0_and_1(tmp_path: Path):
    lines = "".join(f"{x / 40 - 1},{int(x > 40)},{int(x < 60)}\n" for x in range(80))
    config = "data: {path: data.csv, target: [high, low]}\nlayers: []\ntraining: {epochs: 200}\n"
    config += "optimizer: {type: adam, learning_rate: 0.1}\n"
    model = train(tmp_path, "x,high,low\n" + lines, config)
    assert model.classes == ("high", "low")
    assert model.predict({"x": [-1, 0.25, 1]}).tolist() == [[0, 1], [1, 1], [1, 0]]
    assert model.predict_probabilities({"x": [-1, 0.25, 1]}).shape == (3, 2)


@pytest.mark.parametrize(
    ("words", "loss"),
    [
        pytest.param(words, loss, marks=() if number % 3 == place else pytest.mark.exhaustive)
        for number, words in enumerate([("no", "YES"), ("1", "2"), ("-", "+"), ("0.5", "1.5")])
        for place, loss in enumerate(["hinge", "cross_entropy", "binary_cross_entropy"])
    ],
)
def test_two_classes_are_told_apart_by_their_own_names(tmp_path: Path, loss: str, words: tuple[str, str]):
    lines = "".join(f"{x / 40 - 1},{words[x > 40]}\n" for x in range(80))
    config = f"data: {{path: data.csv, target: y}}\nlayers: []\nloss: {loss}\ntraining: {{epochs: 100}}\n"
    config += "optimizer: {type: adam, learning_rate: 0.1}\n"
    model = train(tmp_path, "x,y\n" + lines, config)
    assert model.predict({"x": [-1, 1]}).tolist() == list(words)


def test_a_run_a_checkpoint_file_and_text_all_name_a_model(penguins_run: Path, model: Model):
    (row,) = penguins(slice(1))
    for path in (penguins_run / "checkpoints/best.safetensors", str(penguins_run / "checkpoints/last.safetensors")):
        assert package.load(path).predict([row]).tolist() == ["Adelie"]


def test_what_is_no_model_is_a_checkpoint_error(tmp_path: Path):
    for path in (tmp_path, tmp_path / "nothing", CONFIGS / "penguins.yaml"):
        with pytest.raises(CheckpointError) as caught:
            package.load(path)
        assert isinstance(caught.value, BpcliError)


def test_an_answer_that_overflows_is_refused_and_not_taken_for_a_class(tmp_path: Path, penguins_run: Path):
    sound = Checkpoint.load(penguins_run / "checkpoints/best.safetensors")
    vectors = {**sound.vectors, "params": np.full_like(sound.vectors["params"], 3e38)}
    Checkpoint(sound.header, vectors).save(tmp_path / "huge.safetensors")
    model = package.load(tmp_path / "huge.safetensors")
    for answer in (model.predict, model.predict_probabilities):
        with pytest.raises(DataError, match="non-finite predictions for 3 rows"):
            answer(penguins(slice(3)))


def test_a_value_beyond_all_training_is_answered_without_a_warning(concrete_run: Path):
    assert np.isfinite(package.load(concrete_run).predict(np.full((1, 8), 1e37))).all()


@pytest.mark.parametrize(
    ("source", "ignored", "refused"),
    [
        ("a.npz", ["X6"], True),
        ("a.npz", [], False),
        ("a.tsv", ["id"], False),
        ("a.csv", ["id"], False),
        (None, ["id"], False),
    ],
)
def test_only_an_array_must_have_no_column_too_many(
    model: Model, source: str | None, ignored: list[str], refused: bool
):
    path = None if source is None else Path(source)
    if refused:
        with pytest.raises(DataError, match=r"^a\.npz: rows of 7 numbers; the model expects 6$"):
            model.require_width(path, ignored)
    else:
        model.require_width(path, ignored)


def test_a_model_cannot_be_changed(model: Model):
    with pytest.raises(AttributeError):
        model.loss = None  # type: ignore[misc, assignment]


def test_a_model_says_what_it_is_of(model: Model, penguins_run: Path):
    assert repr(model) == f"Model('{penguins_run}/checkpoints/best.safetensors': species, multiclass)"


def test_a_model_knows_the_metrics_of_a_table(model: Model):
    rows = {name: [row[name] for row in penguins()] for name in [*INPUTS, "species"]}
    table = table_from_rows(rows, ReadOptions(kinds=model.preprocessor.evaluation_kinds))
    answers, surprises = model.answers(table)
    right = np.mean(model.predict(rows) == np.array(rows["species"]))
    assert (answers.report.rows, answers.report.scores["accuracy"], surprises) == (344, right, Counter())
    assert np.array_equal(np.array(model.classes)[answers.true], rows["species"])


def test_prediction_is_the_same_in_double_precision(tmp_path: Path):
    bpcli(
        *("train", CONFIGS / "penguins.yaml", "-q", "--run-dir", tmp_path / "run"),
        *("--set", "dtype=float64", "--set", "training.epochs=3"),
    ).ok()
    assert package.load(tmp_path / "run").predict_probabilities(penguins(slice(5))).dtype == np.float64
