"""Random changes of images in training."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from bpcli.arrays.fields import Grid
from bpcli.arrays.memory import Array
from bpcli.arrays.workspace import Workspace
from bpcli.errors import MismatchError
from bpcli.nn.layers import Augment, Position
from bpcli.randomness import Stream

ROWS = 400


def changed(spec: Augment, x: Array, **place: int) -> Array:
    layer = spec.plan(0, Grid(x.shape[1:]))
    (workspace,) = Workspace([layer.buffers(training=True)], len(x), x.dtype).layers
    return layer.forward({}, {}, x, workspace, Position(Stream(0, "dropout"), **place)).copy()


def images(*shape: int) -> Array:
    return np.random.default_rng(0).normal(size=(ROWS, *shape))


def test_a_shift_moves_the_image_and_repeats_its_edge() -> None:
    x = np.broadcast_to(np.arange(20.0).reshape(4, 5, 1), (ROWS, 4, 5, 1)).copy()
    found = {tuple(row.ravel()) for row in changed(Augment(shift=1), x)}
    lines, columns = np.indices((4, 5))
    expected = {
        tuple(x[0, np.clip(lines - down, 0, 3), np.clip(columns - right, 0, 4), 0].ravel())
        for down in (-1, 0, 1)
        for right in (-1, 0, 1)
    }
    assert found == expected


@pytest.mark.parametrize(
    ("flip", "axes"), [("horizontal", [(2,)]), ("vertical", [(1,)]), ("both", [(1,), (2,), (1, 2)])]
)
def test_half_of_the_images_are_flipped(flip: Any, axes: list[tuple[int, ...]]) -> None:
    x = images(4, 5, 2)
    y = changed(Augment(flip=flip), x)
    shares = [np.mean((y == of).all(axis=(1, 2, 3))) for of in (x, *(np.flip(x, axis) for axis in axes))]
    np.testing.assert_allclose(shares, 1 / len(shares), atol=0.08)
    assert sum(shares) == 1.0


def test_cutout_sets_a_square_to_0() -> None:
    y = changed(Augment(cutout=2), images(6, 7, 3))
    zeros = np.count_nonzero((y == 0).all(axis=3), axis=(1, 2))
    assert {*zeros.tolist()} == {1, 2, 4}  # a corner, an edge, or all of it
    assert np.mean(zeros) > 3


def test_a_series_is_shifted_and_reversed_along_its_length() -> None:
    x = np.broadcast_to(np.arange(4.0)[:, None], (ROWS, 4, 1)).copy()
    found = {tuple(row.ravel()) for row in changed(Augment(shift=1, flip="horizontal"), x)}
    forward = {(0, 0, 1, 2), (0, 1, 2, 3), (1, 2, 3, 3)}
    backward = {(3, 3, 2, 1), (3, 2, 1, 0), (2, 1, 0, 0)}
    assert found == forward | backward


def test_changes_follow_from_epoch_step_and_member() -> None:
    x, spec = images(6, 6, 1), Augment(shift=2, flip="horizontal", cutout=2)
    first = changed(spec, x, epoch=1, step=2)
    np.testing.assert_array_equal(changed(spec, x, epoch=1, step=2), first)
    for other in ({"epoch": 2, "step": 2}, {"epoch": 1, "step": 3}, {"epoch": 1, "step": 2, "member": 1}):
        assert (changed(spec, x, **other) != first).any()


def test_inference_leaves_images_as_they_are() -> None:
    layer, x = Augment(shift=2).plan(0, Grid((6, 6, 1))), images(6, 6, 1)
    (workspace,) = Workspace([layer.buffers(training=False)], ROWS, x.dtype).layers
    assert layer.forward({}, {}, x, workspace, None) is x


@pytest.mark.parametrize(
    ("spec", "index", "shape", "message"),
    [
        (Augment(shift=1), 1, (6, 6, 1), "layers.1: augment changes the images of the data, and has to be the first"),
        (Augment(shift=6), 0, (6, 7, 1), "layers.0.shift: must be less than the image's side, 6"),
        (Augment(cutout=6), 0, (6, 7, 1), "layers.0.cutout: must be less than the image's side, 6"),
        (Augment(flip="both"), 0, (6, 1), "layers.0.flip: a series has no vertical axis; use horizontal"),
    ],
)
def test_what_does_not_fit_is_an_error_of_the_config(
    spec: Augment, index: int, shape: tuple[int, ...], message: str
) -> None:
    with pytest.raises(MismatchError) as caught:
        spec.plan(index, Grid(shape))
    assert str(caught.value).startswith(message)


def test_an_augmentation_that_changes_nothing_is_an_error() -> None:
    with pytest.raises(ValidationError, match="give shift, flip or cutout"):
        Augment()
