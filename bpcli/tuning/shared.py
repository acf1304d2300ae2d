"""Crew of a search whose trainings are taken from a storage, by workers on any machine."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from time import monotonic, sleep
from typing import TYPE_CHECKING

from bpcli.errors import FileAccessError
from bpcli.tuning.crew import TRIES, Crew, Done
from bpcli.tuning.joining import ALIVE_SECONDS, DEATHS, POLL_SECONDS, Place, end_all, hire, name_of
from bpcli.tuning.objective import Objective
from bpcli.tuning.publication import Published, outcome, require_same, results
from bpcli.tuning.space import Space, Values
from bpcli.tuning.training import Training
from bpcli.tuning.trial import Trial

if TYPE_CHECKING:
    from multiprocessing.context import SpawnProcess

    from optuna.trial import FrozenTrial

LOST_SECONDS = 60.0
"""Time without a sign of life after which a worker is taken for dead, and its trial offered again."""


class Shared(Crew):
    """Offers trainings in a storage, and has `count` workers of its own."""

    def __init__(self, published: Published, space: Space, objective: Objective, place: Place, count: int) -> None:
        self._published, self._space, self._objective = published, space, objective
        self._place, self._count = place, count
        self._workers: list[SpawnProcess] = []
        self._deaths = 0
        self._asked: Mapping[int, Values] = {}
        self._beat, self._beaten = 0, 0.0
        self._signs: dict[int, tuple[object, float]] = {}
        self._tries: dict[int, int] = {}

    def __exit__(self, *error: object) -> None:
        """End the workers of this machine."""
        end_all(self._workers)

    def announce(self, asked: Mapping[int, Values]) -> None:
        """Take note of the trials. Raises CheckpointError if the storage holds those of another search."""
        require_same(self._published.trials(), asked, self._published.storage.shown)
        self._asked = asked

    def train(self, trainings: Sequence[Training], interrupted: Callable[[], bool]) -> Iterator[Done]:
        """Offer all, and yield each as it is done by a worker."""
        places: dict[int, list[int]] = {}
        for place, training in enumerate(trainings):
            places.setdefault(training.trial, []).append(place)
        tag, there = str(trainings[0].until), self._those(places)
        for number in sorted(places):
            wanted = [trainings[place] for place in places[number]]
            trial = there.get(number)
            if trial is None:
                self._published.add_offered(self._space, self._asked[number], tag, wanted)
            elif results(trial, tag) is None and not self._is_offered(trial, tag):
                self._published.offer(trial._trial_id, tag, wanted)
        left = set(places)
        while left and not interrupted():
            self._keep_up()
            for number, trial in self._those(left).items():
                if (found := results(trial, tag)) is not None:
                    left.discard(number)
                    yield from zip(places[number], found, strict=True)
                elif self._is_lost(trial):
                    self._offer_again(trial, tag, [trainings[place] for place in places[number]])
            sleep(POLL_SECONDS)

    def conclude(self, trials: Sequence[Trial]) -> None:
        """Tell what came of trials."""
        there = {trial.number: trial for trial in self._published.trials()}
        for trial in trials:
            self._published.end(there[trial.number]._trial_id, outcome(trial, self._objective))

    def _those(self, numbers: Iterable[int]) -> dict[int, FrozenTrial]:
        wanted = set(numbers)
        return {trial.number: trial for trial in self._published.trials() if trial.number in wanted}

    @staticmethod
    def _is_offered(trial: FrozenTrial, tag: str) -> bool:
        """Whether trainings under a tag are asked for already, by a process that led the search before."""
        text = trial.user_attrs.get("task")
        return text is not None and json.loads(text)["tag"] == tag

    def _keep_up(self) -> None:
        """Replace workers that died, and give a sign of life."""
        for worker in [worker for worker in self._workers if not worker.is_alive()]:
            self._workers.remove(worker)
            self._deaths += 1
            if (worker.exitcode or 0) > 0 or self._deaths > DEATHS * self._count:
                why = f"a worker ended with exit code {worker.exitcode}"
                raise FileAccessError(f"{why}; continue with --resume once its error is mended")
        while len(self._workers) < self._count:
            self._workers.append(hire(self._place))
        if monotonic() - self._beaten > ALIVE_SECONDS:
            self._beat, self._beaten = self._beat + 1, monotonic()
            self._published.set("beat", f"{name_of(os.getpid())} {self._beat}")

    def _is_lost(self, trial: FrozenTrial) -> bool:
        """Whether the worker that took a trial is dead."""
        from optuna.trial import TrialState

        if trial.state != TrialState.RUNNING:
            self._signs.pop(trial.number, None)
            return False
        worker = trial.user_attrs.get("worker")
        sign = (worker, trial.user_attrs.get("alive"))
        before, since = self._signs.get(trial.number, (None, 0.0))
        if sign != before:
            self._signs[trial.number] = sign, monotonic()
            return False
        here, _, process = (worker or "").rpartition(":")
        ours = here == name_of(0).rpartition(":")[0] and process.isdecimal()
        if ours and not _is_running(int(process)):
            return True
        return monotonic() - since > LOST_SECONDS

    def _offer_again(self, trial: FrozenTrial, tag: str, trainings: Sequence[Training]) -> None:
        self._tries[trial.number] = tries = self._tries.get(trial.number, 1) + 1
        self._signs.pop(trial.number, None)
        if tries > TRIES:
            why = f"{TRIES} workers died in turn, perhaps for want of memory"
            raise FileAccessError(f"trial {trial.number}: {why}; continue with --resume")
        self._published.offer(trial._trial_id, tag, trainings)


def _is_running(process: int) -> bool:
    """Whether a process of this machine is there."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
