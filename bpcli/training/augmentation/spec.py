"""Config section `augment`: random changes of the training images."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from bpcli.spec import Spec

Flip = Literal["horizontal", "vertical", "both"]


class AugmentSpec(Spec):
    """Random changes of the images in each batch of training rows. Validation and test images are never changed."""

    shift: int = Field(
        default=0, ge=0, le=1024, description="Largest shift along each axis, in pixels; the edge is repeated."
    )
    flip: Flip | None = Field(
        default=None, description="Axis along which half of the images are flipped. Not for digits and letters."
    )
    rotate: float = Field(default=0.0, ge=0, le=180, description="Largest rotation to either side, in degrees.")
    crop: float = Field(
        default=1.0,
        gt=0,
        le=1,
        description="Least part of each side that is cut at a random place and enlarged to the image's size.",
    )
    cutout: int = Field(
        default=0, ge=0, le=1024, description="Side of a square at a random place that is set to 0, the channel's mean."
    )
    mixup: float = Field(
        default=0.0,
        ge=0,
        le=10,
        description="Each image and its target are averaged with another of the batch, by a share that has the "
        "distribution Beta(mixup, mixup); 0 for none.",
    )

    @model_validator(mode="after")
    def _changes_something(self) -> AugmentSpec:
        if self == type(self).model_construct():
            raise ValueError("give shift, flip, rotate, crop, cutout or mixup")
        return self

    @property
    def shown(self) -> str:
        """The changes in words: `shift 2, rotate 10`."""
        given = self.model_dump(exclude_defaults=True)
        return ", ".join(f"{key} {value if isinstance(value, str) else f'{value:g}'}" for key, value in given.items())

    @property
    def resamples(self) -> bool:
        """Whether pixels are read between those of the image, as rotations and crops need."""
        return self.rotate > 0 or self.crop < 1

    @property
    def moves(self) -> bool:
        """Whether images are changed other than by averaging two."""
        return self.resamples or self.shift > 0 or self.flip is not None or self.cutout > 0
