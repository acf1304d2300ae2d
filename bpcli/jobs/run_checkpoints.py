"""Checkpoints of a run: the state of a training, or its best model, with everything that a header says."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from bpcli.arrays.memory import Array
from bpcli.config.experiment import ExperimentConfig
from bpcli.decision.fitted import FittedDecision
from bpcli.experiment.prepare import Prepared
from bpcli.frozen import dataclass
from bpcli.storage.checkpoint import Checkpoint, DataFingerprint, Header, Score
from bpcli.storage.run_directory import RunDirectory
from bpcli.training import TrainingState


@dataclass(frozen=True)
class RunCheckpoints:
    """Checkpoints of a training of a run.

    config: resolved, with paths relative to the run directory. rows: of each split. all_rows: whether it is the final
    training, on the validation rows too.
    """

    prepared: Prepared
    config: ExperimentConfig
    rows: Mapping[str, int]
    versions: Mapping[str, str]
    all_rows: bool = False

    def of_state(self, state: TrainingState) -> Checkpoint:
        """Checkpoint from which training resumes."""
        return self._checkpoint(state, state.vectors(), resumable=True)

    def of_best(self, state: TrainingState, decision: FittedDecision | None) -> Checkpoint:
        """Checkpoint of the best model."""
        vectors = {"params": state.best_params, "state": state.best_layer_state}
        return self._checkpoint(state, vectors, resumable=False, decision=decision)

    def _checkpoint(
        self,
        state: TrainingState,
        vectors: dict[str, Array],
        resumable: bool,
        decision: FittedDecision | None = None,
    ) -> Checkpoint:
        prepared, counters, optimizer = self.prepared, state.counters, state.optimizer
        monitor = prepared.plan.monitor
        header = Header(
            config=self.config,
            preprocessor=prepared.preprocessor,
            data=DataFingerprint(
                sha256=prepared.digest,
                paths=tuple(str(path.resolve()) for path in prepared.sources),
                rows=dict(self.rows),
                weightless=prepared.weightless,
            ),
            score=Score(
                monitor=monitor.name,
                value=monitor.less_is_better(counters.best) if counters.best_epoch else None,
                epoch=counters.best_epoch,
            ),
            warm_start=prepared.warm_start,
            counters=counters.to_json() if resumable else None,
            optimizer_steps=optimizer.steps if resumable else 0,
            optimizer_product=optimizer.numbers.get("product", 1.0) if resumable else 1.0,
            versions=dict(self.versions),
            decision=decision,
            all_rows=self.all_rows,
        )
        return Checkpoint(header, vectors)


def relocated(prepared: Prepared, directory: RunDirectory) -> ExperimentConfig:
    """Resolved config with paths relative to the run directory."""
    config = prepared.config
    changes: dict[str, object] = {"data": config.data.with_paths(map(directory.relative_to_run, prepared.sources))}
    if (start := config.start_from) is not None:
        checkpoint = directory.relative_to_run(Path(start.checkpoint))
        changes["start_from"] = start.model_copy(update={"checkpoint": checkpoint})
    return config.model_copy(update=changes)
