"""Random changes of images in training."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from bpcli.arrays.expansion import Intake
from bpcli.arrays.fields import Batch, Field, Grid
from bpcli.arrays.memory import Array
from bpcli.nn.layers import Position
from bpcli.randomness import Stream
from bpcli.training.augmentation.augmenter import Augmenter
from bpcli.training.augmentation.spec import AugmentSpec

ROWS = 400
FLOAT64 = np.dtype(np.float64)


def changed(
    spec: AugmentSpec, x: Array, y: Array | None = None, members: tuple[int, ...] = (0,), seed: int = 0, **place: int
) -> Batch:
    intake = Intake((Field("image", Grid(x.shape[1:])),))
    y = np.zeros((len(x), 1)) if y is None else y
    of = Augmenter(spec, seed, intake, y.shape[1], len(x) // len(members), len(members), FLOAT64)
    found = of(Batch((x,), y), Position(Stream(seed, "dropout"), **place), members)
    return Batch(tuple(array.copy() for array in found.x), found.y.copy())


def image_of(spec: AugmentSpec, x: Array, **place: Any) -> Array:
    return changed(spec, x, **place).x[0]


def images(*shape: int) -> Array:
    return np.random.default_rng(0).normal(size=(ROWS, *shape))


def test_a_shift_moves_the_image_and_repeats_its_edge() -> None:
    x = np.broadcast_to(np.arange(20.0).reshape(4, 5, 1), (ROWS, 4, 5, 1)).copy()
    found = {tuple(row.ravel()) for row in image_of(AugmentSpec(shift=1), x)}
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
@pytest.mark.parametrize("resampled", [False, True])
def test_half_of_the_images_are_flipped(flip: Any, axes: list[tuple[int, ...]], resampled: bool) -> None:
    x = images(4, 5, 2)
    y = image_of(AugmentSpec(flip=flip, rotate=1e-9 if resampled else 0), x)
    shares = [
        np.mean(np.isclose(y, of, atol=1e-6).all(axis=(1, 2, 3))) for of in (x, *(np.flip(x, axis) for axis in axes))
    ]
    np.testing.assert_allclose(shares, 1 / len(shares), atol=0.08)
    assert sum(shares) == 1.0


def test_cutout_sets_a_square_to_0() -> None:
    y = image_of(AugmentSpec(cutout=2), images(6, 7, 3))
    zeros = np.count_nonzero((y == 0).all(axis=3), axis=(1, 2))
    assert {*zeros.tolist()} == {1, 2, 4}  # a corner, an edge, or all of it
    assert np.mean(zeros) > 3


def test_a_rotation_turns_a_linear_image_by_at_most_its_angle() -> None:
    lines, columns = np.indices((9, 9)) - 4.0
    x = np.broadcast_to(np.stack([lines, columns], axis=-1), (ROWS, 9, 9, 2)).copy()
    y = image_of(AugmentSpec(rotate=30), x)[:, 3:6, 3:6]  # where no edge is near
    place = np.array([1.0, 0.0])  # below the middle
    moved = y[:, 2, 1]
    np.testing.assert_allclose(np.linalg.norm(moved, axis=1), 1.0, atol=1e-12)
    angles = np.degrees(np.arctan2(moved[:, 1], moved @ place))
    assert -30 < angles.min() < -27
    assert 27 < angles.max() < 30
    np.testing.assert_allclose(y[:, 1, 1], 0.0, atol=1e-12)
    np.testing.assert_allclose(y[:, 0, 1], -moved, atol=1e-12)


def test_a_crop_enlarges_a_part_of_the_image() -> None:
    lines, columns = np.indices((9, 9)).astype(np.float64)
    x = np.broadcast_to(np.stack([lines, columns], axis=-1), (ROWS, 9, 9, 2)).copy()
    y = image_of(AugmentSpec(crop=0.5), x)
    sides = y[:, 8, 8] - y[:, 0, 0]
    np.testing.assert_allclose(sides[:, 0], sides[:, 1])
    assert 3.9 < sides.min() < 4.2
    assert 7.8 < sides.max() <= 8
    assert y.min() >= 0
    assert y.max() <= 8
    assert np.ptp(y[:, 0, 0, 0]) > 3
    np.testing.assert_allclose(np.diff(y[:, :, 4, 0], axis=1), np.repeat(sides[:, :1] / 8, 8, axis=1))


def test_mixup_averages_images_and_targets_by_the_same_shares() -> None:
    x, y = images(3, 2, 1), np.eye(4)[np.arange(ROWS) % 4]
    found = changed(AugmentSpec(mixup=0.4), x, y)
    share = ((found.x[0] - x[::-1]) / (x - x[::-1])).reshape(ROWS, -1)
    np.testing.assert_allclose(share, np.repeat(share[:, :1], 6, axis=1), rtol=1e-6)
    assert 0 <= share.min() < 0.01
    assert 0.99 < share.max() <= 1
    assert abs(share.mean() - 0.5) < 0.05
    np.testing.assert_allclose(found.y, share[:, :1] * y + (1 - share[:, :1]) * y[::-1], atol=1e-9)


def test_mixed_images_are_moved_too() -> None:
    x = images(3, 3, 1)
    mixed = image_of(AugmentSpec(mixup=0.4), x)
    both = image_of(AugmentSpec(mixup=0.4, flip="horizontal"), x)
    same, turned = ((both == of).all(axis=(1, 2, 3)) for of in (mixed, mixed[:, :, ::-1]))
    assert (same | turned).all()
    assert 0.4 < same.mean() < 0.6


def test_the_changes_follow_from_seed_epoch_step_and_member() -> None:
    x, spec = images(6, 5, 1), AugmentSpec(shift=2, crop=0.7, mixup=0.2)
    first = image_of(spec, x, epoch=3, step=4)
    assert first.tobytes() == image_of(spec, x, epoch=3, step=4).tobytes()
    for other in ({"epoch": 4, "step": 4}, {"epoch": 3, "step": 5}, {"epoch": 3, "step": 4, "seed": 1}):
        assert not np.array_equal(first, image_of(spec, x, **other))
    half = x[: ROWS // 2]
    both = image_of(spec, np.concatenate([half, half]), members=(0, 5), epoch=3, step=4)
    assert both[: ROWS // 2].tobytes() == image_of(spec, half, members=(0,), epoch=3, step=4).tobytes()
    assert both[ROWS // 2 :].tobytes() == image_of(spec, half, members=(5,), epoch=3, step=4).tobytes()


def test_the_data_stays_as_it_is() -> None:
    x = images(5, 4, 2)
    before = x.copy()
    image_of(AugmentSpec(shift=1, flip="both", rotate=20, crop=0.8, cutout=2, mixup=1.0), x)
    assert x.tobytes() == before.tobytes()


def test_a_series_is_moved_along_its_length_alone() -> None:
    x = images(8, 3)
    found = image_of(AugmentSpec(shift=2), x)
    expected = [x[0, np.clip(np.arange(8) - by, 0, 7)] for by in range(-2, 3)]
    assert any(np.array_equal(found[0], of) for of in expected)
    cropped = image_of(AugmentSpec(crop=0.5), x)
    assert cropped.shape == x.shape
    assert not np.array_equal(cropped, x)


def test_only_images_are_changed() -> None:
    image, numbers = images(4, 4, 1), np.random.default_rng(1).normal(size=(ROWS, 2))
    intake = Intake((Field("numbers", (2,)), Field("photo", Grid((4, 4, 1)))), kept=(1,))
    of = Augmenter(AugmentSpec(flip="horizontal"), 0, intake, 1, ROWS, 1, FLOAT64)
    x, _, _ = of(Batch((numbers, image), np.zeros((ROWS, 1))), Position(Stream(0, "dropout")), (0,))
    assert x[0] is numbers
    assert not np.array_equal(x[1], image)


def test_a_section_that_changes_nothing_is_refused() -> None:
    with pytest.raises(ValidationError, match="give shift, flip, rotate, crop, cutout or mixup"):
        AugmentSpec()
