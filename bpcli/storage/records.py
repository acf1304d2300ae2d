"""Records of a run: an epoch's line of metrics.jsonl, and summary.json.

Neither needs NumPy, so that hundreds of runs are listed quickly. Both parse files of earlier versions and edited files.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import TYPE_CHECKING

from bpcli.documents.json_value import Json, items, measured, members, text, whole
from bpcli.documents.layer_health import LayerHealth
from bpcli.documents.scores import ScoreReport, Scores, scores_in

if TYPE_CHECKING:
    from bpcli.documents.baselines import Baselines
    from bpcli.documents.decision import DecisionReport
    from bpcli.documents.final_training import FinalTraining

MOST_EPOCHS = 10**9
"""Exclusive upper bound of a valid epoch number."""

MEMBER_LOSSES = "validation_loss_members"
"""Value of an epoch that is a list: the validation loss of each member of an ensemble."""

NOT_SCORES = ("learning_rate", "seconds", MEMBER_LOSSES)
"""Values of an epoch that are not copied to the summary."""

FINAL = "final"
"""`phase` in the record of an epoch of the final training."""

STATUSES = ("running", "finished", "stopped", "interrupted", "diverged")
"""Valid values of a summary's status."""


@dataclass(frozen=True)
class EpochScores:
    """Losses and metrics of an epoch, as stored in the summary."""

    epoch: int
    values: Scores = field(default_factory=dict)

    def to_json(self) -> dict[str, Json]:
        """Scores as a JSON object."""
        return {"epoch": self.epoch, **self.values}

    @classmethod
    def from_json(cls, document: Json) -> EpochScores | None:
        """Parse scores. Returns None without a valid epoch number."""
        entries = members(document)
        epoch = whole(entries.get("epoch"))
        if epoch is None:
            return None
        return cls(epoch, {name: measured(value) for name, value in entries.items() if name != "epoch"})


@dataclass(frozen=True)
class EpochRecord:
    """Record of an epoch: a line of metrics.jsonl.

    values: losses, metrics, learning rate and seconds, in the order of the line. Training writes numbers, and null if
    undefined; an edited file may hold any JSON value. health: None for runs of versions that did not record it. final:
    whether it is an epoch of the final training, which are counted from 1 too.
    """

    epoch: int
    values: Mapping[str, Json] = field(default_factory=dict)
    best_epoch: int | None = None
    health: tuple[LayerHealth, ...] | None = None
    final: bool = False

    def number(self, name: str) -> float | None:
        """Return a value if it is a finite number, else None."""
        return measured(self.values.get(name))

    @property
    def numbers(self) -> dict[str, float | None]:
        """All values by name; None if not a finite number."""
        return {name: measured(value) for name, value in self.values.items()}

    @property
    def member_losses(self) -> list[float | None]:
        """Validation loss of each member of an ensemble; empty for one network."""
        return [measured(value) for value in items(self.values.get(MEMBER_LOSSES))]

    @property
    def scores(self) -> EpochScores:
        """Losses and metrics, as stored in the summary."""
        return EpochScores(self.epoch, {k: value for k, value in self.numbers.items() if k not in NOT_SCORES})

    @cached_property
    def layers(self) -> dict[int, LayerHealth]:
        """Health of each layer by index."""
        return {one.layer: one for one in self.health or ()}

    def to_json(self) -> dict[str, Json]:
        """Record as a JSON object."""
        phase: dict[str, Json] = {"phase": FINAL} if self.final else {}
        document: dict[str, Json] = {"epoch": self.epoch, **phase, **self.values}
        if self.best_epoch is not None:
            document["best_epoch"] = self.best_epoch
        if self.health is not None:
            document["health"] = [one._asdict() for one in self.health]
        return document

    @classmethod
    def from_json(cls, document: Json) -> EpochRecord | None:
        """Parse a record. Returns None without a valid epoch number."""
        entries = members(document)
        epoch = whole(entries.get("epoch"))
        if epoch is None or not 0 < epoch < MOST_EPOCHS:
            return None
        best, health = whole(entries.get("best_epoch")), entries.get("health")
        found = [LayerHealth.from_json(entry) for entry in items(health)]
        own = {"epoch", "best_epoch", "health"}
        if final := entries.get("phase") == FINAL:
            own.add("phase")
        return cls(
            epoch,
            {name: value for name, value in entries.items() if name not in own},
            best if best is not None and 0 <= best < MOST_EPOCHS else None,
            tuple(one for one in found if one is not None) if isinstance(health, list) else None,
            final,
        )

    @classmethod
    def parse(cls, line: bytes) -> EpochRecord | None:
        """Parse a line. Returns None for an invalid one, such as the truncated last line of a killed process."""
        try:
            return cls.from_json(json.loads(line))
        except (ValueError, RecursionError):
            return None


@dataclass(frozen=True)
class Summary:
    """Outcome of a run: the content of summary.json, key by key.

    Missing and invalid fields have the default values. diagnosis: None if the layers' health was not recorded. best:
    epoch 0 before the first best epoch. test: scores of the test rows. positive: positive class of two. decision:
    thresholds and calibration, once training is over. baselines: a constant, a linear model and the network on the
    validation rows, once training is over. final_training: the final training, of whose model `test` is then; `epochs`,
    `best` and `final` are of the first. blend: naive forecast that is part of the
    model's, in words. data_warnings: all warnings, also accepted ones, with their names.
    warm_start: what was taken over from another model.
    """

    name: str = ""
    status: str = ""
    stop_reason: str | None = None
    stop_explanation: str | None = None
    diagnosis: Sequence[str] | None = None
    epochs: int | None = None
    monitor: str | None = None
    best: EpochScores | None = None
    final: EpochScores | None = None
    test: ScoreReport | None = None
    positive: str | None = None
    decision: DecisionReport | None = None
    baselines: Baselines | None = None
    final_training: FinalTraining | None = None
    blend: str | None = None
    parameters: int | None = None
    rows: Mapping[str, int] = field(default_factory=dict)
    data_sha256: str = ""
    warm_start: Mapping[str, Json] | None = None
    warnings: Sequence[str] = ()
    data_warnings: Sequence[Json] = ()
    training_seconds: float | None = None
    started_at: str | None = None
    finished_at: str | None = None
    versions: Mapping[str, str] = field(default_factory=dict)

    @property
    def best_epoch(self) -> int | None:
        """Number of the best epoch; None before the first one."""
        return self.best.epoch if self.best is not None and 0 < self.best.epoch < MOST_EPOCHS else None

    def to_json(self) -> dict[str, Json]:
        """Summary as a JSON object."""
        inner = {
            "best": self.best,
            "final": self.final,
            "test": self.test,
            "decision": self.decision,
            "baselines": self.baselines,
            "final_training": self.final_training,
        }
        written: dict[str, Json] = {name: None if part is None else part.to_json() for name, part in inner.items()}
        document = {one.name: written.get(one.name, getattr(self, one.name)) for one in fields(self)}
        return {name: value for name, value in document.items() if value or name not in _OPTIONAL}

    @classmethod
    def from_json(cls, document: Json) -> Summary:
        """Parse a summary, ignoring invalid fields."""
        from bpcli.documents.baselines import Baselines
        from bpcli.documents.decision import DecisionReport
        from bpcli.documents.final_training import FinalTraining

        of = members(document)
        test = of.get("test")
        return cls(
            name=text(of.get("name")) or "",
            status=text(of.get("status")) or "",
            stop_reason=text(of.get("stop_reason")),
            stop_explanation=text(of.get("stop_explanation")),
            diagnosis=_texts(of.get("diagnosis")),
            epochs=whole(of.get("epochs")),
            monitor=text(of.get("monitor")),
            best=EpochScores.from_json(of.get("best")),
            final=EpochScores.from_json(of.get("final")),
            test=ScoreReport.from_json(test) if isinstance(test, dict) else None,
            positive=text(of.get("positive")),
            decision=DecisionReport.from_json(of.get("decision")),
            baselines=Baselines.from_json(of.get("baselines")),
            final_training=FinalTraining.from_json(of.get("final_training")),
            blend=text(of.get("blend")),
            parameters=whole(of.get("parameters")),
            rows={part: rows for part, value in members(of.get("rows")).items() if (rows := whole(value)) is not None},
            data_sha256=text(of.get("data_sha256")) or "",
            warm_start=members(start) if isinstance(start := of.get("warm_start"), dict) else None,
            warnings=_texts(of.get("warnings")) or (),
            data_warnings=tuple(items(of.get("data_warnings"))),
            training_seconds=measured(of.get("training_seconds")),
            started_at=text(of.get("started_at")),
            finished_at=text(of.get("finished_at")),
            versions={name: value for name, value in members(of.get("versions")).items() if isinstance(value, str)},
        )

    @classmethod
    def listed(cls, document: Json) -> Summary:
        """Parse the fields used in listings, without groups of test scores. Raises ValueError if one is invalid."""
        of = members(document)
        if of.get("status") not in STATUSES:
            raise ValueError("no status")
        for name, kind in _LISTED.items():
            if not isinstance(of.get(name), kind):
                raise ValueError(f"{name} has the wrong type")
        if not all(isinstance(value, _NUMBER_OR_NONE) for value in members(of["best"]).values()):
            raise ValueError("best holds a value that is not a number")
        test = of["test"]
        return cls(
            status=text(of["status"]) or "",
            epochs=whole(of["epochs"]),
            monitor=text(of["monitor"]),
            best=EpochScores.from_json(of["best"]),
            test=ScoreReport(whole(test.get("rows")) or 0, scores_in(test)) if isinstance(test, dict) else None,
            positive=text(of.get("positive")),
            parameters=whole(of["parameters"]),
            training_seconds=measured(of["training_seconds"]),
            started_at=text(of["started_at"]),
            finished_at=text(of["finished_at"]),
        )


_NUMBER_OR_NONE = (int, float, type(None))

_OPTIONAL = ("positive", "decision", "baselines", "final_training", "blend", "data_warnings", "warm_start")
"""Fields that are left out if None or empty."""

_LISTED: dict[str, type | tuple[type, ...]] = {
    "started_at": str,
    "finished_at": (str, type(None)),
    "epochs": int,
    "monitor": str,
    "best": dict,
    "test": (dict, type(None)),
    "parameters": int,
    "training_seconds": (int, float),
}
"""Types of the fields of a summary that are used in listings."""


def _texts(value: Json) -> list[str] | None:
    """Strings of a list; None if the value is not a list."""
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else None
