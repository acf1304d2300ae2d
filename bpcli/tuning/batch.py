"""Trials that were asked for together: their trainings, and what they come to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np
from numpy.typing import NDArray

from bpcli.config.experiment import ExperimentConfig
from bpcli.config.tune import TuneSpec
from bpcli.tuning.crew import Crew
from bpcli.tuning.halving import promoted, rungs
from bpcli.tuning.objective import Objective
from bpcli.tuning.space import Space, Values
from bpcli.tuning.stopping import limits_of
from bpcli.tuning.training import Trained, Training
from bpcli.tuning.trial import State, Trial

NOT_SEARCHED = "tune=null"
"""Override that makes a trial's config of that of the search."""


def parts_of(config: ExperimentConfig, spec: TuneSpec) -> dict[str, tuple[str, ...]]:
    """Settings of the trainings of each trial, by the ends of their names: one, or one for each fold or seed."""
    if spec.folds is not None:
        return {f"-fold{fold}": (f"data.split.validation_fold={fold}/{spec.folds}",) for fold in _numbers(spec.folds)}
    if spec.seeds == 1:
        return {"": ()}
    split = config.data.split
    # The test rows of one seed are those of all.
    fixed = (f"data.split.seed={config.seed}",) if split.seed is None and split.order == "random" else ()
    return {
        "" if number == 0 else f"-seed{number}": (f"seed={config.seed + number}", *fixed)
        for number in range(spec.seeds)
    }


def run_name(trial: int, part: str = "") -> str:
    """Name of a run of a trial. part: end of the name, as of `parts_of`."""
    return f"{trial:04d}{part}"


@dataclass(frozen=True)
class Done:
    """A trial that is over, and the figures of its validation rows, if there are any."""

    trial: Trial
    rows: NDArray[np.float64] | None


class Batch:
    """Trains the trials of a search that are asked for together."""

    def __init__(self, config: ExperimentConfig, epochs: int) -> None:
        """epochs: of a training, as the config or its recipe has it."""
        assert config.tune is not None
        self._spec, self._epochs = config.tune, epochs
        self._parts = parts_of(config, config.tune)
        self._space, self._objective = Space(config.tune.space), Objective(config.tune.metrics)

    def train(
        self,
        first: int,
        asked: Sequence[Values],
        earlier: Sequence[Trial],
        crew: Crew,
        interrupted: Callable[[], bool],
    ) -> list[Done] | None:
        """Trials with these values, numbered from `first`; None if they were interrupted.

        earlier: trials that were over before these were asked for.
        """
        numbers, spec = range(first, first + len(asked)), self._spec
        crew.announce(dict(zip(numbers, asked, strict=True)))
        compared = [] if spec.halving is None else rungs(spec.halving, self._epochs)
        limits = limits_of(spec.median or spec.asha, [trial.course for trial in earlier], self._epochs)
        going, results = list(numbers), dict[int, list[Trained]]()
        for until in (*compared, None):
            trainings = [
                (
                    number,
                    Training(
                        number,
                        run_name(number, part),
                        (NOT_SEARCHED, *self._space.settings(asked[number - first]), *settings),
                        until,
                        limits,
                    ),
                )
                for number in going
                for part, settings in self._parts.items()
            ]
            found = dict(crew.train([training for _, training in trainings], interrupted))
            if len(found) < len(trainings) or any(one.interrupted for one in found.values()):
                return None
            for number in going:
                results[number] = [found[place] for place, (of, _) in enumerate(trainings) if of == number]
            if until is not None:
                assert spec.halving is not None
                scores = {number: self._score(results[number]) for number in going}
                going = promoted(scores, spec.halving.factor, self._objective.maximize)
        done = [self._done(number, asked[number - first], results[number], number in going) for number in numbers]
        crew.conclude([one.trial for one in done])
        return done

    def _score(self, results: Sequence[Trained]) -> float | None:
        """Value of the metric, the mean over folds or seeds; None if a training failed or it is undefined."""
        if any(one.note is not None for one in results):
            return None
        return _mean(one.metrics.get(self._objective.first) for one in results)

    def _done(self, number: int, values: Values, results: Sequence[Trained], whole: bool) -> Done:
        notes = [one.note for one in results if one.note is not None]
        whole = whole and not any(one.behind for one in results)
        state: State = "failed" if notes else "complete" if whole else "stopped"
        first = results[0]
        metrics = {} if notes else {name: _mean(one.metrics.get(name) for one in results) for name in first.metrics}
        trial = Trial(
            number,
            dict(values),
            state,
            self._score(results),
            sum(one.epochs for one in results),
            sum(one.seconds for one in results),
            first.parameters,
            metrics,
            notes[0] if notes else None,
            first.course,
        )
        return Done(trial, self._rows(results) if state == "complete" else None)

    def _rows(self, results: Sequence[Trained]) -> NDArray[np.float64] | None:
        """Figures of the rows of all folds, or their mean over seeds; None if a training has none."""
        found = [np.array(one.rows) for one in results if one.rows is not None]
        if len(found) < len(results):
            return None
        if self._spec.folds is not None:
            return np.concatenate(found)
        same = all(one.shape == found[0].shape for one in found)
        return np.mean(found, axis=0) if same else None


def _numbers(count: int) -> range:
    return range(1, count + 1)


def _mean(values: Iterable[float | None]) -> float | None:
    """Mean; None if a value is undefined."""
    found = list(values)
    known = [value for value in found if value is not None]
    return fmean(known) if len(known) == len(found) else None
