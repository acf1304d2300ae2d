"""Warnings about images: the same one in several classes, and channels without values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from bpcli.data.data_warning import DataWarning
from bpcli.data.examples.selection import Examples
from bpcli.data.files.source import Source
from bpcli.data.targets import TargetBase
from bpcli.wording import counted, quoted

if TYPE_CHECKING:
    from bpcli.data.columns.arrays import ArrayInput


def warnings_of_images(
    arrays: Iterable[ArrayInput], selection: Examples, target: TargetBase, source: Source
) -> Iterator[DataWarning]:
    """Yield warnings about the rows of images, if there are any."""
    images = [array for array in arrays if array.grid]
    if not images:
        return
    for image in images:
        yield from _empty_channels(image)
    if target.class_names:
        yield from _contradictions(selection, source)


def _empty_channels(image: ArrayInput) -> Iterator[DataWarning]:
    channels = image.shape[-1]
    empty = [
        channel
        for channel in range(channels)
        if image.least and all(low is None for low in image.least[channel::channels])
    ]
    if empty:
        which = ", ".join(map(str, empty))
        are = "channel {} of {} has" if len(empty) == 1 else "channels {} of {} have"
        them = "it" if len(empty) == 1 else "them"
        text = f"{are.format(which, quoted(image.name))} no values in the training rows, only missing ones"
        yield DataWarning("empty_channel", f"{text}; leave {them} out of the array", image.name)


def _contradictions(selection: Examples, source: Source) -> Iterator[DataWarning]:
    from bpcli.data.examples.contradictions import contradiction

    found = contradiction(selection)
    if found is None:
        return
    same = "image" if len(selection.inputs) == 1 else "inputs"
    first, second = shown_rows(found.pair, selection, source)
    text = (
        f"{counted(len(found.rows), 'row')} with the same {same} as a row of another class, such as {first} and "
        f"{second}; of equal ones, at most one class is right: correct or remove the others"
    )
    yield DataWarning("contradiction", text, selection.targets[0])


def shown_rows(rows: Iterable[int], selection: Examples, source: Source) -> list[str]:
    """Rows of images with their class, by the names of their pictures if they have any."""
    from bpcli.data.files.pictured_rows import picture_names

    names, classes = picture_names(source), selection.table[selection.targets[0]].labels()
    return [f"{f'row {row + 1:,}' if names is None else quoted(names[row])} ({quoted(classes[row])})" for row in rows]
