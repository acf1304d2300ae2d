"""Run from start to end: training's events, written to a run directory as they arrive."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from bpcli.errors import CheckpointError, DivergedError
from bpcli.experiment.prepared import Prepared
from bpcli.jobs.best_model import BestModel
from bpcli.jobs.checkpoint_times import CheckpointTimes
from bpcli.jobs.epoch_record import epoch_record
from bpcli.jobs.findings import Findings
from bpcli.jobs.pace import PACE, Pace
from bpcli.jobs.run_checkpoints import RunCheckpoints, relocated
from bpcli.jobs.team import ALONE, Team
from bpcli.storage.checkpoint import Checkpoint
from bpcli.storage.records import MOST_EPOCHS, Summary
from bpcli.storage.run_directory import RunDirectory
from bpcli.system.crash_log import crash_logged
from bpcli.system.environment import environment
from bpcli.system.files import write_atomic
from bpcli.training.loop import train
from bpcli.training.plan import EpochReport, Progress
from bpcli.training.state import TrainingState

if TYPE_CHECKING:
    from bpcli.history.tensorboard import EventFile
    from bpcli.jobs.final_training import FinalRunner


class Runner:
    """Trains a prepared experiment and keeps its run directory up to date.

    `last` is written before the first step and then according to `training.checkpoint_every`, together with `best` if
    that has changed. Both are also written when training ends for any reason.
    """

    def __init__(
        self,
        prepared: Prepared,
        directory: RunDirectory,
        state: TrainingState | None = None,
        threads: int | None = None,
        tensorboard: bool = False,
        pace: Pace = PACE,
        team: Team = ALONE,
    ) -> None:
        """team: processes that share the steps; this one is its rank 0."""
        self.prepared, self.directory, self._team = prepared, directory, team
        self.state = state or prepared.plan.new_state()
        self._begun_at = self.state.optimizer.steps
        self.status = "running"
        self._threads, self._pace = threads, pace
        self._events = _event_file(directory) if tensorboard else None
        final = prepared.final
        compiled = prepared.plan.stepping.compiled or (final is not None and final.plan.stepping.compiled)
        versions = environment(compiled)
        self.summary = Summary()
        self._found = Findings(prepared, versions)
        self.decides_again = self._changes_final = False
        self._best_written = 0
        self._times = CheckpointTimes(pace, prepared.config.training.checkpoint_every)
        self._config = relocated(prepared, directory)
        self._checkpoints = RunCheckpoints(prepared, self._config, prepared.rows, versions)
        self._final_runner: FinalRunner | None = None
        self._started = datetime.now(UTC)

    def run(self, interrupted: Callable[[], bool] = lambda: False) -> Iterator[EpochReport | Progress]:
        """Train, yielding the events of training. The directory is complete afterwards, also after an exception.

        A run that is already finished on disk is not modified, except for its TensorBoard file.
        """
        self.directory.remove_leftovers()
        begins = not self._is_finished_on_disk()
        if not self._team.tell(lambda: begins):
            self.status, self.summary = self._status_at_end(), self.directory.read_summary()
            self._begin_events()
            return
        with crash_logged(self.directory.crash_log):
            yield from self._train(interrupted)

    def _train(self, interrupted: Callable[[], bool]) -> Iterator[EpochReport | Progress]:
        self.directory.write_config(self._config.model_dump(mode="json", by_alias=True))
        if self.prepared.final is None or self.state.counters.stop is None:
            self.directory.remove_final()  # a first training that continues may find another best epoch
            self.directory.records.keep(self.state.counters.epoch)
        else:
            self.directory.records.keep(self.state.counters.epoch, MOST_EPOCHS)
        for record in self.directory.records.read():
            self._found.remember(record)
        self._save()
        self._summarize()
        self._begin_events()
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
        try:
            for event in events:
                if isinstance(event, EpochReport):
                    self._record(event)
                if self.state.counters.stop is None and self._times.is_due(self.state.optimizer.steps):
                    self._save()
                yield event
        except DivergedError:
            self.status = "diverged"
            self._save_best()
            self._summarize()
            raise
        self._save()
        if not self._team.tell(lambda: self.state.counters.stop is not None):
            self.status = "interrupted"
        else:
            yield from self._finish(interrupted)
        self._summarize()

    def _finish(self, interrupted: Callable[[], bool]) -> Iterator[EpochReport | Progress]:
        """Score the best model, after the final training if there is one, whose events it yields."""
        best = BestModel.of(self.prepared, self.state)
        if (table := best.out_of_fold_csv()) is not None:
            write_atomic(self.directory.out_of_fold, table.encode())
        self._found.compare(self.state.counters.epoch)
        model = best
        final = self._begin_final(self.prepared.final, best) if self._has_final and self.prepared.final else None
        self._team.tell(lambda: None if final is None else final.prepared.plan.followed)
        if final is not None:
            try:
                yield from final.run(interrupted)
            except DivergedError:
                self.status = "diverged"
                self._summarize()
                raise
            if final.state.counters.stop is None:
                self.status = "interrupted"
                return
            model = final.model()
        blend = best.vectors.blend
        found = self._found
        found.blend = None if blend is None else blend.line or None
        found.test, found.decision = model.test_report(), model.decision_report(best)
        self.status = self._status_at_end()

    @property
    def _has_final(self) -> bool:
        """Whether a final training belongs to the run, once the first is over."""
        finished = self._status_at_end() == "finished" and self.state.counters.best_epoch > 0
        return self.prepared.final is not None and finished

    def _begin_final(self, prepared: Prepared, best: BestModel) -> FinalRunner:
        """Final training of the run. Keeps the best model of the first training as `validated`."""
        from bpcli.jobs.final_training import FinalRunner, following

        self._checkpoints.of_best(self.state, best).save(self.directory.validated)
        plan = following(prepared.plan, self.state.counters, self.directory.records.read())
        ridge = self.prepared.ridge
        penalty = None if ridge is None else ridge.penalty
        prepared = replace(prepared, plan=plan, penalty=penalty, blend=best.vectors.blend)
        checkpoints = replace(self._checkpoints, prepared=prepared, all_rows=True)
        self._final_runner = found = FinalRunner(
            prepared, self.directory, checkpoints, best, self._threads, self._pace, self._team
        )
        self._summarize()
        return found

    @property
    def has_trained(self) -> bool:
        """Whether a step was taken, the decision fitted again, or another model is the one to use."""
        stepped = self.state.optimizer.steps > self._begun_at
        finally_stepped = self._final_runner is not None and self._final_runner.has_trained
        return stepped or finally_stepped or self.decides_again or self._changes_final

    def _record(self, report: EpochReport) -> None:
        record = epoch_record(report)
        self._found.remember(record)
        self.directory.records.append(record)
        if self._events is not None:
            self._events.add(record)

    def _begin_events(self) -> None:
        if self._events is not None:
            self._events.begin(self.directory.records.read(), self.state.counters.seconds)

    def _save(self) -> None:
        """Write changed checkpoints and schedule the next write.

        `last` is written after everything it depends on. After a crash in between, training resumes from the previous
        `last` and repeats the epochs since, including the best one.
        """
        started = self._pace.clock()
        self.directory.records.flush()
        self._save_best()
        self.directory.save_last(self._checkpoints.of_state(self.state))
        self._times.written(started, self.state.optimizer.steps)

    def _is_finished_on_disk(self) -> bool:
        """Whether the directory already has all results of the final state."""
        counters, summary = self.state.counters, self.directory.read_summary()
        written = (summary.status, summary.stop_reason, summary.epochs)
        if written != (self._status_at_end(), counters.stop, counters.epoch) or not self.directory.best.is_file():
            return False
        self._changes_final = self._has_final != (summary.final_training is not None)
        if self._changes_final:
            return False
        self.decides_again = self._is_decided_otherwise()
        return not self.decides_again

    def _is_decided_otherwise(self) -> bool:
        """Whether the best checkpoint has another `decision` in its config."""
        try:
            written = Checkpoint.load(self.directory.best).header.config.decision
        except CheckpointError:
            return False
        return written != self.prepared.config.decision

    def _status_at_end(self) -> str:
        """Status of the run.

        A run ended by `stop_when` is not finished, because its model should not be mistaken for a good one.
        """
        return "stopped" if self.state.counters.stop == "stop_when" else "finished"

    def _save_best(self) -> None:
        state = self.state
        if state.counters.best_epoch != self._best_written:
            best = BestModel.of(self.prepared, state)
            self.directory.save_best(self._checkpoints.of_best(state, best))
            self._best_written = state.counters.best_epoch

    def _summarize(self) -> None:
        final = None if self._final_runner is None else self._final_runner.outcome
        records = [] if self.status == "running" else self.directory.records.read()
        self.summary = self._found.summary(self.status, self.state.counters, self._started, records, final)
        self.directory.write_summary(self.summary)


def _event_file(directory: RunDirectory) -> EventFile:
    """TensorBoard file of a run."""
    from bpcli.history.tensorboard import EventFile

    return EventFile(directory.tensorboard)
