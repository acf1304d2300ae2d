"""Study: a search in a directory of its own, from the first trial to the best config."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bpcli.config.loading import LoadedConfig, load_config
from bpcli.config.tune import AT_ONCE, POPULATION
from bpcli.errors import CheckpointError
from bpcli.metrics import Task
from bpcli.storage.config_text import config_text
from bpcli.storage.run_directory import RunDirectory
from bpcli.system.files import file_access, write_atomic
from bpcli.tuning.batch import NOT_SEARCHED, Batch, Done, parts_of, run_name
from bpcli.tuning.crew import Crew
from bpcli.tuning.directory import StudyDirectory, relocated
from bpcli.tuning.halving import usual_at_once
from bpcli.tuning.objective import Objective
from bpcli.tuning.optimism import Optimism, optimism
from bpcli.tuning.row_figures import metric_of_means
from bpcli.tuning.sampling import Sampling, same_values
from bpcli.tuning.space import Space, Values
from bpcli.tuning.training import Training
from bpcli.tuning.trial import Trial, read_trials, write_trials
from bpcli.wording import printable


@dataclass(frozen=True)
class Basis:
    """What a search takes from its config together with the data.

    epochs: of a training. start: values of the config as it stands, if the space has them. digest: SHA-256 of the data.
    """

    epochs: int
    task: Task
    start: Values | None
    digest: str


class Study:
    """A search: which trials are next, what they came to, and which is the best."""

    def __init__(self, directory: StudyDirectory, loaded: LoadedConfig, basis: Basis) -> None:
        assert loaded.config.tune is not None
        self.directory, self.spec, self._loaded = directory, loaded.config.tune, loaded
        self.space, self.objective = Space(self.spec.space), Objective(self.spec.metrics)
        self.basis = basis
        self.trials = read_trials(directory.trials)
        self._written: int | None = None
        """Number of the trial whose config is written as the best."""

    @cached_property
    def at_once(self) -> int:
        """Number of trials that are asked for together."""
        spec = self.spec
        if spec.at_once is not None:
            return spec.at_once
        if spec.halving is not None:
            return usual_at_once(spec.halving, self.basis.epochs)
        return POPULATION if spec.sampler == "nsga2" else AT_ONCE

    @property
    def name(self) -> str:
        """Name of the experiment."""
        return self._loaded.config.name

    @property
    def best(self) -> Trial | None:
        """The complete trial with the best score; of equal ones, the first."""
        return self.objective.best(self.trials)

    @property
    def front(self) -> list[Trial]:
        """Trials that no other beats in all metrics, of several metrics."""
        return self.objective.front(self.trials) if len(self.objective.metrics) > 1 else []

    def run(self, crew: Crew, interrupted: Callable[[], bool]) -> Iterator[list[Trial]]:
        """Train until all trials are over, yielding them as they are, those that were asked for together at once.

        The trials of the directory are asked for again, so that the sampler is where it was. Raises CheckpointError if
        it chooses others now.
        """
        config, spec = self._loaded.config, self.spec
        start = self.basis.start
        sampling = Sampling(self.space, spec.sampler, config.seed, self.objective, self.at_once, start)
        batch = Batch(config, self.basis.epochs)
        done, self.trials = self.trials, []
        write_trials(self.directory.trials, done)
        while len(self.trials) < spec.trials:
            first = len(self.trials)
            asked = sampling.ask(min(self.at_once, spec.trials - first))
            if not asked:
                return
            known = done[first : first + len(asked)]
            for trial, values in zip(known, asked, strict=False):
                if not same_values(values, trial.values):
                    raise CheckpointError(
                        f"{printable(str(self.directory.trials))}: trial {trial.number} has other values than the "
                        "sampler chooses now; continue with the versions of Optuna and NumPy that began it"
                    )
            found = known
            if len(known) < len(asked):
                if interrupted() or self._is_over():
                    return
                kept = [] if spec.halving else known  # halving compares all that are asked for together
                new = batch.train(first + len(kept), asked[len(kept) :], self.trials, crew, interrupted)
                if new is None:
                    return
                self._keep_rows(new)
                found = [*kept, *(one.trial for one in new)]
            sampling.tell(found)
            self.trials += found
            if len(self.trials) > len(done):
                write_trials(self.directory.trials, self.trials)
                self._keep_best()
            yield found

    def finish(self, crew: Crew, interrupted: Callable[[], bool]) -> bool:
        """Train the best config once more unless its run is here, and link to it. False if that was interrupted."""
        best = self.best
        assert best is not None
        name = run_name(best.number, "" if self.spec.folds is None else "-best")
        run = RunDirectory(self.directory.run(name))
        if run.read_summary().status != "finished" or not run.best.is_file():  # trained elsewhere, at least at the end
            settings = (NOT_SEARCHED, *self.space.settings(best.values))
            [(_, trained)] = crew.train([Training(best.number, name, settings)], interrupted) or [(0, None)]
            if trained is None or trained.interrupted:
                return False
            if self.spec.folds is None and trained.metrics != best.metrics:
                now, shown = trained.metrics.get(self.objective.first), printable(str(run.path))
                raise CheckpointError(
                    f"{shown}: {self.objective.first} is {now}, and was {best.score} where it was trained first; the "
                    "two machines compute differently"
                )
        link = self.directory.best_run
        with file_access(link, "write"):
            link.unlink(missing_ok=True)
            link.symlink_to(self.directory.run(name).relative_to(link.parent))
        return True

    @property
    def test_scores(self) -> dict[str, float | None]:
        """Scores of the test rows by the model of the best config; empty without such rows."""
        test = RunDirectory(self.directory.best_run).read_summary().test
        return {} if test is None else dict(test.scores)

    @property
    def start_score(self) -> float | None:
        """Score of the config as it stands; None if it is no trial, or was not trained to the end."""
        first = self.trials[0] if self.trials and self.basis.start is not None and self.spec.sampler != "grid" else None
        return first.score if first is not None and first.state == "complete" else None

    def is_worth_it(self) -> bool:
        """Whether the best config is expected to be better on new rows than the config as it stands.

        True where nothing is known about it.
        """
        found, start = self.optimism(), self.start_score
        return found is None or start is None or self.objective.loss(found.expected) < self.objective.loss(start)

    def optimism(self) -> Optimism | None:
        """Part of the best score that is owed to the choice; None for metrics that are no means over rows."""
        best = self.best
        if best is None or best.score is None:
            return None
        paths = [self.directory.rows(trial.number) for trial in self.trials if trial.state == "complete"]
        if not all(path.is_file() for path in paths):
            return None
        figures: list[NDArray[np.float64]] = []
        for path in paths:
            with file_access(path, "read"):
                figures.append(np.load(path))
        of_means = metric_of_means(self.objective.first, self.basis.task)
        return optimism(figures, of_means, best.score, self.objective.maximize, self._loaded.config.seed)

    def _is_over(self) -> bool:
        """Whether the trials so far have used the budget."""
        seconds = sum(trial.seconds for trial in self.trials)
        return self.spec.budget is not None and seconds >= self.spec.budget.seconds

    def _keep_rows(self, new: Sequence[Done]) -> None:
        """Write the figures of the validation rows of trials."""
        for one in new:
            if one.rows is not None:
                path, content = self.directory.rows(one.trial.number), BytesIO()
                np.save(content, one.rows)
                with file_access(path.parent, "create"):
                    path.parent.mkdir(exist_ok=True)
                write_atomic(path, content.getvalue())

    def _keep_best(self) -> None:
        """Write the best configs, and remove the checkpoints of all other trials that are over."""
        best, front = self.best, self.front
        kept = {trial.number for trial in (*front, *([best] if best else []))}
        names = [*parts_of(self._loaded.config, self.spec), "-best"]
        for trial in self.trials:
            if trial.number not in kept:
                for name in names:
                    for path in RunDirectory(self.directory.run(run_name(trial.number, name))).checkpoints:
                        with file_access(path, "remove"):
                            path.unlink(missing_ok=True)
        if best is not None and best.number != self._written:
            self._write_config(self.directory.best, best)
            self._written = best.number
        if front:
            folder = self.directory.front(0).parent
            with file_access(folder, "create"):
                folder.mkdir(exist_ok=True)
                for path in folder.glob("*.yaml"):
                    path.unlink()
            for trial in front:
                self._write_config(self.directory.front(trial.number), trial)

    def _write_config(self, path: Path, trial: Trial) -> None:
        """Write the config of a trial, as it was asked for with its values."""
        settings = [NOT_SEARCHED, *self.space.settings(trial.values)]
        document = relocated(load_config(self.directory.config, settings), path.parent)
        write_atomic(path, config_text(document).encode())
