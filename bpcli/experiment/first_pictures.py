"""Data section of the first config of a folder of pictures."""

from __future__ import annotations

from pathlib import Path

from bpcli.data.files.picture_folder import FILE, IMAGE
from bpcli.data.images_spec import ImagesSpec
from bpcli.data.spec import DataSpec
from bpcli.data.table import Table


def with_pictures(data: DataSpec, table: Table, excluded: dict[str, str]) -> tuple[DataSpec, dict[str, str]]:
    """Data section with the size and channels of the pictures, and the excluded columns with their reasons.

    Both are as given if the data is no folder.
    """
    if not Path(data.shown).is_dir():
        return data, excluded
    height, width, channels = table[IMAGE].shape
    pictures = ImagesSpec.model_validate({"size": (height, width), "channels": channels})
    return data.model_copy(update={"images": pictures}), {**excluded, FILE: "the name of each picture"}
