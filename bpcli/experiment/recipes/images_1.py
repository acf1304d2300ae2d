"""Version 1 of the recipe `image`: convolutions for images, alone or beside other columns."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bpcli.errors import Mismatch, MismatchError
from bpcli.experiment.recipes.choice import Choice
from bpcli.experiment.recipes.facts import DataFacts
from bpcli.nn.layers.convolutions import convolutions, written
from bpcli.wording import counted, shown_shape

FILTERS = (32, 64, 128)

UNITS = 128

BY_ROWS = ((5_000, (30, 32, 0.5)), (20_000, (20, 64, 0.35)), (1 << 62, (10, 128, 0.2)))
"""Epochs, batch size and dropout rate, up to so many training rows."""

MANY_CATEGORIES = 100
"""Categories of a column beside the images from which on they get vectors."""


def of_images(facts: DataFacts) -> Iterator[Choice]:
    """Choices after the split. Raises MismatchError for data without images."""
    rows = counted(facts.rows, "training row")
    epochs, batch, rate = next(value for most, value in BY_ROWS if facts.rows <= most)
    if facts.image:
        reason = f"images of {shown_shape(facts.image)}, {rows}"
        yield Choice(("layers",), _layers(facts.image, rate), reason)
    elif facts.images:
        dense = [{"units": UNITS, "activation": "relu"}, {"type": "dropout", "rate": 0.2}]
        yield Choice(("layers",), dense, "features of the images and of the other columns together")
        if facts.others:
            yield Choice(
                ("data", "encoders", "categorical"),
                {"type": "auto", "one_hot_up_to": MANY_CATEGORIES},
                f"{counted(facts.others, 'other column')}: one input for two categories, a vector for many",
            )
    else:
        what = "image is for images, and the data has none: declare `input`, or a column of type image"
        raise MismatchError(Mismatch(("recipe",), what))
    yield Choice(("optimizer",), {"type": "adam", "learning_rate": 0.002}, "steps of equal size for filters and units")
    yield Choice(("schedule",), {"type": "cosine", "warmup_epochs": 1}, "ends at rest")
    yield Choice(("training", "epochs"), epochs, rows)
    yield Choice(("training", "batch_size"), batch, rows)
    if facts.validated:
        yield Choice(("training", "early_stopping"), {"patience": 10}, "validated after each epoch")
    else:
        stopping = {"monitor": "train_loss", "patience": 10}
        yield Choice(("training", "early_stopping"), stopping, "there are no validation rows")


def _layers(shape: tuple[int, ...], rate: float) -> list[dict[str, Any]]:
    """Convolutions with poolings, and a dense layer between dropouts of a rate."""
    found = [written(layer) for layer in convolutions(shape, FILTERS)]
    dropout = {"type": "dropout", "rate": rate}
    return [*found, dropout, {"units": UNITS, "activation": "relu"}, dropout]
