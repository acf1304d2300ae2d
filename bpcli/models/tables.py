"""Tables of a network's columns and layers, for the terminal and for HTML."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from bpcli.data.columns.base import InputSummary
from bpcli.documents.table import Table, shortened
from bpcli.models.summary import LayerFigures, NetworkSummary
from bpcli.storage.config_text import flow_text
from bpcli.wording import enumerated, number, shown_shape

if TYPE_CHECKING:
    from bpcli.experiment.recipes.choice import Choice

LONGEST_VALUE = 44
"""Maximum number of characters displayed of a recipe's value; the config of the run has them all."""


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


def choice_table(name: str, choices: Sequence[Choice]) -> Table:
    """Table of the keys of a config that a recipe gives a value, with the reason."""
    rows = []
    for one in choices:
        value = "" if one.remaining is None else shortened(flow_text(one.remaining), LONGEST_VALUE)
        whole = "the config has its own" if one.overridden else one.reason
        reason = f"{one.reason}; the config has its own {enumerated(one.own)}" if one.own else whole
        rows.append([one.key, value, reason])
    return Table(f"Recipe {name}", [f"recipe {name}", "value", "reason"], rows, words=True)


def layer_table(network: NetworkSummary) -> Table:
    """Table of the trained stems and layers, with the numbers of inputs and outputs per row."""
    stems = []
    for one in network.stems:
        if one.layers:
            stems += [_layer(f"{one.column} {layer.index}", layer) for layer in one.layers]
        else:
            stems.append([one.column, one.type, "", f"{one.shape[0]} → {one.shape[1]}", f"{one.parameters:,}"])
    rows = [_layer(str(layer.index), layer) for layer in network.layers]
    return Table("Layers", ["layer", "type", "activation", "shape", "parameters"], [*stems, *rows], right=(0, 4))


def _layer(name: str, layer: LayerFigures) -> list[str]:
    return [name, layer.type, layer.activation or "", layer.shown, f"{layer.parameters:,}"]
