"""Tables of a network's columns and layers, for the terminal and for HTML."""

from __future__ import annotations

from collections.abc import Sequence

from bpcli.data.columns.base import InputSummary
from bpcli.documents.table import Table
from bpcli.models.summary import LayerFigures
from bpcli.wording import number, shown_shape


def column_table(columns: Sequence[tuple[InputSummary, int | None]]) -> Table:
    """Table of the input columns, with missing values if known."""
    rows = [
        [
            one.name,
            f"{one.kind} {shown_shape(one.shape)}".rstrip(),
            one.shown_encoding,
            number(one.inputs),
            number(missing),
        ]
        for one, missing in columns
    ]
    return Table("Inputs", ["column", "kind", "encoding", "inputs", "missing"], rows, right=(3, 4))


def layer_table(layers: Sequence[LayerFigures]) -> Table:
    """Table of the layers, with the numbers of inputs and outputs per row."""
    rows = [
        [
            str(layer.index),
            layer.type,
            layer.activation or "",
            f"{layer.shape[0]} → {layer.shape[1]}",
            f"{layer.parameters:,}",
        ]
        for layer in layers
    ]
    return Table("Layers", ["layer", "type", "activation", "shape", "parameters"], rows, right=(0, 4))
