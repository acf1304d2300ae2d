"""Compiled kernels against NumPy: products, sums and functions."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np
import pytest

from bpcli.arrays.fields import Grid
from bpcli.arrays.workspace import Workspace
from bpcli.nn.compiled import codes, functions, library, windows
from bpcli.nn.compiled.image_program import describe_images
from bpcli.nn.compiled.kernels import kernel_of
from bpcli.nn.layers.max_pool import MaxPool

F32 = np.float32
GENERATOR = np.random.default_rng(0)
GEMM = library.sgemm_address()
SIZES = [(1, 1, 1), (16, 3, 4), (7, 5, 300), (60, 50, 40)]
assert min(m * n * k for m, n, k in SIZES) < functions.SMALL < max(m * n * k for m, n, k in SIZES)


def integers(*shape: int) -> Any:
    """Small integers, whose sums and products float32 represents exactly."""
    return GENERATOR.integers(-9, 10, shape).astype(F32)


@pytest.mark.parametrize(("m", "n", "k"), SIZES)
@pytest.mark.parametrize("gap", [0, 3])
def test_products_are_exact_on_integers_and_write_only_where_they_should(m: int, n: int, k: int, gap: int) -> None:
    a, b, bt, at = integers(m, k), integers(k, n + gap), integers(n, k), integers(k, m + gap)
    step = n + gap
    for expected, multiply, left, right in (
        (a @ b[:, :n], functions.multiply, a, b),
        (a @ bt.T, functions.multiply_by_transposed, a, bt),
    ):
        out = np.full(m * step + 4, 77, F32)
        multiply(GEMM, np.r_[F32(5), left.ravel()], 1, np.r_[integers(2), right.ravel()], 2, out, 3, step, m, n, k)
        np.testing.assert_array_equal(out[3:-1].reshape(m, step)[:, :n], expected)
        assert (out[3:-1].reshape(m, step)[:, n:] == 77).all()
        assert list(out[[0, 1, 2, -1]]) == [77] * 4
    out, right = np.full(m * n + 2, 77, F32), b[:, :n]
    functions.multiply_transposed(GEMM, at.ravel(), gap, m + gap, right.ravel(), 0, out, 1, m, n, k)
    np.testing.assert_array_equal(out[1:-1].reshape(m, n), at[:, gap:].T @ right)
    assert list(out[[0, -1]]) == [77] * 2


def test_tanh_is_within_six_units_in_the_last_place() -> None:
    z = np.concatenate([np.linspace(-12, 12, 20_001), np.geomspace(1e-30, 1, 2001)]).astype(F32)
    out = z.reshape(1, -1).copy()
    functions.activate(out, np.zeros_like(z), codes.TANH, F32(0))
    exact = np.tanh(z.astype(np.float64))
    assert (np.abs(out[0] - exact) <= 6 * np.spacing(np.abs(exact).astype(F32))).all()


def test_a_nan_passes_through_every_activation() -> None:
    for code in range(5):
        out = np.full((1, 1), np.nan, F32)
        functions.activate(out, np.zeros(1, F32), code, F32(0.1))
        assert np.isnan(out).all(), code


@pytest.mark.parametrize("logit", [1e4, -1e4])
def test_losses_are_finite_for_large_logits(logit: float) -> None:
    z, t = np.array([[logit, -logit, 0.0]], F32), np.array([[0.0, 1.0, 0.0]], F32)
    for code, expected in ((0, 2e4 if logit > 0 else 0.0), (1, (logit > 0) * 2e4 / 3 + np.log(2) / 3)):
        d = np.empty_like(z)
        total = functions.loss_and_gradient(code, F32(0), z, t, np.empty(0, F32), 0, d, 1)
        assert total == pytest.approx(expected, rel=1e-6)
        assert np.isfinite(d).all()


def test_the_product_that_is_found_is_tried_before_it_is_used() -> None:
    @ctypes.CFUNCTYPE(
        None,
        *[ctypes.c_int] * 3,
        *[ctypes.c_int64] * 3,
        ctypes.c_float,
        *[ctypes.c_void_p, ctypes.c_int64] * 2,
        ctypes.c_float,
        ctypes.c_void_p,
        ctypes.c_int64,
    )
    def does_nothing(*arguments: Any) -> None:
        return

    address = ctypes.cast(does_nothing, ctypes.c_void_p).value
    assert address is not None
    assert not library._multiplies(address)
    assert library._multiplies(GEMM or 0)


@pytest.mark.parametrize("shape", [(4, 6, 3), (5, 7, 1), (3, 3, 16)], ids=str)
@pytest.mark.parametrize("spec", [MaxPool(), MaxPool(size=3, stride=2), MaxPool(padding="same")], ids=str)
def test_max_pooling_has_the_bits_of_numpy(spec: MaxPool, shape: tuple[int, ...]) -> None:
    layer = spec.plan(0, Grid(shape))
    kernel = kernel_of(layer)
    assert kernel is not None
    images, _ = describe_images([(layer, kernel)], batch=3, parts=1, biases_at=0, line=16)
    x = GENERATOR.integers(-2, 3, (3, *shape)).astype(F32)  # with many equal values
    x[0, 0, 0] = np.nan
    d = GENERATOR.normal(size=(3, *layer.out_shape)).astype(F32)
    memory = np.full(layer.n_out * 6 + layer.n_in * 3 + 1, 77, F32)
    memory[layer.n_out * 3 : layer.n_out * 6] = d.ravel()
    windows.pool(images.layers[0], x.ravel(), 0, 3, memory, 0)
    windows.pool_back(images.layers[0], x.ravel(), 0, 3, 0, layer.n_out * 3, memory, layer.n_out * 6)
    workspace = Workspace([layer.buffers(training=True)], 3, np.dtype(F32)).layers[0]
    y = layer.forward({}, {}, x, workspace, None)
    np.testing.assert_array_equal(memory[: layer.n_out * 3], y.ravel())
    dx = layer.backward({}, x, d, workspace, {})
    np.testing.assert_array_equal(memory[layer.n_out * 6 : -1], dx.ravel())
    assert memory[-1] == 77
