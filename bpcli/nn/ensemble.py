"""Inference of an ensemble: the answers of its members, combined."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bpcli.arrays.memory import Array, Features
from bpcli.arrays.rows import Rows
from bpcli.arrays.workspace import Workspace
from bpcli.nn.inference import Inference, of_members
from bpcli.nn.losses import LossBase
from bpcli.nn.losses.combination import MEAN_LOGITS
from bpcli.nn.network import Network


class EnsembleInference(Inference):
    """Networks of the same layers with parameters of their own; answers as one network.

    Its logits are those whose prediction is the mean of the members' predictions.
    """

    def __init__(
        self, network: Network, params: Array, state: Array, loss: LossBase, dtype: np.dtype[Any] | None = None
    ) -> None:
        """Take parameters (members, layout.size) and layer state (members, state_layout.size)."""
        self.network = network
        self.members = of_members(network, params, state, dtype)
        self._combination = loss.combination
        self._dtype = params.dtype if dtype is None else dtype

    @property
    def averaged(self) -> tuple[Inference, ...]:
        """The members, if their logits are averaged."""
        return self.members if self._combination is MEAN_LOGITS else ()

    @property
    def has_few_kinks(self) -> bool:
        """False: each member has kinks of its own."""
        return False

    @property
    def linear_in_pieces(self) -> bool:
        """Whether the logits are: those of the members are, and the mean is of logits."""
        return super().linear_in_pieces and self._combination is MEAN_LOGITS

    def logits(self, x: Rows, out: Array | None = None, chosen: NDArray[np.intp] | None = None) -> Array:
        """Logits (rows, n_out) of the encoded rows x, in `out` or else in the dtype of x."""
        rows = x.count if chosen is None else len(chosen)
        of_members = np.empty((len(self.members), rows, self.network.n_out), self._dtype)
        for member, logits in zip(self.members, of_members, strict=True):
            member.logits(x, logits, chosen)
        return self._combined(of_members, np.empty(of_members.shape[1:], x.dtype) if out is None else out)

    def out_of_fold(self, x: Rows, held_out: Sequence[NDArray[np.intp]]) -> Array:
        """Logits (rows, n_out) of the encoded rows x, each of the member that it is held out from.

        held_out: indices of the rows of each member, together all rows.
        """
        out = np.empty((x.count, self.network.n_out), x.dtype)
        for member, rows in zip(self.members, held_out, strict=True):
            out[rows] = member.logits(x, chosen=rows)
        return out

    def features(self, x: Rows) -> Array:
        """Features (rows, *shape) of encoded rows, which are those of every member."""
        return self.members[0].features(x)

    def outputs(self, features: Array) -> list[Array]:
        """Output of each layer: only a member has some. Raises TypeError."""
        raise TypeError("an ensemble has no layers; ask one of its members")

    def continued(self, layer: int, outputs: Array, workspace: Workspace | None = None) -> Array:
        """Logits (rows, n_out), computed from the outputs (rows, its n_out) of a layer of each; -1 for the features."""
        found = [member.continued(layer, outputs, workspace).copy() for member in self.members]
        return self._combined(np.stack(found))

    def weighted_sums(self, x: Array, layer: int) -> Array:
        """Pre-activations (rows, members · units) of a layer for features x, those of each member side by side."""
        return np.concatenate([member.weighted_sums(x, layer) for member in self.members], axis=1)

    def changed(self, sums: Array, features: Features, change: Array, workspace: Workspace | None = None) -> Array:
        """Logits (rows, n_out) after a change (rows, width) of some features."""
        units = self.network.layers[0].n_out
        ends = pairwise(range(0, sums.shape[1] + 1, units))
        parts = [np.ascontiguousarray(sums[:, start:stop]) for start, stop in ends]
        found = [
            member.changed(part, features, change, workspace).copy()
            for member, part in zip(self.members, parts, strict=True)
        ]
        return self._combined(np.stack(found))

    def input_gradient(self, x: Array, dlogits: Array) -> Array:
        """Gradient of Σ dlogits · logits with respect to the features x, (rows, width)."""
        logits = np.stack([member.continued(-1, x).copy() for member in self.members])
        slopes = self._combination.gradient(logits, dlogits)
        total = np.zeros_like(x)
        for member, slope in zip(self.members, slopes, strict=True):
            np.add(total, member.input_gradient(x, slope.copy()), out=total)
        return total

    def _combined(self, members: Array, out: Array | None = None) -> Array:
        with np.errstate(all="ignore"):
            logits = self._combination.logits(members)
        if out is None:
            return logits
        np.copyto(out, logits)
        return out


def inference_of(
    network: Network, params: Array, state: Array, loss: LossBase, dtype: np.dtype[Any] | None = None
) -> Inference:
    """Inference of a network with parameters (size,) or (1, size), or of an ensemble with (members, size)."""
    if params.ndim == 2 and len(params) > 1:
        return EnsembleInference(network, params, state, loss, dtype)
    return Inference(network, params.reshape(-1), state.reshape(-1), dtype)
