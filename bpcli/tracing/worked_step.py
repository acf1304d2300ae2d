"""Arithmetic of a traced step: of its layers, loss and update."""

from __future__ import annotations

from bpcli.tracing.arithmetic import Arithmetic
from bpcli.tracing.layers import worked_layers, worked_stems
from bpcli.tracing.losses import worked_loss
from bpcli.tracing.trace import Trace
from bpcli.tracing.update import WorkedUpdate


class WorkedStep:
    """Arithmetic of a step of all layers; `chosen` are all of them, or the one requested.

    `stems` are the trained stems, unless one layer is requested.
    """

    def __init__(self, trace: Trace, layer: int | None = None) -> None:
        self.trace = trace
        self.shows = Arithmetic(trace.dtype)
        self.layers = worked_layers(trace, self.shows)
        self.chosen = [one for one in self.layers if layer in (None, one.index)]
        self.stems = worked_stems(trace, self.layers[0], self.shows) if layer is None else ()
        self.loss = worked_loss(trace.error.loss, trace, self.shows)
        self.update = WorkedUpdate(trace.update, self.shows)

    @property
    def rows(self) -> range:
        """Indices of the rows."""
        return range(len(self.trace.rows))
