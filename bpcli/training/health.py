"""Health of each layer at the end of an epoch: gradient, update, and dead or saturated units."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite, sqrt
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bpcli.arrays.memory import Array
from bpcli.documents.layer_health import LayerHealth
from bpcli.nn.network import Network

if TYPE_CHECKING:
    from bpcli.training.steps.base import Steps

SAMPLE_SHARE, LEAST_ROWS, MOST_ROWS = 32, 64, 256
"""Dead and saturated units are counted on every 32nd training row, but on at least 64 and at most 256 rows.

A forward pass over them costs a hundredth of an epoch; 64 rows miss a unit that is active on one row in 14 once in a
hundred.
"""

EXACT = 1e-30, 1e30
"""Range in which a float32 sum of squares loses nothing to underflow or overflow; outside, float64 is used."""


class HealthCheck:
    """Measures all layers with parameters after the last step of an epoch."""

    def __init__(self, steps: Steps) -> None:
        plan, state, self._steps = steps.plan, steps.state, steps
        network = plan.network
        self._layers = [layer.index for layer in network.layers if layer.parameters()]
        self._grads, self._before = (_by_layer(network, vectors) for vectors in (steps.grads, steps.before))
        depth = _depth(network)
        rows = _sample_size(plan.train.rows) if depth else 0
        self._network = network.first(depth)
        self._members = [
            (self._network.bind(params), self._network.bind_state(kept))
            for params, kept in zip(state.params, state.layer_state, strict=True)
        ]
        chosen = np.linspace(0, plan.train.rows - 1, rows).astype(np.intp)
        self._x = network.reader(plan.train.x, rows, plan.dtype).take(chosen)
        if depth:
            self._workspace = self._network.workspace(rows, plan.dtype, training=False)

    @staticmethod
    def bytes_needed(network: Network, rows: int, dtype: np.dtype[Any]) -> int:
        """Memory in bytes of counting dead and saturated units, with `rows` training rows."""
        passed = network.first(_depth(network))
        if not passed.layers:
            return 0
        sample = _sample_size(rows)
        scratch = sample * max(layer.n_out for layer in passed.layers) * (dtype.itemsize + 1)
        inputs = sample * network.stems.intake.numbers * dtype.itemsize
        return inputs + scratch + passed.workspace_bytes(sample, dtype, training=False)

    def look(self, epoch: int) -> tuple[LayerHealth, ...]:
        """Health of every layer with parameters, in order.

        Measures of the last step are None if these `Steps` did not take it.
        """
        with np.errstate(all="ignore"):
            stepped = self._of_step() if self._steps.ended == epoch else {}
            units = self._of_units()
        nothing = None, None
        return tuple(
            LayerHealth(index, *stepped.get(index, nothing), *units.get(index, nothing)) for index in self._layers
        )

    def _of_step(self) -> dict[int, tuple[float | None, float | None]]:
        """Gradient norm and update ratio by layer."""
        sizes = {index: _norm(self._before[index]) for index in self._layers}
        self._steps.change()  # overwrites `before`
        found = {}
        for index in self._layers:
            change, size = _norm(self._before[index]), sizes[index]
            ratio = change / size if size and change is not None else None
            found[index] = _norm(self._grads[index]), ratio if ratio is not None and isfinite(ratio) else None
        return found

    def _of_units(self) -> dict[int, tuple[float | None, float | None]]:
        """Shares of dead and of saturated units by layer, averaged over members."""
        found: dict[int, list[tuple[float | None, float | None]]] = {}
        for params, state in self._members if self._network.layers else ():
            passed = self._network.outputs(params, state, self._x, self._workspace)
            for layer, y in zip(self._network.layers, passed, strict=True):
                if layer.units is not None:
                    values = layer.by_unit(y)
                    shares = _share(layer.units.dead(values)), _share(layer.units.saturated(values))
                    found.setdefault(layer.index, []).append(shares)
        return {index: (_mean([dead for dead, _ in of]), _mean([sat for _, sat in of])) for index, of in found.items()}


def _by_layer(network: Network, vectors: Array) -> list[list[Array]]:
    """Flat arrays of each layer, for all members."""
    layers = zip(*map(network.bind, vectors), strict=True)
    return [[view.reshape(-1) for of_member in members for view in of_member.values()] for members in layers]


def _mean(shares: Sequence[float | None]) -> float | None:
    known = [share for share in shares if share is not None]
    return sum(known) / len(known) if known else None


def _sample_size(rows: int) -> int:
    return min(rows, max(LEAST_ROWS, min(MOST_ROWS, rows // SAMPLE_SHARE)))


def _depth(network: Network) -> int:
    """Number of layers in the forward pass: up to the last one whose units can die or saturate."""
    return max(
        (layer.index + 1 for layer in network.layers if layer.units is not None and layer.units.can_idle), default=0
    )


def _share(units: NDArray[np.bool_] | None) -> float | None:
    return None if units is None else float(np.count_nonzero(units) / units.size)


def _norm(parts: Sequence[Array]) -> float | None:
    """Euclidean norm of all arrays together; None if it is not finite."""
    total = sum(float(part.dot(part)) for part in parts)
    if not EXACT[0] < total < EXACT[1]:
        wide = [part.astype(np.float64) for part in parts]
        total = sum(float(part.dot(part)) for part in wide)
    return sqrt(total) if isfinite(total) else None
