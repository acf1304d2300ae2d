"""A traced step worked out on paper: its layers, its loss and its update, each by its own kind."""

from __future__ import annotations

from bpcli.tracing.arithmetic import Arithmetic
from bpcli.tracing.layers import worked_layers
from bpcli.tracing.losses import worked_loss
from bpcli.tracing.trace import Trace
from bpcli.tracing.update import WorkedUpdate


class WorkedStep:
    """A step of all layers; `chosen` are those asked for: all, or one."""

    def __init__(self, trace: Trace, layer: int | None = None) -> None:
        self.trace = trace
        self.shows = Arithmetic(trace.dtype)
        self.layers = worked_layers(trace, self.shows)
        self.chosen = [one for one in self.layers if layer in (None, one.index)]
        self.loss = worked_loss(trace.error.loss, trace, self.shows)
        self.update = WorkedUpdate(trace.update, self.shows)

    @property
    def rows(self) -> range:
        """Places of the rows."""
        return range(len(self.trace.rows))
