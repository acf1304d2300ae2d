"""Study: a search in a directory of its own, from the first trial to the best config."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from statistics import fmean

from bpcli.config.loading import LoadedConfig
from bpcli.config.tune import AT_ONCE
from bpcli.errors import CheckpointError
from bpcli.metrics import greater_is_better
from bpcli.storage.run_directory import RunDirectory
from bpcli.system.files import file_access, write_atomic
from bpcli.tuning.crew import Crew
from bpcli.tuning.directory import StudyDirectory, best_config
from bpcli.tuning.halving import promoted, rungs, usual_at_once
from bpcli.tuning.sampling import Sampling, same_values
from bpcli.tuning.space import Space, Values
from bpcli.tuning.training import Trained, Training
from bpcli.tuning.trial import State, Trial, read_trials, write_trials
from bpcli.wording import printable


class Study:
    """A search: which trials are next, what they came to, and which is the best."""

    def __init__(self, directory: StudyDirectory, loaded: LoadedConfig, epochs: int) -> None:
        """Open a study. epochs: of a training, as the config or its recipe has it."""
        assert loaded.config.tune is not None
        self.directory, self.spec, self._loaded = directory, loaded.config.tune, loaded
        self.space = Space(self.spec.space)
        self.maximize = greater_is_better(self.spec.metric.removeprefix("validation_"))
        self.trials = read_trials(directory.trials)
        self._epochs = epochs

    @cached_property
    def at_once(self) -> int:
        """Number of trials that are asked for together."""
        spec = self.spec
        if spec.at_once is not None:
            return spec.at_once
        return AT_ONCE if spec.halving is None else usual_at_once(spec.halving, self._epochs)

    @property
    def name(self) -> str:
        """Name of the experiment."""
        return self._loaded.config.name

    @property
    def best(self) -> Trial | None:
        """The complete trial with the best score; of equal ones, the first."""
        found = [trial for trial in self.trials if trial.state == "complete" and trial.score is not None]
        return min(found, key=self.rank, default=None)

    def rank(self, trial: Trial) -> float:
        """Score of a trial as a number of which the least is the best."""
        assert trial.score is not None
        return -trial.score if self.maximize else trial.score

    def run(self, crew: Crew, interrupted: Callable[[], bool]) -> Iterator[list[Trial]]:
        """Train until all trials are over, yielding them as they are, those that were asked for together at once.

        The trials of the directory are asked for again, so that the sampler is where it was. Raises CheckpointError if
        it chooses others now.
        """
        sampling = Sampling(self.space, self.spec.sampler, self._loaded.config.seed, self.maximize)
        done, self.trials = self.trials, []
        write_trials(self.directory.trials, done)
        while len(self.trials) < self.spec.trials:
            first = len(self.trials)
            asked = sampling.ask(min(self.at_once, self.spec.trials - first))
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
                kept = [] if self.spec.halving else known  # halving compares all that are asked for together
                new = self._trained(first + len(kept), asked[len(kept) :], crew, interrupted)
                if new is None:
                    return
                found = [*kept, *new]
            sampling.tell(found)
            self.trials += found
            if len(self.trials) > len(done):
                write_trials(self.directory.trials, self.trials)
                self._keep_best()
            yield found

    def test_scores(self, trial: Trial) -> dict[str, float | None]:
        """Scores of the test rows by the model of a trial; empty without such rows."""
        test = RunDirectory(self.directory.run(trial.number)).read_summary().test
        return {} if test is None else dict(test.scores)

    def _is_over(self) -> bool:
        """Whether the trials so far have used the budget."""
        seconds = sum(trial.seconds for trial in self.trials)
        return self.spec.budget is not None and seconds >= self.spec.budget.seconds

    def _trained(
        self, first: int, asked: Sequence[Values], crew: Crew, interrupted: Callable[[], bool]
    ) -> list[Trial] | None:
        """Trials with these values, numbered from `first`; None if they were interrupted."""
        numbers = range(first, first + len(asked))
        halving = self.spec.halving
        compared = [] if halving is None else rungs(halving, self._epochs)
        going, results = list(numbers), dict[int, list[Trained]]()
        for until in (*compared, None):
            trainings = [
                (number, self._training(number, asked[number - first], seed, until))
                for number in going
                for seed in range(self.spec.seeds)
            ]
            found = dict(crew.train([training for _, training in trainings], interrupted))
            if len(found) < len(trainings) or any(one.interrupted for one in found.values()):
                return None
            for number in going:
                results[number] = [found[place] for place, (of, _) in enumerate(trainings) if of == number]
            if until is not None:
                assert halving is not None
                going = promoted(
                    {number: self._score(results[number]) for number in going}, halving.factor, self.maximize
                )
        return [self._trial(number, asked[number - first], results[number], number in going) for number in numbers]

    def _training(self, number: int, values: Values, seed: int, until: int | None) -> Training:
        settings = ["tune=null", *self.space.settings(values)]
        if self.spec.seeds > 1:
            base, split = self._loaded.config.seed, self._loaded.config.data.split
            settings.append(f"seed={base + seed}")
            if split.seed is None and split.order == "random":
                settings.append(f"data.split.seed={base}")  # the test rows of one seed are those of all
        return Training(self.directory.run(number, seed), tuple(settings), until)

    def _score(self, results: Sequence[Trained]) -> float | None:
        """Value of the metric, the mean over seeds; None if a training failed or it is undefined."""
        found = []
        for one in results:
            if one.note is not None:
                return None
            if (score := one.metrics.get(self.spec.metric)) is None:
                return None
            found.append(score)
        return fmean(found)

    def _trial(self, number: int, values: Values, results: Sequence[Trained], whole: bool) -> Trial:
        score, notes = self._score(results), [one.note for one in results if one.note is not None]
        state: State = "failed" if notes else "complete" if whole else "stopped"
        first = results[0]
        metrics = {} if notes else {name: _mean([one.metrics.get(name) for one in results]) for name in first.metrics}
        return Trial(
            number,
            dict(values),
            state,
            score,
            sum(one.epochs for one in results),
            sum(one.seconds for one in results),
            first.parameters,
            metrics,
            notes[0] if notes else None,
        )

    def _keep_best(self) -> None:
        """Write the best config, and remove the checkpoints of all other trials that are over."""
        best = self.best
        for trial in self.trials:
            if best is None or trial.number != best.number:
                for seed in range(self.spec.seeds):
                    for path in RunDirectory(self.directory.run(trial.number, seed)).checkpoints:
                        with file_access(path, "remove"):
                            path.unlink(missing_ok=True)
        if best is not None:
            write_atomic(self.directory.best, best_config(self.directory, best.number).encode())


def _mean(values: Sequence[float | None]) -> float | None:
    """Mean; None if a value is undefined."""
    known = [value for value in values if value is not None]
    return fmean(known) if len(known) == len(values) else None
