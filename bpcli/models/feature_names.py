"""Names of a network's inputs, neurons and outputs, from columns and classes if possible."""

from __future__ import annotations

import numpy as np

from bpcli.data.preprocess import Preprocessor
from bpcli.data.preprocess.image_inputs import images_among
from bpcli.frozen import dataclass
from bpcli.nn.named_layers import layer_of, named_layers
from bpcli.nn.network import Network


@dataclass(frozen=True)
class Names:
    """Names of the network's inputs and of each layer's outputs, which are the next layer's inputs."""

    inputs: tuple[str, ...]
    outputs: tuple[tuple[str, ...], ...]

    @classmethod
    def of(cls, network: Network, preprocessor: Preprocessor) -> Names:
        """Names for a network. Hidden neurons are `neuron 0` and so on; layers that keep the width keep the names."""
        inputs = names = _inputs(network, preprocessor)
        outputs = []
        for layer in network.layers[:-1]:
            names = layer.output_names(names)
            outputs.append(names)
        return cls(inputs, (*outputs, preprocessor.target.logit_names))

    def into(self, layer: int) -> tuple[str, ...]:
        """Names of a layer's inputs."""
        return self.outputs[layer - 1] if layer else self.inputs

    def parameter(self, network: Network, index: int) -> tuple[str, str]:
        """Name of an element of the flat vector, such as `layers.0.weight[3, 5]`, and a description of it.

        The description is `mass → neuron 5` for a weight between an input and a neuron, `neuron 5` for any other
        parameter of a neuron, and otherwise the title of the layer or stem.
        """
        slot, place = network.layout.at(index)
        named = layer_of(named_layers(network), slot.name)
        name, layer = f"{slot.name}[{', '.join(map(str, place))}]", named.layer
        if slot.name.rpartition(".")[0] != named.name:
            return name, named.title
        if named.field is None and slot.shape == layer.out_shape:
            return name, self.outputs[layer.index][int(np.ravel_multi_index(place, slot.shape))]
        if named.field is not None or slot.shape != (layer.n_in, layer.n_out):
            return name, named.title
        return name, f"{self.into(layer.index)[place[0]]} → {self.outputs[layer.index][place[1]]}"


def _inputs(network: Network, preprocessor: Preprocessor) -> tuple[str, ...]:
    """Names of the features: columns, or outputs of a column's stem."""
    stems = {stem.field.name: stem.layer for stem in network.stems.trained}
    images = {image.name: image for image in images_among(preprocessor.inputs)}
    names: list[str] = []
    for column in preprocessor.inputs:
        stem, image = stems.get(column.name), images.get(column.name)
        by_position = image is not None and not image.fitted.columns and not image.fitted.missing
        features = image.positions if image is not None and by_position else column.features
        names += features if stem is None else stem.feature_names(column.name, features)
    return tuple(names)
