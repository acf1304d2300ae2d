"""Network summary as lines of text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from bpcli.cli.console import aligned, table_lines
from bpcli.wording import quoted

if TYPE_CHECKING:
    from bpcli.models.summary import NetworkSummary

MOST_TARGETS = 6
"""Targets that are all named."""


def target_lines(network: NetworkSummary) -> list[str]:
    """Lines on the target and the loss."""
    target = network.target
    classes = f": {', '.join(target.classes[:12])}{' …' if len(target.classes) > 12 else ''}"
    positive = "" if target.positive is None else f"; positive class {quoted(target.positive)}"
    line = f"target  {_several(target.names)}, {target.task}{classes if target.classes else ''}{positive}"
    for name, shown in target.ranges.items():
        line += f", {f'{name} ' if len(target.names) > 1 else ''}clipped to {shown}"
    return [*aligned([[line]]), f"loss    {network.loss}"]


def _several(names: Sequence[str]) -> str:
    """Names, of many the first two and the last."""
    return ", ".join(names) if len(names) <= MOST_TARGETS else f"{names[0]}, {names[1]}, … {names[-1]}"


def layer_lines(network: NetworkSummary) -> list[str]:
    """Lines of the table of layers."""
    from bpcli.models.tables import layer_table

    return table_lines(layer_table(network))
