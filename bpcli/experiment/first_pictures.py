"""Data section of the first config for pictures: of a folder, and of columns with their paths."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from statistics import median

from bpcli.data.columns.image_column import ImageColumn
from bpcli.data.columns.recognition import RecognisedColumn
from bpcli.data.files.picture import PictureFacts
from bpcli.data.files.picture_columns import folder_of
from bpcli.data.files.picture_folder import pictures_in
from bpcli.data.files.picture_names import FILE, IMAGE, SUFFIXES
from bpcli.data.files.picture_pixels import facts_of
from bpcli.data.files.query import Location, shown_location
from bpcli.data.images_spec import ImagesSpec
from bpcli.data.spec import DataSpec
from bpcli.data.table import Table
from bpcli.errors import UsageError
from bpcli.wording import counted, printable, quoted

MOST_PIXELS = 64
"""Longer side of the size that is chosen for pictures of several sizes: convolutions then take minutes."""

KEPT = 96
"""Longer side up to which pictures that have one size keep it."""

STEP = 8
"""Sides of a chosen size are multiples of that, so that poolings divide them."""


def size_for(data: DataSpec) -> tuple[DataSpec, list[str]]:
    """Data section with a size for pictures that are large or of several sizes, and a note; else without both.

    The size is the median one, reduced to MOST_PIXELS. Raises DataError for files that cannot be read,
    and UsageError for pictures without folders of classes.
    """
    folder = Path(data.shown)
    if not folder.is_dir():
        return data, []
    pictures = pictures_in(folder)
    if pictures[0].label is None:
        what = "pictures without classes; put those of each class in a folder of its own"
        raise UsageError(f"{printable(data.shown)}: {what}")
    facts = facts_of([picture.name for picture in pictures], folder, printable(data.shown))
    size, why = _size(facts)
    if why is None:
        return data, []
    note = f"data.images.size: {size}; the pictures {why}, and are scaled to that"
    return data.model_copy(update={"images": ImagesSpec.model_validate({"size": size})}), [note]


def picture_columns(table: Table, targets: Collection[str], location: Location) -> dict[str, RecognisedColumn]:
    """Columns most of whose cells are paths of pictures that exist beside the file, with their size and channels.

    Raises DataError for pictures that cannot be read.
    """
    found = {}
    for name, column in table.items():
        paths = column.present() if column.kind == "categorical" else ()
        folder = folder_of(location)
        named = [path for path in paths if path.lower().endswith(SUFFIXES) and (folder / path).is_file()]
        if name in targets or 2 * len(named) <= len(paths):
            continue
        facts = facts_of(named, folder, f"{shown_location(location)}: column {quoted(name)}")
        size, why = _size(facts)
        channels = 1 if all(one.gray for one in facts) else 3
        spec = ImageColumn.model_validate({"size": size, "channels": channels})
        reason = f"paths of {counted(len(paths), 'picture')}" + ("" if why is None else f", which {why}")
        found[name] = RecognisedColumn(spec, reason)
    return found


def _size(facts: Sequence[PictureFacts]) -> tuple[list[int], str | None]:
    """Size to bring pictures to, and what is wrong with theirs; None if they keep it."""
    sizes = {(one.height, one.width) for one in facts}
    sides = [median(one.height for one in facts), median(one.width for one in facts)]
    if len(sizes) == 1 and max(sides) <= KEPT:
        return [*sizes.pop()], None
    scale = min(1.0, MOST_PIXELS / max(sides))
    size = [max(STEP, STEP * round(side * scale / STEP)) for side in sides]
    return size, f"have {counted(len(sizes), 'size')}" if len(
        sizes
    ) > 1 else f"are of {sides[0]:g} × {sides[1]:g} pixels"


def with_pictures(data: DataSpec, table: Table, excluded: dict[str, str]) -> tuple[DataSpec, dict[str, str]]:
    """Data section with the size and channels of the pictures, and the excluded columns with their reasons.

    Both are as given if the data is no folder.
    """
    if not Path(data.shown).is_dir():
        return data, excluded
    height, width, channels = table[IMAGE].shape
    pictures = ImagesSpec.model_validate({"size": (height, width), "channels": channels})
    return data.model_copy(update={"images": pictures}), {**excluded, FILE: "the name of each picture"}
