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

UNITS, RATE = 128, 0.5

MANY_CATEGORIES = 100
"""Categories of a column beside the images from which on they get vectors."""


def of_images(facts: DataFacts) -> Iterator[Choice]:
    """Choices after the split. Raises MismatchError for data without images."""
    if facts.image:
        yield Choice(("layers",), _layers(facts.image), f"images of {shown_shape(facts.image)}")
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
    rows = counted(facts.rows, "training row")
    yield Choice(("optimizer",), {"type": "adam", "learning_rate": 0.002}, "steps of equal size for filters and units")
    epochs, batch = (30, 32) if facts.rows <= 5_000 else (20, 64) if facts.rows <= 20_000 else (10, 128)
    yield Choice(("schedule",), {"type": "cosine", "warmup_epochs": 1}, "ends at rest")
    yield Choice(("training", "epochs"), epochs, rows)
    yield Choice(("training", "batch_size"), batch, rows)
    if facts.validated:
        yield Choice(("training", "early_stopping"), {"patience": 10}, "validated after each epoch")
    else:
        stopping = {"monitor": "train_loss", "patience": 10}
        yield Choice(("training", "early_stopping"), stopping, "there are no validation rows")


def _layers(shape: tuple[int, ...]) -> list[dict[str, Any]]:
    """Convolutions with poolings, and a dense layer between dropouts."""
    found = [written(layer) for layer in convolutions(shape, FILTERS)]
    dropout = {"type": "dropout", "rate": RATE}
    return [*found, dropout, {"units": UNITS, "activation": "relu"}, dropout]
