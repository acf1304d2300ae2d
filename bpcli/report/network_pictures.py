"""Pictures of what a network of images looks at: filters, and maps of what predictions rest on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bpcli.inspection.filters import Filters
from bpcli.inspection.pictured import MeanOfClass, PicturedImage, PicturedRow
from bpcli.inspection.regions import channel_names
from bpcli.pages.page import Section, as_sentence
from bpcli.pages.pictures import Gallery, Picture, Shown
from bpcli.wording import counted, quoted

MOST_FILTERS = 64
"""Maximum number of filters shown, the first ones."""

MOST_CHANNELS = 8
"""Maximum number of channels of a filter shown, the first ones."""

OF_SCALE = 99.5
"""Percentile of the contributions at the end of the scale, so that single pixels do not fade all others."""


def pictures_section(images: Sequence[PicturedImage]) -> Section | None:
    """Section on what predictions rest on; None without pictures."""
    galleries = [gallery for image in images for gallery in _galleries(image, len(images) > 1)]
    if not galleries:
        return None
    meaning = images[0].meaning
    sentences = [
        "Beside each picture, its map of contributions (integrated gradients): how far each place moves the answer "
        f"from that for the average training image. The answer is {meaning}.",
        "Rows are counted from 1, in the order of the data; rows and columns of a picture from 0.",
    ]
    return Section("What predictions rest on", sentences, (), (), galleries)


def filters_gallery(filters: Filters) -> Gallery:
    """Pictures of the kernels: in color for three channels, else a map for each channel."""
    kernels = filters.kernels[:MOST_FILTERS]
    most = float(np.abs(kernels).max())
    channels = kernels.shape[-1]
    of = f"{counted(len(filters.kernels), 'filter')} of {kernels.shape[1]} × {kernels.shape[2]} pixels"
    left_out = len(filters.kernels) - len(kernels)
    sentences = [as_sentence(f"{of}{f', of which {left_out} are omitted' if left_out else ''}")]
    shown = []
    if channels == 3:
        sentences.append("In color, with each weight as a share of the greatest: gray is 0, a color speaks for itself.")
        for place, kernel in enumerate(kernels):
            shades = np.rint(127.5 * (1.0 + kernel / (most or 1.0))).astype(np.uint8)
            about = f"filter {place}: {_weights(kernel)}"
            shown.append(Shown([Picture.of_bytes(shades, about)], [f"filter {place}"]))
        return Gallery(f"Filters of {filters.title}", shown, " ".join(sentences), None, small=True)
    names = [""] if channels == 1 else channel_names(channels)[:MOST_CHANNELS]
    if channels > 1:
        sentences.append(f"For each, the weights of {', '.join(names)}{', …' if channels > MOST_CHANNELS else ''}.")
    for place, kernel in enumerate(kernels):
        maps = [
            Picture.of_values(
                kernel[..., channel], most, f"filter {place}{name and f', {name}'}: {_weights(kernel[..., channel])}"
            )
            for channel, name in enumerate(names)
        ]
        shown.append(Shown(maps, [f"filter {place}"]))
    return Gallery(f"Filters of {filters.title}", shown, " ".join(sentences), (most, "", ""), small=channels == 1)


def _galleries(image: PicturedImage, several: bool) -> list[Gallery]:
    maps = [one.contributions for one in (*image.mistakes, *image.examples)]
    most = _most(maps)
    of = f" of {quoted(image.image)}" if several else ""
    scale = (most, "against the prediction", "for the prediction")
    galleries = []
    if image.mistakes:
        shown = [_of_row(one, most) for one in image.mistakes]
        galleries.append(Gallery(f"Most confident mistakes{of}", shown, "", scale))
    if image.examples:
        shown = [_of_row(one, most) for one in image.examples]
        classes = any(one.probability is not None for one in image.examples)
        about = "Of each class, right predictions of median and of least probability." if classes else ""
        galleries.append(Gallery(f"Right predictions{of}" if classes else f"Examples{of}", shown, about, scale))
    if image.means:
        most = _most([one.contributions for one in image.means])
        shown = [_of_class(one, most) for one in image.means]
        about = (
            "Mean picture, and mean of the contributions, of rows that are predicted as each class: of the number "
            "given, evenly spaced among them."
        )
        galleries.append(Gallery(f"Means of the classes{of}", shown, about, (most, scale[1], scale[2])))
    return galleries


def _of_row(one: PicturedRow, most: float) -> Shown:
    name = f"row {one.number}" if one.file is None else f"{one.file} (row {one.number})"
    sure = "" if one.probability is None else f" ({one.probability:.3f})"
    right = one.true == one.predicted
    answer = f"{one.predicted}{sure}" if right else f"predicted {one.predicted}{sure}, is {one.true}"
    strongest = f"most for it: {one.strongest.name}"
    picture = Picture.of_bytes(one.shades, f"{name}: {one.true}")
    return Shown([picture, _map(one.contributions, most, f"{name}, {answer}; {strongest}")], [answer, name, strongest])


def _of_class(one: MeanOfClass, most: float) -> Shown:
    strongest = f"most for it: {one.strongest.name}"
    rows = counted(one.rows, "row")
    picture = Picture.of_bytes(one.shades, f"mean picture of {one.name}")
    return Shown(
        [picture, _map(one.contributions, most, f"mean contributions to {one.name}; {strongest}")],
        [one.name, rows, strongest],
    )


def _map(contributions: NDArray[np.float64], most: float, about: str) -> Picture:
    return Picture.of_values(contributions, most, f"Map of contributions: {about}", of_sums=True)


def _most(maps: Sequence[NDArray[np.float64]]) -> float:
    sizes = [np.abs(one).ravel() for one in maps]
    return float(np.percentile(np.concatenate(sizes), OF_SCALE)) if sizes else 0.0


def _weights(kernel: NDArray[np.float64]) -> str:
    return f"weights from {kernel.min():.3g} to {kernel.max():.3g}"
