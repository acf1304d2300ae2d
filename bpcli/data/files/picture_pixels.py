"""Pixels of many picture files, brought to one size and the same channels."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bpcli.data.files.cells import shown_path
from bpcli.data.files.picture import picture_facts, read_picture
from bpcli.data.picture_form import PictureForm
from bpcli.errors import DataError
from bpcli.system.memory import require_memory
from bpcli.wording import counted, quoted


def pixels_of(names: Sequence[str], folder: Path, form: PictureForm, where: str) -> NDArray[np.uint8]:
    """Pixels (pictures, height, width, channels) of files, whose relative paths start from `folder`.

    Without channels in the form, there is one if all pictures are gray, else three. Raises DataError as `read_picture`
    does, and for pictures of several sizes without one in the form; MemoryLimitError if they need more memory than
    there is, where `where` is what has the pictures.
    """
    size, channels = form.size, form.channels
    if names and (size is None or channels is None):
        found = [picture_facts(folder / name) for name in names]
        channels = channels or (1 if all(facts.gray for facts in found) else 3)
        if size is None:
            size = found[0].height, found[0].width
            for name, facts in zip(names, found, strict=True):
                if (facts.height, facts.width) != size:
                    raise DataError(
                        f"{shown_path(folder / name)}: {facts.height} × {facts.width} pixels, where "
                        f"{quoted(names[0])} has {size[0]} × {size[1]}; set {form.key} to scale them all, such as "
                        "[32, 32]"
                    )
    shape = (len(names), *(size or (1, 1)), channels or 1)
    remedy = f"set a smaller {form.key}, or use fewer pictures"
    require_memory(prod(shape), f"{where}: {counted(len(names), 'picture')}", remedy)
    values = np.empty(shape, np.uint8)
    for name, out in zip(names, values, strict=True):
        read_picture(folder / name, shape[1:3], shape[3], out)
    return values
