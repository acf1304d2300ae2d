"""Names of a network's layers and trained stems, in parameter names and messages."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from bpcli.nn.layers import Layer, Views
from bpcli.nn.network import Bound, Network, layer_name, stem_name
from bpcli.wording import quoted


class NamedLayer(NamedTuple):
    """A layer of the network or of a trained stem.

    name: prefix of its parameters' names, `layers.0` or `stems.city`. title: name in messages.
    """

    name: str
    title: str
    layer: Layer
    field: str | None = None
    """Field of the stem; None for a layer of the network."""

    @property
    def key(self) -> int | str:
        """Index of a layer, or name of a stem."""
        return self.layer.index if self.field is None else self.name


def named_layers(network: Network) -> list[NamedLayer]:
    """All trained stems and layers, in the order of the forward pass."""
    layers = [NamedLayer(layer_name(layer), f"layer {layer.index} ({layer.type})", layer) for layer in network.layers]
    stems = [
        NamedLayer(stem_name(stem), f"stem {quoted(stem.field.name)} ({stem.layer.type})", stem.layer, stem.field.name)
        for stem in network.stems.trained
    ]
    return [*stems, *layers]


def layer_of(layers: Iterable[NamedLayer], parameter: str) -> NamedLayer:
    """The layer that a parameter is of. Those of layers within a layer have its name in front of theirs."""
    return max((one for one in layers if parameter.startswith(f"{one.name}.")), key=lambda one: len(one.name))


def all_views(bound: Bound) -> tuple[Views, ...]:
    """Views of each of `named_layers`, in that order."""
    return (*bound.stems, *bound)
