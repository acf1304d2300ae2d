"""Attributions: contribution of each input column to the prediction of a row, relative to an average row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from bpcli.data.columns.text_input import TextInput
from bpcli.data.table import Table
from bpcli.frozen import dataclass
from bpcli.inspection.integrated_gradients import NODES, PIECES, STAGE, Integrated, integrated_gradients
from bpcli.inspection.sampling import MOST_MULTIPLICATIONS, MOST_NUMBERS, evenly_spaced
from bpcli.inspection.terms import TermContributions
from bpcli.inspection.track import Track, untracked
from bpcli.models.model import Model
from bpcli.models.narrowed import blocks_of, narrowed, text_names
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
    rounding of a float32 model's prediction, are distributed over its columns in proportion to |contribution|. terms:
    contributions of the terms of each column of texts, which add up to that of the column.
    """

    meaning: str
    columns: tuple[str, ...]
    outputs: tuple[str, ...]
    explained: Numbers
    baseline: Numbers
    contributions: Numbers
    remainder: float
    terms: tuple[TermContributions, ...] = ()

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
    if text_names(model) and table.rows:
        blocks = [table.take(rows) for rows in blocks_of(model, table, MOST_NUMBERS)]
        return _joined([_attributions(narrowed(model, block), block, pieces) for block in track(blocks, STAGE)])
    return _attributions(model, table, pieces, track)


def _attributions(model: Model, table: Table, pieces: int, track: Track = untracked) -> Attributions:
    """Attributions of rows whose features fit in memory."""
    exact = np.dtype(np.float64)
    with np.errstate(all="ignore"), model.threads.single():
        encoded, _ = model.preprocessor.encode(table, model.dtype)
        logits = model.logits(encoded)
        predicted = outcome_of(model.target, model.loss, logits, model.decision).predicted
        parts = model.preprocessor.parts
        x = model.inference.features(encoded).reshape(table.rows, model.inference.width)
        average = model.preprocessor.average(model.dtype).astype(exact)
        widths = np.array([part.width for part in parts])
        groups = np.array([part.width if isinstance(part, TextInput) else min(part.width, 1) for part in parts])
        firsts = _firsts(widths, groups)
        found = [
            integrated_gradients(model.inference, average, x, weights, firsts, pieces, track)
            for weights in model.target.explained_weights(predicted)
        ]
    offsets = model.target.explained_offsets
    baseline = np.column_stack([one.baseline for one in found]) + offsets
    # The prediction itself before it is clipped, with logits rounded to the model's dtype. Its link is the identity.
    in_units = model.target.in_units(logits) if model.target.explains_prediction(model.loss) else None
    explained = np.column_stack([one.answer for one in found]) + offsets if in_units is None else in_units
    added = np.empty((len(x), len(found), len(firsts)))
    for index, one in enumerate(found):
        lacking = explained[:, index] - baseline[:, index] - one.added.sum(axis=1)
        added[:, index] = _with_error_distributed(one.added, lacking)
    contributions = np.zeros((len(x), len(found), len(widths)))
    ends = np.cumsum(groups)
    contributions[..., widths > 0] = np.add.reduceat(added, (ends - groups)[widths > 0], axis=2)
    return Attributions(
        meaning=explained_output(model),
        columns=tuple(part.name for part in parts),
        outputs=explained_names(model),
        explained=explained,
        baseline=baseline,
        contributions=contributions,
        remainder=max(_largest_share(one) for one in found),
        terms=tuple(
            TermContributions.of(part, x[:, stop - part.width : stop], added[..., end - part.width : end])
            for part, stop, end in zip(parts, np.cumsum(widths).tolist(), ends.tolist(), strict=True)
            if isinstance(part, TextInput)
        ),
    )


def _firsts(widths: NDArray[np.intp], groups: NDArray[np.intp]) -> NDArray[np.intp]:
    """First feature of each group; widths, groups: features and groups of each part."""
    starts = np.cumsum(widths) - widths
    within = np.arange(groups.sum()) - np.repeat(np.cumsum(groups) - groups, groups)
    return np.asarray(np.repeat(starts, groups) + within)


def _joined(found: Sequence[Attributions]) -> Attributions:
    """Attributions of rows in blocks."""
    return replace(
        found[0],
        explained=np.concatenate([one.explained for one in found]),
        baseline=np.concatenate([one.baseline for one in found]),
        contributions=np.concatenate([one.contributions for one in found]),
        remainder=max(one.remainder for one in found),
        terms=tuple(map(TermContributions.joined, zip(*(one.terms for one in found), strict=True))),
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
