"""Size and channels that pictures are brought to."""

from __future__ import annotations

from bpcli.frozen import dataclass


@dataclass(frozen=True)
class PictureForm:
    """Size (height, width) and channels, 1 or 3, that pictures are brought to; None: those that they have.

    key: config key of the size, for messages.
    """

    size: tuple[int, int] | None = None
    channels: int | None = None
    key: str = "data.images.size"


AS_THEY_ARE = PictureForm()
"""Pictures that all have one size."""
