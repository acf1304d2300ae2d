"""Small pictures of a page: images, and maps in colors that diverge from 0."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bpcli.frozen import dataclass
from bpcli.pages.charts import text
from bpcli.pages.png import indexed_uri, picture_uri
from bpcli.wording import number

POSITIVE, NEGATIVE = (200, 80, 0), (20, 110, 210)
"""Colors of positive and negative values, which stand out from a light and from a dark page."""

LEVELS = 31
"""Shades of each color: as many as can be told apart. Zero is transparent, so that it is the page's color."""

LONGEST_SIDE = 64
"""Longest side of an embedded picture or map, in pixels; larger ones are scaled down."""


@dataclass(frozen=True)
class Picture:
    """Image of a page. alternative: its description for those who do not see it."""

    uri: str
    alternative: str

    @classmethod
    def of_bytes(cls, pixels: NDArray[np.uint8], alternative: str) -> Picture:
        """Picture (height, width, channels): the colors of three channels, else the mean of the channels as gray."""
        small = _reduced(pixels.astype(np.float64), "mean")
        shades = small if small.shape[-1] == 3 else small.mean(axis=-1)
        return cls(picture_uri(np.rint(shades).astype(np.uint8)), alternative)

    @classmethod
    def of_values(cls, values: NDArray[np.float64], most: float, alternative: str, of_sums: bool = False) -> Picture:
        """Map of values (height, width) from -most to most; of_sums: pixels that are merged are added."""
        small = _reduced(values[..., None], "sum" if of_sums else "mean")[..., 0]
        shares = np.clip(small / most, -1.0, 1.0) if most > 0 else np.zeros(small.shape)
        indices = LEVELS + np.rint(shares * LEVELS).astype(np.int64)
        return cls(indexed_uri(indices.astype(np.uint8), PALETTE), alternative)

    def html(self) -> str:
        """HTML image."""
        return f'<img src="{self.uri}" alt="{text(self.alternative)}">'


@dataclass(frozen=True)
class Shown:
    """Pictures side by side with the lines of their caption."""

    pictures: Sequence[Picture]
    lines: Sequence[str]

    def html(self) -> str:
        """HTML figure."""
        pictures = "".join(picture.html() for picture in self.pictures)
        caption = "".join(f"<span>{text(line)}</span>" for line in self.lines)
        label = f"<figcaption>{caption}</figcaption>" if self.lines else ""
        return f'<figure class="picture"><div>{pictures}</div>{label}</figure>'


@dataclass(frozen=True)
class Gallery:
    """Titled pictures, with the scale of their colors if they are maps.

    scale: greatest value, and what negative and positive values mean.
    """

    title: str
    shown: Sequence[Shown]
    sentence: str = ""
    scale: tuple[float, str, str] | None = None
    small: bool = False

    def html(self) -> str:
        """HTML of the title, the scale and the pictures."""
        scale = ""
        if self.scale is not None:
            most, negative, positive = self.scale
            scale = (
                f'<p class="scale soft"><span>{number(-most)} {text(negative)}</span><span class="bar"></span>'
                f"<span>{number(most)} {text(positive)}</span></p>"
            )
        sentence = f'<p class="soft">{text(self.sentence)}</p>' if self.sentence else ""
        shown = "".join(one.html() for one in self.shown)
        kind = "gallery small" if self.small else "gallery"
        return f'<h3>{text(self.title)}</h3>{sentence}{scale}<div class="{kind}">{shown}</div>'


def _palette() -> NDArray[np.uint8]:
    """Colors (2 LEVELS + 1, RGBA) from negative to positive, whose opacity grows with the distance from the middle."""
    shares = np.abs(np.arange(-LEVELS, LEVELS + 1)) / LEVELS
    colors = [[*NEGATIVE, 0]] * LEVELS + [[0, 0, 0, 0]] + [[*POSITIVE, 0]] * LEVELS
    palette = np.array(colors, np.uint8)
    palette[:, 3] = np.rint(255 * shares)
    return palette


def _reduced(values: NDArray[np.float64], how: str) -> NDArray[np.float64]:
    """Values (height, width, channels) with a longest side of at most LONGEST_SIDE, as means or sums of squares."""
    factor = -(-max(values.shape[:2]) // LONGEST_SIDE)
    if factor == 1:
        return values
    ends = [np.arange(0, length, factor) for length in values.shape[:2]]
    sums = np.add.reduceat(np.add.reduceat(values, ends[0], axis=0), ends[1], axis=1)
    if how == "sum":
        return np.asarray(sums)
    counts = np.multiply.outer(
        *(np.diff(np.append(end, length)) for end, length in zip(ends, values.shape, strict=False))
    )
    return np.asarray(sums / counts[..., None])


PALETTE = _palette()
