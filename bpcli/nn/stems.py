"""Stems: layers that turn one field of a batch into features for the network's first layer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import prod
from typing import Protocol

import numpy as np

from bpcli.arrays.expansion import Intake
from bpcli.arrays.fields import Field, Signature, joined
from bpcli.arrays.memory import Array
from bpcli.arrays.workspace import Buffer, Requests, Workspace
from bpcli.nn.layers import Layer, Position, Shape, Views
from bpcli.nn.layers.gathering import GATHERED_FROM, Gathering
from bpcli.nn.layers.sequential import FIRST_STEM


class StemSpec(Protocol):
    """Config of a stem, which plans the layer for one field."""

    def plan(self, index: int, field: Field) -> Layer:
        """Layer for `field`."""


@dataclass(frozen=True)
class Stem:
    """Trained layer of a field, and the columns of the features that it computes."""

    field: Field
    layer: Layer
    features: slice


@dataclass(frozen=True)
class Stems:
    """Conversion of fields to features: numbers are copied, codes become one-hot, stems transform their fields.

    Features are joined in the order of the fields, (rows, width); a single field keeps its shape. A batch holds the
    arrays that `intake` makes of the fields. Without stems and gathered fields, these are the features themselves.
    """

    intake: Intake
    shape: Shape
    """Shape of one row of features."""
    trained: tuple[Stem, ...] = ()
    copied: tuple[tuple[slice, slice], ...] = ()
    """Pairs of a column range of the expanded fields and its range in the features; used only with trained stems."""
    inspected: tuple[tuple[slice, slice, int | None], ...] = ()
    """Ranges of the expanded fields and of the features, and the number of the stem between; only with stems."""
    gathering: Gathering | None = None

    @classmethod
    def plan(cls, signature: Signature, specs: Mapping[str, StemSpec]) -> Stems:
        """Stems of a signature, from specs by field name. A field without a spec gets no stem."""
        layers = {
            index: replace(specs[field.name].plan(FIRST_STEM + index, field), needs_dx=False)
            for index, field in enumerate(signature)
            if field.name in specs
        }
        shapes = [
            layers[index].out_shape if index in layers else field.shape if field.values == "real" else (field.size,)
            for index, field in enumerate(signature)
        ]
        trained, copied, inspected, expanded, every, end = {}, [], list[tuple[slice, slice, int | None]](), 0, 0, 0
        numbers = {index: number for number, index in enumerate(layers)}
        for piece in joined(signature, list(map(prod, shapes))):
            end = piece.features.stop
            width = signature[piece.field].width if piece.field in layers else piece.last - piece.first
            inspected.append((slice(every, every + width), piece.features, numbers.get(piece.field)))
            every += width
            if piece.field in layers:
                trained[piece.field] = Stem(signature[piece.field], layers[piece.field], piece.features)
            else:
                copied.append((slice(expanded, expanded + piece.last - piece.first), piece.features))
                expanded += piece.last - piece.first
        return cls(
            intake=Intake(signature, tuple(layers)),
            shape=shapes[0] if len(signature) == 1 else (end,),
            trained=tuple(trained[index] for index in layers),
            copied=tuple(copied),
            inspected=tuple(inspected) if layers else (),
        )

    @cached_property
    def is_plain(self) -> bool:
        """Whether a batch holds the features themselves."""
        return not self.trained and self.gathering is None

    @property
    def width(self) -> int:
        """Number of features of all fields expanded, codes one-hot; those of the network without trained stems."""
        return sum(field.width for field in self.signature)

    @property
    def signature(self) -> Signature:
        """Fields of the data set."""
        return self.intake.signature

    def gathered(self) -> Stems:
        """Copy in which the first layer gathers fields of GATHERED_FROM or more codes; itself with trained stems."""
        kept = tuple(index for index, field in enumerate(self.signature) if field.size >= GATHERED_FROM)
        if not kept or self.trained:
            return self
        return replace(self, intake=Intake(self.signature, kept), gathering=Gathering.of(self.signature, kept))

    def expanded(self) -> Stems:
        """Copy in which every field of codes without a stem is expanded to one-hot features."""
        if self.gathering is None:
            return self
        return replace(self, intake=Intake(self.signature), gathering=None)

    def requests(self, first: Layer, training: bool) -> list[Requests]:
        """Scratch memory of each stem, and of joining or gathering the features for the layer `first`."""
        joined: dict[str, Buffer] = {}
        if self.gathering is not None:
            joined |= self.gathering.requests(first.n_out, training)
        elif self.trained and len(self.signature) > 1:
            joined["features"] = Buffer(self.shape)
        if training:
            joined |= {f"dy{number}": Buffer(stem.layer.out_shape) for number, stem in enumerate(self.trained)}
        return [*(stem.layer.buffers(training) for stem in self.trained), joined] if self.trained or joined else []

    def features(
        self,
        params: Sequence[Views],
        state: Sequence[Views],
        x: tuple[Array, ...],
        workspace: Workspace,
        position: Position | None,
    ) -> Array:
        """Features (rows, *shape) of a batch `x` as `intake` made it, with trained stems."""
        workspace.fields = x
        outputs = [
            stem.layer.forward(p, s, array, work, position)
            for stem, p, s, array, work in zip(
                self.trained, params, state, x[len(x) - len(self.trained) :], workspace.stems, strict=False
            )
        ]
        if len(self.signature) == 1:
            return outputs[0]
        features = workspace.stems[-1]["features"]
        for stem, output in zip(self.trained, outputs, strict=True):
            features[:, stem.features] = output.reshape(len(output), -1)
        for numbers, place in self.copied:
            features[:, place] = x[0][:, numbers]
        return features

    def of_expanded(self, params: Sequence[Views], state: Sequence[Views], expanded: Array) -> Array:
        """Features (rows, *shape) in inference, from all fields expanded (rows, width), codes one-hot."""
        if not self.trained:
            return expanded.reshape(len(expanded), *self.shape)
        expanded = expanded.reshape(len(expanded), -1)
        features = np.empty((len(expanded), prod(self.shape)), expanded.dtype)
        for place, out, stem in self.inspected:
            x = expanded[:, place]
            if stem is not None:
                x = self.trained[stem].layer.of_features(params[stem], state[stem], x)
            features[:, out] = x
        return features.reshape(len(features), *self.shape)

    def expanded_gradient(self, params: Sequence[Views], state: Sequence[Views], expanded: Array, dx: Array) -> Array:
        """dL/dexpanded of `of_expanded` (rows, width), from dL/dfeatures (rows, *shape)."""
        if not self.trained:
            return dx.reshape(expanded.shape)
        expanded = expanded.reshape(len(expanded), -1)
        dx, found = dx.reshape(len(dx), -1), np.empty(expanded.shape, dx.dtype)
        for place, out, stem in self.inspected:
            dy = dx[:, out]
            if stem is not None:
                dy = self.trained[stem].layer.features_gradient(params[stem], state[stem], expanded[:, place], dy)
            found[:, place] = dy
        return found

    def backward(self, params: Sequence[Views], dx: Array, workspace: Workspace, grads: Sequence[Views]) -> None:
        """Write the gradient of the trained stems to `grads`, from dL/dfeatures."""
        x = workspace.fields
        for number, stem in enumerate(self.trained):
            array, work = x[len(x) - len(self.trained) + number], workspace.stems[number]
            dy = workspace.stems[-1][f"dy{number}"]
            np.copyto(dy, (dx if len(self.signature) == 1 else dx[:, stem.features]).reshape(dy.shape))
            stem.layer.backward(params[number], array, dy, work, grads[number])
