"""The document of an inspection, which the terminal and `--json` read."""

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
    """A column by permutation, and its mean |contribution| by integrated gradients."""

    contribution: float


@dataclass(frozen=True)
class RankedColumns:
    """The columns in the order of their importance, then of their contribution; as for `Importance`."""

    metric: str
    rows: int
    score: float
    columns: Sequence[RankedColumn]

    @classmethod
    def of(cls, importance: Importance, added: Attributions) -> RankedColumns:
        """The columns of a model by both measures."""
        contributions = dict(zip(added.columns, added.importance.tolist(), strict=True))
        ranked = [RankedColumn(**vars(one), contribution=contributions[one.column]) for one in importance.columns]
        ranked.sort(key=lambda one: (-round(one.importance, 9), -one.contribution))
        return cls(importance.metric, importance.rows, importance.score, ranked)


@dataclass(frozen=True)
class Contributions:
    """What contributions add up to, over how many rows, and the most that they lack of it."""

    meaning: str
    rows: int
    remainder: float


@dataclass(frozen=True)
class InspectedColumns:
    """What a model's answers hang on, and how."""

    importance: RankedColumns
    contributions: Contributions
    dependence: PartialDependence


@dataclass(frozen=True)
class Inspection:
    """What a model is, and, as far as it was asked for, what its answers hang on and what its neurons do."""

    checkpoint: str
    rows: str
    network: NetworkSummary
    columns: InspectedColumns | None
    neurons: Sequence[Neuron] | None

    def to_json(self) -> dict[str, object]:
        """The inspection as a document, without what was not asked for."""
        document = asdict(self)
        columns, neurons = document.pop("columns"), document.pop("neurons")
        document["network"] = self.network.to_json()
        return {**document, **(columns or {}), **({} if neurons is None else {"neurons": neurons})}
