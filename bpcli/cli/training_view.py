"""Terminal output of `bpcli train`, during and after training."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from bpcli.cli.console import note, notes, result, say, warn
from bpcli.cli.progress import View, view
from bpcli.cli.signals import StopRequest
from bpcli.experiment.prepared import Prepared
from bpcli.jobs.runner import Runner
from bpcli.jobs.training import Observer, Run
from bpcli.metrics import Task
from bpcli.storage.records import EpochScores, Summary
from bpcli.storage.run_directory import RunDirectory
from bpcli.training.plan import EpochReport, Progress
from bpcli.training.scoring import remarks, summary_names
from bpcli.training.state import Counters, TrainingState
from bpcli.wording import counted, duration, enumerated, number, printable, quoted, sized


class TrainingView(Observer):
    """Observer that displays training and stops it on a signal. If quiet, it prints only essential notes.

    settings: those of the command line, such as `training.epochs=50`.
    """

    def __init__(self, quiet: bool, settings: Sequence[str] = ()) -> None:
        self.stop = StopRequest()
        self._quiet, self._settings = quiet, settings
        self._task: Task = "regression"
        self._view: View | None = None
        self.reached = ""
        """Progress of training when it ended: `after 3 epochs and 2 steps`."""

    def opened(self, prepared: Prepared) -> None:
        """Print data warnings."""
        self._task = prepared.preprocessor.target.task
        if not self._quiet:
            warn(prepared.warnings)

    def resumed(self, directory: RunDirectory, state: TrainingState) -> None:
        """Print a note if the previous training process died."""
        if directory.is_marked_running() and not self._quiet:
            point = after(state.counters, "from the start")
            note(f"the previous training process {directory.death()}; continuing {point}")

    @contextmanager
    def watching(self, runner: Runner) -> Iterator[None]:
        """Print what will be trained, and display events within the block."""
        if not self._quiet:
            announce(runner.prepared)
        config, done = runner.prepared.config, runner.state.counters.epoch
        earlier = (record for record in runner.directory.records.read() if record.epoch <= done)
        with self.stop, view(config.name, config.training.epochs, self._quiet, earlier) as self._view:
            yield
        self.reached = after(runner.state.counters, "before the first step")

    def event(self, event: EpochReport | Progress) -> None:
        """Display an event."""
        if self._view is not None:
            self._view.show(event)

    def interrupted(self) -> bool:
        """Whether a signal requested a stop."""
        return self.stop()

    def ended(self, run: Run) -> None:
        """Print problems of the training, or a note that the run was already finished."""
        if run.status in ("finished", "stopped") and not run.trained:
            note(f"nothing to train: {_why_complete(run.summary, self._settings)}")
        elif not self._quiet:
            warn(run.summary.diagnosis or ())

    def print_outcome(self, run: Run) -> None:
        """Print the best epoch and the scores of the test rows."""
        summary = run.summary
        epochs, seconds = counted(summary.epochs or 0, "epoch"), duration(summary.training_seconds or 0.0)
        result(f"{epochs} in {seconds}; {summary.stop_explanation or summary.stop_reason}")
        best, test = summary.best or EpochScores(0), summary.test
        shown = ", ".join(f"{name} {number(value)}" for name, value in best.values.items() if value is not None)
        result(f"best epoch {best.epoch}: {shown}")
        if summary.final_training is not None:
            result(summary.final_training.line)
        if test:
            names = summary_names(self._task, test.scores)
            plain = {name: f" (unweighted {number(value)})" for name, value in test.differing.items()}
            figures = ", ".join(f"{name} {number(test.scores[name])}{plain.get(name, '')}" for name in names)
            result(f"test, {counted(test.rows, 'row')}: {figures}")
            if "skill" in test.scores:
                from bpcli.training.forecast_scoring import simple_line

                if simple := simple_line(test.scores):
                    result(simple)
            notes([summary.blend] if summary.blend else [])
            notes(remarks(test))
        if summary.baselines is not None:
            result(summary.baselines.line)
        for line in summary.decision.lines() if summary.decision else ():
            result(line)
        if summary.positive is not None:
            result(f"positive class: {quoted(summary.positive)}")


def _why_complete(summary: Summary, settings: Sequence[str]) -> str:
    """Reason why a resumed run has no step to take, and what to change to continue it."""
    setting = f"training.{summary.stop_reason}"
    if not settings:
        return (
            "the run was already complete, and its config is unchanged; to continue, change "
            f"{setting}, for example with --set"
        )
    end = summary.stop_explanation or summary.stop_reason
    verb = "has" if len(settings) == 1 else "have"
    stopping = "training.early_stopping.patience or min_delta"
    change = stopping if summary.stop_reason == "early_stopping" else setting
    given = enumerated(map(printable, settings))
    return f"the run was already complete ({end}), so {given} {verb} no effect; to continue, change {change}"


def after(counters: Counters, at_first: str) -> str:
    """Progress of training: `after 3 epochs and 2 steps`; `at_first` before the first step."""
    done = [counted(count, what) for count, what in ((counters.epoch, "epoch"), (counters.step, "step")) if count]
    return f"after {' and '.join(done)}" if done else at_first


def announce(prepared: Prepared) -> None:
    """Print what will be trained, and notes."""
    network = prepared.network
    rows = ", ".join(f"{rows:,} {part}" for part, rows in prepared.rows.items() if rows)
    say(
        f"{prepared.config.name}: {rows} rows; {counted(network.n_in, 'input')}, {network.n_out} "
        f"{'output' if network.n_out == 1 else 'outputs'}, {sized(network.layout.size, prepared.config.members)}"
    )
    notes(prepared.notes)
