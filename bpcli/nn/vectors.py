"""Layers of one field that take rows of a matrix, a vector for each code or token: products with its features."""

from __future__ import annotations

from typing import ClassVar

from bpcli.arrays.memory import Array
from bpcli.arrays.workspace import LayerArrays
from bpcli.frozen import dataclass
from bpcli.nn.layers import Layer, Views


@dataclass(frozen=True)
class VectorsLayer(Layer):
    """Layer whose output is the product of a field's features (rows, features) and the parameter `weight`."""

    takes: ClassVar[str]
    """Name of its inputs, in the plural."""

    @property
    def linear_in_pieces(self) -> bool:
        """True: the output is a linear function of the features."""
        return True

    def input_gradient(self, params: Views, state: Views, dy: Array, workspace: LayerArrays) -> Array:
        """Raise TypeError: codes and tokens have no gradient."""
        raise TypeError(f"{self.takes} have no gradient; see features_gradient")

    def of_features(self, params: Views, state: Views, x: Array) -> Array:
        """Product of the features (rows, features) and the matrix."""
        y: Array = x @ params["weight"]
        return y

    def features_gradient(self, params: Views, state: Views, x: Array, dy: Array) -> Array:
        """Gradient with respect to the features."""
        dx: Array = dy @ params["weight"].T
        return dx
