"""Health of a layer at the end of an epoch, as stored in metrics.jsonl."""

from __future__ import annotations

from typing import NamedTuple

from bpcli.documents.json_value import Json, measured, members, whole


class LayerHealth(NamedTuple):
    """Health of one layer at the end of an epoch.

    A measure is None if it does not apply, was not measured, or is not finite.

    gradient_norm: Euclidean norm of the gradient of the layer's parameters that the optimizer received in the last
    step, including penalties and clipping; the batch of that step may be smaller than the others. update_ratio: norm of
    the parameters' change in that step, divided by their norm before it. dead: share of units whose output is 0 for all
    sampled rows. saturated: share of units whose output is close to a bound of the activation's range for nearly all
    sampled rows.
    """

    layer: int
    gradient_norm: float | None = None
    update_ratio: float | None = None
    dead: float | None = None
    saturated: float | None = None

    @classmethod
    def from_json(cls, document: Json) -> LayerHealth | None:
        """Parse a layer's health, ignoring invalid values. Returns None without a valid layer index."""
        entry = members(document)
        layer = whole(entry.get("layer"))
        return None if layer is None else cls(layer, *(measured(entry.get(name)) for name in MEASURES))


MEASURES = LayerHealth._fields[1:]
"""Names of the measures of a layer."""
