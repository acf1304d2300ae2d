"""Progress of inspections, which take seconds on networks of images."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol, TypeVar

Part = TypeVar("Part")


class Track(Protocol):
    """Iterate over the parts of a stage, and show how many of them are done."""

    def __call__(self, parts: Sequence[Part], stage: str) -> Iterable[Part]:
        """Yield each part. stage: phrase for what is done with them."""


def untracked(parts: Sequence[Part], stage: str) -> Iterable[Part]:
    """Parts without a display."""
    return parts
