"""Every layer of the union has a working of its own, and any other layer is still traced: in text, JSON and page."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, ClassVar, get_type_hints

import numpy as np
import pytest
from experiments import write_csv
from networks import members
from pages import Checked
from traces import prepared_in, trace_of

from bpcli.arrays.layout import Slot
from bpcli.arrays.memory import Array
from bpcli.arrays.workspace import Buffer, LayerArrays
from bpcli.nn.layers import Dense, Layer, LayerSpec, Position, Views
from bpcli.tracing.as_json import trace_document
from bpcli.tracing.as_text import account
from bpcli.tracing.layers import worked_layer
from bpcli.tracing.page import trace_page
from bpcli.tracing.parts import Grid, Heading
from bpcli.tracing.trace import Trace


@pytest.mark.parametrize("member", members(LayerSpec), ids=lambda member: member.__name__)
def test_every_layer_has_a_working_of_its_own(member: Any) -> None:
    planned = get_type_hints(member.plan)["return"]
    assert worked_layer.dispatch(planned) is not worked_layer.dispatch(Layer)


# A layer that tracing has never heard of

SIDE = 3


class Convolution:
    """A 3 by 3 convolution of a square image with one channel, padded by zeros."""

    def plan(self, index: int, n_in: int) -> ConvolutionLayer:
        return ConvolutionLayer(index, n_in, n_in)


@dataclass(frozen=True)
class ConvolutionLayer(Layer):
    type: ClassVar[str] = "convolution"
    formula: ClassVar[str] = "y = x * kernel + bias"
    gradient: ClassVar[str] = "dL/dx = dL/dy * kernel, turned by half"

    def parameters(self) -> tuple[Slot, ...]:
        return (Slot("kernel", (3, 3, 1, 1), weight=True), Slot("bias", (1,)))

    def buffers(self, training: bool) -> dict[str, Buffer]:
        return {}

    def initialize(self, out: Views, generator: np.random.Generator) -> None:
        out["kernel"][..., 0, 0] = np.arange(9.0).reshape(3, 3)
        out["bias"][:] = 0.5

    def forward(
        self, params: Views, state: Views, x: Array, workspace: LayerArrays, position: Position | None
    ) -> Array:
        return _windows(x, params["kernel"][..., 0, 0]) + params["bias"]

    def backward(self, params: Views, x: Array, dy: Array, workspace: LayerArrays, grads: Views) -> Array:
        padded = np.pad(x.reshape(-1, SIDE, SIDE), ((0, 0), (1, 1), (1, 1)))
        for i, j in np.ndindex(3, 3):
            grads["kernel"][i, j] = np.sum(padded[:, i : i + SIDE, j : j + SIDE] * dy.reshape(-1, SIDE, SIDE))
        grads["bias"][:] = dy.sum()
        return _windows(dy, params["kernel"][::-1, ::-1, 0, 0])

    def input_gradient(self, params: Views, state: Views, dy: Array, workspace: LayerArrays) -> Array:
        raise NotImplementedError


def _windows(x: Array, kernel: Array) -> Array:
    padded = np.pad(x.reshape(-1, SIDE, SIDE), ((0, 0), (1, 1), (1, 1)))
    y = np.zeros_like(padded[:, :SIDE, :SIDE])
    for i, j in np.ndindex(3, 3):
        y += padded[:, i : i + SIDE, j : j + SIDE] * kernel[i, j]
    return y.reshape(len(x), -1)


@pytest.fixture(scope="module")
def trace(tmp_path_factory: pytest.TempPathFactory) -> Trace:
    """Two rows of nine pixels, of which the first has but the middle one."""
    folder = tmp_path_factory.mktemp("convolution")
    pixels: dict[str, list[object]] = {f"p{place}": [0.0, place / 10] for place in range(9)}
    pixels["p4"][0] = 1.0
    write_csv(folder / "t.csv", {**pixels, "t": [0.5, 2.25]})
    prepared = prepared_in(folder, data={"target": "t", "encoders": {"numeric": "none"}}, loss="mse")
    return trace_of(prepared, [1, 2], [Dense(units=9), Convolution(), Convolution()])


def test_its_values_and_gradients_are_in_the_document(trace: Trace) -> None:
    document = trace_document(trace)
    layer = json.loads(json.dumps(document, allow_nan=False))["layers"][1]
    assert (layer["type"], layer["activation"], layer["formula"]) == ("convolution", None, "y = x * kernel + bias")
    assert set(layer["forward"]) == {"x", "y"}
    assert set(layer["backward"]) == {"dy"}
    kernel = layer["parameters"]["kernel"]
    assert np.shape(kernel["gradient"]) == (3, 3, 1, 1)
    assert np.array(kernel["before"]).ravel().tolist() == list(range(9))
    x, dy = np.array(layer["forward"]["x"]), np.array(layer["backward"]["dy"])
    assert kernel["gradient"][1][1][0][0] == pytest.approx(np.sum(x * dy), rel=1e-12)
    assert layer["parameters"]["bias"]["gradient"] == pytest.approx([np.sum(dy)], rel=1e-12)


def test_its_values_and_gradients_are_in_the_text(trace: Trace) -> None:
    parts = list(account(trace))
    headings = [part.words for part in parts if isinstance(part, Heading)]
    assert "layer 1: convolution   y = x * kernel + bias" in headings
    assert "layer 1: convolution   dL/dx = dL/dy * kernel, turned by half" in headings
    tables = {heading.words: grids for heading, grids in _below(parts)}
    inputs, outputs, *_ = tables["layer 1: convolution   y = x * kernel + bias"]
    worked = trace.layers[1]
    assert inputs.cells[0] == ["input", "x"]
    assert ["neuron 4", f"{worked.forward['y'][0, 4]:.9f}"] in outputs.cells
    back, handed, *_, parameters = tables["layer 1: convolution   dL/dx = dL/dy * kernel, turned by half"]
    assert ["neuron 4", f"{worked.backward['dy'][0, 4]:.9f}"] in back.cells
    assert ["neuron 4", f"{trace.layers[0].backward['dy'][0, 4]:.9f}"] in handed.cells
    assert parameters.cells[0] == ["parameter", "gradient"]
    gradient = worked.parameters["kernel"].gradient
    assert parameters.cells[2] == ["layers.1.kernel[0, 1, 0, 0]", f"{gradient[0, 1, 0, 0]:.9f}"]
    assert [row[0] for row in parameters.cells[1:]] == [
        *(f"layers.1.kernel[{i}, {j}, 0, 0]" for i, j in np.ndindex(3, 3)),
        "layers.1.bias[0]",
    ]


def test_it_has_its_place_in_the_page(trace: Trace) -> None:
    page = trace_page(trace)
    words = Checked(page).words
    assert "layers.2.kernel[2, 2, 0, 0]" in words
    assert f'"y = {trace.layers[2].forward["y"][0, 3]:.9f}"' in page
    dy = f"{trace.layers[1].backward['dy'][1, 5]:.9f}"
    assert f'"dL/dy = dL/dx of layer 2 = {dy}"' in page
    assert page.count('class="unit pass"') == 2 * 9
    assert page.count('class="link"') == 2 * 9 * 9 + 1 + 1  # all pixels to all pixels, prediction and loss


def test_one_of_its_outputs_is_shown_with_the_parameters_that_all_share(trace: Trace) -> None:
    tables = {heading.words: grids for heading, grids in _below(list(account(trace, 1, 3)))}
    _, outputs, *_ = tables["layer 1: convolution   y = x * kernel + bias"]
    assert [row[0] for row in outputs.cells] == ["output", "neuron 3"]
    *_, parameters = tables["layer 1: convolution   dL/dx = dL/dy * kernel, turned by half"]
    assert len(parameters.cells) == 1 + 9 + 1
    assert 'id="u2-3"' in trace_page(trace, 1, 3)


def _below(parts: list[Any]) -> list[tuple[Heading, list[Grid]]]:
    """Headings with the tables below them."""
    found: list[tuple[Heading, list[Grid]]] = []
    for part in parts:
        if isinstance(part, Heading):
            found.append((part, []))
        elif isinstance(part, Grid) and found:
            found[-1][1].append(part)
    return found
