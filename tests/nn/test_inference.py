import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from networks import FLOAT32, FLOAT64, members, planned

from bpcli.arrays.memory import Array
from bpcli.arrays.rows import Rows
from bpcli.nn.activations import Activation
from bpcli.nn.activations.bounded import Tanh
from bpcli.nn.activations.rectified import Relu
from bpcli.nn.inference import BLOCK_ROWS, Inference
from bpcli.nn.layers.batch_norm import BatchNorm
from bpcli.nn.layers.dense import Dense
from bpcli.nn.layers.dropout import Dropout
from bpcli.nn.layers.layer_norm import LayerNorm
from bpcli.nn.layers.parametric import Parametric
from bpcli.nn.layers.scale import Scale
from bpcli.nn.losses.classification import BinaryCrossEntropy, CrossEntropy
from bpcli.system.blas import BlasThreads
from bpcli.system.openblas import built_version, crash

ROWS = 2 * BLOCK_ROWS + 77


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """One BLAS thread, as in all commands: the number of threads changes the bits of a product."""
    with BlasThreads().single():
        yield


class Answers:
    """Network with random parameters and state, and its logits for random rows."""

    def __init__(self, layers: list[Any], n_in: int, n_out: int, dtype: np.dtype[Any], rows: int = ROWS) -> None:
        generator = np.random.default_rng(0)
        self.network = planned(layers, n_in, n_out)
        self.params, self.state = self.network.initialize(0, dtype)
        self.params += generator.normal(0.0, 0.1, len(self.params)).astype(dtype)
        self.state += generator.uniform(0.0, 1.0, len(self.state)).astype(dtype)
        self.inference = Inference(self.network, self.params, self.state, FLOAT64)
        self.x = generator.normal(size=(rows, n_in)).astype(dtype)

    def logits(self, x: Array) -> Array:
        out = np.empty((len(x), self.network.n_out), x.dtype)
        self.inference.logits(Rows.of_numbers(x), out)
        return out


def check_rows_are_answered_alike(answers: Answers) -> None:
    together = answers.logits(answers.x)
    for row in (0, 1, 5, 17, BLOCK_ROWS - 1, BLOCK_ROWS, ROWS - 1):
        alone = answers.logits(answers.x[row : row + 1])
        assert alone[0].tobytes() == together[row].tobytes(), "alone"
        for start in (row - 1, row - 3, row - 130):
            if start >= 0:
                moved = answers.logits(answers.x[start:])
                assert moved[row - start].tobytes() == together[row].tobytes(), "at another position"
    backwards = answers.logits(np.ascontiguousarray(answers.x[::-1]))
    assert backwards[::-1].tobytes() == together.tobytes(), "among others"


@pytest.mark.parametrize("dtype", [FLOAT32, FLOAT64], ids=str)
@pytest.mark.parametrize(
    "widths",
    [
        *[(1, 1, 1), (3, 5, 1), (13, 32, 3), (7, 33, 17), (64, 128, 10), (31, 257, 2)],
        *[(384, 13, 3), (512, 64, 10), (784, 31, 10), (1025, 32, 1), (2048, 33, 2)],  # more inputs than a block has
    ],
    ids=str,
)
def test_a_row_gives_the_same_bits_wherever_it_stands(widths: tuple[int, int, int], dtype: np.dtype[Any]) -> None:
    n_in, units, n_out = widths
    layers = [Dense(units=units, activation=Relu()), Dense(units=units // 2 + 1, activation=Tanh())]
    check_rows_are_answered_alike(Answers(layers, n_in, n_out, dtype))


@pytest.mark.parametrize("dtype", [FLOAT32, FLOAT64], ids=str)
@pytest.mark.parametrize("activation", members(Activation))
def test_a_row_gives_the_same_bits_with_every_activation(activation: Any, dtype: np.dtype[Any]) -> None:
    check_rows_are_answered_alike(Answers([Dense(units=19, activation=activation())], 6, 3, dtype))


@pytest.mark.parametrize("dtype", [FLOAT32, FLOAT64], ids=str)
@pytest.mark.parametrize(
    "layer", [BatchNorm(), LayerNorm(), Dropout(rate=0.5), Scale(), Parametric()], ids=lambda layer: layer.type
)
def test_a_row_gives_the_same_bits_with_every_layer(layer: Any, dtype: np.dtype[Any]) -> None:
    check_rows_are_answered_alike(Answers([layer, Dense(units=21), layer], 5, 3, dtype))


@pytest.mark.parametrize("dtype", [FLOAT32, FLOAT64], ids=str)
@pytest.mark.parametrize(("loss", "outputs"), [(CrossEntropy(), 3), (CrossEntropy(), 17), (BinaryCrossEntropy(), 1)])
def test_probabilities_of_a_row_are_the_same_bits_too(loss: Any, outputs: int, dtype: np.dtype[Any]) -> None:
    answers = Answers([Dense(units=9)], 4, outputs, dtype)
    logits = answers.logits(answers.x)
    together = np.empty_like(logits)
    loss.link(logits, together)
    for row in range(0, ROWS, 29):
        for rows in (slice(row, row + 1), slice(max(row - 2, 0), row + 1)):
            part = np.empty_like(logits[rows])
            loss.link(logits[rows].copy(), part)
            assert part[-1].tobytes() == together[row].tobytes()


def test_inference_gives_what_the_network_gives() -> None:
    answers = Answers([Dense(units=8, activation=Tanh()), BatchNorm()], 4, 2, FLOAT64)
    network, rows = answers.network, len(answers.x)
    params, state = network.bind(answers.params), network.bind_state(answers.state)
    expected = network.forward(params, state, (answers.x,), network.workspace(rows, FLOAT64, training=False))
    np.testing.assert_allclose(answers.logits(answers.x), expected, rtol=1e-12, atol=1e-14)


def test_inference_follows_the_parameters_that_it_was_given() -> None:
    answers = Answers([], 2, 1, FLOAT64, rows=3)
    answers.params[:] = [2.0, -1.0, 0.5]
    assert answers.logits(np.array([[1.0, 1.0], [3.0, 0.0]])).tolist() == [[1.5], [6.5]]
    answers.params[:] = [0.0, 0.0, 7.0]
    assert answers.logits(np.array([[1.0, 1.0]])).tolist() == [[7.0]]


def test_no_rows_have_no_answers() -> None:
    answers = Answers([Dense(units=2)], 2, 1, FLOAT32, rows=1)
    assert answers.logits(np.empty((0, 2), np.float32)).shape == (0, 1)


def test_inference_leaves_its_input_and_the_running_statistics_alone() -> None:
    answers = Answers([BatchNorm()], 4, 2, FLOAT32)
    x, state = answers.x.copy(), answers.state.copy()
    answers.logits(answers.x)
    assert np.array_equal(answers.x, x)
    assert np.array_equal(answers.state, state)


@pytest.mark.parametrize(
    "kernels",
    [
        "Prescott",
        *(pytest.param(name, marks=pytest.mark.exhaustive) for name in ("Haswell", "Sandybridge", "Nehalem")),
    ],
)
def test_a_row_gives_the_same_bits_with_the_kernels_of_other_processors(kernels: str) -> None:
    """OpenBLAS selects its x86 kernels by this variable; other BLAS libraries and processors ignore it."""
    if crash(kernels, built_version()):
        pytest.skip(f"OpenBLAS {built_version()} crashes with them on this processor")
    program = (
        "from test_inference import Answers, check_rows_are_answered_alike, FLOAT32, FLOAT64, Dense\n"
        "narrow, wide = [(31, units) for units in (4, 13, 64, 257)], [(384, 13), (784, 31), (1025, 13)]\n"
        "for dtype, sizes in ((FLOAT32, narrow), (FLOAT64, wide)):\n"
        "    for n_in, units in sizes:\n"
        "        check_rows_are_answered_alike(Answers([Dense(units=units)], n_in, 3, dtype))"
    )
    folder = Path(__file__).parent
    paths = os.pathsep.join([str(folder), str(folder.parent)])
    environment = {**os.environ, "OPENBLAS_CORETYPE": kernels, "OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": paths}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
