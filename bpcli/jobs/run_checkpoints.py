"""Checkpoints of a run: the state of a training, or its best model, with everything that a header says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bpcli.arrays.memory import Array
from bpcli.config.experiment import ExperimentConfig
from bpcli.experiment.prepared import Prepared
from bpcli.jobs.best_model import BestModel
from bpcli.storage.checkpoint import Checkpoint
from bpcli.storage.header import DataFingerprint, Header, Score
from bpcli.storage.run_directory import RunDirectory
from bpcli.training.state import TrainingState


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
        return self._checkpoint(state, state.vectors())

    def of_best(self, state: TrainingState, best: BestModel) -> Checkpoint:
        """Checkpoint of the best model of a state."""
        vectors = {"params": best.vectors.params, "state": best.vectors.layer_state}
        return self._checkpoint(state, vectors, best)

    def _checkpoint(self, state: TrainingState, vectors: dict[str, Array], best: BestModel | None = None) -> Checkpoint:
        """Checkpoint with these vectors, to resume from unless they are those of the best model."""
        resumable = best is None
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
            windows=prepared.windows,
            latest=prepared.latest,
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
            decision=None if best is None else best.decision,
            intervals=None if best is None else best.intervals,
            blend=None if best is None else best.vectors.blend,
            ridge=None if best is None or prepared.ridge is None or prepared.has_linear else prepared.ridge.fitted,
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
