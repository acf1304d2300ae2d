"""Outcome of a final training on all rows that are not test rows."""

from __future__ import annotations

from dataclasses import asdict

from bpcli.documents.json_value import Json, measured, members, whole
from bpcli.frozen import dataclass
from bpcli.wording import counted, duration, number


@dataclass(frozen=True)
class FinalTraining:
    """Epochs, rows, training loss of the last epoch, and duration; epochs: those done, all of them once it is over."""

    epochs: int
    rows: int
    train_loss: float | None
    seconds: float

    @property
    def line(self) -> str:
        """Outcome as a sentence without its period."""
        loss = "" if self.train_loss is None else f": train_loss {number(self.train_loss)}"
        return (
            f"final training, {counted(self.epochs, 'epoch')} on all {counted(self.rows, 'row')} that are not test "
            f"rows, in {duration(self.seconds)}{loss}"
        )

    def to_json(self) -> dict[str, Json]:
        """Outcome as a JSON object."""
        return asdict(self)

    @classmethod
    def from_json(cls, document: Json) -> FinalTraining | None:
        """Parse an outcome. Returns None without valid numbers of epochs and rows."""
        of = members(document)
        epochs, rows = whole(of.get("epochs")), whole(of.get("rows"))
        if epochs is None or rows is None:
            return None
        return cls(epochs, rows, measured(of.get("train_loss")), measured(of.get("seconds")) or 0.0)
