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
"""Filters of the convolutions, each with a pooling."""

MANY_ROWS = 20_000
"""Training rows beyond which networks are narrower and, with a last convolution without pooling, deeper."""

OF_MANY_ROWS = (16, 32, 64, 128)
"""Filters for many rows.

They take half of the operations. On 50,000 images of Fashion-MNIST, seven epochs of them (97 s of CPU) had a validation
accuracy of 0.922, five of the others (106 s) 0.919. On two draws of 1,800 images, their mean accuracy on 4,000 others
was 0.859 instead of 0.865, and their log loss 0.504 instead of 0.422.
"""

UNITS = 128

BY_ROWS = (
    (5_000, (30, 32, 0.002, 0.5)),
    (MANY_ROWS, (20, 64, 0.002, 0.35)),
    (1 << 62, (9, 128, 0.003, 0.3)),
)
"""Epochs, batch size, learning rate and dropout rate, up to so many training rows."""

MANY_CATEGORIES = 100
"""Categories of a column beside the images from which on they get vectors."""


def of_images(facts: DataFacts) -> Iterator[Choice]:
    """Choices after the split. Raises MismatchError for data without images."""
    rows = counted(facts.rows, "training row")
    epochs, batch, learning_rate, rate = next(value for most, value in BY_ROWS if facts.rows <= most)
    if facts.image:
        reason = f"images of {shown_shape(facts.image)}, {rows}"
        yield Choice(("layers",), _layers(facts.image, facts.rows, rate), reason)
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
    optimizer = {"type": "adam", "learning_rate": learning_rate}
    yield Choice(("optimizer",), optimizer, "steps of equal size for filters and units")
    yield Choice(("schedule",), {"type": "cosine", "warmup_epochs": 1}, "ends at rest")
    yield Choice(("training", "epochs"), epochs, rows)
    yield Choice(("training", "batch_size"), batch, rows)
    if facts.validated:
        yield Choice(("training", "early_stopping"), {"patience": 10}, "validated after each epoch")
    else:
        stopping = {"monitor": "train_loss", "patience": 10}
        yield Choice(("training", "early_stopping"), stopping, "there are no validation rows")


def _layers(shape: tuple[int, ...], rows: int, rate: float) -> list[dict[str, Any]]:
    """Convolutions with poolings, for many rows one more without, and a dense layer between dropouts of a rate."""
    many = rows > MANY_ROWS
    found = convolutions(shape, OF_MANY_ROWS if many else FILTERS, last_unpooled=many)
    dropout = {"type": "dropout", "rate": rate}
    return [*map(written, found), dropout, {"units": UNITS, "activation": "relu"}, dropout]
