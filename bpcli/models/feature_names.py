"""What inputs, neurons and outputs of a network are called: by the user's columns and classes where there are such."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bpcli.data.preprocess import Preprocessor
from bpcli.nn.network import Network


@dataclass(frozen=True)
class Names:
    """Names of the network's inputs, and of what each layer puts out, which are those of the next one's inputs."""

    inputs: tuple[str, ...]
    outputs: tuple[tuple[str, ...], ...]

    @classmethod
    def of(cls, network: Network, preprocessor: Preprocessor) -> Names:
        """Of hidden neurons `neuron 0` and so on; layers that keep their width keep the names."""
        inputs = names = tuple(preprocessor.features)
        outputs = []
        for layer in network.layers[:-1]:
            names = layer.output_names(names)
            outputs.append(names)
        return cls(inputs, (*outputs, preprocessor.target.logit_names))

    def into(self, layer: int) -> tuple[str, ...]:
        """The inputs of a layer."""
        return self.outputs[layer - 1] if layer else self.inputs

    def place(self, layer: int, place: tuple[int, ...]) -> str:
        """What a parameter at a place of its array belongs to: `mass → neuron 3` for a weight, else `neuron 3`."""
        of = self.outputs[layer][place[-1]]
        return of if len(place) == 1 else f"{self.into(layer)[place[0]]} → {of}"


def parameter_name(network: Network, index: int) -> tuple[str, int, str, tuple[int, ...]]:
    """Where a number of the flat vector stands: `layers.0.weight[3, 5]`, layer 0, `weight`, (3, 5)."""
    for slot in network.layout.slots:
        if index < slot.size:
            place = tuple(int(i) for i in np.unravel_index(index, slot.shape))
            _, layer, name = slot.name.split(".")
            return f"{slot.name}[{', '.join(map(str, place))}]", int(layer), name, place
        index -= slot.size
    raise IndexError("the network has no such parameter")
