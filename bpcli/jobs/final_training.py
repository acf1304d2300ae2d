"""Final training of a run: on all rows that are not test rows, for as many epochs as the first training found best."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from bpcli.documents.final_training import FinalTraining
from bpcli.errors import CheckpointError
from bpcli.experiment.prepared import Prepared
from bpcli.jobs.best_model import BestModel
from bpcli.jobs.checkpoint_times import CheckpointTimes
from bpcli.jobs.epoch_record import epoch_record
from bpcli.jobs.pace import Pace
from bpcli.jobs.resume import state_of
from bpcli.jobs.run_checkpoints import RunCheckpoints
from bpcli.jobs.team import ALONE, Team
from bpcli.storage.checkpoint import Checkpoint
from bpcli.storage.records import EpochRecord
from bpcli.storage.run_directory import RunDirectory
from bpcli.training.loop import train
from bpcli.training.plan import EpochReport, Progress, TrainingPlan
from bpcli.training.state import Counters, TrainingState


class FinalRunner:
    """Trains on all rows, from the beginning or from the final checkpoint of the run directory.

    `final` is written as `last` is in the first training. `best` is replaced once training is over.
    """

    def __init__(
        self,
        prepared: Prepared,
        directory: RunDirectory,
        checkpoints: RunCheckpoints,
        first: BestModel,
        threads: int | None,
        pace: Pace,
        team: Team = ALONE,
    ) -> None:
        """Prepare the training. prepared: with the plan that follows the first training, whose best model is `first`.

        Raises CheckpointError for a final checkpoint that does not fit.
        """
        self.prepared, self._directory, self._checkpoints = prepared, directory, checkpoints
        self._first, self._threads, self._pace, self._team = first, threads, pace, team
        self._times = CheckpointTimes(pace, prepared.config.training.checkpoint_every)
        self.state = _begun(prepared, directory)
        self._begun_at = self.state.optimizer.steps
        self._train_loss = next((one.number("train_loss") for one in self._records()), None)

    @property
    def has_trained(self) -> bool:
        """Whether a step was taken."""
        return self.state.optimizer.steps > self._begun_at

    @property
    def outcome(self) -> FinalTraining:
        """Outcome so far."""
        counters = self.state.counters
        rows = self.prepared.plan.train.rows
        return FinalTraining(counters.epoch, rows, self._train_loss, round(counters.seconds, 6))

    def run(self, interrupted: Callable[[], bool]) -> Iterator[EpochReport | Progress]:
        """Train, yielding the events of training. Raises DivergedError."""
        self._save()
        self._team.share(self.state)
        drive = self._team.drive(self.prepared.plan, interrupted, self._pace.clock)
        events = train(
            self.prepared.plan,
            self.state,
            drive.interrupted,
            self._threads,
            exchange=drive.exchange,
            progress_seconds=self._pace.progress_seconds,
            clock=drive.clock,
        )
        for event in events:
            if isinstance(event, EpochReport):
                self._train_loss = event.train_loss
                self._directory.records.append(epoch_record(event))
            if self.state.counters.stop is None and self._times.is_due(self.state.optimizer.steps):
                self._save()
            yield event
        self._save()

    def model(self) -> BestModel:
        """Trained model, with the decision of the first training's. Writes it as the best checkpoint of the run."""
        decision, intervals = self._first.decision, self._first.intervals
        best = BestModel.deciding_as(self.prepared, self.state, decision, intervals)
        self._directory.save_best(self._checkpoints.of_best(self.state, best))
        return best

    def _records(self) -> Iterable[EpochRecord]:
        """Records of the epochs done, last first."""
        return reversed(list(self._directory.records.read(final=True)))

    def _save(self) -> None:
        started = self._pace.clock()
        self._directory.records.flush()
        self._checkpoints.of_state(self.state).save(self._directory.final)
        self._times.written(started, self.state.optimizer.steps)


def following(plan: TrainingPlan, counters: Counters, records: Iterable[EpochRecord]) -> TrainingPlan:
    """Plan of the final training that follows a first one to its best epoch. records: of its epochs."""
    monitor = plan.monitor
    found = {record.epoch: record.number(monitor.name) for record in records}
    values = [found.get(epoch) for epoch in range(1, counters.best_epoch)]
    watched = [float("inf") if value is None else monitor.less_is_better(value) for value in values]
    return replace(plan, followed=(*watched, counters.best))


def _begun(prepared: Prepared, directory: RunDirectory) -> TrainingState:
    """State of the final checkpoint, or a new one."""
    if not directory.final.is_file():
        directory.records.keep(prepared.plan.spec.epochs)
        return prepared.plan.new_state()
    checkpoint = Checkpoint.load(directory.final)
    if not checkpoint.header.all_rows:
        raise CheckpointError("not the checkpoint of a final training")
    state = state_of(checkpoint, prepared, directory.path, directory.final)
    directory.records.keep(prepared.plan.spec.epochs, state.counters.epoch)
    return state
