"""What a run has found so far: scores, baselines and decision, and the summary of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from bpcli.documents.baselines import Baselines
from bpcli.documents.layer_health import LayerHealth
from bpcli.documents.scores import ScoreReport
from bpcli.experiment.prepared import Prepared
from bpcli.history.diagnosis import diagnose
from bpcli.jobs.stopping import stop_explanation
from bpcli.storage.records import EpochRecord, EpochScores, Summary
from bpcli.training.baselines import baselines
from bpcli.training.constant import baseline_loss
from bpcli.training.state import Counters

if TYPE_CHECKING:
    from bpcli.documents.decision import DecisionReport
    from bpcli.documents.final_training import FinalTraining


@dataclass
class Findings:
    """Findings of a run of a prepared experiment. versions: those of the software, as recorded with the run."""

    prepared: Prepared
    versions: dict[str, str]
    test: ScoreReport | None = None
    blend: str | None = None
    decision: DecisionReport | None = None
    baselines: Baselines | None = None
    best: EpochScores | None = None
    final: EpochScores | None = None
    health: tuple[LayerHealth, ...] = ()

    def remember(self, record: EpochRecord) -> None:
        """Keep an epoch's values."""
        self.final = record.scores
        self.health = record.health or ()
        if record.best_epoch == record.epoch:
            self.best = self.final

    def compare(self, epochs: int) -> None:
        """Fit baselines beside the best epoch, unless the config asks for none, or there is nothing to compare."""
        plan = self.prepared.plan
        if plan.spec.baselines and self.best is not None:
            self.baselines = baselines(plan, epochs, self.best.values)

    def summary(
        self,
        status: str,
        counters: Counters,
        started: datetime,
        records: Iterable[EpochRecord],
        final_training: FinalTraining | None,
    ) -> Summary:
        """Summary of the run. records: of its epochs, for the diagnosis of one that has ended."""
        prepared, finished = self.prepared, status != "running"
        return Summary(
            name=prepared.config.name,
            status=status,
            stop_reason=counters.stop,
            stop_explanation=self._why_stopped(counters),
            diagnosis=self._diagnosis(counters, records) if finished else [],
            epochs=counters.epoch,
            monitor=prepared.plan.monitor.name,
            best=self.best or EpochScores(counters.best_epoch),
            final=self.final,
            test=self.test,
            positive=prepared.preprocessor.target.positive,
            decision=self.decision,
            baselines=self.baselines,
            final_training=final_training,
            blend=self.blend,
            parameters=prepared.network.layout.size * len(prepared.plan.members),
            rows=prepared.rows,
            data_sha256=prepared.digest,
            warm_start=None if (start := prepared.warm_start) is None else start.model_dump(mode="json"),
            warnings=[warning.text for warning in prepared.warnings],
            data_warnings=prepared.all_warnings,
            training_seconds=round(counters.seconds + (final_training.seconds if final_training else 0.0), 6),
            started_at=started.isoformat(timespec="seconds"),
            finished_at=datetime.now(UTC).isoformat() if finished else None,
            versions=self.versions,
        )

    def _why_stopped(self, counters: Counters) -> str | None:
        if counters.stop is None:
            return None
        plan = self.prepared.plan
        return stop_explanation(counters.stop, self.prepared.config.training, plan.monitor.name, self.health)

    def _diagnosis(self, counters: Counters, records: Iterable[EpochRecord]) -> list[str]:
        layers = self.prepared.network.summary()
        activations = {layer.index: layer.activation for layer in layers if layer.activation is not None}
        return diagnose(records, activations, counters.stop, self._constant_loss())

    def _constant_loss(self) -> float | None:
        """Loss of the best constant prediction; None for one row, and with penalties, which add to the loss."""
        plan, penalty = self.prepared.plan, self.prepared.config.training.penalty
        if penalty.l1 or penalty.l2 or plan.train.rows < 2:
            return None
        return baseline_loss(plan.loss, plan.train, plan.network.n_out)
