"""Version 1 of the recipes. Its numbers never change, so that a config trains as it did when it was written."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bpcli.errors import Mismatch, MismatchError
from bpcli.experiment.recipes.choice import Choice
from bpcli.experiment.recipes.facts import DataFacts, RowFacts
from bpcli.experiment.recipes.images_1 import of_images
from bpcli.experiment.recipes.series_1 import of_series, of_series_rows
from bpcli.experiment.recipes.texts_1 import of_text_rows, of_texts
from bpcli.wording import counted

FEWEST_PER_FOLD = 4
"""Fewer rows in a fold say nothing about a network."""

MANY_ROWS = 50_000
"""From here on, a tenth of the rows validates as surely as folds, and fewer members are enough."""

MOST_ONE_HOT = 100
"""Categories of a column from which on an embedding takes less time, and errs less: a category has few rows."""

FLAT_HALF = {"type": "flat_cosine", "flat": 0.5}
"""Schedule of dropout and of weight decay."""

MEMBERS = {"tabular": 8, "quick": 4}

EPOCHS = {"tabular": 96, "quick": 64}

PATIENCE = {"tabular": 16, "quick": 10}


def of_rows(name: str, facts: RowFacts) -> Iterator[Choice]:
    """Choices before the split: members and validation."""
    if name == "image" and not facts.own_validation:
        yield Choice(("data", "split", "validation"), 0.1, "a tenth of the rows chooses the epoch")
    if name == "series":
        yield from of_series_rows()
    if name == "text":
        yield from of_text_rows(facts.rows, facts.own_validation)
    if name not in MEMBERS:
        return
    members, rows = MEMBERS[name], counted(facts.rows, "row")
    if facts.own_validation:
        yield Choice(("ensemble",), {"members": members}, "the mean of several networks is better than each of them")
    elif facts.rows > MANY_ROWS:
        members //= 2
        yield Choice(("ensemble",), {"members": members}, f"{rows}: fewer members are enough")
        yield Choice(("data", "split", "validation"), 0.1, f"{rows}: a tenth validates surely")
    elif facts.rows >= FEWEST_PER_FOLD * MEMBERS[name]:
        yield Choice(
            ("ensemble",),
            {"members": members, "folds": True},
            f"{rows}: each trains, and validates a member",
        )
    else:
        yield Choice(("ensemble",), {"members": members}, f"{rows}: too few for folds")


def of_data(name: str, facts: DataFacts) -> Iterator[Choice]:
    """Choices after the split: encoders, layers, optimizer and training."""
    if name == "classic":
        yield from _classic(facts)
        return
    if name == "image":
        yield from of_images(facts)
        return
    if name == "text":
        yield from of_texts(facts)
        return
    if name == "series":
        yield from of_series(facts)
        return
    if facts.texts:
        what = f"{name} is for numbers and categories, and the data has a column of type text: use recipe: text"
        raise MismatchError(Mismatch(("recipe",), what))
    hidden, rate = (3, 0.15) if facts.classes else (2, 0.1)
    yield from _encoders(facts)
    layers: list[dict[str, Any]] = [{"type": "scale"}]
    if name == "quick":
        hidden = 2
    if name != "linear":
        for _ in range(hidden):
            layers.append({"units": 128, "activation": "relu", "initializer": {"type": "data_std"}})
            layers.append({"type": "dropout", "rate": rate, "schedule": FLAT_HALF})
    task = "classes" if facts.classes else "numbers"
    shown = "no hidden layer" if name == "linear" else f"{hidden} hidden layers for {task}"
    yield Choice(("layers",), layers, shown)
    yield Choice(("output",), {"initializer": "zeros", "bias": "prior"}, "the first answer is the best constant one")
    yield from _steps(name, facts)


def _encoders(facts: DataFacts) -> Iterator[Choice]:
    if facts.arrays:
        return
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
            {"type": "auto", "one_hot_up_to": MOST_ONE_HOT},
            f"{counted(facts.others, 'other column')}: one input for two categories, a vector for many",
        )
    if not facts.classes and not facts.ordered:
        yield Choice(("data", "target_range"), "training", "the network does not extrapolate")


def _steps(name: str, facts: DataFacts) -> Iterator[Choice]:
    classes = facts.classes
    yield Choice(
        ("optimizer",),
        {
            "type": "adamw",
            "learning_rate": 0.028 if classes else 0.056,
            "beta2": 0.95,
            "weight_decay": 0.02,
            "decay_schedule": FLAT_HALF,
            "rate_factors": {"weights": "inverse_sqrt_fan_in", "biases": 0.1, "scales": 12 if classes else 3},
        },
        "one learning rate for layers of any width",
    )
    epochs = EPOCHS.get(name, 96)
    if facts.rows > MANY_ROWS:
        epochs = max(8, min(epochs, 2_000_000 // facts.rows))
    warmup = round(0.03 * (facts.epochs or epochs), 2)
    yield Choice(("schedule",), {"type": "flat_cosine", "flat": 0.7, "warmup_epochs": warmup}, "ends at rest")
    yield Choice(("training", "epochs"), epochs, f"{counted(facts.rows, 'row')} for each network")
    yield Choice(("training", "batch_size"), batch_size(facts.rows), f"{counted(facts.rows, 'row')} for each network")
    yield Choice(("training", "average"), {"decay": 0.99}, "steadier than the last step")
    if facts.validated:
        patience = PATIENCE.get(name, 16)
        yield Choice(("training", "early_stopping"), {"patience": patience}, "validated after each epoch")
    else:
        stopping = {"monitor": "train_loss", "patience": 20}
        yield Choice(("training", "early_stopping"), stopping, "there are no validation rows")


def batch_size(rows: int) -> int:
    """Rows per step and member."""
    return 64 if rows <= 600 else 128 if rows <= 2_000 else 256 if rows <= 8_000 else 512


def _classic(facts: DataFacts) -> Iterator[Choice]:
    rows = counted(facts.rows, "row")
    yield Choice(("layers",), [{"units": 64, "activation": "relu"}, {"units": 32, "activation": "relu"}], "one network")
    yield Choice(("optimizer",), {"type": "adam", "learning_rate": 0.001}, "the usual rate")
    yield Choice(("training", "epochs"), 200, "ended by early stopping")
    yield Choice(("training", "batch_size"), 32 if facts.rows < 20_000 else 128 if facts.rows < 200_000 else 512, rows)
    monitor = "validation_loss" if facts.validated else "train_loss"
    patience = 20 if facts.rows < 20_000 else 10
    yield Choice(("training", "early_stopping"), {"monitor": monitor, "patience": patience}, rows)
