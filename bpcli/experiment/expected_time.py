"""Time that training by a recipe is expected to take, and the recipe that fits a budget."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
from pydantic import TypeAdapter

from bpcli.arrays.fields import Grid
from bpcli.config.recipe import NEWEST, RecipeName
from bpcli.data.columns.image_column import default_layers
from bpcli.data.examples.split import DEFAULT_SHARE
from bpcli.data.table import PARTS, Column, Table
from bpcli.experiment.recipes import newest_choices
from bpcli.experiment.recipes.facts import DataFacts, RowFacts, median_length
from bpcli.frozen import dataclass
from bpcli.nn.layers import LayerSpec
from bpcli.nn.layers.sequential import SequentialLayer, plan_sequence
from bpcli.wording import counted, duration

PRODUCTS = 1 / 45e9
"""Seconds per floating-point operation of a matrix product, on one core."""

OUTPUT = 5e-9
"""Seconds per output of a layer: activation, dropout and their gradients."""

PARAMETER = 8e-9
"""Seconds per parameter: optimizer and moving average."""

STEP = 0.3e-3
"""Seconds per step for everything else."""

CHARACTER = 4e-7
"""Seconds per character of a text: tokens and their vocabulary."""

TERM = 4e-9
"""Seconds per character of a text and unit of the first layer, in a step: products and optimizer."""

FEATURES = {"boolean": 1, "date": 6, "time_of_day": 3}
"""Rough number of features of a column by kind."""

BINS = 16
"""Most bins of a numeric column."""

VECTOR = 8
"""Length of the vector of a category, where there are many."""


@dataclass(frozen=True)
class Expected:
    """A recipe, its epochs and the seconds that all of them take on one core.

    max_time: budget in seconds, for which fewer epochs than the recipe's are planned; None if there are none fewer.
    """

    recipe: str
    members: int
    epochs: int
    seconds: float
    max_time: float | None = None
    folds: bool = False
    """Whether every row is learned from and scored out of fold."""

    def told(self, asked: RecipeName) -> str:
        """Note on the recipe and its time; asked: the recipe that was asked for."""
        networks = "one network" if self.members == 1 else f"{self.members} networks"
        seconds = float(f"{self.seconds:.1g}")
        what = f"recipe: {self.recipe}; {networks}, about {duration(seconds)} of training on one core, often less"
        if self.max_time is not None:
            return f"{what}; {counted(self.epochs, 'epoch')} for the budget of {duration(self.max_time)}"
        return what if self.recipe.startswith(f"{asked}@") else f"{what}, as {asked} would exceed the budget"


def within_budget(
    asked: RecipeName,
    table: Table,
    targets: Collection[str],
    excluded: Collection[str],
    classes: int,
    budget: float | None,
    image: tuple[int, ...] = (),
    texts: Collection[str] = (),
) -> Expected:
    """The recipe that was asked for, or the quick one if it takes too long, with so many epochs as the budget allows.

    classes: number of classes of the target, 0 for numbers. budget: in seconds; None for any time. image: shape of the
    input, if each row is an image. texts: columns of texts.
    """
    inputs = [column for name, column in table.items() if name not in targets and name not in excluded]
    own_parts = table.parts is not None
    rows = table.rows if table.parts is None else int((table.parts == PARTS.index("train")).sum())
    if asked == "text":
        found = expected_of_texts(inputs, texts, rows, own_parts, classes)
    else:
        found = expected(asked, inputs, rows, own_parts, classes, image)
    if budget is None or found.seconds <= budget:
        return found
    if asked == "tabular":
        found = expected("quick", inputs, rows, own_parts, classes)
    if found.seconds <= budget:
        return found
    epochs = max(1, int(found.epochs * budget / found.seconds))
    return replace(found, epochs=epochs, seconds=found.seconds * epochs / found.epochs, max_time=budget)


def expected(
    name: RecipeName, inputs: list[Column], rows: int, own_parts: bool, classes: int, image: tuple[int, ...] = ()
) -> Expected:
    """Rough time of the newest version of a recipe for input columns; early stopping may end training sooner."""
    numeric = [column for column in inputs if column.kind == "numeric"]
    before = newest_choices(name, RowFacts(rows, own_parts))
    ensemble: dict[str, Any] = before.get(("ensemble",), {"members": 1})
    members, folds = int(ensemble["members"]), bool(ensemble.get("folds"))
    train = rows * (1 if folds or own_parts else 1 - 2 * DEFAULT_SHARE)
    of_member = max(1, round(train * (1 - 1 / members) if folds else train))
    arrays = [column for column in inputs if column.shape]
    others = len(inputs) - len(numeric) - len(arrays)
    facts = DataFacts(
        of_member,
        classes > 0,
        len(numeric),
        others,
        arrays=len(arrays) > 0,
        validated=True,
        image=image,
        images=0 if image else len(arrays),
    )
    values = newest_choices(name, facts)
    categorical = values.get(("data", "encoders", "categorical"), {})
    of_columns = [column for column in inputs if not column.shape]
    features = sum(_features(column, categorical.get("one_hot_up_to")) for column in of_columns)
    layers = values[("layers",)]
    planned = [_planned(image, layers)] if image else [_planned(column.shape, None) for column in arrays]
    widths = [features + sum(layer.n_out for layer in planned)]
    widths += [] if image else [layer["units"] for layer in layers if "units" in layer]
    widths.append(classes if classes > 2 else 1)
    parameters = sum(one * other for one, other in pairwise(widths))
    products = parameters + sum(layer.multiplications for layer in planned)
    parameters += sum(slot.size for layer in planned for slot in layer.parameters())
    outputs = sum(widths) + sum(one.n_out for layer in planned for one in layer.within)
    batch, epochs = min(int(values[("training", "batch_size")]), of_member), int(values[("training", "epochs")])
    row = 6.0 * products * PRODUCTS + outputs * OUTPUT
    step = members * (batch * row + parameters * PARAMETER) + STEP
    return Expected(f"{name}@{NEWEST}", members, epochs, epochs * -(-of_member // batch) * step, folds=folds)


def expected_of_texts(
    inputs: list[Column], texts: Collection[str], rows: int, own_parts: bool, classes: int
) -> Expected:
    """Rough time of the newest version of the recipe `text`."""
    length = sum(median_length(column) for column in inputs if column.name in texts)
    numeric = sum(column.kind == "numeric" for column in inputs)
    others = sum(column.name not in texts for column in inputs) - numeric
    train = max(1, round(rows if own_parts else rows * (1 - DEFAULT_SHARE)))
    facts = DataFacts(train, classes > 0, numeric, others, arrays=False, validated=True, texts=1)
    values = newest_choices("text", replace(facts, characters=length, outcomes=classes))
    layers, batch = values[("layers",)], min(int(values[("training", "batch_size")]), train)
    units = layers[0]["units"] if layers else max(classes, 1)
    epochs = int(values[("training", "epochs")])
    step = STEP + batch * length * units * TERM
    return Expected(f"text@{NEWEST}", 1, epochs, train * length * CHARACTER + epochs * -(-train // batch) * step)


def _planned(shape: tuple[int, ...], layers: Sequence[Any] | None) -> SequentialLayer:
    """Layers of images of a shape, as a recipe has them; those of a column without layers of its own for None."""
    specs = default_layers(shape) if layers is None else TypeAdapter(list[LayerSpec]).validate_python(layers)
    return plan_sequence(specs, 0, Grid(shape), ())


def _features(column: Column, one_hot_up_to: int | None) -> int:
    """Rough number of features of a column."""
    if column.kind in FEATURES:
        return FEATURES[column.kind]
    distinct = len(np.unique(column.known().values))
    if column.kind == "numeric":
        return min(distinct, BINS + 1)
    return distinct if one_hot_up_to is None or distinct <= one_hot_up_to else VECTOR
