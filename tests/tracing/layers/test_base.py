"""Every layer of the union has its own arithmetic; any other layer is still traced, in text, JSON and page."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, get_type_hints

import numpy as np
import pytest
from experiments import write_csv
from networks import members
from pages import Checked
from traces import prepared_in, trace_of

from bpcli.arrays.layout import Slot
from bpcli.arrays.memory import Array
from bpcli.arrays.workspace import LayerArrays
from bpcli.nn.layers import Layer, LayerSpec, Position, Views
from bpcli.nn.layers.base import Shape
from bpcli.nn.layers.batch_norm import BatchNorm
from bpcli.nn.layers.dense import Dense
from bpcli.nn.layers.dropout import Dropout
from bpcli.nn.layers.layer_norm import LayerNorm
from bpcli.nn.layers.parametric import Parametric
from bpcli.nn.layers.scale import Scale
from bpcli.tracing.arithmetic import Arithmetic
from bpcli.tracing.as_json import trace_document
from bpcli.tracing.as_text import account
from bpcli.tracing.layers import worked_layer
from bpcli.tracing.page import trace_page
from bpcli.tracing.parts import Grid, Heading
from bpcli.tracing.phrases import member
from bpcli.tracing.trace import Trace


@pytest.mark.parametrize("member", members(LayerSpec), ids=lambda member: member.__name__)
def test_every_layer_has_a_working_of_its_own(member: Any) -> None:
    planned = get_type_hints(member.plan)["return"]
    assert worked_layer.dispatch(planned) is not worked_layer.dispatch(Layer)


# A layer unknown to tracing

SIDE = 3

fixed = Arithmetic("float64").fixed


class Convolution:
    """A 3 by 3 convolution of a square image with one channel, zero-padded, to two channels."""

    def plan(self, index: int, in_shape: Shape) -> ConvolutionLayer:
        return ConvolutionLayer(index, in_shape, (SIDE, SIDE, 2))


@dataclass(frozen=True)
class ConvolutionLayer(Layer):
    type: ClassVar[str] = "convolution"
    formula: ClassVar[str] = "y = x * kernel + bias"
    gradient: ClassVar[str] = "dL/dx = dL/dy * kernel, turned by half"

    def parameters(self) -> tuple[Slot, ...]:
        return (Slot("kernel", (3, 3, 1, 2), weight=True), Slot("bias", (2,)))

    def initialize(self, out: Views, generator: np.random.Generator) -> None:
        out["kernel"][:] = np.arange(18.0).reshape(3, 3, 1, 2)
        out["bias"][:] = 0.5

    def forward(
        self, params: Views, state: Views, x: Array, workspace: LayerArrays, position: Position | None
    ) -> Array:
        return np.stack([_windows(x, params["kernel"][..., 0, c]) + params["bias"][c] for c in (0, 1)], axis=-1)

    def backward(self, params: Views, x: Array, dy: Array, workspace: LayerArrays, grads: Views) -> Array:
        padded = np.pad(x.reshape(-1, SIDE, SIDE), ((0, 0), (1, 1), (1, 1)))
        for i, j, c in np.ndindex(3, 3, 2):
            grads["kernel"][i, j, 0, c] = np.sum(padded[:, i : i + SIDE, j : j + SIDE] * dy[..., c])
        grads["bias"][:] = dy.sum(axis=(0, 1, 2))
        dx = sum(_windows(dy[..., c], params["kernel"][::-1, ::-1, 0, c]) for c in (0, 1))
        return np.reshape(dx, x.shape)

    def input_gradient(self, params: Views, state: Views, dy: Array, workspace: LayerArrays) -> Array:
        raise NotImplementedError


def _windows(x: Array, kernel: Array) -> Array:
    padded = np.pad(x.reshape(-1, SIDE, SIDE), ((0, 0), (1, 1), (1, 1)))
    y = np.zeros_like(padded[:, :SIDE, :SIDE])
    for i, j in np.ndindex(3, 3):
        y += padded[:, i : i + SIDE, j : j + SIDE] * kernel[i, j]
    return y


def image_trace(folder: Path, *layers: Any) -> Trace:
    """Two rows of nine pixels; in the first, only the centre pixel is not 0."""
    pixels: dict[str, list[object]] = {f"p{place}": [0.0, place / 10] for place in range(9)}
    pixels["p4"][0] = 1.0
    write_csv(folder / "t.csv", {**pixels, "t": [0.5, 2.25]})
    prepared = prepared_in(folder, data={"target": "t", "encoders": {"numeric": "none"}}, loss="mse")
    return trace_of(prepared, [1, 2], [Dense(units=9), *layers])


@pytest.fixture(scope="module")
def trace(tmp_path_factory: pytest.TempPathFactory) -> Trace:
    return image_trace(tmp_path_factory.mktemp("convolution"), Convolution())


FORWARD = "layer 1: convolution   y = x * kernel + bias"
BACKWARD = "layer 1: convolution   dL/dx = dL/dy * kernel, turned by half"


def test_its_values_and_gradients_are_in_the_document(trace: Trace) -> None:
    document = trace_document(trace)
    layer = json.loads(json.dumps(document, allow_nan=False))["layers"][1]
    assert (layer["type"], layer["activation"], layer["formula"]) == ("convolution", None, "y = x * kernel + bias")
    assert set(layer["forward"]) == {"x", "y"}
    assert set(layer["backward"]) == {"dy"}
    assert (np.shape(layer["forward"]["x"]), np.shape(layer["forward"]["y"])) == ((2, 9), (2, 3, 3, 2))
    kernel = layer["parameters"]["kernel"]
    assert np.shape(kernel["gradient"]) == (3, 3, 1, 2)
    assert np.array(kernel["before"]).ravel().tolist() == list(range(18))
    x, dy = np.reshape(layer["forward"]["x"], (2, 3, 3)), np.array(layer["backward"]["dy"])
    assert kernel["gradient"][1][1][0][1] == pytest.approx(np.sum(x * dy[..., 1]), rel=1e-12)
    assert layer["parameters"]["bias"]["gradient"] == pytest.approx(dy.sum(axis=(0, 1, 2)).tolist(), rel=1e-12)


def test_its_values_and_gradients_are_in_the_text(trace: Trace) -> None:
    tables = _tables(list(account(trace)))
    layer, (shown, *_) = trace.layers[1], np.argsort(-np.abs(trace.layers[1].backward["dy"]).max(axis=0), axis=None)
    inputs, outputs, *_ = tables[FORWARD]
    assert inputs.cells[0] == ["input", "x"]
    assert inputs.cells[5] == ["neuron 4", fixed(layer.forward["x"][0, 4])]
    assert [f"output {shown}", fixed(layer.forward["y"][0].flat[shown])] in outputs.cells
    back, handed, *_, parameters = tables[BACKWARD]
    assert [f"output {shown}", fixed(layer.backward["dy"][0].flat[shown])] in back.cells
    assert handed.cells[0] == ["input", "dL/dx"]
    assert handed.cells[5] == ["neuron 4", fixed(trace.layers[0].backward["dy"][0, 4])]
    assert parameters.cells[0] == ["parameter", "gradient"]
    gradient = layer.parameters["kernel"].gradient
    of = {f"layers.1.kernel[{', '.join(map(str, place))}]": fixed(gradient[place]) for place in np.ndindex(3, 3, 1, 2)}
    kernel = parameters.cells[1:9]  # the largest gradients, since there are more than sixteen
    assert [value for _, value in kernel] == [of[name] for name, _ in kernel]
    least = min(abs(float(value)) for _, value in kernel)
    assert least >= max(abs(float(value)) for name, value in of.items() if name not in dict(kernel))
    assert [name for name, _ in parameters.cells[9:]] == ["layers.1.bias[0]", "layers.1.bias[1]"]


def test_it_has_its_place_in_the_page(trace: Trace) -> None:
    page = trace_page(trace)
    assert "layers.1.bias[1]" in Checked(page).words
    assert f'"y = {fixed(trace.layers[1].forward["y"][0, 1, 2, 0])}"' in page
    dy = fixed(trace.layers[0].backward["dy"][1, 5])
    assert f'"dL/dy = dL/dx of layer 1 = {dy}"' in page
    assert page.count('class="unit pass"') == 18
    assert page.count('class="link"') == 9 * 18 + 1 + 1  # all pixels to all outputs, prediction and loss


def test_one_of_its_outputs_is_shown_with_the_parameters_that_all_share(trace: Trace) -> None:
    tables = _tables(list(account(trace, 1, 3)))
    _, outputs, *_ = tables[FORWARD]
    assert [row[0] for row in outputs.cells] == ["output", "output 3"]
    *_, parameters = tables[BACKWARD]
    assert len(parameters.cells) == 1 + 8 + 2
    assert 'id="u2-3"' in trace_page(trace, 1, 3)


@pytest.mark.parametrize(
    "spec", [BatchNorm(), LayerNorm(), Dropout(rate=0.4), Scale(), Parametric()], ids=lambda spec: spec.type
)
def test_layers_without_neurons_work_on_rows_of_any_shape(tmp_path: Path, spec: Any) -> None:
    trace = image_trace(tmp_path, Convolution(), spec, Dense(units=2))
    layer = trace.layers[2]
    assert layer.forward["y"].shape == (2, 3, 3, 2)
    assert f"= {fixed(layer.forward['y'][1, 1, 0, 1])}" in trace_page(trace, 2)
    text = list(account(trace, 2, 7))
    (forward, *_), (backward, *_) = (tables for name, tables in _tables(text).items() if "layer 2" in name)
    assert forward.cells[1][0] == "output 7"
    assert forward.cells[1][-1] == fixed(layer.forward["y"][0, 1, 0, 1])
    assert backward.cells[1][-1] == fixed(trace.layers[1].backward["dy"][0, 1, 0, 1])
    (update,) = _tables(text)[f"UPDATE  {member(trace.update.optimizer, 'learning_rate')}"] or [Grid([[]])]
    named = [row[:2] for row in update.cells[1:]]
    assert named == [[f"layers.2.{name}[1, 0, 1]", "output 7"] for name in layer.parameters]


def _tables(parts: list[Any]) -> dict[str, list[Grid]]:
    """Tables by their headings."""
    found: dict[str, list[Grid]] = {}
    for part in parts:
        if isinstance(part, Heading):
            found[part.words] = []
        elif isinstance(part, Grid) and found:
            list(found.values())[-1].append(part)
    return found
