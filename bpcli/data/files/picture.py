"""One picture file, by Pillow: its size without decoding it, and its pixels."""

from __future__ import annotations

import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bpcli.data.files.byte_source import open_bytes
from bpcli.data.files.cells import shown_path
from bpcli.errors import DataError

if TYPE_CHECKING:
    from PIL.Image import Image

FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF")
"""Formats that are decoded, whatever a file's name says; others have seen less of hostile input."""

MOST_PIXELS = 1 << 27
"""Largest picture, 11,585 × 11,585. A file of kilobytes can declare a thousand times as many."""

_GRAY = ("1", "L", "LA", "La", "I;16", "I;16L", "I;16B", "I;16N")

_TURNED = (5, 6, 7, 8)
"""EXIF orientations by which height and width change places."""

_ORIENTATION = 0x0112

_DAMAGE = (OSError, SyntaxError, ValueError, EOFError, KeyError, IndexError, TypeError, struct.error, zlib.error)
"""Exceptions of Pillow for a file that cannot be decoded."""

INSTALL = 'pip install "backprop-cli[images]"'


class PictureError(DataError):
    """A picture that cannot be read, where others may be."""


class PictureFacts(NamedTuple):
    """What a file's header tells, as the picture is to be seen."""

    height: int
    width: int
    gray: bool


def picture_facts(path: Path) -> PictureFacts:
    """Size and mode of a picture, from its header. Raises PictureError for one that cannot be read, or is too large."""
    with _opened(path) as image:
        width, height = image.size
        if image.getexif().get(_ORIENTATION) in _TURNED:
            width, height = height, width
        return PictureFacts(height, width, image.mode in _GRAY)


def read_picture(path: Path, size: tuple[int, int], channels: int, out: NDArray[np.uint8]) -> None:
    """Write the pixels (height, width, channels) of a picture to `out`.

    The first picture of an animation counts. It is turned as its EXIF orientation says; what is transparent shows
    white; a picture of another size is scaled to `size`, (height, width), whatever its proportions, by an
    antialiased bilinear filter. Raises PictureError as `picture_facts` does.
    """
    from PIL import Image

    with _opened(path) as image:
        image = _upright(_of_bytes(image, path))
        image = _on_white(image).convert("L" if channels == 1 else "RGB")
        if image.size != size[::-1]:
            image = image.resize(size[::-1], Image.Resampling.BILINEAR)
        np.copyto(out, np.asarray(image).reshape(out.shape))


@contextmanager
def _opened(path: Path) -> Iterator[Image]:
    """Open a picture without decoding it, and turn errors of Pillow into PictureError.

    Raises DataError without Pillow.
    """
    shown = shown_path(path)
    try:
        from PIL import Image, UnidentifiedImageError
    except ImportError:
        raise DataError(f"{shown}: pictures need Pillow, which is not installed: {INSTALL}") from None
    with open_bytes(path) as stream, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a limit of our own follows, and oddities of metadata do not matter
        try:
            with Image.open(stream, formats=FORMATS) as image:
                width, height = image.size
                if width * height > MOST_PIXELS:
                    raise PictureError(_too_large(shown, f"{width:,} × {height:,}"))
                yield image
        except Image.DecompressionBombError:
            raise PictureError(_too_large(shown, "far too many")) from None
        except UnidentifiedImageError:
            kinds = "PNG, JPEG, WebP, BMP, GIF or TIFF"
            raise PictureError(f"{shown}: not a picture in {kinds}; remove the file, or save it again") from None
        except _DAMAGE as error:
            what = str(error).rstrip(".") or type(error).__name__
            raise PictureError(f"{shown}: a damaged picture ({what}); remove the file, or save it again") from None


def _too_large(shown: str, size: str) -> str:
    return f"{shown}: declares {size} pixels; at most {MOST_PIXELS:,} are decoded: make it smaller"


def _of_bytes(image: Image, path: Path) -> Image:
    """The picture with one byte a number; the upper byte of two. Raises PictureError for numbers of four bytes."""
    from PIL import Image

    if image.mode.startswith("I;16"):
        words: NDArray[Any] = np.asarray(image)
        upright = image.getexif()
        image = Image.fromarray((words >> 8).astype(np.uint8))
        image.getexif().update(upright)
        return image
    if image.mode in ("I", "F"):
        raise PictureError(f"{shown_path(path)}: a picture of 32-bit numbers; save it with 8 or 16 bits a channel")
    return image


def _upright(image: Image) -> Image:
    from PIL import ImageOps

    return ImageOps.exif_transpose(image)


def _on_white(image: Image) -> Image:
    from PIL import Image

    if not image.has_transparency_data:
        return image
    image = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
