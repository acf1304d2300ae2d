"""A 2-2-2 network whose first step was computed by hand and published, as an external reference.

Matt Mazur, "A step by step backpropagation example" (2015): inputs 0.05 and 0.10, targets 0.01 and 0.99, the logistic
function everywhere, learning rate 0.5. The error is E = Σ (t - o)² / 2 over both outputs, which for one row is the mean
squared error. The example updates the weights but not the biases.
"""

from __future__ import annotations

import numpy as np
import pytest
from networks import FLOAT64, planned

from bpcli.arrays.memory import Array
from bpcli.nn.layers.dense import Dense
from bpcli.nn.losses import LossScratch
from bpcli.nn.losses.regression import MeanSquaredError
from bpcli.nn.optimizers.sgd import Sgd
from bpcli.nn.optimizers.update import Update


class Example:
    def __init__(self) -> None:
        self.network = planned([Dense(units=2, activation="sigmoid")], 2, 2)
        self.flat = np.empty(self.network.layout.size)
        self.params = hidden, closing = self.network.bind(self.flat)
        # A column is a neuron: w1 and w2 lead from both inputs to the first hidden neuron.
        hidden["weight"][:] = [[0.15, 0.25], [0.20, 0.30]]
        hidden["bias"][:] = 0.35
        closing["weight"][:] = [[0.40, 0.50], [0.45, 0.55]]
        closing["bias"][:] = 0.60
        self.x = np.array([[0.05, 0.10]])
        self.target = np.array([[0.01, 0.99]])
        self.loss = MeanSquaredError(link="sigmoid")
        self.workspace = self.network.workspace(1, FLOAT64, training=True)
        self.dlogits = np.empty((1, 2))
        self.scratch = LossScratch(1, 2, FLOAT64)
        self.update = Update(Sgd(), self.network.layout, FLOAT64)

    def outputs(self) -> Array:
        logits = self.network.forward(self.params, self.network.bind_state(np.empty(0)), (self.x,), self.workspace)
        outputs = np.empty_like(logits)
        self.loss.link(logits, outputs)
        return outputs[0]

    def error(self) -> float:
        logits = self.network.forward(self.params, self.network.bind_state(np.empty(0)), (self.x,), self.workspace)
        return self.loss.value_and_gradient(logits, self.target, None, self.dlogits, self.scratch)

    def gradient(self) -> Array:
        self.error()
        grads = np.empty_like(self.flat)
        self.network.backward(self.params, self.dlogits, self.workspace, self.network.bind(grads))
        return grads

    def step_of_the_weights(self) -> None:
        grads = self.gradient()
        grads[self.network.layout.weights :] = 0.0
        state = Sgd().init(self.flat.size, FLOAT64)
        self.update.take(self.update.parts(self.flat[None], grads[None], state), 0.5, state)


def test_the_forward_pass_gives_the_published_outputs_and_error() -> None:
    example = Example()
    # net_h1 = 0.15 · 0.05 + 0.20 · 0.10 + 0.35 = 0.3775            out_h1 = 1 / (1 + e^-0.3775) = 0.593269992
    # net_h2 = 0.25 · 0.05 + 0.30 · 0.10 + 0.35 = 0.3925            out_h2 = 1 / (1 + e^-0.3925) = 0.596884378
    # net_o1 = 0.40 · 0.593269992 + 0.45 · 0.596884378 + 0.60 = 1.105905967
    # net_o2 = 0.50 · 0.593269992 + 0.55 · 0.596884378 + 0.60 = 1.224921404
    # out_o1 = 0.751365070, out_o2 = 0.772928465
    assert example.outputs() == pytest.approx([0.75136507, 0.772928465], abs=5e-10)
    assert example.workspace.layers[0]["y"][0] == pytest.approx([0.593269992, 0.596884378], abs=5e-10)
    # E = (0.01 - 0.751365070)² / 2 + (0.99 - 0.772928465)² / 2 = 0.274811083 + 0.023560026
    assert example.error() == pytest.approx(0.298371109, abs=5e-10)


def test_the_gradient_agrees_with_the_published_arithmetic() -> None:
    example = Example()
    hidden, closing = example.network.bind(example.gradient())
    # dE/dw5 = (out_o1 - t1) · out_o1 (1 - out_o1) · out_h1 = 0.741365070 · 0.186815602 · 0.593269992 = 0.082167041
    assert closing["weight"][0, 0] == pytest.approx(0.082167041, abs=5e-10)
    # dE/dw1 = (dE/dnet_o1 · w5 + dE/dnet_o2 · w7) · out_h1 (1 - out_h1) · i1
    #        = (0.138498562 · 0.40 - 0.038098236 · 0.50) · 0.241300709 · 0.05 = 0.000438568
    assert hidden["weight"][0, 0] == pytest.approx(0.000438568, abs=5e-10)
    # A bias has an input of 1: its gradient is the neuron's dE/dnet.
    assert closing["bias"] == pytest.approx([0.138498562, -0.038098236], abs=1e-9)


def test_one_step_gives_the_published_weights() -> None:
    example = Example()
    example.step_of_the_weights()
    hidden, closing = example.params
    # w1+ = 0.15 - 0.5 · 0.000438568, and so on: w1, w3 over w2, w4.
    assert hidden["weight"].ravel() == pytest.approx([0.149780716, 0.24975114, 0.19956143, 0.29950229], abs=5e-9)
    # w5+ = 0.40 - 0.5 · 0.082167041, and so on: w5, w7 over w6, w8.
    assert closing["weight"].ravel() == pytest.approx([0.35891648, 0.511301270, 0.408666186, 0.561370121], abs=5e-9)
    # "the total error is now down to 0.291027924", where these weights give 0.291027774
    assert example.error() == pytest.approx(0.291027924, abs=2e-7)
