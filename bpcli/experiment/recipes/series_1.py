"""Version 1 of the recipe `series`: forecasts from windows of series."""

from __future__ import annotations

from collections.abc import Iterator

from bpcli.errors import Mismatch, MismatchError
from bpcli.experiment.recipes.choice import Choice
from bpcli.experiment.recipes.facts import DataFacts
from bpcli.wording import counted

MEMBERS = 3

BATCH = 64

LEAST_STEPS, FEWEST_EPOCHS, MOST_EPOCHS = 1_500, 60, 400
"""Steps of a short training, and the epochs they are limited to."""


def of_series_rows() -> Iterator[Choice]:
    """Choices before the windows are made."""
    yield Choice(("loss",), "huber", "large errors count in proportion, not squared")
    yield Choice(("skip",), "linear", "hidden layers learn what a linear model cannot")
    ensemble = {"members": MEMBERS, "linear": True}
    yield Choice(("ensemble",), ensemble, "the mean of networks and a ridge regression is better than each of them")


def of_series(facts: DataFacts) -> Iterator[Choice]:
    """Choices after the split. Raises MismatchError for data without series."""
    if not facts.series:
        what = "series is for forecasts, and the config has none: set data.time, and forecast: {horizon: 12}"
        raise MismatchError(Mismatch(("recipe",), what))
    windows = counted(facts.rows, "training window")
    yield Choice(("layers",), [{"units": 64, "activation": "relu"}], "more layers or units forecast no better")
    yield Choice(("output",), {"initializer": "zeros"}, "the first forecast is that nothing changes")
    yield Choice(
        ("optimizer",),
        {"type": "adamw", "learning_rate": 0.002, "weight_decay": 0.001},
        "the usual rate for windows of spread 1",
    )
    yield Choice(("schedule",), "cosine", "ends at rest")
    steps = -(-facts.rows // BATCH)
    epochs = max(FEWEST_EPOCHS, min(MOST_EPOCHS, LEAST_STEPS // steps))
    yield Choice(("training", "epochs"), epochs, windows)
    yield Choice(("training", "batch_size"), BATCH, windows)
    if facts.validated:
        stopping = {"patience": max(12, (facts.epochs or epochs) // 5)}
        yield Choice(("training", "early_stopping"), stopping, "validated after each epoch")
