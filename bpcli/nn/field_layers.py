"""Layers of one field, in front of the network's own: those of a column of images."""

from __future__ import annotations

from bpcli.arrays import fields
from bpcli.nn.layers import Layer, LayerSpec
from bpcli.nn.layers.sequential import plan_sequence
from bpcli.spec import Sequence, Spec


class FieldLayers(Spec):
    """Layers one after another, whose outputs are features of the network; `path` is their place in a config."""

    layers: Sequence[LayerSpec]
    path: Sequence[str] = ()

    def plan(self, index: int, field: fields.Field) -> Layer:
        """Layer for a field with a shape. Raises MismatchError for layers that do not fit it."""
        return plan_sequence(self.layers, index, field.shape, tuple(self.path))
