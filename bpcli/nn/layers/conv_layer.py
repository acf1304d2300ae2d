"""Planned convolution."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from math import prod
from typing import ClassVar

import numpy as np

from bpcli.arrays.fields import Grid
from bpcli.arrays.layout import Slot
from bpcli.arrays.memory import Array
from bpcli.arrays.workspace import Buffer, LayerArrays, Workspace
from bpcli.nn.activations import Activation
from bpcli.nn.activations.bounded import Identity
from bpcli.nn.initializers import Initializer
from bpcli.nn.layers.base import Position, Views
from bpcli.nn.layers.grids import Sliding, as_images, output_names
from bpcli.nn.layers.rowwise import RowwiseLayer
from bpcli.nn.layers.windows import Block, Windows


@dataclass(frozen=True)
class ConvLayer(RowwiseLayer):
    """Convolution (LeCun et al. 1998, section II), as products of gathered windows with the kernels.

    weight: (*kernel, channels / groups, filters); bias: (filters,). The kernels are not flipped, as everywhere in the
    field. Scratch memory is that of a block of windows, which are gathered again for the weights' gradient.
    """

    type: ClassVar[str] = "conv"
    formula: ClassVar[str] = "y = f(z), z = Σ x · w + b, over the window at each position"
    gradient: ClassVar[str] = "dL/dz = dL/dy · f'(z), dL/dx = Σ dL/dz · w, over the windows that hold x"

    sliding: Sliding = field(kw_only=True)
    filters: int = field(kw_only=True)
    groups: int = field(kw_only=True)
    activation: Activation = field(kw_only=True)
    initializer: Initializer = field(kw_only=True)
    bias: bool = field(kw_only=True)

    @cached_property
    def windows(self) -> Windows:
        """Windows of the forward pass."""
        over = self.sliding
        return Windows(
            over.source,
            over.kernel,
            over.out,
            before=over.before,
            stride=over.stride,
            groups=self.groups,
            beside=self.filters,
        )

    @cached_property
    def windows_back(self) -> Windows:
        """Windows of the backward pass: dL/dx is a convolution of dL/dz, `stride` apart, with the flipped kernels."""
        over = self.sliding
        height, width, channels = over.source
        top, left = (kernel - 1 - before for kernel, before in zip(over.kernel, over.before, strict=True))
        return Windows(
            (*over.out, self.filters),
            over.kernel,
            (height, width),
            before=(top, left),
            spacing=over.stride,
            groups=self.groups,
            beside=channels,
        )

    @property
    def units(self) -> Activation:
        """The activation."""
        return self.activation

    @property
    def multiplications(self) -> int:
        """Multiplications at all positions."""
        return self.n_out * self.windows.numbers // self.groups

    @property
    def linear_in_pieces(self) -> bool:
        """Whether the activation is piecewise linear."""
        return self.activation.piecewise_linear

    @property
    def starts_at_zero(self) -> bool:
        """Whether the initializer is `zeros`."""
        return self.initializer.is_zero

    def output_names(self, inputs: tuple[str, ...]) -> tuple[str, ...]:
        """`filter 0 at 0, 0` and so on."""
        return output_names("filter", Grid(self.out_shape))

    def with_units(self, activation: Activation) -> ConvLayer:
        """Copy with another activation."""
        return replace(self, activation=activation)

    def parameters(self) -> tuple[Slot, ...]:
        """Weight and bias."""
        kernel = self.sliding.kernel[3 - len(self.in_shape) :]
        weight = Slot("weight", (*kernel, self.in_shape[-1] // self.groups, self.filters), weight=True)
        return (weight, Slot("bias", (self.filters,))) if self.bias else (weight,)

    def buffers(self, training: bool) -> dict[str, Buffer]:
        """Output, pre-activations if the activation keeps them, dL/dx, and memory of a block."""
        forward = self.windows
        buffers = {"y": Buffer(self.out_shape), **forward.buffers()}
        if self.activation.keeps_input:
            buffers["z"] = Buffer(self.out_shape)
        for i in range(self.activation.scratch_arrays):
            buffers[f"scratch{i}"] = Buffer((forward.positions * self.filters,), per_row=False, shared=True)
        if not training:
            return buffers
        weights = prod(self.parameters()[0].shape)
        buffers["part"] = Buffer((weights,), per_row=False, shared=True)
        if self.bias:
            buffers["ones"] = Buffer((forward.positions,), per_row=False, shared=True)
            buffers["sums"] = Buffer((self.filters,), per_row=False, shared=True)
        if self.needs_dx:
            buffers |= {"dx": Buffer(self.in_shape), "flipped": Buffer((weights,), per_row=False, shared=True)}
            for name, buffer in self.windows_back.buffers().items():
                buffers[name] = max(buffer, buffers[name], key=lambda one: one.size(1))
        return buffers

    def initialize(self, out: Views, generator: np.random.Generator) -> None:
        """Initialize weights with the initializer, and biases with 0."""
        *window, _ = out["weight"].shape
        self.initializer.fill(
            out["weight"],
            prod(window),
            prod(window[:-1]) * self.filters // self.groups,
            generator,
        )
        if self.bias:
            out["bias"][:] = 0.0

    def forward(
        self, params: Views, state: Views, x: Array, workspace: LayerArrays, position: Position | None
    ) -> Array:
        """f(x ∗ W + b)."""
        y = workspace["y"]
        images, sums = self._images(y), self._images(workspace["z"] if self.activation.keeps_input else y)
        weight, bias = self._kernels(params["weight"]), params.get("bias")
        for block, windows in self._gathered(x, workspace):
            z = block.of(sums)
            np.matmul(windows, weight, out=z.reshape(*z.shape[:2], self.groups, -1).transpose(2, 0, 1, 3))
            if bias is not None:
                np.add(z, bias, out=z)
            self.activation.forward(z, block.of(images), self._scratch(z, workspace))
        return y

    def backward(self, params: Views, x: Array, dy: Array, workspace: LayerArrays, grads: Views) -> Array:
        """dz = dy f'(z) in place of dy; dW from the windows of x, db = Σ dz; dx = dz ∗ flipped W.

        A block's dz is still in the cache for its share of dW.
        """
        self._clear(workspace, grads)
        for block, windows in self._gathered(x, workspace):
            dz = self._slope_back(block, dy, workspace)
            self._add_weight_gradient(windows, dz, slice(None), workspace, grads)
            self._add_bias_gradient(dz, workspace, grads)
        return self._write_dx(params["weight"], dy, workspace, workspace["dx"]) if self.needs_dx else dy

    def backward_rows(self, params: Views, dy: Array, workspace: LayerArrays) -> Array:
        """dz = dy f'(z) in place of dy; dx = dz ∗ flipped W."""
        for block in self.windows.blocks(len(dy)):
            self._slope_back(block, dy, workspace)
        return self._write_dx(params["weight"], dy, workspace, workspace["dx"]) if self.needs_dx else dy

    @property
    def weight_rows(self) -> int:
        """Length of the kernel's first axis."""
        return self.parameters()[0].shape[0]

    def weight_gradient(self, x: Array, dz: Array, rows: slice, workspace: LayerArrays, grads: Views) -> None:
        """dW from the windows of x, for some lines of the kernel."""
        first, last, _ = rows.indices(self.weight_rows)
        of_line = self.windows.numbers // self.groups // self.weight_rows
        numbers = slice(first * of_line, last * of_line)
        grads["weight"][rows].fill(0.0)
        for block, windows in self._gathered(x, workspace):
            self._add_weight_gradient(windows, block.of(self._images(dz)), numbers, workspace, grads)

    def bias_gradient(self, x: Array, dz: Array, workspace: LayerArrays, grads: Views) -> None:
        """db = Σ dz over rows and positions."""
        if self.bias:
            workspace["ones"].fill(1.0)
            grads["bias"].fill(0.0)
            for block in self.windows.blocks(len(dz)):
                self._add_bias_gradient(block.of(self._images(dz)), workspace, grads)

    def input_gradient(self, params: Views, state: Views, dy: Array, workspace: LayerArrays) -> Array:
        """dx = (dy f'(z)) ∗ flipped W."""
        for block in self.windows.blocks(len(dy)):
            self._slope_back(block, dy, workspace)
        memory = {name: np.empty(buffer.shape, dy.dtype) for name, buffer in self.windows_back.buffers().items()}
        memory["flipped"] = np.empty(params["weight"].size, dy.dtype)
        return self._write_dx(params["weight"], dy, memory, np.empty((len(dy), *self.in_shape), dy.dtype))

    def _clear(self, workspace: LayerArrays, grads: Views) -> None:
        """Start sums of gradients."""
        grads["weight"].fill(0.0)
        if self.bias:
            workspace["ones"].fill(1.0)
            grads["bias"].fill(0.0)

    def _slope_back(self, block: Block, dy: Array, workspace: LayerArrays) -> Array:
        """dz = dy f'(z) of a block, in place."""
        kept, dz = self._images(workspace["z" if self.activation.keeps_input else "y"]), block.of(self._images(dy))
        self.activation.backward(block.of(kept), dz, self._scratch(dz, workspace))
        return dz

    def _add_weight_gradient(
        self, windows: Array, dz: Array, numbers: slice, workspace: LayerArrays, grads: Views
    ) -> None:
        """Add a block's dW, for some numbers of the windows."""
        weight = self._kernels(grads["weight"])[:, 0, numbers]
        part = workspace["part"][: weight.size].reshape(weight.shape)
        flat = dz.reshape(-1, self.groups, self._outputs).transpose(1, 0, 2)
        by_number = windows.transpose(0, 3, 1, 2)
        np.matmul(by_number.reshape(*by_number.shape[:2], -1)[:, numbers], flat, out=part)
        np.add(weight, part, out=weight)

    def _add_bias_gradient(self, dz: Array, workspace: LayerArrays, grads: Views) -> None:
        """Add a block's db."""
        if self.bias:
            flat = dz.reshape(-1, self.filters)
            sums = workspace["ones"][: len(flat)].dot(flat, out=workspace["sums"])
            np.add(grads["bias"], sums, out=grads["bias"])

    def _gathered(self, x: Array, workspace: LayerArrays) -> Iterator[tuple[Block, Array]]:
        """Blocks of x with their windows."""
        images = as_images(x, self.windows.source)
        return self.windows.gathered(images, workspace["windows"], workspace["padded"])

    def _write_dx(self, weight: Array, dz: Array, memory: Views, out: Array) -> Array:
        """Write dz ∗ flipped W to `out`, (rows, *in_shape)."""
        back = self.windows_back
        kernel, channels = (*self.sliding.kernel, self.groups), self.in_shape[-1] // self.groups
        of_groups = weight.reshape(*kernel[:2], channels, self.groups, self._outputs)[::-1, ::-1]
        flipped = memory["flipped"].reshape(self.groups, *kernel[:2], self._outputs, channels)
        np.copyto(flipped, of_groups.transpose(3, 0, 1, 4, 2))
        flipped = flipped.reshape(self.groups, 1, -1, channels)
        images = as_images(out, self.sliding.source)
        for block, windows in back.gathered(self._images(dz), memory["windows"], memory["padded"]):
            dx = block.of(images)
            np.matmul(windows, flipped, out=dx.reshape(*dx.shape[:2], self.groups, channels).transpose(2, 0, 1, 3))
        return out

    def weighted_sums(self, params: Views, x: Array) -> Array:
        """x ∗ W + b, (rows, n_out)."""
        linear = replace(self, activation=Identity())
        memory = Workspace([linear.buffers(training=False)], len(x), x.dtype).layers[0]
        return linear.forward(params, {}, x, memory, None).reshape(len(x), -1)

    def activated(self, sums: Array) -> Array:
        """f(z)."""
        y = np.empty_like(sums)
        self.activation.forward(sums, y, tuple(np.empty_like(sums) for _ in range(self.activation.scratch_arrays)))
        return y

    @property
    def _outputs(self) -> int:
        """Filters per group."""
        return self.filters // self.groups

    def _images(self, y: Array) -> Array:
        """View of an array (rows, *out_shape) as images."""
        return as_images(y, (*self.sliding.out, self.filters))

    def _kernels(self, weight: Array) -> Array:
        """View of the weight as matrices (groups, 1, numbers of a window, filters)."""
        return weight.reshape(-1, self.groups, self._outputs).transpose(1, 0, 2)[:, None]

    def _scratch(self, z: Array, workspace: LayerArrays) -> tuple[Array, ...]:
        """The activation's scratch memory, in the shape of a block."""
        return tuple(scratch[: z.size].reshape(z.shape) for scratch in workspace.scratch)
