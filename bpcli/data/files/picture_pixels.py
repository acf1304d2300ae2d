"""Pixels of many picture files, brought to one size and the same channels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from math import prod
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bpcli.data.files.cells import shown_path
from bpcli.data.files.picture import PictureError, PictureFacts, picture_facts, read_picture
from bpcli.data.picture_form import PictureForm
from bpcli.errors import DataError
from bpcli.system.memory import require_memory
from bpcli.wording import counted, quoted

MOST_NAMED = 5
"""Unreadable pictures that are named; the others are counted."""


def facts_of(names: Sequence[str], folder: Path, where: str) -> list[PictureFacts]:
    """Size and mode of files, whose relative paths start from `folder`.

    Raises DataError that names the first of those that cannot be read, where `where` is what has the pictures.
    """
    unreadable = _Unreadable(len(names), where)
    found = _facts(names, folder, unreadable)
    unreadable.require_none()
    return list(found.values())


def pixels_of(names: Sequence[str], folder: Path, form: PictureForm, where: str) -> NDArray[np.uint8]:
    """Pixels (pictures, height, width, channels) of files, whose relative paths start from `folder`.

    Without channels in the form, there is one if all pictures are gray, else three. Raises DataError as `facts_of`
    does, and for pictures of several sizes without one in the form; MemoryLimitError if they need more memory than
    there is, where `where` is what has the pictures.
    """
    size, channels = form.size, form.channels
    unreadable = _Unreadable(len(names), where)
    if size is None or channels is None:
        found = _facts(names, folder, unreadable)
        channels = channels or (1 if all(facts.gray for facts in found.values()) else 3)
        size = size or _common_size(found, folder, form.key)
    shape = (len(names), *size, channels)
    remedy = f"set a smaller {form.key}, or use fewer pictures"
    require_memory(prod(shape), f"{where}: {counted(len(names), 'picture')}", remedy)
    values = np.empty(shape, np.uint8)
    for name, out in zip(names, values, strict=True):
        if name not in unreadable:
            with unreadable.collecting(name):
                read_picture(folder / name, size, channels, out)
    unreadable.require_none()
    return values


class _Unreadable:
    """Pictures that cannot be read, collected for one error."""

    def __init__(self, total: int, where: str) -> None:
        self._total, self._where = total, where
        self._errors: dict[str, PictureError] = {}

    def __contains__(self, name: str) -> bool:
        return name in self._errors

    @contextmanager
    def collecting(self, name: str) -> Iterator[None]:
        """Context manager that keeps the error of a picture."""
        try:
            yield
        except PictureError as error:
            self._errors[name] = error

    def require_none(self) -> None:
        """Raise DataError with a message for each of the first errors, and before them their number."""
        if not self._errors:
            return
        named = list(map(str, self._errors.values()))[:MOST_NAMED]
        if len(self._errors) > 1:
            first = "" if len(named) == len(self._errors) else f"; the first {len(named)}"
            count = f"{len(self._errors):,} of {counted(self._total, 'picture')} cannot be read{first}:"
            named.insert(0, f"{self._where}: {count}")
        raise DataError(*named)


def _facts(names: Sequence[str], folder: Path, unreadable: _Unreadable) -> dict[str, PictureFacts]:
    """Facts of the pictures that can be read, by name."""
    found = {}
    for name in names:
        with unreadable.collecting(name):
            found[name] = picture_facts(folder / name)
    return found


def _common_size(found: Mapping[str, PictureFacts], folder: Path, key: str) -> tuple[int, int]:
    """Size that all pictures have, 1 × 1 for none. Raises DataError if there are several."""
    sizes = {name: (facts.height, facts.width) for name, facts in found.items()}
    first = next(iter(sizes), "")
    size = sizes.get(first, (1, 1))
    for name, (height, width) in sizes.items():
        if (height, width) != size:
            raise DataError(
                f"{shown_path(folder / name)}: {height} × {width} pixels, where {quoted(first)} has "
                f"{size[0]} × {size[1]}; set {key} to scale them all, such as [32, 32]"
            )
    return size
