"""Layers that compute each row independently of the others."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable
from typing import ClassVar

from bpcli.arrays.memory import Array
from bpcli.arrays.workspace import LayerArrays
from bpcli.frozen import dataclass
from bpcli.nn.layers.base import Layer, Views


@dataclass(frozen=True)
class RowwiseLayer(Layer):
    """Layer that computes each row independently, so that parts of a batch can run in parallel.

    The parameters' gradient is computed from all rows: that of the weights in blocks of inputs, that of all other
    parameters in one piece.
    """

    is_rowwise: ClassVar[bool] = True

    @property
    def weight_rows(self) -> int:
        """Length of the weights' first axis, along which their gradient can be divided; 0 without weights."""
        return 0

    def weight_gradient(self, x: Array, dz: Array, rows: slice, workspace: LayerArrays, grads: Views) -> None:
        """Write the gradient of some rows of the weights, from `x` and the `dz` that `backward_rows` left in `dy`.

        Of the workspace, only memory that is not per row may be used.
        """
        return

    def bias_gradient(self, x: Array, dz: Array, workspace: LayerArrays, grads: Views) -> None:
        """Write the gradient of all parameters but the weights, from `x` and the `dz` of `backward_rows` in `dy`."""
        return

    def backward(self, params: Views, x: Array, dy: Array, workspace: LayerArrays, grads: Views) -> Array:
        """dL/dx by `backward_rows`. A layer with parameters must override this to write their gradient."""
        return self.backward_rows(params, dy, workspace)

    @abstractmethod
    def backward_rows(self, params: Views, dy: Array, workspace: LayerArrays) -> Array:
        """Turn dL/dy into dL/dz in place and return dL/dx.

        The output is in the buffer `y`. dL/dx is written to the buffer `dx`, or in place to `dy` if there is
        none.
        """


def rowwise(layers: Iterable[Layer]) -> list[RowwiseLayer]:
    """The layers as RowwiseLayer. Raises TypeError for a layer of another kind."""
    found = []
    for layer in layers:
        if not isinstance(layer, RowwiseLayer):
            raise TypeError(f"a layer of type {layer.type} does not compute each row independently")
        found.append(layer)
    return found
