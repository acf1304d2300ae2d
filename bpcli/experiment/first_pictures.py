"""Data section of the first config of a folder of pictures."""

from __future__ import annotations

from pathlib import Path
from statistics import median

from bpcli.data.files.picture import picture_facts
from bpcli.data.files.picture_folder import pictures_in
from bpcli.data.files.picture_names import FILE, IMAGE
from bpcli.data.images_spec import ImagesSpec
from bpcli.data.spec import DataSpec
from bpcli.data.table import Table
from bpcli.wording import counted

MOST_PIXELS = 64
"""Longer side of the size that is chosen for pictures of several sizes: convolutions then take minutes."""

STEP = 8
"""Sides of a chosen size are multiples of that, so that poolings divide them."""


def size_for(data: DataSpec) -> tuple[DataSpec, list[str]]:
    """Data section with a size for pictures of several sizes, and a note on it; both without, for all others.

    The size is the median one, reduced to MOST_PIXELS. Raises DataError for a file that cannot be read.
    """
    folder = Path(data.shown)
    if not folder.is_dir():
        return data, []
    facts = [picture_facts(folder / picture.name) for picture in pictures_in(folder)]
    sizes = {(one.height, one.width) for one in facts}
    if len(sizes) == 1:
        return data, []
    sides = [median(one.height for one in facts), median(one.width for one in facts)]
    scale = min(1.0, MOST_PIXELS / max(sides))
    size = [max(STEP, STEP * round(side * scale / STEP)) for side in sides]
    note = f"data.images.size: {size}; the pictures have {counted(len(sizes), 'size')}, and are scaled to that"
    return data.model_copy(update={"images": ImagesSpec.model_validate({"size": size})}), [note]


def with_pictures(data: DataSpec, table: Table, excluded: dict[str, str]) -> tuple[DataSpec, dict[str, str]]:
    """Data section with the size and channels of the pictures, and the excluded columns with their reasons.

    Both are as given if the data is no folder.
    """
    if not Path(data.shown).is_dir():
        return data, excluded
    height, width, channels = table[IMAGE].shape
    pictures = ImagesSpec.model_validate({"size": (height, width), "channels": channels})
    return data.model_copy(update={"images": pictures}), {**excluded, FILE: "the name of each picture"}
