"""Loss and metrics of a data set during training."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import isfinite
from typing import TYPE_CHECKING

import numpy as np

from bpcli.arrays.fields import numbers
from bpcli.data.batches import Dataset
from bpcli.data.table import Part
from bpcli.nn.inference import of_members
from bpcli.nn.losses import LossScratch
from bpcli.training.plan import TrainingPlan

if TYPE_CHECKING:
    from bpcli.training.folds import RowIndices
    from bpcli.training.state import TrainingState

EVALUATED_ROWS = 4096
"""Rows per block when a loss is evaluated, so that scratch memory does not grow with the data."""

Values = dict[str, float | None]


class Evaluator:
    """Evaluates the members of a state, whose later changes take effect, on a data set.

    A state with moving averages is evaluated with these. With folds, each row of the validation set is predicted by the
    member that does not train on it.
    """

    def __init__(self, plan: TrainingPlan, state: TrainingState, dataset: Dataset) -> None:
        self._members = of_members(plan.network, state.average_params, state.average_layer_state)
        self._plan, self._dataset, outputs = plan, dataset, plan.network.n_out
        folds = plan.folds if dataset is plan.validation else None
        self._held_out = None if folds is None else [folds.held_out(member) for member in plan.members]
        self.member_losses: tuple[float | None, ...] = ()
        """Loss of each member of an ensemble in the last evaluation, on the rows that it is validated on."""
        rows, dtype = min(dataset.rows, EVALUATED_ROWS), dataset.x.dtype
        self._logits = np.empty((dataset.rows, outputs), dtype)
        averaged = len(self._members) > 1 and folds is None
        self._predictions = np.empty_like(self._logits) if averaged else self._logits
        self._targets = dataset.target_reader(outputs, rows)
        self._gradient, self._scratch = np.empty((rows, outputs), dtype), LossScratch(rows, outputs, dtype)

    def evaluate(self, part: Part) -> Values | None:
        """Loss and metrics by name, prefixed by `part`; None if the loss or a prediction is not finite.

        The loss is the average over members; metrics are computed from the average of their predictions. With folds,
        both are those of the predictions out of fold.
        """
        dataset, predictions = self._dataset, self._predictions
        weight = self._weight()
        with np.errstate(all="ignore"):
            loss = (self._of_members() if self._held_out is None else self._out_of_fold(self._held_out)) / weight
        if not isfinite(loss) or not np.isfinite(predictions).all():
            return None
        scores = self._plan.score(predictions, dataset)
        return {f"{part}_loss": loss, **{f"{part}_{name}": value for name, value in scores.items()}}

    def _of_members(self) -> float:
        """Write the average prediction, and return the loss summed over rows, averaged over members."""
        logits, predictions, count = self._logits, self._predictions, len(self._members)
        sums = []
        for member, inference in enumerate(self._members):
            inference.logits(self._dataset.x, logits)
            sums.append(sum(self._losses()))
            self._plan.loss.link(logits, predictions if member == 0 else logits)
            if member > 0:
                np.add(predictions, logits, out=predictions)
        if count > 1:
            np.divide(predictions, count, out=predictions)
        weight = self._weight()
        self.member_losses = tuple(total / weight for total in sums) if count > 1 else ()
        return sum(sums) / count

    def _out_of_fold(self, held_out: Sequence[RowIndices]) -> float:
        """Write the predictions out of fold, and return their loss summed over rows."""
        sums = []
        for inference, rows in zip(self._members, held_out, strict=True):
            self._logits[rows] = inference.logits(self._dataset.x, chosen=rows)
            sums.append(sum(self._losses(rows)))
        self._plan.loss.link(self._logits, self._predictions)
        self.member_losses = tuple(
            total / weight if (weight := self._weight(rows)) else None
            for total, rows in zip(sums, held_out, strict=True)
        )
        return sum(sums)

    def _weight(self, rows: RowIndices | None = None) -> float:
        """Sum of the weights of all rows, or of some."""
        data = self._dataset
        if data.weight is None:
            return data.rows if rows is None else len(rows)
        return float((data.weight if rows is None else data.weight[rows]).sum())

    def _losses(self, chosen: RowIndices | None = None) -> Iterator[float]:
        """Yield the loss of each block of rows, summed over its rows; chosen: their indices, by default all."""
        data, block = self._dataset, len(self._gradient)
        for start in range(0, data.rows if chosen is None else len(chosen), block):
            if chosen is None:
                rows: slice | RowIndices = slice(start, min(start + block, data.rows))
                (target,) = self._targets.slice(start, min(start + block, data.rows))
            else:
                rows = chosen[start : start + block]
                (target,) = self._targets.take(rows)
            logits, weight = self._logits[rows], None if data.weight is None else data.weight[rows]
            count = len(logits)
            scratch = self._scratch.part(0, count, batch=count)
            yield self._plan.loss.value_and_gradient(logits, numbers(target), weight, self._gradient[:count], scratch)


def initial_values(plan: TrainingPlan) -> Values:
    """Loss and metrics of the validation rows before the first step; empty without such rows, and if not finite."""
    if plan.validation is None:
        return {}
    return Evaluator(plan, plan.new_state(), plan.validation).evaluate("validation") or {}
