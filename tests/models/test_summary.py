"""A network in figures, and the tables of it that the terminal and pages share."""

from __future__ import annotations

import json

import pytest
from commands import CONFIGS

from bpcli.config.loading import load_config
from bpcli.experiment.prepare import prepare
from bpcli.experiment.prepared import Prepared
from bpcli.models.summary import ExperimentSummary, NetworkSummary
from bpcli.models.tables import column_table, layer_table


@pytest.fixture(scope="module")
def penguins() -> Prepared:
    loaded = load_config(CONFIGS / "penguins.yaml")
    return prepare(loaded.config, loaded.folder)


def test_a_network_is_summed_up_layer_by_layer(penguins: Prepared) -> None:
    summary = NetworkSummary.of(penguins.preprocessor, penguins.network, penguins.plan.loss)
    assert (summary.target.task, summary.target.classes) == ("multiclass", ("Adelie", "Chinstrap", "Gentoo"))
    assert summary.loss == "cross_entropy"
    assert summary.layers[0].shape[0] == sum(column.inputs for column in summary.columns)
    assert all(one.shape[1] == other.shape[0] for one, other in zip(summary.layers, summary.layers[1:], strict=False))
    assert summary.layers[-1].shape[1] == 3
    assert summary.parameters == sum(layer.parameters for layer in summary.layers) == penguins.network.layout.size


def test_the_document_of_an_experiment_keeps_its_keys_in_their_order(penguins: Prepared) -> None:
    document = json.loads(json.dumps(ExperimentSummary.of(penguins).to_json()))
    assert list(document) == [
        *("name", "rows", "groups", "columns", "target", "loss", "layers", "parameters"),
        *("batch_size", "steps_per_epoch", "ensemble", "recipe", "memory_bytes", "data_sha256", "notes", "warnings"),
        "data_warnings",
    ]
    assert list(document["columns"][0]) == ["name", "kind", "encoding", "inputs", "missing"]
    assert list(document["layers"][0]) == ["index", "type", "activation", "shape", "parameters"]
    assert list(document["memory_bytes"]) == ["data", "parameters", "workspace", "checkpoint", "compiled"]
    assert document["memory_bytes"]["data"] == penguins.memory.data
    assert {column["name"]: column["missing"] for column in document["columns"]} == {
        column.name: penguins.missing[column.name] for column in penguins.preprocessor.inputs
    }


def test_tables_hold_the_figures(penguins: Prepared) -> None:
    summary = ExperimentSummary.of(penguins)
    layers = layer_table(summary.network)
    first = summary.network.layers[0]
    shape = f"{first.shape[0]} → {first.shape[1]}"
    assert layers.rows[0] == ["0", "dense", first.activation, shape, f"{first.parameters:,}"]
    columns = column_table([(summary.columns[0], 1_234), (summary.columns[1], None)])
    assert [row[-1] for row in columns.rows] == ["1,234", "-"]
    assert columns.rows[0][:2] == [summary.columns[0].name, summary.columns[0].kind]
