"""Parts of a network's drawing: units, edges, windows and columns."""

from __future__ import annotations

from collections.abc import Sequence

from bpcli.frozen import dataclass
from bpcli.tracing.feature_maps import Box, FeatureMap
from bpcli.tracing.unit_lines import Line

LONGEST, LONGEST_OF_INPUT = 14, 24
"""Longest name in the drawing and longest name of an input, in characters; the unit's title has the full name."""


@dataclass(frozen=True)
class Reading:
    """Number `name` that a unit or an edge shows in the place `slot` from a stage on, for each row.

    An empty value clears the place.
    """

    stage: int
    slot: str
    name: str
    values: Sequence[str]


@dataclass(frozen=True)
class Unit:
    """An input, a neuron or other output of a layer, a prediction, or the loss.

    Lines end `left` of its centre and start `right` of it; its texts are in between.
    """

    column: int
    place: int
    name: str
    kind: str
    x: float
    y: float
    left: float
    right: float
    readings: Sequence[Reading]
    lines: Sequence[Line]
    map: FeatureMap | None = None
    """Map of the unit's channel, if the layer puts out images."""

    @property
    def id(self) -> str:
        """Column and index in the layer."""
        return f"u{self.column}-{self.place}"


@dataclass(frozen=True)
class Edge:
    """Line from one unit to another; `weight` is None without a weight, `share` its ratio to the largest."""

    start: Unit
    end: Unit
    weight: float | None = None
    share: float = 0.0
    readings: Sequence[Reading] = ()
    lines: Sequence[Line] = ()

    @property
    def id(self) -> str:
        """Column of the start, and indices of both ends."""
        return f"e{self.start.column}-{self.start.place}-{self.end.place}"


@dataclass(frozen=True)
class Window:
    """Window of a unit on a map of the column before, with the kernel for its channel, if there is one."""

    start: Unit
    end: Unit
    box: Box
    kernel: str | None


@dataclass(frozen=True)
class Column:
    """Units in a column under a heading, drawn of `total`."""

    heading: Sequence[str]
    units: Sequence[Unit]
    total: int


@dataclass(frozen=True)
class Drawing:
    """Drawing of a network, `width` by `height`."""

    columns: Sequence[Column]
    edges: Sequence[Edge]
    width: float
    height: float
    roomy: bool
    windows: Sequence[Window] = ()


def longest_name(is_input: bool, is_map: bool) -> int:
    """Longest name of a unit in the drawing: that of an input, or a filter's with its place, is longer."""
    return LONGEST_OF_INPUT if is_input or is_map else LONGEST
