"""Images of some rows with what their predictions rest on: examples, confident mistakes, and means of classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from bpcli.data.preprocess.image_inputs import ImageInput, images_among
from bpcli.data.table import Table
from bpcli.frozen import dataclass
from bpcli.inspection.attributions import attributions, explained_names, explained_output, rows_of_images
from bpcli.inspection.regions import Region, RegionGrid
from bpcli.inspection.track import Track, untracked
from bpcli.models.model import Model
from bpcli.training.scoring import Answers

Numbers = NDArray[np.float64]
Indices = NDArray[np.intp]

MOST_CLASSES = 16
"""Maximum number of classes with examples, and with a mean, the first ones."""

MOST_MISTAKES = 8
"""Maximum number of mistakes."""

EXAMPLES = 8
"""Number of examples of a target without classes, evenly spaced in the order of their predictions."""


@dataclass(frozen=True)
class PicturedRow:
    """Row with the pixels of an image, and the contribution of each position to the explained output.

    number: of the row in the data, counted from 1. probability: of the predicted class, if known. shades: bytes
    (height, width, channels). contributions: (height, width). strongest: region that speaks most for the prediction.
    """

    number: int
    file: str | None
    true: str
    predicted: str
    probability: float | None
    shades: NDArray[np.uint8]
    contributions: Numbers
    strongest: Region


@dataclass(frozen=True)
class MeanOfClass:
    """Mean shades and contributions of the rows that are predicted as a class."""

    name: str
    rows: int
    shades: NDArray[np.uint8]
    contributions: Numbers
    strongest: Region


@dataclass(frozen=True)
class PicturedImage:
    """Pictures of an image input. meaning: explained output. examples and means are empty if only mistakes are wanted.

    Mistakes are ordered by the probability of the wrong class, or by the size of the error.
    """

    image: str
    meaning: str
    mistakes: list[PicturedRow]
    examples: list[PicturedRow]
    means: list[MeanOfClass]


def pictured_images(
    model: Model,
    table: Table,
    numbers: Indices,
    files: Sequence[str] | None,
    only_mistakes: bool = False,
    track: Track = untracked,
) -> list[PicturedImage]:
    """Pictures of each image among the inputs, from the rows of a table with targets.

    numbers, files: row numbers, and names of files if there are any, for display. With several outputs, the first one
    is explained. Raises DataError if an output is not finite.
    """
    images = images_among(model.preprocessor.inputs)
    if not images:
        return []
    answers, _ = model.answers(table)
    mistakes = _mistakes(answers)
    examples = np.empty(0, np.intp) if only_mistakes else _examples(model, answers)
    classes: dict[int, Indices] = {}
    if model.target.class_names and answers.predicted.ndim == 1 and not only_mistakes:
        classes = _by_class(model, answers, len(rows_of_images(model, table)))
    every = np.unique(np.concatenate([mistakes, examples, *classes.values()]))
    if not len(every):
        return []
    some = _Some(model, answers, table.take(every), every, numbers, files, track)
    return [some.pictured(image, mistakes, examples, classes) for image in images]


class _Some:
    """Rows of a table that are pictured, with the contributions to their predictions."""

    def __init__(
        self,
        model: Model,
        answers: Answers,
        table: Table,
        rows: Indices,
        numbers: Indices,
        files: Sequence[str] | None,
        track: Track,
    ) -> None:
        """Take the answers, numbers and files of all rows, and the table of some `rows` of these."""
        self._model, self._answers, self._numbers, self._files = model, answers, numbers, files
        self._table = table
        self._contributions = attributions(model, table, pieces=1, track=track).contributions[:, 0]
        self._place = {row: place for place, row in enumerate(rows.tolist())}

    def pictured(
        self, image: ImageInput, mistakes: Indices, examples: Indices, classes: Mapping[int, Indices]
    ) -> PicturedImage:
        """Pictures of an image."""
        shades, contributions = shades_of(image, self._table), self._contributions[:, image.parts]
        grid = RegionGrid.over(image.shape)

        def of_row(row: int) -> PicturedRow:
            at = self._place[row]
            return PicturedRow(
                int(self._numbers[row]),
                None if self._files is None else self._files[row],
                *_names(self._model, self._answers, row),
                shades[at],
                positions_of(image, contributions[at]),
                _strongest(grid, contributions[at]),
            )

        def of_class(code: int, rows: Indices) -> MeanOfClass:
            at = [self._place[row] for row in rows.tolist()]
            mean = contributions[at].mean(axis=0)
            shade = np.rint(shades[at].mean(axis=0)).astype(np.uint8)
            name = self._model.classes[code]
            return MeanOfClass(name, len(at), shade, positions_of(image, mean), _strongest(grid, mean))

        return PicturedImage(
            image.name,
            _meaning(self._model),
            [of_row(row) for row in mistakes.tolist()],
            [of_row(row) for row in examples.tolist()],
            [of_class(code, rows) for code, rows in classes.items()],
        )


def shades_of(image: ImageInput, table: Table) -> NDArray[np.uint8]:
    """Shades (rows, height, width, channels) of an image; a series is one line for each channel.

    Bytes stay as they are if they use most of their range; other numbers are scaled by the training rows' range.
    """
    values = image.fitted.column_of(table).values
    if len(image.shape) == 2:
        values = np.swapaxes(values, 1, 2)[..., None]
    least = [low for low in image.fitted.least if low is not None]
    greatest = [high for high in image.fitted.greatest if high is not None]
    low, high = (min(least), max(greatest)) if least and greatest else (0.0, 1.0)
    if values.dtype == np.uint8 and high > 127:
        low, high = 0.0, 255.0
    known = np.nan_to_num(values.astype(np.float64), nan=low)
    shares = np.clip((known - low) / ((high - low) or 1.0), 0.0, 1.0)
    return np.rint(255 * shares).astype(np.uint8)


def positions_of(image: ImageInput, contributions: Numbers) -> Numbers:
    """Contributions (height, width) summed over the channels, from those of all numbers; (channels, length) of a
    series."""
    of_numbers = contributions.reshape(image.shape)
    found: Numbers = of_numbers.sum(axis=-1) if of_numbers.ndim > 2 else of_numbers.T
    return found


def _strongest(grid: RegionGrid, contributions: Numbers) -> Region:
    return grid.regions[int(np.argmax(grid.sums(contributions)))]


def _meaning(model: Model) -> str:
    name = explained_names(model)[0]
    return f"{explained_output(model)}{f' of {name}' if name else ''}"


def _mistakes(answers: Answers, most: int = MOST_MISTAKES) -> Indices:
    """Rows with the worst answers, worst first: wrong classes with a high probability, or large errors."""
    true, predicted = answers.true, answers.predicted
    if predicted.dtype.kind in "iu" and predicted.ndim == 1:
        wrong = np.flatnonzero(true != predicted)
        sure = np.ones(len(wrong)) if answers.probabilities is None else answers.probabilities[wrong, predicted[wrong]]
        order: Indices = wrong[np.argsort(-sure, kind="stable")[:most]]
        return order
    errors = np.abs(true.astype(np.float64) - predicted).reshape(len(true), -1).mean(axis=1)
    worst: Indices = np.argsort(-errors, kind="stable")[:most]
    return worst[: np.count_nonzero(errors[worst] > 0)]


def _examples(model: Model, answers: Answers) -> Indices:
    """Rows with right answers: of each class one of median probability and the one of the least."""
    true, predicted = answers.true, answers.predicted
    if predicted.ndim > 1 or not model.target.class_names:
        order = np.argsort(predicted.reshape(len(predicted), -1)[:, 0], kind="stable")
        spaced: Indices = order[np.linspace(0, len(order) - 1, min(EXAMPLES, len(order))).astype(np.intp)]
        return spaced
    chosen: list[int] = []
    for code in range(min(len(model.classes), MOST_CLASSES)):
        right = np.flatnonzero((true == code) & (predicted == code))
        if len(right):
            sure = np.ones(len(right)) if answers.probabilities is None else answers.probabilities[right, code]
            order = right[np.argsort(sure, kind="stable")]
            chosen += dict.fromkeys([int(order[len(order) // 2]), int(order[0])])
    return np.array(chosen, np.intp)


def _by_class(model: Model, answers: Answers, most: int) -> dict[int, Indices]:
    """Evenly spaced rows that are predicted as each class, about `most` in all."""
    found = {}
    a_class = max(2, most // min(len(model.classes), MOST_CLASSES))
    for code in range(min(len(model.classes), MOST_CLASSES)):
        rows = np.flatnonzero(answers.predicted == code)
        if len(rows):
            found[code] = rows[np.linspace(0, len(rows) - 1, min(a_class, len(rows))).astype(np.intp)]
    return found


def _names(model: Model, answers: Answers, row: int) -> tuple[str, str, float | None]:
    """True and predicted outcome in words, and the probability of the predicted class."""
    true, predicted = answers.true[row], answers.predicted[row]
    if answers.predicted.ndim == 1 and model.target.class_names:
        names = [*model.classes, *answers.unseen]
        sure = None if answers.probabilities is None else float(answers.probabilities[row, int(predicted)])
        return names[int(true)], names[int(predicted)], sure
    if model.target.task == "multilabel":
        return _labels(model, true), _labels(model, predicted), None
    return _figures(true), _figures(predicted), None


def _labels(model: Model, chosen: NDArray[np.generic]) -> str:
    names = [name for name, one in zip(model.classes, chosen.tolist(), strict=True) if one]
    return ", ".join(names) or "none"


def _figures(values: NDArray[np.generic]) -> str:
    return ", ".join(f"{value:.4g}" for value in np.atleast_1d(values).tolist())
