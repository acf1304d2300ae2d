"""Trials of a search in a storage: for Optuna's dashboard, and as a queue of trainings for workers anywhere.

A trial waits, runs and is over, as Optuna has it. What is to be trained stands in its attribute `task`, what came of it
in `result`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from bpcli.errors import CheckpointError, UsageError
from bpcli.tuning.objective import Objective
from bpcli.tuning.sampling import directions, optuna_distribution, same_values
from bpcli.tuning.space import Space, Values
from bpcli.tuning.storage import Storage, quiet
from bpcli.tuning.training import Trained, Training
from bpcli.tuning.trial import Trial
from bpcli.wording import listed, printable

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial, TrialState

FORM = 1
"""Version of the attributes."""


class Published:
    """A study in a storage, by its name."""

    def __init__(self, storage: Storage, name: str, key: int) -> None:
        self.storage, self.name, self._key = storage, name, key

    @classmethod
    def create(cls, storage: Storage, name: str, objective: Objective) -> Published:
        """Create a study, or open the one that there is. Raises CheckpointError if it improves other metrics."""
        import optuna

        wanted = directions(objective)

        def made(inner: Any) -> int:
            study = optuna.create_study(storage=inner, study_name=name, directions=wanted, load_if_exists=True)
            study.set_metric_names(list(objective.metrics))
            return int(study._study_id)

        found = cls(storage, name, storage.do(made))
        if found.attributes.get("form") not in (None, FORM):
            raise CheckpointError(f"{storage.shown}: study {name} is of another version of bpcli; choose --study")
        found.set("form", FORM)
        return found

    @classmethod
    def open(cls, storage: Storage, name: str | None) -> Published:
        """Open the study of a name, or the only one that is not over. Raises UsageError."""
        summaries = storage.do(lambda inner: inner.get_all_studies())
        ours = {one.study_name: one for one in summaries if one.user_attrs.get("form") == FORM}
        going = [one for one in ours if ours[one].user_attrs.get("config") and not ours[one].user_attrs.get("over")]
        if name is None:
            if len(going) != 1:
                what = f"{listed(sorted(going))} are under way; choose one with --study" if going else "no search there"
                raise UsageError(f"{storage.shown}: {what}")
            [name] = going
        if name not in ours:
            raise UsageError(
                f"{storage.shown}: no search {printable(name)}" + (f"; there is {listed(ours)}" if ours else "")
            )
        return cls(storage, name, ours[name]._study_id)

    @property
    def attributes(self) -> dict[str, Any]:
        """Attributes of the study."""
        return self.storage.do(lambda inner: inner.get_study_user_attrs(self._key))

    def set(self, name: str, value: object) -> None:
        """Set an attribute of the study."""
        self.storage.do(lambda inner: inner.set_study_user_attr(self._key, name, value))

    def trials(self) -> list[FrozenTrial]:
        """All trials, by number."""
        return self.storage.do(lambda inner: inner.get_all_trials(self._key, deepcopy=False))

    def waiting(self) -> list[FrozenTrial]:
        """Trials that no worker has taken."""
        from optuna.trial import TrialState

        states = (TrialState.WAITING,)
        return self.storage.do(lambda inner: inner.get_all_trials(self._key, deepcopy=False, states=states))

    def add(self, space: Space, values: Values, told: Outcome) -> None:
        """Add the next trial, which is over."""
        self._add(
            space,
            values,
            state=told.state,
            values=told.values,
            user_attrs=told.attributes,
            intermediate_values=told.intermediate,
        )

    def add_offered(self, space: Space, values: Values, tag: str, trainings: Sequence[Training]) -> None:
        """Add the next trial, and ask for its trainings. tag: names them among those of the trial."""
        from optuna.trial import TrialState

        self._add(space, values, state=TrialState.WAITING, user_attrs={"task": _task(tag, trainings)})

    def _add(self, space: Space, params: Values, /, **described: Any) -> None:
        from optuna.trial import create_trial

        with quiet():
            distributions = {name: optuna_distribution(one) for name, one in space.parameters.items()}
            new = create_trial(params=dict(params), distributions=distributions, **described)
        self.storage.do(lambda inner: inner.create_new_trial(self._key, template_trial=new))

    def end(self, key: int, told: Outcome) -> None:
        """Tell what came of a trial, unless it is told already. key: of the trial in the storage."""

        def tell(inner: Any) -> None:
            if inner.get_trial(key).state.is_finished():
                return
            for name, value in told.attributes.items():
                inner.set_trial_user_attr(key, name, value)
            for step, value in told.intermediate.items():
                inner.set_trial_intermediate_value(key, step, value)
            inner.set_trial_state_values(key, told.state, told.values)

        self.storage.do(tell)

    def offer(self, key: int, tag: str, trainings: Sequence[Training]) -> None:
        """Ask for the trainings of a trial that is there. tag: as for `add_offered`."""
        from optuna.trial import TrialState

        def ask(inner: Any) -> None:
            inner.set_trial_user_attr(key, "task", _task(tag, trainings))
            inner.set_trial_state_values(key, TrialState.WAITING)

        self.storage.do(ask)

    def take(self, key: int, worker: str) -> tuple[str, list[Training]] | None:
        """Take a trial that waits: tag and trainings; None if another worker was faster."""
        from optuna.exceptions import UpdateFinishedTrialError
        from optuna.trial import TrialState

        def claim(inner: Any) -> str | None:
            if not inner.set_trial_state_values(key, TrialState.RUNNING):
                return None
            inner.set_trial_user_attr(key, "worker", worker)
            return str(inner.get_trial(key).user_attrs["task"])

        with suppress(UpdateFinishedTrialError):
            if (text := self.storage.do(claim)) is not None:
                task = json.loads(text)
                return task["tag"], [_training(one) for one in task["trainings"]]
        return None

    def give_back(self, key: int) -> None:
        """Let another worker take a trial."""
        from optuna.trial import TrialState

        self.storage.do(lambda inner: inner.set_trial_state_values(key, TrialState.WAITING))

    def report(self, key: int, tag: str, done: Sequence[Trained]) -> None:
        """Tell the results of the trainings that were asked for under a tag."""
        result = json.dumps({"tag": tag, "trained": [asdict(one) for one in done]})
        self._tell(key, "result", result)

    def sign(self, key: int, count: int) -> None:
        """Give a sign of life of the worker of a trial."""
        self._tell(key, "alive", count)

    def _tell(self, key: int, name: str, value: object) -> None:
        """Set an attribute of a trial, unless it is over."""
        from optuna.exceptions import UpdateFinishedTrialError

        with suppress(UpdateFinishedTrialError):
            self.storage.do(lambda inner: inner.set_trial_user_attr(key, name, value))


def results(trial: FrozenTrial, tag: str) -> list[Trained] | None:
    """Results of the trainings under a tag; None if they are not there."""
    text = trial.user_attrs.get("result")
    found = None if text is None else json.loads(text)
    return [Trained(**one) for one in found["trained"]] if found is not None and found["tag"] == tag else None


@dataclass(frozen=True)
class Outcome:
    """What a trial came to, in Optuna's terms. intermediate: value by epoch, where it was stopped."""

    state: TrialState
    values: list[float] | None
    intermediate: dict[int, float]
    attributes: dict[str, Any]


def outcome(trial: Trial, objective: Objective) -> Outcome:
    """Outcome of a trial that is over."""
    from optuna.trial import TrialState

    values = objective.values(trial)
    kept = {"epochs": trial.epochs, "seconds": trial.seconds, "parameters": trial.parameters, "note": trial.note}
    attributes = {name: value for name, value in kept.items() if value is not None}
    if values is None:
        return Outcome(TrialState.FAIL, None, {}, attributes)
    if trial.state == "stopped":
        return Outcome(TrialState.PRUNED, None, {trial.epochs: values[0]}, attributes)
    return Outcome(TrialState.COMPLETE, values, {}, attributes)


def require_same(trials: Sequence[FrozenTrial], values: Mapping[int, Values], shown: str) -> None:
    """Raise CheckpointError if trials of a storage are others than those of the search."""
    for trial in trials:
        if trial.number in values and not same_values(values[trial.number], trial.params):
            raise CheckpointError(f"{shown}: trial {trial.number} is of another search; choose another --study")


def _task(tag: str, trainings: Sequence[Training]) -> str:
    return json.dumps({"tag": tag, "trainings": [asdict(one) for one in trainings]})


def _training(document: dict[str, Any]) -> Training:
    limits = tuple((epoch, most) for epoch, most in document["limits"])
    return Training(**{**document, "settings": tuple(document["settings"]), "limits": limits})
