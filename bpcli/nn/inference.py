"""Forward passes in blocks of a fixed number of rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bpcli.arrays.expansion import Intake
from bpcli.arrays.fields import Grid, Input, numbers, sparse
from bpcli.arrays.memory import Array, Features
from bpcli.arrays.rows import Rows
from bpcli.arrays.workspace import Workspace
from bpcli.nn.layers import Views
from bpcli.nn.network import Network

BLOCK_ROWS = 240
"""Rows per forward pass, so that in float64 a row gives the same bits whatever other rows are predicted with it.

Matrix products choose their kernels by shape. OpenBLAS computes the rows that do not fill a tile with another kernel,
whose last bit may differ. 240 is a multiple of the tile height of all its x86 kernels, from Prescott to Skylake-X. In
float32 its Haswell kernel, which AMD's Zen also uses, rounds differently within a tile.
"""


class Inference:
    """A network with its parameters, for inference only.

    If `dtype` is that of the parameters (the default), later changes of `params` and `state` take effect. Otherwise
    the instance keeps converted copies. Threads may share an instance: each call uses a workspace of its own.
    """

    _dtype: np.dtype[Any]
    _workspaces: list[Workspace]

    def __init__(
        self,
        network: Network,
        params: Array,
        state: Array,
        dtype: np.dtype[Any] | None = None,
        beside: Inference | None = None,
    ) -> None:
        """beside: inference of the same network and dtype with other parameters, whose scratch memory to share."""
        dtype = params.dtype if dtype is None else dtype
        self.network = network
        self._flat = params.astype(dtype, copy=False)
        self._params = network.bind(self._flat)
        self._state = network.bind_state(state.astype(dtype, copy=False))
        if beside is None:
            self._workspaces = [network.workspace(BLOCK_ROWS, dtype, training=False)]
        else:
            self._workspaces = beside._workspaces
        self._dtype = dtype

    def narrowed(self, network: Network, columns: Mapping[str, NDArray[np.intp]]) -> Inference:
        """Copy for a network whose fields of tokens have some of the columns, which ascend, by name of the field."""
        flat = self.network.layout.narrowed(self._flat, network.layout, columns)
        found = Inference(network, flat, np.empty(network.state_layout.size, self._dtype))
        found._state = self._state
        return found

    @staticmethod
    def bytes_needed(network: Network, dtype: np.dtype[Any]) -> int:
        """Memory in bytes of an instance that converts its parameters to `dtype`, for one thread."""
        numbers = network.layout.size + network.state_layout.size
        return numbers * dtype.itemsize + network.workspace_bytes(BLOCK_ROWS, dtype, training=False)

    def logits(self, x: Rows, out: Array | None = None, chosen: NDArray[np.intp] | None = None) -> Array:
        """Logits (rows, n_out) of the encoded rows x, in `out` or else in the dtype of x; infinite on overflow.

        chosen: indices of the rows; by default all.
        """
        count = x.count if chosen is None else len(chosen)
        out = np.empty((count, self.network.n_out), x.dtype) if out is None else out
        reader, workspace = self.network.reader(x, BLOCK_ROWS, self._dtype), self._take_workspace()
        block: tuple[Array | None, ...] = ()
        for start in range(0, count, BLOCK_ROWS):
            end = min(start + BLOCK_ROWS, count)
            given = reader.slice(start, end) if chosen is None else reader.take(chosen[start:end])
            block = block or tuple(map(_block_of, given))
            rows = len(given[0])
            whole = tuple(map(_padded, block, given))
            with np.errstate(all="ignore"):
                out[start : start + rows] = self.network.forward(self._params, self._state, whole, workspace)[:rows]
        workspace.release()  # otherwise the workspace would keep the reader's memory alive
        self._workspaces.append(workspace)
        return out

    @property
    def parameters(self) -> tuple[Views, ...]:
        """Parameters of each trained stem, then of each layer, by name."""
        return (*self._params.stems, *self._params)

    @property
    def width(self) -> int:
        """Number of `features`: those of all fields, whose codes are one-hot."""
        return self.network.stems.width

    def features(self, x: Rows) -> Array:
        """Features (rows, width) of encoded rows, codes one-hot; a single field keeps its shape.

        They are what trained stems take; without these, what the first layer takes.
        """
        (features,) = Intake(x.signature).whole(x, self._dtype)
        return numbers(features).copy()

    def outputs(self, features: Array) -> list[Array]:
        """Output (rows, *out_shape) of each layer."""
        return [y.copy() for y in self._through(features.astype(self._dtype, copy=False), 0)]

    def continued(self, layer: int, outputs: Array, workspace: Workspace | None = None) -> Array:
        """Logits (rows, n_out), computed from the outputs (rows, its n_out) of a layer; layer -1 is the features.

        workspace: scratch memory as `scratch` gives it. The logits are then valid until it is used again.
        """
        *_, logits = self._through(outputs.astype(self._dtype, copy=False), layer + 1, workspace)
        return logits

    def scratch(self, rows: int) -> Workspace:
        """Scratch memory for passes of exactly `rows` rows through the layers, to be used by one thread at a time."""
        return self.network.trunk.workspace(rows, self._dtype, training=False)

    def weighted_sums(self, x: Array, layer: int) -> Array:
        """Pre-activations (rows, units) of a layer for features x of the network."""
        inputs = x if layer else self._joined(x)
        for y in islice(self._through(x, 0), layer):
            inputs = y
        return self.network.layers[layer].weighted_sums(self._params[layer], inputs)

    @property
    def averaged(self) -> tuple[Inference, ...]:
        """Members whose logits are averaged; none for one network, and where predictions are averaged."""
        return ()

    @property
    def takes_images(self) -> bool:
        """Whether a layer takes images or series."""
        stems = (stem.layer for stem in self.network.stems.trained)
        return any(isinstance(layer.in_shape, Grid) for layer in (*stems, *self.network.layers))

    @property
    def has_few_kinks(self) -> bool:
        """Whether the kinks of all units along a path are few enough to be followed one by one: not those of images."""
        return not self.takes_images

    @property
    def linear_in_pieces(self) -> bool:
        """Whether the logits are a piecewise linear function of the features."""
        stems = (stem.layer for stem in self.network.stems.trained)
        return all(layer.linear_in_pieces for layer in (*stems, *self.network.layers))

    @property
    def takes_changes(self) -> bool:
        """Whether the first layer multiplies its input with a weight, as `changed` requires."""
        return self.network.layers[0].gathers and not self.network.stems.trained

    def changed(self, sums: Array, features: Features, change: Array, workspace: Workspace | None = None) -> Array:
        """Logits (rows, n_out) after a change (rows, width) of some features.

        sums: weighted sums of the first layer before the change, (rows, units). workspace: as for `continued`.
        """
        layer, weight = self.network.layers[0], self._params[0]["weight"][features]
        y = layer.activated(sums + change.dot(weight))
        return y if len(self.network.layers) == 1 else self.continued(0, y, workspace)

    def input_gradient(self, x: Array, dlogits: Array) -> Array:
        """Gradient of Σ dlogits · logits with respect to the features x, (rows, width). Overwrites `dlogits`."""
        network = self.network.trunk
        workspace = network.workspace(len(x), self._dtype, training=False)
        network.forward(self._params, self._state, (self._joined(x),), workspace)
        steps = zip(network.layers, self._params, self._state, workspace.layers, strict=True)
        for layer, params, state, work in reversed(list(steps)):
            dlogits = layer.input_gradient(params, state, dlogits, work)
        return self.network.stems.expanded_gradient(self._params.stems, self._state.stems, x, dlogits).reshape(x.shape)

    def _joined(self, features: Array) -> Array:
        """Input of the first layer for `features`."""
        features = features.astype(self._dtype, copy=False)
        return self.network.stems.of_expanded(self._params.stems, self._state.stems, features)

    def _through(self, y: Array, first: int, workspace: Workspace | None = None) -> Iterator[Array]:
        """Yield the output of each layer from `first` on. Each array is valid only until the next one is requested."""
        network = self.network.trunk
        workspace = self.scratch(len(y)) if workspace is None else workspace
        layers = zip(network.layers, self._params, self._state, workspace.layers, strict=True)
        if first == 0:
            y = self._joined(y)
        elif first < len(network.layers):
            y = y.reshape(len(y), *network.layers[first].in_shape)
        for layer, params, state, work in islice(layers, first, None):
            y = layer.forward(params, state, y, work, None)
            yield y

    def _take_workspace(self) -> Workspace:
        try:
            return self._workspaces.pop()
        except IndexError:  # all of them are in use
            return self.network.workspace(BLOCK_ROWS, self._dtype, training=False)


def of_members(
    network: Network, params: Array, state: Array, dtype: np.dtype[Any] | None = None
) -> tuple[Inference, ...]:
    """Inference of each member, with parameters (members, size); they share scratch memory."""
    found: list[Inference] = []
    for of_member, kept in zip(params, state, strict=True):
        found.append(Inference(network, of_member, kept, dtype, found[0] if found else None))
    return tuple(found)


def _block_of(values: Input) -> Array | None:
    """Memory of a block of rows of an array; tokens need none."""
    return np.empty((BLOCK_ROWS, *values.shape[1:]), values.dtype) if isinstance(values, np.ndarray) else None


def _padded(block: Array | None, values: Input) -> Input:
    """Rows followed by zeros, up to BLOCK_ROWS, in the memory of a block."""
    if block is None or not isinstance(values, np.ndarray):
        return sparse(values).padded(BLOCK_ROWS)
    block[: len(values)], block[len(values) :] = values, 0
    return block
