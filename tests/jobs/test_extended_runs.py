"""Runs with a convolution, which the package has not, and an embedding: kept, resumed, checked and traced."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from experiments import write_csv
from extensions import ExtendedConfig, ExtendedHeader
from same_runs import go, new_run

from bpcli.checks.gradcheck import check_gradient
from bpcli.data.table import Table
from bpcli.errors import CheckpointError, DivergedError
from bpcli.experiment.prepare import prepare
from bpcli.experiment.prepared import Prepared
from bpcli.inspection.gradient_report import GradientReport
from bpcli.jobs.resume import resume_state
from bpcli.models.feature_names import Names
from bpcli.models.model import Model
from bpcli.nn.embedding import EmbeddingLayer
from bpcli.storage.checkpoint import Checkpoint
from bpcli.storage.run_directory import RunDirectory
from bpcli.tracing.as_json import trace_document
from bpcli.tracing.as_text import account
from bpcli.tracing.chosen_rows import choose_rows
from bpcli.tracing.page import trace_page
from bpcli.tracing.parts import Grid, Heading
from bpcli.tracing.step import trace_step
from bpcli.training.loop import train
from bpcli.training.plan import TrainingPlan
from bpcli.training.steps.serial import SerialSteps

CITIES = ["Aarau", "Bern", "Chur", "Davos", "Elm", "Flims"]
PIXELS = [f"p{place}" for place in range(8)]

SPECS: dict[str, dict[str, Any]] = {
    "convolution": {
        "data": {"path": "t.csv", "target": "label", "exclude": ["city"]},
        "layers": [{"type": "convolution", "channels": 3, "image": [4, 2, 1], "activation": "tanh"}, {"units": 4}],
    },
    "embedding": {
        "data": {
            "path": "t.csv",
            "target": "label",
            "encoders": {"categorical": {"type": "embedding", "size": 2}},
        },
        "layers": [{"units": 6, "activation": "tanh"}],
    },
}


def prepared_in(folder: Path, spec: str, **changes: Any) -> Prepared:
    config = {
        "data": {"path": "t.csv", "target": "label"},
        "loss": "cross_entropy",
        "optimizer": {"type": "adam", "learning_rate": 0.02},
        "training": {"epochs": 12, "batch_size": 16},
        **SPECS[spec],
        **changes,
    }
    return prepare(ExtendedConfig.model_validate(config), folder, keep_examples=True)


def with_stem(of: Prepared, kind: type[EmbeddingLayer]) -> TrainingPlan:
    """The plan with another kind of layer in its stem."""
    (stem,) = of.network.stems.trained
    stems = replace(of.network.stems, trained=(replace(stem, layer=kind(**vars(stem.layer))),))
    return replace(of.plan, network=replace(of.network, stems=stems))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Cities of an even number and a great first pixel make it even."""
    folder = tmp_path_factory.mktemp("extended")
    generator = np.random.default_rng(1)
    pixels = generator.normal(size=(240, 8)).round(4)
    cities = generator.integers(0, len(CITIES), 240)
    labels = np.where(np.where(cities % 2 == 0, 1.0, -1.0) + 1.5 * pixels[:, 0] > 0, "even", "odd")
    columns = {name: pixels[:, place].tolist() for place, name in enumerate(PIXELS)}
    write_csv(folder / "t.csv", {**columns, "city": [CITIES[city] for city in cities], "label": labels.tolist()})
    return folder


@pytest.fixture(scope="module", params=list(SPECS))
def spec(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def run(spec: str, folder: Path) -> RunDirectory:
    """A run that nothing disturbed."""
    directory = new_run(folder / f"{spec}-whole")
    go(prepared_in(folder, spec), directory)
    return directory


def test_it_learns(run: RunDirectory) -> None:
    losses = [record.number("train_loss") or 0.0 for record in run.records.read()]
    assert losses[-1] < 0.8 * losses[0]


def test_its_health_is_that_of_its_layers(spec: str, run: RunDirectory) -> None:
    layers = {"convolution": [0, 1, 2], "embedding": [0, 1]}[spec]
    for record in run.records.read():
        health = record.health or ()
        assert [one.layer for one in health] == layers
        assert all((one.gradient_norm or 0) > 0 and (one.update_ratio or 0) > 0 for one in health)


def test_a_run_that_was_broken_off_goes_on_to_the_same_bits(spec: str, run: RunDirectory, folder: Path) -> None:
    of, directory = prepared_in(folder, spec), new_run(folder / f"{spec}-resumed")
    go(of, directory, calls=30)
    assert Checkpoint.load(directory.last, ExtendedHeader).header.optimizer_steps < 12 * of.plan.steps_per_epoch
    state = resume_state(of, directory, ExtendedHeader)
    for _ in train(of.plan, state):
        pass
    whole = Checkpoint.load(run.last, ExtendedHeader).vectors
    assert {name: vector.tobytes() for name, vector in whole.items()} == {
        name: vector.tobytes() for name, vector in state.vectors().items()
    }


def test_a_model_that_was_kept_answers_as_the_trained_one(spec: str, run: RunDirectory, folder: Path) -> None:
    of = prepared_in(folder, spec)
    model = Model.load(run.path, ExtendedHeader)
    assert model.inference.network == of.network
    assert model.header.config.layers == of.config.layers
    assert of.examples is not None
    test: Table = of.examples.table.take(of.examples.split.test)
    answers, _ = model.answers(test)
    scores = run.read_summary().test
    assert scores is not None
    assert scores.scores["accuracy"] == answers.report.scores["accuracy"]
    assert (scores.scores["accuracy"] or 0.0) > 0.6
    columns: dict[str, Any] = {name: test[name].values for name in PIXELS}
    columns |= {name: test[name].labels() for name in ("city",) if name in test}
    assert np.array_equal(model.predict_probabilities(columns), answers.probabilities)


def test_without_the_class_of_its_header_it_is_refused(spec: str, run: RunDirectory) -> None:
    if spec == "embedding":
        assert Model.load(run.path).header.config.layers
        return
    with pytest.raises(CheckpointError, match="its header is not valid: config"):
        Model.load(run.path)


def test_its_gradient_is_checked_and_every_parameter_named(spec: str, folder: Path) -> None:
    of = prepared_in(folder, spec, dtype="float64")
    checked = check_gradient(of.plan, 16, 0)
    report = GradientReport.of(of, checked)
    assert checked.passed
    indices = {"convolution": [0, 1, 2], "embedding": ["stems.city", 0, 1]}[spec]
    assert [layer.index for layer in report.layers] == indices
    assert sum(layer.parameters for layer in report.layers) == of.network.layout.size
    owner = {"convolution": "layer 0 (convolution)", "embedding": "stem 'city' (embedding)"}[spec]
    assert report.layers[0].arrays[0].worst.of == owner
    names = Names.of(of.network, of.preprocessor)
    named = [names.parameter(of.network, index) for index in range(of.network.layout.size)]
    assert len({name for name, _ in named}) == of.network.layout.size
    if spec == "embedding":
        assert ("stems.city.weight[5, 1]", "stem 'city' (embedding)") in named
        assert ("layers.0.weight[9, 2]", "city 1 → neuron 2") in named
    else:
        assert ("layers.0.weight[1, 0, 0, 2]", "layer 0 (convolution)") in named


def test_a_wrong_gradient_of_a_stem_is_found_in_the_stem(folder: Path) -> None:
    of = prepared_in(folder, "embedding", dtype="float64")

    class Wrong(EmbeddingLayer):
        def backward(self, params: Any, x: Any, dy: Any, workspace: Any, grads: Any) -> Any:
            super().backward(params, x, dy, workspace, grads)
            grads["weight"] *= 1.01
            return dy

    checked = check_gradient(with_stem(of, Wrong), 16, 0)
    assert checked.faults == ("stems.city",)
    assert [array.name for array in checked.arrays if not array.passed] == ["stems.city.weight"]


@pytest.mark.parametrize("what", ["parameters", "optimizer state m"])
def test_a_number_of_a_stem_that_is_not_finite_is_named(what: str, folder: Path) -> None:
    of = prepared_in(folder, "embedding")
    state = of.plan.new_state()
    vector = state.params if what == "parameters" else state.optimizer.slots["m"]
    of.network.layout.views(vector)["stems.city.weight"][2, 1] = np.nan
    with pytest.raises(DivergedError, match=rf"non-finite {what} of stem 'city' \(embedding\)"):
        SerialSteps(of.plan, state).require_finite()
    if what == "parameters":
        with pytest.raises(
            DivergedError, match=r"epoch 1, step 1, .*non-finite parameters of stem 'city' \(embedding\)"
        ):
            list(train(of.plan, state))


def test_a_stem_whose_output_is_not_finite_is_named(folder: Path) -> None:
    class Overflowing(EmbeddingLayer):
        def forward(self, params: Any, state: Any, x: Any, workspace: Any, position: Any) -> Any:
            y = super().forward(params, state, x, workspace, position)
            return np.multiply(y, np.inf, out=y)

    of = with_stem(prepared_in(folder, "embedding"), Overflowing)
    with pytest.raises(DivergedError, match=r"non-finite output of stem 'city' \(embedding\)"):
        list(train(of, of.new_state()))


def test_a_step_is_traced_with_all_that_learns(spec: str, run: RunDirectory, folder: Path) -> None:
    """The traced step is the one that training takes: its parameters after it are those of the next step."""
    of = prepared_in(folder, spec, training={"epochs": 13, "batch_size": 16})
    state = resume_state(of, run, ExtendedHeader)
    before = state.params[0].copy()
    traced = trace_step(of, state, choose_rows(of, [1, 2, 3]), "run")
    learned = {one.name: one for one in [*traced.stems, *traced.layers]}
    views, was = of.network.layout.views(state.params), of.network.layout.views(before)
    for name, view in views.items():
        parameter = learned[name.rpartition(".")[0]].parameters[name.rpartition(".")[2]]
        assert np.array_equal(parameter.after, view), name
        assert np.array_equal(parameter.before, was[name]), name
    gradients = [parameter.gradient for one in learned.values() for parameter in one.parameters.values()]
    norm = np.sqrt(sum(float((gradient**2).sum()) for gradient in gradients))
    assert traced.update.gradient_norm == pytest.approx(norm, rel=1e-6)
    assert traced.loss.after < traced.loss.before
    for one in traced.layers:
        assert len(one.inputs) == one.planned.n_in
    assert all(len(row.inputs_made) == len(traced.inputs) == of.network.n_in for row in traced.rows)


def test_a_trace_is_told_in_text_json_and_on_a_page(spec: str, folder: Path) -> None:
    of = prepared_in(folder, spec)
    traced = trace_step(of, of.plan.new_state(), choose_rows(of, [1]), "t.yaml")
    parts = list(account(traced))
    headings = [part.words for part in parts if isinstance(part, Heading)]
    cells = [cell for part in parts if isinstance(part, Grid) for row in part.cells for cell in row]
    document, page = trace_document(traced), trace_page(traced)
    if spec == "convolution":
        assert "layer 0: convolution, tanh   y = f(z), z = Σ of the window · w + b" in headings
        assert any(cell.startswith("layers.0.weight[0, 0, 0, ") for cell in cells)
        assert "stems" not in document
    else:
        assert headings.count("stem city: embedding   y = the vector of the category") == 1
        city = of.examples.table["city"].labels()[0] if of.examples else ""
        row = CITIES.index(city)
        assert f"stems.city.weight[{row}, 0]" in cells
        assert f"number 1 of the output of embedding for {city}" in cells
        (stem,) = document["stems"]
        assert (stem["field"], stem["outputs"]) == ("city", ["city 0", "city 1"])
        assert stem["forward"]["x"] == [row]
        weight = stem["parameters"]["weight"]
        assert np.flatnonzero(np.any(weight["gradient"], axis=1)).tolist() == [row]
        assert stem["forward"]["y"] == [weight["before"][row]]
    assert page.startswith("<!doctype html>")
