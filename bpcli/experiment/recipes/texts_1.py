"""Version 1 of the recipe `text`: terms of texts, alone or with other columns."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from bpcli.errors import Mismatch, MismatchError
from bpcli.experiment.recipes.choice import Choice
from bpcli.experiment.recipes.facts import DataFacts
from bpcli.wording import counted

FEW_ROWS = 100_000
"""Training on all rows of a smaller table is worth more than the validation of its epochs."""

ENOUGH_ROWS, MOST_EPOCHS = 2_500, 40
"""Rows below which there are more epochs, as many as keep the number of steps, and at most how many."""

FEWER_ROWS, MOST_HIDDEN_EPOCHS = 800, 20
"""Both with a hidden layer, which learns few rows by heart: on a made table of 680 rows with other columns, 36 epochs
had a log loss of 0.62, and 6 to 12 epochs one of 0.39 to 0.41."""

MANY_ROWS, VERY_MANY_ROWS = 10_000, 50_000
"""Rows above which half the epochs are enough, with a hidden layer and without."""

MANY_CLASSES = 10
"""Number of classes from which they share what words have in common: a hidden layer errs less than weights for each."""

LONG = 1_000
"""Median characters from which on a hidden layer errs less."""

SMALL_BATCH, LARGER_BATCH = 64, 128
"""Batch sizes, and the second for weights of terms of two classes, with enough rows for as many steps as are needed."""

OF_TWO_CLASSES = 0.04
"""Learning rate of these: log loss is 0.01 to 0.02 lower than with half the rate and the small batch. With four classes
it is 0.03 higher."""

MANY_CATEGORIES = 100
"""Categories of another column from which on they get vectors."""


class _Network(NamedTuple):
    """Units of the hidden layer, 0 for none, learning rate and epochs, the reason for the layer, and rows of a step."""

    units: int
    rate: float
    epochs: int
    why: str
    batch_size: int = SMALL_BATCH


def of_text_rows(rows: int, own_validation: bool) -> Iterator[Choice]:
    """Choices before the split: validation, of a table of so many rows."""
    if own_validation:
        return
    if rows < FEW_ROWS:
        why = f"{counted(rows, 'row')}: each is worth more in training than in choosing one of few epochs"
        yield Choice(("data", "split", "validation"), 0.0, why)
    else:
        yield Choice(("data", "split", "validation"), 0.1, f"{counted(rows, 'row')}: a tenth chooses the epoch")


def of_texts(facts: DataFacts) -> Iterator[Choice]:
    """Choices after the split. Raises MismatchError for data without texts."""
    if not facts.texts:
        what = "text is for texts, and the data has none: declare a column of type text"
        raise MismatchError(Mismatch(("recipe",), what))
    rows = counted(facts.rows, "training row")
    units, rate, epochs, why, batch_size = _network(facts)
    if facts.numeric or facts.others:
        yield from _encoders(facts)
    if units:
        layers = [
            {"units": units, "activation": "relu", "initializer": {"type": "normal", "std": 0.1}},
            {"type": "dropout", "rate": 0.5},
        ]
        yield Choice(("layers",), layers, why)
        yield Choice(("output",), {"bias": "prior"}, "a text without known words gets the best constant answer")
    else:
        yield Choice(("layers",), [], why)
        output = {"initializer": "zeros", "bias": "prior"}
        yield Choice(("output",), output, "a text without known words gets the best constant answer")
    if not facts.classes and not facts.ordered:
        yield Choice(("data", "target_range"), "training", "the network does not extrapolate")
    yield Choice(
        ("optimizer",), {"type": "adam", "learning_rate": rate}, "rare words take steps as large as frequent ones"
    )
    yield Choice(("schedule",), "linear", "ends at rest")
    if facts.rows > (MANY_ROWS if units else VERY_MANY_ROWS):
        epochs //= 2
    elif facts.rows < ENOUGH_ROWS:
        enough, most = (FEWER_ROWS, MOST_HIDDEN_EPOCHS) if units else (ENOUGH_ROWS, MOST_EPOCHS)
        epochs = max(epochs, min(most, epochs * enough // max(facts.rows, 1)))
    yield Choice(("training", "epochs"), epochs, rows)
    small = "a step changes few words: many small ones are better"
    of_batch = small if batch_size == SMALL_BATCH else "two classes: half as many steps, twice as long"
    yield Choice(("training", "batch_size"), batch_size, of_batch)
    if facts.validated:
        yield Choice(("training", "early_stopping"), {"patience": 3}, "validated after each epoch")


def _network(facts: DataFacts) -> _Network:
    if others := facts.numeric + facts.others:
        return _Network(128, 0.01, 10, f"{counted(others, 'other column')}: words and columns bear on each other")
    if facts.outcomes >= MANY_CLASSES:
        return _Network(64, 0.007, 10, f"{facts.outcomes} classes share what words have in common")
    if facts.characters >= LONG:
        characters = counted(facts.characters, "character")
        return _Network(32, 0.01, 6, f"long texts, of {characters} in the median")
    why = "short texts and few classes: a weight for each term and class is hard to beat"
    if facts.outcomes == 2 and facts.rows >= ENOUGH_ROWS:
        return _Network(0, OF_TWO_CLASSES, 10, why, LARGER_BATCH)
    return _Network(0, 0.02, 10, why)


def _encoders(facts: DataFacts) -> Iterator[Choice]:
    if facts.numeric:
        yield Choice(
            ("data", "encoders", "numeric"),
            {"type": "piecewise_linear", "bins": "auto", "beside": "smooth_clip"},
            f"{counted(facts.numeric, 'numeric column')}: bins let the first layer bend anywhere",
        )
        yield Choice(("data", "encoders", "impute"), "median", "outliers do not move it")
    if facts.others:
        yield Choice(
            ("data", "encoders", "categorical"),
            {"type": "auto", "one_hot_up_to": MANY_CATEGORIES},
            f"{counted(facts.others, 'other column')}: one input for two categories, a vector for many",
        )
