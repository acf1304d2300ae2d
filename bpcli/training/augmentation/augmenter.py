"""Augmentation of the batches of a training run."""

from __future__ import annotations

from math import cos, prod, radians, sin
from typing import Any

import numpy as np

from bpcli.arrays.expansion import Intake
from bpcli.arrays.fields import Batch, Grid, numbers
from bpcli.arrays.memory import Array
from bpcli.nn.layers import Position
from bpcli.nn.layers.grids import as_images
from bpcli.randomness import Stream
from bpcli.training.augmentation.moves import cut_out, flipped, shifted
from bpcli.training.augmentation.resampling import Resampling
from bpcli.training.augmentation.spec import AugmentSpec

DRAWS = 10
"""Random numbers of an image: shift and flip along each axis, place of cutout, angle, part and place of a crop."""


def image_inputs(intake: Intake) -> dict[int, Grid]:
    """Shapes of the arrays of a batch that hold images or series, by their index."""
    signature = intake.signature
    expanded = [signature[index].shape for index in intake.expanded]
    arrays = [*([expanded[0] if len(expanded) == 1 else ()] if expanded else [])]
    arrays += [signature[index].shape for index in intake.kept]
    return {index: shape for index, shape in enumerate(arrays) if isinstance(shape, Grid)}


class Augmenter:
    """Random changes of the images of batches, and of targets that are averaged with them.

    The changes follow from seed, epoch, step, member and place in the batch, so that a resumed run makes the same.
    Several images of a row are changed alike. The result is a copy: the data stays as it is.
    """

    def __init__(
        self, spec: AugmentSpec, seed: int, intake: Intake, outputs: int, rows: int, members: int, dtype: np.dtype[Any]
    ) -> None:
        """rows: of a member's batch, at most. outputs: numbers of a target."""
        self.spec = spec
        self._stream = Stream(seed, "augment")
        shapes = image_inputs(intake)
        self._out = {index: np.empty((rows * members, *shape), dtype) for index, shape in shapes.items()}
        both = spec.mixup > 0 and spec.moves
        self._mixed = {index: np.empty((rows, *shape), dtype) for index, shape in shapes.items() if both}
        self._y = np.empty((rows * members if spec.mixup else 0, outputs), dtype)
        self._draws, self._share = np.empty((rows, DRAWS), dtype), np.empty(rows, dtype)
        self._matrix, self._center = np.empty((rows, 2, 2), dtype), np.empty((rows, 2), dtype)
        self._resampling = {
            index: Resampling(_of_image(shape), dtype) for index, shape in shapes.items() if spec.resamples
        }

    @staticmethod
    def bytes_needed(spec: AugmentSpec, intake: Intake, rows: int, members: int, dtype: np.dtype[Any]) -> int:
        """Bytes of the changed images."""
        numbers = sum(map(prod, image_inputs(intake).values()))
        return numbers * rows * (members + (spec.mixup > 0 and spec.moves)) * dtype.itemsize

    def __call__(self, batch: Batch, position: Position, members: tuple[int, ...]) -> Batch:
        """Changed copy of a batch, which has the rows of each member one after another."""
        rows = batch.rows // len(members)
        x = tuple(self._out[index][: batch.rows] if index in self._out else of for index, of in enumerate(batch.x))
        y = self._y[: batch.rows] if self.spec.mixup else batch.y
        for place, member in enumerate(members):
            part, draws, share = slice(place * rows, (place + 1) * rows), self._draws[:rows], self._share[:rows]
            generator = self._stream.at(position.epoch, position.step, member=member)
            generator.random(dtype=draws.dtype.type, out=draws)
            if self.spec.mixup:
                share[:] = generator.beta(self.spec.mixup, self.spec.mixup, rows)
                _average(batch.y[part], y[part], share)
            for index in self._out:
                images, out = numbers(batch.x[index])[part], numbers(x[index])[part]
                if self.spec.mixup:
                    mixed = self._mixed[index][:rows] if self.spec.moves else out
                    _average(images, mixed, share)
                    images = mixed
                if self.spec.moves:
                    self._change(index, images, out, draws)
        return batch._replace(x=x, y=y)

    def _change(self, index: int, x: Array, out: Array, draws: Array) -> None:
        """Write moved images to `out`."""
        height, width, channels = _of_image(x.shape[1:])
        images, changed = as_images(x, (height, width, channels)), as_images(out, (height, width, channels))
        if self.spec.resamples:
            self._resample(index, images, changed, draws)
        else:
            for image, to, (down, right, upturned, mirrored, *_) in zip(images, changed, draws.tolist(), strict=True):
                turned = flipped(image, self._turns("vertical", upturned), self._turns("horizontal", mirrored))
                shifted(turned, to, self._shift(down) if height > 1 else 0, self._shift(right))
        if self.spec.cutout:
            for to, (line, column) in zip(changed, draws[:, 4:6].tolist(), strict=True):
                cut_out(to, self.spec.cutout, int(line * height), int(column * width))

    def _turns(self, axis: str, draw: float) -> bool:
        return self.spec.flip in (axis, "both") and draw < 0.5

    def _shift(self, draw: float) -> int:
        return int(draw * (2 * self.spec.shift + 1)) - self.spec.shift

    def _resample(self, index: int, images: Array, out: Array, draws: Array) -> None:
        """Write images that are rotated, cropped, flipped and shifted."""
        height, width = images.shape[1:3]
        resampling = self._resampling[index]
        matrix, center = self._matrix[: len(images)], self._center[: len(images)]
        for place, (down, right, upturned, mirrored, _, _, turn, part, line, column) in enumerate(draws.tolist()):
            angle = (2 * turn - 1) * radians(self.spec.rotate)
            scale = self.spec.crop + (1 - self.spec.crop) * part
            of_line = -scale if self._turns("vertical", upturned) else scale
            of_column = -scale if self._turns("horizontal", mirrored) else scale
            matrix[place, 0] = of_line * cos(angle), -of_column * sin(angle)
            matrix[place, 1] = of_line * sin(angle), of_column * cos(angle)
            left = (1 - scale) * (height - 1), (1 - scale) * (width - 1)
            center[place, 0] = (height - 1) / 2 + left[0] * (line - 0.5) - (self._shift(down) if height > 1 else 0)
            center[place, 1] = (width - 1) / 2 + left[1] * (column - 0.5) - self._shift(right)
        for start in range(0, len(images), resampling.together):
            some = slice(start, start + resampling.together)
            resampling(images[some], out[some], matrix[some], center[some])


def _of_image(shape: tuple[int, ...]) -> tuple[int, int, int]:
    """Height, width and channels; a series is an image of height 1."""
    height, width, channels = (1, *shape)[-3:]
    return height, width, channels


def _average(x: Array, out: Array, share: Array) -> None:
    """Write share · row + (1 - share) · other to `out`; the other rows are those in reverse order."""
    share = share.reshape(-1, *[1] * (x.ndim - 1))
    np.subtract(x, x[::-1], out=out)
    np.multiply(out, share, out=out)
    np.add(out, x[::-1], out=out)
