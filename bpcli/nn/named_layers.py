"""What the layers and trained stems of a network are called: in names of parameters, and in messages."""

from __future__ import annotations

from typing import NamedTuple

from bpcli.nn.layers import Layer, Views
from bpcli.nn.network import Bound, Network
from bpcli.wording import quoted


class NamedLayer(NamedTuple):
    """A layer, or that of a trained stem.

    name: beginning of the names of its parameters, `layers.0` or `stems.city`. title: as messages call it.
    """

    name: str
    title: str
    layer: Layer
    field: str | None = None
    """Field of which it is the stem."""

    @property
    def key(self) -> int | str:
        """Index of a layer, name of a stem."""
        return self.layer.index if self.field is None else self.name


def named_layers(network: Network) -> list[NamedLayer]:
    """The trained stems and all layers, in the order of the forward pass."""
    layers = [
        NamedLayer(f"layers.{layer.index}", f"layer {layer.index} ({layer.type})", layer) for layer in network.layers
    ]
    stems = [
        NamedLayer(f"stems.{name}", f"stem {quoted(name)} ({stem.layer.type})", stem.layer, name)
        for name, stem in ((stem.field.name, stem) for stem in network.stems.trained)
    ]
    return [*stems, *layers]


def all_views(bound: Bound) -> tuple[Views, ...]:
    """The views of each of `named_layers`, in their order."""
    return (*bound.stems, *bound)
