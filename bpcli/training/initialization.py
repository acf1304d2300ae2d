"""Initial parameters that depend on training rows."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from bpcli.arrays.fields import numbers
from bpcli.arrays.memory import Array
from bpcli.arrays.rows import Rows
from bpcli.nn.network import Network, layer_name
from bpcli.randomness import Stream

MOST_ROWS = 500
"""Number of rows that initial parameters are fitted to, as in RealMLP."""

OF_ROWS, OF_LAYERS = 1, 2
"""Epochs of the stream `initialize` from which rows and layers draw; layers without rows draw from epoch 0."""


def initialize_by_rows(
    network: Network,
    params: Array,
    state: Array,
    x: Rows,
    rows: NDArray[np.intp],
    stream: Stream,
    member: int,
    given: Collection[str] = (),
) -> None:
    """Adapt the initial parameters of a member, (layout.size,), to up to MOST_ROWS of its training rows.

    Each layer sees what the layers before it make of the rows. Layers of which `given` names a parameter are left as
    they are. Raises TypeError for a first layer that takes tokens.
    """
    network = network.expanded
    chosen = np.sort(stream.at(OF_ROWS, member=member).permutation(rows)[:MOST_ROWS])
    workspace = network.workspace(len(chosen), params.dtype, training=False)
    bound, bound_state = network.bind(params), network.bind_state(state)
    fields = network.reader(x, len(chosen), params.dtype).take(chosen)
    with np.errstate(all="ignore"):
        stems = network.stems
        if stems.is_plain:
            y = numbers(fields[0])
        else:
            y = stems.features(bound.stems, bound_state.stems, fields, workspace, None)
        for layer, p, s, work in zip(network.layers, bound, bound_state, workspace.layers, strict=True):
            if layer.initialized_by_rows and not any(f"{layer_name(layer)}.{name}" in given for name in p):
                layer.initialize_by_rows(p, y, stream.at(OF_LAYERS, index=layer.index, member=member))
            y = layer.forward(p, s, y, work, None)
