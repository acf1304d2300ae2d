"""A folder of pictures as a table: file, image and, with a folder for each class, label."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from bpcli.data.files.byte_source import open_bytes
from bpcli.data.files.cells import ReadOptions, checked_text, shown_path
from bpcli.data.files.picture_names import FILE, IMAGE, LABEL, SUFFIXES
from bpcli.data.files.picture_pixels import pixels_of
from bpcli.data.table import Column, Table
from bpcli.errors import DataError, FileAccessError
from bpcli.wording import counted, quoted


class Picture(NamedTuple):
    """A file of the folder, with its path there, and the first folder on it, if any."""

    name: str
    label: str | None


def pictures_in(folder: Path) -> list[Picture]:
    """Pictures of a folder and the folders in it, ordered by path; by their suffix, and none that is hidden.

    Raises DataError if there are none, or if some are in a class's folder and others are not.
    """
    shown, found = shown_path(folder), []
    for name in sorted(_names(folder)):
        first, _, rest = name.partition("/")
        found.append(Picture(name, first if rest else None))
    if not found:
        raise DataError(f"{shown}: a folder without pictures; expected a data file, or a folder of pictures")
    loose = [picture.name for picture in found if picture.label is None]
    if loose and len(loose) < len(found):
        raise DataError(
            f"{shown}: {counted(len(loose), 'picture')}, such as {quoted(loose[0])}, beside folders of classes; "
            "move them to a class, or out of the folder"
        )
    return found


def folder_header(folder: Path, options: ReadOptions) -> list[str]:
    """Names of the columns."""
    return [FILE, IMAGE, LABEL] if pictures_in(folder)[0].label is not None else [FILE, IMAGE]


def read_folder(folder: Path, options: ReadOptions) -> Table:
    """Read the pictures, with the size and channels of the options, else those that they have.

    Raises DataError as `pictures_in` and `read_picture` do, and for pictures of several sizes without one in the
    options; MemoryLimitError if they need more memory than there is.
    """
    pictures = pictures_in(folder)
    texts = {FILE: [picture.name for picture in pictures]}
    if pictures[0].label is not None:
        texts[LABEL] = [str(picture.label) for picture in pictures]
    columns = [
        _pixels(folder, pictures, options) if name == IMAGE else _text(folder, name, texts, options)
        for name in folder_header(folder, options)
        if options.includes(name)
    ]
    return Table(columns, rows=len(pictures))


def folder_content(folder: Path) -> Iterator[bytes]:
    """Names and contents of the pictures: what a digest of the folder is of."""
    for picture in pictures_in(folder):
        with open_bytes(folder / picture.name) as stream:
            size = os.fstat(stream.fileno()).st_size
            yield f"{picture.name}\0{size}\0".encode()
            while block := stream.read(1 << 20):
                yield block


def _names(folder: Path) -> Iterator[str]:
    """Paths of pictures, with slashes, from the folder on."""

    def refuse(error: OSError) -> None:
        raise FileAccessError(f"{shown_path(folder)}: {error.strerror or error}") from None

    for place, folders, files in os.walk(folder, onerror=refuse):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in files:
            if name.lower().endswith(SUFFIXES) and not name.startswith("."):
                path = Path(place, name)
                if not _is_utf8(found := path.relative_to(folder).as_posix()):
                    raise DataError(f"{shown_path(path)}: a name that is not UTF-8; rename it")
                yield found


def _is_utf8(name: str) -> bool:
    """Whether a name has no bytes outside of UTF-8, which Python shows as lone surrogates."""
    return not any("\ud800" <= letter <= "\udfff" for letter in name)


def _text(folder: Path, name: str, texts: dict[str, list[str]], options: ReadOptions) -> Column:
    """Column of text: names, exactly as the folder has them, unless the options give the kind."""
    if name not in options.kinds:
        options = replace(options, verbatim=options.verbatim | {name})
    distinct, codes = np.unique(np.array(texts[name], object), return_inverse=True)
    return checked_text(shown_path(folder), name, distinct.tolist(), codes.astype(np.int32), options)


def _pixels(folder: Path, pictures: Sequence[Picture], options: ReadOptions) -> Column:
    form = options.pictures.get(IMAGE, options.picture_form)
    names = [picture.name for picture in pictures]
    return Column(IMAGE, "numeric", pixels_of(names, folder, form, shown_path(folder)))
