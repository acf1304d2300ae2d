"""Scores of the best constant and of a linear model on the rows that the network is validated on."""

from __future__ import annotations

from math import isfinite, prod
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bpcli.arrays.expansion import Intake
from bpcli.arrays.fields import numbers
from bpcli.arrays.memory import Array
from bpcli.data.batches import Dataset
from bpcli.documents.scores import Scores
from bpcli.nn.losses import LossScratch
from bpcli.training.constant import best_constant
from bpcli.training.evaluator import EVALUATED_ROWS
from bpcli.training.plan import TrainingPlan

if TYPE_CHECKING:
    from bpcli.documents.baselines import Baselines
    from bpcli.training.folds import RowIndices
    from bpcli.training.linear import Linear

MOST_FEATURES = 1024
"""Number of features above which no linear model is fitted: its cost grows with their square."""

MOST_NUMBERS = 1 << 21
"""Bound of rows · features of the linear model: 16 MB."""

FREE_WORK = 2e7
"""Floating-point operations that are always spent: some milliseconds."""

WORK_SHARE = 0.08
"""Operations of the linear model in relation to those of training, which does several times fewer a second."""

LOSS_WORK = 60
"""Operations per logit and step besides the products with the features."""

ROWS_PER_FEATURE = 2
"""Least rows per feature of a sample of the training rows."""


def baselines(plan: TrainingPlan, epochs: int, network: Scores) -> Baselines | None:
    """Baselines of a plan that was trained for some epochs.

    network: loss and metrics of the network's best epoch, by their names on validation rows.

    Returns None without validation rows, for inputs that are not columns of a table, and where a linear model would
    take longer than some percent of training. With folds, each fold is predicted by a model of its own, fitted without
    it.
    """
    dataset, outputs = plan.validation, plan.network.n_out
    if dataset is not None and dataset.origins is not None:
        return None  # forecasts are compared with those that need no training, wherever they are scored
    chosen = _chosen_rows(plan, epochs)
    if dataset is None or chosen is None:
        return None
    from bpcli.documents.baselines import Baselines
    from bpcli.training.linear import LinearFit

    loss, x, held = plan.loss, _features(plan.train, chosen), _held_out(plan)
    (targets,) = plan.train.target_reader(outputs, len(chosen)).take(chosen)
    weight = None if plan.train.weight is None else plan.train.weight[chosen].astype(np.float64)
    constant = best_constant(loss, plan.train, outputs)
    with np.errstate(all="ignore"):
        fit = LinearFit(x)
        models = [
            fit.fit(loss, numbers(targets), _without(plan, member, chosen, weight), constant)
            for member in range(len(held))
        ]
        linear = _scores(plan, dataset, _predicted(models, held, dataset, outputs))
        alone = _scores(plan, dataset, np.tile(constant, (dataset.rows, 1)))
    shown = {name.removeprefix("validation_"): value for name, value in network.items() if "validation_" in name}
    return Baselines(
        {"constant": alone, "linear": linear, "network": {name: shown.get(name) for name in linear}},
        dataset.rows,
        len(chosen),
        plan.train.rows,
        plan.folds is not None,
    )


def _chosen_rows(plan: TrainingPlan, epochs: int) -> RowIndices | None:
    """Training rows of the linear model, evenly spaced; None if it is not worth its time."""
    from bpcli.training.linear import ITERATIONS

    signature, outputs = plan.train.x.signature, plan.network.n_out
    features, rows = Intake(signature).numbers, plan.train.rows
    if features > MOST_FEATURES or rows < 2 or any(prod(field.shape[1:]) > 1 for field in signature):
        return None
    fits = 1 if plan.folds is None else plan.folds.count
    training = 6.0 * plan.network.layout.size * plan.rows_per_member * epochs * len(plan.members)
    per_row = 2 * features**2 + 4 * ITERATIONS * fits * outputs * (features + LOSS_WORK)
    most = min(max(FREE_WORK, WORK_SHARE * training) / per_row, MOST_NUMBERS / features)
    step = max(1, int(np.ceil(rows / most)))
    chosen = np.arange(0, rows, step)
    return chosen if step == 1 or len(chosen) >= ROWS_PER_FEATURE * features else None


def _features(dataset: Dataset, rows: RowIndices) -> Array:
    """Features (rows, features) of some rows, as the network has them before its stems."""
    taken = Intake(dataset.x.signature).reader(dataset.x, len(rows), dataset.x.dtype).take(rows)
    return numbers(taken[0]).reshape(len(rows), -1)


def _held_out(plan: TrainingPlan) -> list[RowIndices | None]:
    """Validation rows of each fit; None for all of them."""
    return [None] if plan.folds is None else list(plan.folds.held_out_by_member)


def _without(
    plan: TrainingPlan, member: int, chosen: RowIndices, weight: NDArray[np.float64] | None
) -> NDArray[np.float64] | None:
    """Weights of the chosen rows, 0 for those that a member does not train on."""
    if plan.folds is None:
        return weight
    trained = np.zeros(plan.train.rows)
    trained[plan.folds.trained(member)] = 1.0
    return trained[chosen] if weight is None else trained[chosen] * weight


def _predicted(
    models: list[Linear], held: list[RowIndices | None], dataset: Dataset, outputs: int
) -> NDArray[np.float64]:
    """Logits (rows, outputs) of a dataset, each row by the model that was fitted without it."""
    intake, logits = Intake(dataset.x.signature), np.empty((dataset.rows, outputs))
    reader = intake.reader(dataset.x, min(dataset.rows, EVALUATED_ROWS), dataset.x.dtype)
    for model, rows in zip(models, held, strict=True):
        for start in range(0, dataset.rows if rows is None else len(rows), EVALUATED_ROWS):
            block = (
                np.arange(start, min(start + EVALUATED_ROWS, dataset.rows))
                if rows is None
                else rows[start : start + EVALUATED_ROWS]
            )
            logits[block] = model.logits(numbers(reader.take(block)[0]).reshape(len(block), -1))
    return logits


def _scores(plan: TrainingPlan, dataset: Dataset, logits: NDArray[np.float64]) -> Scores:
    """Loss and metrics as of an epoch; None where they are not finite."""
    exact = logits.astype(dataset.x.dtype)
    targets, outputs, total = dataset.target_reader(logits.shape[1], EVALUATED_ROWS), logits.shape[1], 0.0
    for start in range(0, dataset.rows, EVALUATED_ROWS):
        block = exact[start : start + EVALUATED_ROWS]
        weight = None if dataset.weight is None else dataset.weight[start : start + EVALUATED_ROWS]
        (target,) = targets.slice(start, start + len(block))
        scratch = LossScratch(len(block), outputs, block.dtype)
        total += plan.loss.value_and_gradient(block, numbers(target), weight, np.empty_like(block), scratch)
    predictions = np.empty_like(exact)
    plan.loss.link(exact, predictions)
    loss = total / (dataset.rows if dataset.weight is None else float(dataset.weight.sum()))
    if not isfinite(loss) or not np.isfinite(predictions).all():
        return {"loss": None}
    return {"loss": loss, **plan.score(predictions, dataset)}
