"""Config section `data.images`: what the pictures of a folder are brought to."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from bpcli.data.picture_form import PictureForm
from bpcli.spec import Sequence, Spec

Pixels = Annotated[int, Field(ge=1, le=4096)]

PictureSize = Pixels | Annotated[Sequence[Pixels], Field(min_length=2, max_length=2)]
"""Height and width, or one number for both."""


def height_and_width(size: PictureSize | None) -> tuple[int, int] | None:
    """Height and width; None for None."""
    if size is None or isinstance(size, int):
        return None if size is None else (size, size)
    return size[0], size[1]


class ImagesSpec(Spec):
    """Size and channels of the pictures in a folder."""

    size: PictureSize | None = Field(
        default=None,
        description="Height and width in pixels, to which each picture is scaled, or one number for both. Default: "
        "that of the pictures, which must then be of one size.",
    )
    channels: Literal[1, 3] | None = Field(
        default=None, description="1: shades of gray; 3: colors. Default: 1 if all pictures are gray, else 3."
    )

    @property
    def form(self) -> PictureForm:
        """Form that the pictures are brought to."""
        return PictureForm(height_and_width(self.size), self.channels)
