"""Matrix products with one-hot codes and with tokens by gathering rows of the weights."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from bpcli.arrays.fields import Input, Signature, joined, sparse
from bpcli.arrays.layout import SparseRows
from bpcli.arrays.memory import Array
from bpcli.arrays.workspace import Buffer
from bpcli.frozen import dataclass

GATHERED_FROM = 256
"""Fewest codes of a field that is gathered; with fewer, expanding to one-hot features is faster."""


@dataclass(frozen=True)
class Gathering:
    """Layout of features of which some fields are codes or tokens.

    The input x is (dense, *gathered): the features of all other fields in one array (rows, width), if there are any,
    and the codes (rows,) or tokens of each gathered field. spans: ranges of weight rows of the dense features, in
    order. groups: range of weight rows of each gathered field. tokens: those of fields of tokens, by name. The
    `memory` arguments are the arrays of `requests`.
    """

    spans: tuple[slice, ...]
    groups: tuple[slice, ...]
    tokens: tuple[SparseRows, ...] = ()

    @classmethod
    def of(cls, signature: Signature, kept: tuple[int, ...], widths: Sequence[int]) -> Gathering:
        """Gathering of the fields of a signature with the indices `kept`; widths: number of features of each field."""
        pieces = joined(signature, widths)
        groups = {piece.field: piece.features for piece in pieces if piece.field in kept}
        spans = tuple(piece.features for piece in pieces if piece.field not in kept)
        tokens = tuple(
            SparseRows(signature[index].name, groups[index].start, groups[index].stop)
            for index in kept
            if signature[index].values == "tokens"
        )
        return cls(spans, tuple(groups[index] for index in kept), tokens)

    @property
    def width(self) -> int:
        """Number of dense features."""
        return sum(span.stop - span.start for span in self.spans)

    def requests(self, units: int, training: bool, error: bool = False) -> dict[str, Buffer]:
        """Scratch memory for a layer with `units` units. error: whether dL/dx of the dense features is needed."""
        requests = {"gathered": Buffer((units,)), "weights": Buffer((self.width, units), per_row=False)}
        if training:
            requests["places"] = Buffer((units,), indices=True)
        return {**requests, "dx": Buffer((self.width,))} if error else requests

    def multiply(self, x: tuple[Input, ...], weight: Array, out: Array, memory: Mapping[str, Array]) -> None:
        """Write x W to `out`, (rows, units)."""
        gathered, weights = memory["gathered"], memory["weights"]
        for part, span in self._expanded():
            weights[part] = weight[span]
        dense, gathered_fields = self._divided(x)
        if dense is not None:
            dense.dot(weights, out=out)
        else:
            out.fill(0.0)
        for group, codes in zip(self.groups, gathered_fields, strict=True):
            if not isinstance(codes, np.ndarray):
                codes.add_product(weight[group], out)
                continue
            # Code -1, no category, is clipped to 0; its row is zeroed below.
            np.take(weight[group], codes, axis=0, out=gathered, mode="clip")
            if codes.min(initial=0) < 0:
                gathered[codes < 0] = 0.0
            np.add(out, gathered, out=out)

    def whole(self, x: tuple[Input, ...]) -> Array:
        """All features (rows, features) of an input x of tokens, dense. Raises TypeError for codes."""
        dense, gathered = self._divided(x)
        end = max(span.stop for span in (*self.spans, *self.groups))
        out = np.empty((len(x[0]), end), x[0][:].dtype)
        if dense is not None:
            for part, span in self._expanded():
                out[:, span] = dense[:, part]
        for group, values in zip(self.groups, gathered, strict=True):
            out[:, group] = sparse(values).dense()
        return out

    def error(self, dz: Array, memory: Mapping[str, Array]) -> Array:
        """dL/dx of the dense features (rows, width), after `multiply` and before `weight_gradient`."""
        return dz.dot(memory["weights"].T, out=memory["dx"])

    def weight_gradient(self, x: tuple[Input, ...], dz: Array, out: Array, memory: Mapping[str, Array]) -> None:
        """Write xᵀ dz to `out`."""
        gathered, weights, places = memory["gathered"], memory["weights"], memory["places"]
        dense, gathered_fields = self._divided(x)
        if dense is not None:
            dense.T.dot(dz, out=weights)
        for part, span in self._expanded():
            out[span] = weights[part]
        for group, codes in zip(self.groups, gathered_fields, strict=True):
            if not isinstance(codes, np.ndarray):
                codes.write_gradient(dz, out[group])
                continue
            np.copyto(gathered, dz)
            # One index for row and column: np.add.at is six times as fast on flat indices as on rows.
            places.fill(1)
            np.multiply(codes, dz.shape[1], out=places[:, 0])
            if codes.min(initial=0) < 0:
                gathered[codes < 0] = 0.0
                np.maximum(places[:, 0], 0, out=places[:, 0])
            np.cumsum(places, axis=1, out=places)
            out[group] = 0.0
            np.add.at(out[group].reshape(-1), places.reshape(-1), gathered.reshape(-1))

    def _expanded(self) -> Iterator[tuple[slice, slice]]:
        """Yield the column range of each span in the dense features, and its range of weight rows."""
        start = 0
        for span in self.spans:
            yield slice(start, start + span.stop - span.start), span
            start += span.stop - span.start

    def _divided(self, x: tuple[Input, ...]) -> tuple[Array | None, tuple[Input, ...]]:
        """Dense features, if there are any, and gathered fields."""
        dense = x[0]
        return (dense, x[1:]) if self.spans and isinstance(dense, np.ndarray) else (None, x)
