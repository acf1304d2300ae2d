"""Initial parameters given in the config, which replace random ones."""

from __future__ import annotations

import numpy as np

from bpcli.arrays.memory import Array
from bpcli.config.experiment import ExperimentConfig
from bpcli.errors import Mismatch, MismatchError
from bpcli.nn.network import Network
from bpcli.wording import counted, listed, quoted, suggestion


def initial_parameters(config: ExperimentConfig, network: Network) -> dict[str, Array]:
    """Initial parameters from the config, by name. Raises MismatchError for unknown names and wrong shapes."""
    slots = {slot.name: slot for slot in network.layout.slots}
    given, mismatches = {}, []
    for name, values in config.initial_parameters.items():
        path = ("initial_parameters", name)
        if name not in slots:
            hint = suggestion(name, slots) or f"; it has {listed(slots)}"
            mismatches.append(Mismatch(path, f"the network has no parameter {quoted(name)}{hint}", at_key=True))
            continue
        widths = {len(row) if isinstance(row, tuple) else 0 for row in values}
        # Parameters other than weights are given flat, one number per unit or feature.
        shape = slots[name].shape if slots[name].weight else (slots[name].size,)
        if len(values) != shape[0] or widths != {shape[1] if len(shape) == 2 else 0}:
            rows = f"{counted(shape[0], 'row')}, one for each input, of " if len(shape) == 2 else ""
            mismatches.append(Mismatch(path, f"must be {rows}{counted(shape[-1], 'number')}"))
            continue
        given[name] = np.array(values, config.dtype).reshape(slots[name].shape)
    if mismatches:
        raise MismatchError(*mismatches)
    return given
