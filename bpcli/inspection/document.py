"""Document of an inspection, rendered on the terminal and by `--json`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from bpcli.inspection.attributions import Attributions
from bpcli.inspection.dependence import PartialDependence
from bpcli.inspection.importance import ColumnImportance, Importance
from bpcli.inspection.neurons import Neuron
from bpcli.models.summary import NetworkSummary


@dataclass(frozen=True)
class RankedColumn(ColumnImportance):
    """Column with its permutation importance and its mean |contribution| by integrated gradients."""

    contribution: float = 0.0


@dataclass(frozen=True)
class RankedColumns:
    """Columns sorted by importance, then by contribution; other fields as in `Importance`."""

    metric: str
    rows: int
    score: float
    columns: Sequence[RankedColumn]
    loss: str
    repeats: int
    confidence: float
    weighted: bool

    @classmethod
    def of(cls, importance: Importance, added: Attributions) -> RankedColumns:
        """Rank the columns by both measures."""
        contributions = dict(zip(added.columns, added.importance.tolist(), strict=True))
        ranked = [RankedColumn(**vars(one), contribution=contributions[one.column]) for one in importance.columns]
        ranked.sort(key=lambda one: (-round(one.importance, 9), -one.contribution))
        return cls(**{**vars(importance), "columns": ranked})


@dataclass(frozen=True)
class Contributions:
    """Explained quantity of the contributions, number of rows, and largest relative completeness error."""

    meaning: str
    rows: int
    remainder: float


@dataclass(frozen=True)
class InspectedColumns:
    """Importance, contributions and partial dependence of the input columns."""

    importance: RankedColumns
    contributions: Contributions
    dependence: PartialDependence


@dataclass(frozen=True)
class Inspection:
    """Summary of a model and, if requested, inspection of its columns and neurons."""

    checkpoint: str
    rows: str
    network: NetworkSummary
    columns: InspectedColumns | None
    neurons: Sequence[Neuron] | None

    def to_json(self) -> dict[str, object]:
        """Inspection as a JSON object, without the parts that were not requested."""
        document = asdict(self)
        columns, neurons = document.pop("columns"), document.pop("neurons")
        document["network"] = self.network.to_json()
        return {**document, **(columns or {}), **({} if neurons is None else {"neurons": neurons})}
