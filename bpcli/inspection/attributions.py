"""What each input column adds to a model's answer to a row, beside its answer to an average row."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bpcli.data.table import Table
from bpcli.inspection.integrated_gradients import Integrated, integrated_gradients
from bpcli.inspection.sampling import MOST_MULTIPLICATIONS, evenly_spaced
from bpcli.models.model import Model
from bpcli.training.scoring import require_finite

Numbers = NDArray[np.float64]

MOST_ROWS = 2_000
"""Rows that stand for all where a mean over them is wanted."""


@dataclass(frozen=True)
class Attributions:
    """For each row: baseline + contributions.sum(axis=2) is `explained`, to rounding.

    meaning: what is explained, in words. outputs: its names, a single empty one but for several targets or labels.
    explained, baseline: (rows, outputs). contributions: (rows, outputs, columns). remainder: the most that integration
    left over, as a share of the larger of explained and baseline. It is shared out among a row's columns by their size,
    as is what a float32 model rounds off its prediction.
    """

    meaning: str
    columns: tuple[str, ...]
    outputs: tuple[str, ...]
    explained: Numbers
    baseline: Numbers
    contributions: Numbers
    remainder: float

    @property
    def importance(self) -> Numbers:
        """The mean of |contribution| over rows and outputs, (columns,)."""
        found: Numbers = np.abs(self.contributions).mean(axis=(0, 1))
        return found


def attributions(model: Model, table: Table) -> Attributions:
    """Integrated gradients of what `explained_output` says, by input column, for rows that need no target.

    The baseline is the answer to an average row: each number at the mean of the training rows, each category by its
    share of them, nothing missing.

    Raises:
        DataError: the answer to a row is not finite.
    """
    exact = np.dtype(np.float64)
    with np.errstate(all="ignore"), model.threads.single():
        encoded, _ = model.preprocessor.encode(table, model.dtype)
        predictions = model.predictions(encoded)
        require_finite(predictions)
        predicted = model.target.outcome(predictions, model.loss).predicted
        x = model.inference.features(encoded).reshape(table.rows, model.inference.network.n_in)
        average = model.preprocessor.average(model.dtype).astype(exact)
        widths = np.array([part.width for part in model.preprocessor.parts])
        firsts = (np.cumsum(widths) - widths)[widths > 0]
        found = [
            integrated_gradients(model.inference, average, x, weights, firsts)
            for weights in model.target.explained_weights(predicted)
        ]
    offsets = model.target.explained_offsets
    baseline = np.column_stack([one.baseline for one in found]) + offsets
    # The prediction itself, whose logits were rounded to the model's dtype.
    explained = (
        predicted
        if model.target.explains_prediction(model.loss)
        else np.column_stack([one.answer for one in found]) + offsets
    )
    contributions = np.zeros((len(x), len(found), len(widths)))
    for index, one in enumerate(found):
        lacking = explained[:, index] - baseline[:, index] - one.added.sum(axis=1)
        contributions[:, index, widths > 0] = _shared_out(one.added, lacking)
    return Attributions(
        meaning=explained_output(model),
        columns=tuple(part.name for part in model.preprocessor.parts),
        outputs=explained_names(model),
        explained=explained,
        baseline=baseline,
        contributions=contributions,
        remainder=max(_largest_share(one) for one in found),
    )


def sampled_attributions(model: Model, table: Table) -> Attributions:
    """The same of evenly spaced rows, so many that it takes some seconds; their mean needs no more than MOST_ROWS."""
    network = model.inference.network
    # Of a piecewise linear network a row's way has about as many pieces as there are neurons; each takes three passes.
    cost = 3 * network.multiplications * network.units * len(explained_names(model))
    return attributions(model, table.take(evenly_spaced(table.rows, min(MOST_ROWS, MOST_MULTIPLICATIONS / cost))))


def explained_output(model: Model) -> str:
    """What is explained, in words."""
    return model.target.explained(model.loss)


def explained_names(model: Model) -> tuple[str, ...]:
    """The targets or labels where there are several, else one empty name."""
    names = model.preprocessor.target.names
    return tuple(names) if len(names) > 1 else ("",)


def _shared_out(added: Numbers, lacking: Numbers) -> Numbers:
    """What each group adds (rows, groups), and of what the sum lacks (rows,) a share that goes by its size."""
    sizes = np.abs(added)
    totals = sizes.sum(axis=1, keepdims=True)
    shares = np.divide(sizes, totals, out=np.full_like(sizes, 1.0 / sizes.shape[1]), where=totals > 0.0)
    spread: Numbers = added + shares * lacking[:, None]
    return spread


def _largest_share(found: Integrated) -> float:
    sizes = np.maximum(np.abs(found.answer), np.abs(found.baseline))
    return float(np.max(np.abs(found.left) / np.where(sizes > 0.0, sizes, 1.0), initial=0.0))
