"""Integrated gradients: attribution of a network's output to its inputs along the straight path from a baseline.

Sundararajan, Taly and Yan 2017, "Axiomatic attribution for deep networks", equation 1: along x(t) = b + t (x - b),
input i contributes (x_i - b_i) ∫ ∂F/∂x_i dt. The contributions sum to F(x) - F(b) for any network ("completeness").
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray

from bpcli.arrays.memory import Array
from bpcli.frozen import dataclass
from bpcli.inspection.track import Track, untracked
from bpcli.nn.inference import Inference

NODES, PIECES = 8, 4
"""Nodes of Gauss-Legendre quadrature per piece, and initial pieces per path of a network that is not piecewise linear.

Completeness of a single piece would not be enough: errors of the inputs could cancel in the sum.
"""

TOLERANCE = 1e-10
"""Completeness error tolerated per piece, relative to the larger output at the ends of the path."""

ROUNDS = 12
"""Maximum number of times that an incomplete piece is halved."""

ROUGH_TOLERANCE, ROUGH_ROUNDS = 1e-3, 4
"""Both for an ensemble of averaged probabilities, which has too many kinks to follow. What is left is spread."""

OF_IMAGES = 1e-2, 2
"""Both for images, whose convolutions have thousands of kinks and take a hundred times as long."""

MOST_NUMBERS = 1 << 20
"""Maximum number of layer outputs for a block's points, so that they fit the cache of a core."""

MOST_PIECES = 1 << 14
"""Maximum number of incomplete pieces per block of rows that are halved; beyond it refinement stops, as rounding may
keep them incomplete."""

STAGE = "integrated gradients"


@dataclass(frozen=True)
class Pieces:
    """Pieces of the rows' paths, each from `start` to `stop` within [0, 1], in order. All arrays are (pieces,)."""

    row: NDArray[np.intp]
    start: NDArray[np.float64]
    stop: NDArray[np.float64]

    def __getitem__(self, chosen: NDArray[np.bool_]) -> Pieces:
        return Pieces(self.row[chosen], self.start[chosen], self.stop[chosen])

    @classmethod
    def whole(cls, rows: int, pieces: int) -> Pieces:
        """Split the whole path of each row into pieces of equal length."""
        ends = np.linspace(0.0, 1.0, pieces + 1)
        return cls(np.repeat(np.arange(rows), pieces), np.tile(ends[:-1], rows), np.tile(ends[1:], rows))

    def cut(self, piece: NDArray[np.intp], share: NDArray[np.float64]) -> Pieces:
        """Split each listed piece at a share of its length. A piece may be listed several times."""
        owner = np.concatenate([np.arange(len(self.row)), piece])
        start = np.concatenate([self.start, self.start[piece] + share * (self.stop - self.start)[piece]])
        order = np.lexsort((start, owner))
        owner, start = owner[order], start[order]
        stop = self.stop[owner]
        inner = owner[1:] == owner[:-1]
        stop[:-1][inner] = start[1:][inner]
        return Pieces(self.row[owner], start, stop)

    def halves(self) -> Pieces:
        """Split every piece in half."""
        return self.cut(np.arange(len(self.row)), np.full(len(self.row), 0.5))


class Ways:
    """Straight paths from a baseline (inputs,) to rows (rows, inputs), and a weighted sum of the logits along them.

    `weights` (rows, logits) are the weights of the sum. All arrays, and the network, are float64.
    """

    def __init__(self, inference: Inference, baseline: Array, x: Array, weights: Array) -> None:
        self._inference, self._baseline, self._weights = inference, baseline, weights
        self._steps = x - baseline
        layers = inference.network.layers
        self._bends = [layer.index for layer in layers if layer.bends]
        self.has_few_kinks = inference.has_few_kinks
        self.linear_in_pieces = inference.linear_in_pieces and self.has_few_kinks

    @property
    def limits(self) -> tuple[float, int]:
        """Tolerance and rounds."""
        if self.has_few_kinks:
            return TOLERANCE, ROUNDS
        return OF_IMAGES if self._inference.takes_images else (ROUGH_TOLERANCE, ROUGH_ROUNDS)

    def answers(self, row: NDArray[np.intp], t: NDArray[np.float64]) -> Array:
        """Weighted sum of the logits at points of the paths, (points,)."""
        logits = self._inference.continued(-1, self._points(row, t))
        sums: Array = np.einsum("pk,pk->p", logits, self._weights[row])
        return sums

    def bent(self, pieces: Pieces) -> Pieces:
        """Split pieces where a pre-activation crosses the kink of its activation at 0.

        Layers are processed in order: between the kinks of the earlier layers, a pre-activation of a piecewise linear
        network is linear along the path, so that the crossing is exact. In other networks it is approximate.
        """
        for layer in self._bends if self.has_few_kinks else ():
            before, after = _at_ends(pieces, partial(self._sums, layer))
            piece, neuron = np.nonzero(np.signbit(before) != np.signbit(after))
            before, after = before[piece, neuron], after[piece, neuron]
            with np.errstate(invalid="ignore"):
                share = before / (before - after)
            inside = (share > 0.0) & (share < 1.0)
            pieces = pieces.cut(piece[inside], share[inside])
        return pieces

    def integrals(self, pieces: Pieces, nodes: int, firsts: NDArray[np.intp]) -> Array:
        """Contributions of groups of inputs on each piece, (pieces, groups).

        A group is the inputs from one of `firsts` to the next.
        """
        places, shares = np.polynomial.legendre.leggauss(nodes)
        lengths = pieces.stop - pieces.start
        t = pieces.start[:, None] + lengths[:, None] * (places + 1.0) / 2.0
        row = np.repeat(pieces.row, nodes)
        slopes = self._inference.input_gradient(self._points(row, t.reshape(-1)), self._weights[row])
        means = (shares / 2.0) @ slopes.reshape(len(lengths), nodes, -1)
        np.multiply(means, self._steps[pieces.row], out=means)
        np.multiply(means, lengths[:, None], out=means)
        added: Array = np.add.reduceat(means, firsts, axis=1)
        return added

    def _sums(self, layer: int, row: NDArray[np.intp], t: NDArray[np.float64]) -> Array:
        return self._inference.weighted_sums(self._points(row, t), layer)

    def _points(self, row: NDArray[np.intp], t: NDArray[np.float64]) -> Array:
        points: Array = self._steps[row]
        np.multiply(points, t[:, None], out=points)
        np.add(points, self._baseline, out=points)
        return points


@dataclass(frozen=True)
class Integrated:
    """Sum of logits at the baseline and at the rows, and contributions of groups of inputs to their difference.

    baseline, answer: (rows,). added: (rows, groups). left: completeness error (rows,), a few roundings if the network
    is piecewise linear, otherwise up to TOLERANCE per piece.
    """

    baseline: Array
    answer: Array
    added: Array
    left: Array


def integrated_gradients(
    inference: Inference,
    baseline: Array,
    x: Array,
    weights: Array,
    firsts: NDArray[np.intp],
    pieces: int = PIECES,
    track: Track = untracked,
) -> Integrated:
    """Contributions of groups of inputs to Σ weights · logits, along the path from a baseline to each row.

    baseline: (inputs,). x: (rows, inputs). weights: (rows, logits). firsts: first input of each group, ascending from
    0. All arrays, and the inference, are float64. pieces: initial ones of a path, if the network
    is not piecewise linear.

    Those of an ensemble whose logits are averaged are the average of its members' contributions. If probabilities are
    averaged, and for images, the integral is found within a rough tolerance of the answer, and the rest is spread in
    proportion to the contributions, so that they add up.
    """
    if inference.averaged:
        averaged = track(inference.averaged, STAGE)
        members = [integrated_gradients(member, baseline, x, weights, firsts, pieces) for member in averaged]
        return Integrated(*(np.mean(arrays, axis=0) for arrays in zip(*map(_arrays, members), strict=True)))
    layers = inference.network.layers
    points = 1 + NODES * pieces + (inference.network.units if inference.has_few_kinks else 0)
    numbers = points * (inference.width + sum(layer.n_out for layer in layers))
    block = max(1, MOST_NUMBERS // numbers)
    result = Integrated(np.empty(len(x)), np.empty(len(x)), np.empty((len(x), len(firsts))), np.empty(len(x)))
    for start in track(range(0, len(x), block), STAGE):
        rows = slice(start, start + block)
        found = _along(Ways(inference, baseline, x[rows], weights[rows]), len(x[rows]), firsts, pieces)
        result.baseline[rows], result.answer[rows] = found.baseline, found.answer
        result.added[rows], result.left[rows] = found.added, found.left
    return result


def _along(ways: Ways, rows: int, firsts: NDArray[np.intp], initial: int) -> Integrated:
    every = np.arange(rows)
    low, high = ways.answers(every, np.zeros(rows)), ways.answers(every, np.ones(rows))
    tolerance, rounds = ways.limits
    allowed = tolerance * np.maximum(np.abs(low), np.abs(high))
    nodes = 1 if ways.linear_in_pieces else NODES
    pieces = ways.bent(Pieces.whole(rows, 1 if ways.linear_in_pieces else initial))
    complete = np.zeros((rows, len(firsts)))
    for _ in range(rounds):
        parts = ways.integrals(pieces, nodes, firsts)
        added = complete.copy()
        _add_by_row(pieces.row, parts, added)
        left = high - low - added.sum(axis=1)
        far = np.abs(left) > allowed
        if not far.any():
            break
        before, after = _at_ends(pieces, ways.answers)
        bad = far[pieces.row] & (np.abs(after - before - parts.sum(axis=1)) > allowed[pieces.row])
        if not bad.any() or np.count_nonzero(bad) > MOST_PIECES:
            break
        _add_by_row(pieces.row[~bad], parts[~bad], complete)
        pieces = ways.bent(pieces[bad].halves())
    if not ways.has_few_kinks:
        sizes = np.abs(added) + np.finfo(np.float64).tiny
        added = added + left[:, None] * (sizes / sizes.sum(axis=1, keepdims=True))
        left = high - low - added.sum(axis=1)
    return Integrated(low, high, added, left)


def _arrays(found: Integrated) -> tuple[Array, ...]:
    return found.baseline, found.answer, found.added, found.left


def _add_by_row(row: NDArray[np.intp], parts: Array, out: Array) -> None:
    """Add each part to its row of `out`. `row` is sorted."""
    firsts = np.flatnonzero(np.diff(row, prepend=-1))
    out[row[firsts]] += np.add.reduceat(parts, firsts, axis=0)


def _at_ends(pieces: Pieces, function: Callable[[NDArray[np.intp], NDArray[np.float64]], Array]) -> tuple[Array, Array]:
    """Evaluate a function of row and position at both ends of each piece, reusing the values at shared ends."""
    apart = np.append((pieces.row[1:] != pieces.row[:-1]) | (pieces.start[1:] != pieces.stop[:-1]), True)
    before = function(pieces.row, pieces.start)
    after = np.concatenate([before[1:], before[:1]])
    after[apart] = function(pieces.row[apart], pieces.stop[apart])
    return before, after
