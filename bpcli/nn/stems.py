"""Stems: layers that turn one field of a batch into features for the network's first layer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import prod
from typing import Any, Protocol

import numpy as np

from bpcli.arrays.expansion import Intake
from bpcli.arrays.fields import Field, Input, Signature, joined
from bpcli.arrays.memory import Array
from bpcli.arrays.workspace import Buffer, Requests, Workspace
from bpcli.nn.layers import Layer, Position, Shape, Views
from bpcli.nn.layers.base import FIRST_STEM
from bpcli.nn.layers.gathering import GATHERED_FROM, Gathering


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
    arrays that `intake` makes of the fields, those of stems last. Without stems and gathered fields, these are the
    features themselves. Tokens without a stem are gathered by the first layer, and no part of the dense features.
    """

    intake: Intake
    shape: Shape
    """Shape of one row of features, tokens among them."""
    widths: tuple[int, ...]
    """Number of features of each field."""
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
        widths = tuple(map(prod, shapes))
        dense = 0
        for piece in joined(signature, widths):
            end = piece.features.stop
            width = signature[piece.field].width if piece.field in layers else piece.last - piece.first
            inspected.append((slice(every, every + width), piece.features, numbers.get(piece.field)))
            every += width
            if signature[piece.field].values == "tokens" and piece.field not in layers:
                continue
            place = slice(dense, dense + piece.features.stop - piece.features.start)
            dense = place.stop
            if piece.field in layers:
                trained[piece.field] = Stem(signature[piece.field], layers[piece.field], place)
            else:
                copied.append((slice(expanded, expanded + piece.last - piece.first), place))
                expanded += piece.last - piece.first
        found = cls(
            intake=Intake(signature, tuple(layers)),
            shape=shapes[0] if len(signature) == 1 else (end,),
            widths=widths,
            trained=tuple(trained[index] for index in layers),
            copied=tuple(copied),
            inspected=tuple(inspected) if layers else (),
        )
        return found._gathering(found.tokens)

    @cached_property
    def is_plain(self) -> bool:
        """Whether a batch holds the features themselves."""
        return not self.trained and self.gathering is None

    @cached_property
    def tokens(self) -> tuple[int, ...]:
        """Indices of the fields of tokens without a stem."""
        stems = [stem.field.name for stem in self.trained]
        named = enumerate(self.signature)
        return tuple(index for index, field in named if field.values == "tokens" and field.name not in stems)

    def token_places(self) -> dict[str, int]:
        """Place in a batch of each field of tokens, with and without a stem, by name."""
        kept = self.intake.kept
        first = 1 if self.intake.expanded else 0
        return {
            self.signature[index].name: first + place
            for place, index in enumerate(kept)
            if self.signature[index].values == "tokens"
        }

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
        if self.trained:
            return self
        named = enumerate(self.signature)
        return self._gathering(
            tuple(index for index, field in named if field.values == "tokens" or field.size >= GATHERED_FROM)
        )

    def expanded(self) -> Stems:
        """Copy in which every field of codes without a stem is expanded to one-hot features."""
        return self if self.trained else self._gathering(self.tokens)

    def _gathering(self, fields: tuple[int, ...]) -> Stems:
        """Copy in which the first layer gathers the fields with these indices."""
        of_stems = tuple(index for index in self.intake.kept if self._has_stem(index))
        gathering = Gathering.of(self.signature, fields, self.widths) if fields else None
        return replace(self, intake=Intake(self.signature, (*fields, *of_stems)), gathering=gathering)

    def _has_stem(self, index: int) -> bool:
        return any(stem.field is self.signature[index] for stem in self.trained)

    def requests(self, first: Layer, training: bool) -> list[Requests]:
        """Scratch memory of each stem, and of joining or gathering the features for the layer `first`."""
        joined: dict[str, Buffer] = {}
        if self.gathering is not None:
            joined |= self.gathering.requests(first.n_out, training, error=training and bool(self.trained))
        if self.trained and len(self.signature) > 1:
            joined["features"] = Buffer(self.shape if self.gathering is None else (self.gathering.width,))
        if training:
            joined |= {f"dy{number}": Buffer(stem.layer.out_shape) for number, stem in enumerate(self.trained)}
        return [*(stem.layer.buffers(training) for stem in self.trained), joined] if self.trained or joined else []

    def features(
        self,
        params: Sequence[Views],
        state: Sequence[Views],
        x: tuple[Input, ...],
        workspace: Workspace,
        position: Position | None,
    ) -> Array:
        """Dense features (rows, *shape) of a batch `x` as `intake` made it, with trained stems."""
        workspace.fields = x
        of_stems: tuple[Any, ...] = x[len(x) - len(self.trained) :]
        outputs = [
            stem.layer.forward(p, s, values, work, position)
            for stem, p, s, values, work in zip(self.trained, params, state, of_stems, workspace.stems, strict=False)
        ]
        if len(self.signature) == 1:
            return outputs[0]
        features = workspace.stems[-1]["features"]
        for stem, output in zip(self.trained, outputs, strict=True):
            features[:, stem.features] = output.reshape(len(output), -1)
        if self.copied and isinstance(x[0], np.ndarray):
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
        x: tuple[Any, ...] = workspace.fields
        for number, stem in enumerate(self.trained):
            values, work = x[len(x) - len(self.trained) + number], workspace.stems[number]
            dy = workspace.stems[-1][f"dy{number}"]
            np.copyto(dy, (dx if len(self.signature) == 1 else dx[:, stem.features]).reshape(dy.shape))
            stem.layer.backward(params[number], values, dy, work, grads[number])
