"""The health of a layer at the end of an epoch, as training measures it and metrics.jsonl keeps it."""

from __future__ import annotations

from typing import NamedTuple

from bpcli.documents.json_value import Json, measured, members, whole


class LayerHealth(NamedTuple):
    """One layer at the end of an epoch; what does not apply to it, was not seen or is not finite is None.

    gradient_norm: Euclidean norm of the gradient of its parameters that the optimizer was given in the last step, with
    penalties and bounds; that step's batch may be a short one. update_ratio: norm of that step's change of its
    parameters over their norm before it. dead: share of its units that put out 0 for all rows looked at. saturated:
    share of its units that are near a bound of their range for nearly all of them.
    """

    layer: int
    gradient_norm: float | None = None
    update_ratio: float | None = None
    dead: float | None = None
    saturated: float | None = None

    @classmethod
    def from_json(cls, document: Json) -> LayerHealth | None:
        """The health in an entry that somebody may have changed; None where it names no layer."""
        entry = members(document)
        layer = whole(entry.get("layer"))
        return None if layer is None else cls(layer, *(measured(entry.get(name)) for name in MEASURES))


MEASURES = LayerHealth._fields[1:]
"""The names of what is measured in a layer."""
