"""Attributions: contribution of each input column to the prediction of a row, relative to an average row."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bpcli.data.table import Table
from bpcli.inspection.integrated_gradients import NODES, PIECES, Integrated, integrated_gradients
from bpcli.inspection.sampling import MOST_MULTIPLICATIONS, evenly_spaced
from bpcli.inspection.track import Track, untracked
from bpcli.models.model import Model
from bpcli.training.scoring import outcome_of

Numbers = NDArray[np.float64]

MOST_ROWS = 2_000
"""Maximum number of rows in a mean of attributions."""

LEAST_IMAGES = 10
"""Minimum number of images in a mean, if there are as many."""

OF_IMAGES = 6e9
"""Number of multiplications for images in a mean, about a second: three passes at each node, and half as many again
twice, where a piece is halved."""


@dataclass(frozen=True)
class Attributions:
    """Attributions of rows: baseline + contributions.sum(axis=2) equals `explained` up to rounding.

    meaning: description of the explained quantity. outputs: names of the targets or labels; a single empty name if
    there is only one. explained, baseline: (rows, outputs). contributions: (rows, outputs, columns). remainder: largest
    completeness error of the integration, relative to the larger of explained and baseline. The error of a row, and the
    rounding of a float32 model's prediction, are distributed over its columns in proportion to |contribution|.
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
        """Mean |contribution| over rows and outputs, (columns,)."""
        found: Numbers = np.abs(self.contributions).mean(axis=(0, 1))
        return found


def attributions(model: Model, table: Table, pieces: int = PIECES, track: Track = untracked) -> Attributions:
    """Integrated gradients of `explained_output` by input column. Needs no target.

    The baseline is the output for an average row: the training mean of each number, the training shares of the
    categories, nothing missing. pieces: see `integrated_gradients`.

    Raises:
        DataError: an output is not finite.
    """
    exact = np.dtype(np.float64)
    with np.errstate(all="ignore"), model.threads.single():
        encoded, _ = model.preprocessor.encode(table, model.dtype)
        logits = model.logits(encoded)
        predicted = outcome_of(model.target, model.loss, logits, model.decision).predicted
        x = model.inference.features(encoded).reshape(table.rows, model.inference.width)
        average = model.preprocessor.average(model.dtype).astype(exact)
        widths = np.array([part.width for part in model.preprocessor.parts])
        firsts = (np.cumsum(widths) - widths)[widths > 0]
        found = [
            integrated_gradients(model.inference, average, x, weights, firsts, pieces, track)
            for weights in model.target.explained_weights(predicted)
        ]
    offsets = model.target.explained_offsets
    baseline = np.column_stack([one.baseline for one in found]) + offsets
    # The prediction itself before it is clipped, with logits rounded to the model's dtype. Its link is the identity.
    in_units = model.target.in_units(logits) if model.target.explains_prediction(model.loss) else None
    explained = np.column_stack([one.answer for one in found]) + offsets if in_units is None else in_units
    contributions = np.zeros((len(x), len(found), len(widths)))
    for index, one in enumerate(found):
        lacking = explained[:, index] - baseline[:, index] - one.added.sum(axis=1)
        contributions[:, index, widths > 0] = _with_error_distributed(one.added, lacking)
    return Attributions(
        meaning=explained_output(model),
        columns=tuple(part.name for part in model.preprocessor.parts),
        outputs=explained_names(model),
        explained=explained,
        baseline=baseline,
        contributions=contributions,
        remainder=max(_largest_share(one) for one in found),
    )


def sampled_attributions(model: Model, table: Table, track: Track = untracked) -> Attributions:
    """Attributions of evenly spaced rows: at most MOST_ROWS, fewer if the network is expensive to evaluate."""
    network, outputs = model.inference.network, len(explained_names(model))
    if model.inference.takes_images:
        return attributions(model, table.take(rows_of_images(model, table)), pieces=1, track=track)
    # In a piecewise linear network, a path has about one piece per neuron, and each piece takes three passes.
    cost = 3 * network.multiplications * network.units * outputs
    chosen = evenly_spaced(table.rows, min(MOST_ROWS, MOST_MULTIPLICATIONS / cost))
    return attributions(model, table.take(chosen), track=track)


def rows_of_images(model: Model, table: Table) -> NDArray[np.intp]:
    """Indices of evenly spaced images, which are attributed in about a second by paths of one piece."""
    cost = 6 * NODES * model.inference.network.multiplications * model.members * len(explained_names(model))
    return evenly_spaced(table.rows, min(MOST_ROWS, OF_IMAGES / cost), LEAST_IMAGES)


def explained_output(model: Model) -> str:
    """Description of the explained quantity."""
    before = "" if model.decision.calibration is None else ", before calibration"
    return f"{model.target.explained(model.loss)}{before}"


def explained_names(model: Model) -> tuple[str, ...]:
    """Names of the targets or labels; a single empty name if there is only one."""
    target = model.preprocessor.target
    return tuple(target.names) if len(target.names) > 1 and not target.class_names else ("",)


def _with_error_distributed(added: Numbers, lacking: Numbers) -> Numbers:
    """Contributions (rows, groups), with the error (rows,) of their sum distributed in proportion to their size."""
    sizes = np.abs(added)
    totals = sizes.sum(axis=1, keepdims=True)
    shares = np.divide(sizes, totals, out=np.full_like(sizes, 1.0 / sizes.shape[1]), where=totals > 0.0)
    spread: Numbers = added + shares * lacking[:, None]
    return spread


def _largest_share(found: Integrated) -> float:
    sizes = np.maximum(np.abs(found.answer), np.abs(found.baseline))
    return float(np.max(np.abs(found.left) / np.where(sizes > 0.0, sizes, 1.0), initial=0.0))
