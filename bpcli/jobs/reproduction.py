"""Training a run once more, to see whether the same comes out: every epoch's values, and the weights."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from math import isfinite
from typing import Any

from bpcli.arrays.memory import Array
from bpcli.config import load_config
from bpcli.config.experiment import ExperimentConfig
from bpcli.data.files.source import open_source
from bpcli.documents.json_value import Json
from bpcli.errors import CheckpointError, DataError, DivergedError
from bpcli.experiment.opening import open_experiment
from bpcli.experiment.prepare import Prepared
from bpcli.jobs.runner import epoch_record
from bpcli.models.evaluation import find_data
from bpcli.storage.checkpoint import Checkpoint
from bpcli.storage.records import EpochRecord
from bpcli.storage.run_directory import RunDirectory
from bpcli.system.environment import environment, environment_changes
from bpcli.training import Counters, EpochReport, Progress, TrainingState, train
from bpcli.wording import printable

NOT_COMPARED = "seconds"
"""Of an epoch's record: how long it took."""


@dataclass(frozen=True)
class FirstDifference:
    """The first value that came out otherwise; None where a side has no such value, no metric where it lacks the epoch.

    `was` is what the run's file says, and so may be anything that JSON can hold.
    """

    epoch: int
    metric: str | None
    was: Json = None
    now: Json = None

    @property
    def size(self) -> float | None:
        """How far the values are apart, where both are measures and not counts."""
        return abs(self.now - self.was) if isinstance(self.was, float) and isinstance(self.now, float) else None

    def to_json(self) -> dict[str, Json]:
        """The difference as a document."""
        return {
            "epoch": self.epoch,
            "metric": self.metric,
            "was": _finite(self.was),
            "now": self.now,
            "difference": _finite(self.size),
        }

    def __str__(self) -> str:
        first = f"epoch {self.epoch} is the first that differs"
        if self.metric is None:
            return f"{first}: the run has it, but now training ended before"
        by = "" if self.size is None else f", off by {self.size:.2g}"
        return f"{first}: {self.metric} was {_shown(self.was)}, is {_shown(self.now)} now{by}"


@dataclass
class Weights:
    """A checkpoint's parameters and running statistics, by their SHA-256, and after how many steps and epochs they are.

    `now` is None until training has come there again.
    """

    epoch: int
    steps: int
    was: str
    now: str | None = None

    @property
    def identical(self) -> bool:
        """Whether the same weights came out."""
        return self.was == self.now

    def to_json(self) -> dict[str, Json]:
        """The weights as a document."""
        return {**asdict(self), "identical": self.identical}


class Reproduction:
    """A run that is trained again in memory, as far as it went; the run itself is only read.

    difference: the first epoch that differs, and how. weights: of `last` and `best`. epochs: how many were trained, of
    those `wanted`. not_compared: what was left out, and why. changes: of the environment, as `environment_changes` has
    them.
    """

    def __init__(self, directory: RunDirectory, cache: bool = True) -> None:
        """Read the run, check that its config and data are as they were, and prepare them; `cache` as for `prepare`.

        Raises:
            CheckpointError: there is no checkpoint, or config.yaml is not what the run was trained with.
            DataError: the data is gone, or not what the run was trained on.
        """
        self.directory = directory
        if not directory.last.is_file():
            raise CheckpointError(f"{printable(str(directory.path))}: nothing to reproduce; it has no last checkpoint")
        last = Checkpoint.load(directory.last)
        if last.header.counters is None:
            raise CheckpointError(f"{printable(str(directory.last))}: not the last checkpoint of a run")
        counters = Counters.from_json(last.header.counters)
        best = Checkpoint.load(directory.best) if directory.best.is_file() else None
        self.prepared = _prepared(directory, last, cache)
        plan = self.prepared.plan
        # How far a time limit let a run come does not follow from its config.
        self._plan = replace(plan, spec=plan.spec.model_copy(update={"max_time": None}))
        self.environment = environment(plan.stepping.compiled)
        self.recorded_environment = last.header.versions
        self.changes = environment_changes(self.recorded_environment, self.environment)

        an_epoch = -(-plan.train.rows // plan.batch_size)
        self._records = {record.epoch: record for record in directory.read_metrics()}
        self.not_compared: list[str] = []
        whole, steps = counters.epoch, counters.epoch * an_epoch + counters.step
        if counters.stop == "max_time" and last.header.optimizer_steps < steps:
            whole, steps = whole - 1, last.header.optimizer_steps
            self._records.pop(counters.epoch, None)
            self.not_compared.append(f"metrics of epoch {counters.epoch}, as max_time ended it before its last step")
        self._whole = whole
        self.weights = {"last": Weights(counters.epoch, steps, _weights_of(last))}
        if best is not None:
            epoch = best.header.score.epoch
            at = min(epoch * an_epoch, steps) if epoch == counters.epoch else epoch * an_epoch
            self.weights["best"] = Weights(epoch, at, _weights_of(best))
        epochs = max([whole, *self._records])
        self._end = max(epochs * an_epoch, *(weights.steps for weights in self.weights.values()))
        self.wanted = -(-self._end // an_epoch)
        self.epochs = 0
        self.difference: FirstDifference | None = None

    @property
    def identical(self) -> bool:
        """Whether all that was compared came out as it was."""
        return self.difference is None and all(weights.identical for weights in self.weights.values())

    def to_json(self) -> dict[str, Json]:
        """What came out as a document, once it has run."""
        return {
            "run_directory": str(self.directory.path),
            "identical": self.identical,
            "epochs": self.epochs,
            "first_difference": None if self.difference is None else self.difference.to_json(),
            "weights": {name: weights.to_json() for name, weights in self.weights.items()},
            "not_compared": self.not_compared,
            "environment": {
                "was": dict(self.recorded_environment),
                "now": self.environment,
                "changed": list(self.changes),
            },
        }

    def run(self, threads: int | None = None) -> Iterator[EpochReport | Progress]:
        """Train again, and pass training's events on; after that the results can be read."""
        state = self._plan.new_state()
        if self._look(state):
            return
        try:
            for event in train(self._plan, state, lambda: self._look(state), threads):
                if isinstance(event, EpochReport):
                    self._compare(event)
                yield event
        except DivergedError:
            pass  # as an end before its time
        if state.optimizer.steps < self._end:
            self._differ(FirstDifference(self.epochs + 1, None))
        for name, weights in list(self.weights.items()):
            if weights.now is None and weights.steps < state.optimizer.steps:
                del self.weights[name]
                self.not_compared.append(f"the {name} weights, as machine code takes the steps around them at once")

    def _look(self, state: TrainingState) -> bool:
        """Take the digest of the weights where the run has a checkpoint; true where there is no more to train."""
        for weights in self.weights.values():
            if weights.now is None and weights.steps == state.optimizer.steps:
                weights.now = weights_sha256(state.params, state.layer_state)
        return state.optimizer.steps >= self._end

    def _compare(self, report: EpochReport) -> None:
        """Compare an epoch with the run's; one that a crash kept from its file is no difference."""
        self.epochs = report.epoch
        if report.epoch > self._whole and report.epoch not in self._records:
            return
        was, now = _values(self._records.get(report.epoch)), _values(epoch_record(report))
        if not any(name.startswith("health.") for name in was):  # a run of before layers were looked at
            now = {name: value for name, value in now.items() if not name.startswith("health.")}
        for name in now:
            if name != NOT_COMPARED and was.get(name) != now[name]:
                self._differ(FirstDifference(report.epoch, name, was.get(name), now[name]))

    def _differ(self, difference: FirstDifference) -> None:
        self.difference = self.difference or difference


def _values(record: EpochRecord | None) -> dict[str, Json]:
    """What an epoch's record says but for its number, those of layers as `health.0.dead`."""
    if record is None:
        return {}
    named: dict[str, Json] = {**record.values, "best_epoch": record.best_epoch}
    for index, health in enumerate(record.health or ()):
        named |= {f"health.{index}.{name}": value for name, value in health._asdict().items()}
    return named


def _finite(value: Json) -> Json:
    """A value of a file as JSON has it: NaN and infinities, which JSON lacks, as text."""
    return str(value) if isinstance(value, float) and not isfinite(value) else value


def _shown(value: Json) -> str:
    text = repr(value)
    return "missing" if value is None else text if len(text) <= 80 else f"{text[:80]}…"


def _weights_of(checkpoint: Checkpoint) -> str:
    return weights_sha256(checkpoint.vectors["params"], checkpoint.vectors["state"])


def weights_sha256(params: Array, layer_state: Array) -> str:
    """The SHA-256 of what a network computes with: parameters, then running statistics, as their bytes."""
    digest = hashlib.sha256(params.data)
    digest.update(layer_state.data)
    return digest.hexdigest()


def _prepared(directory: RunDirectory, last: Checkpoint, cache: bool) -> Prepared:
    """The run's experiment, known to be of the same config and the same data."""
    header, shown = last.header, printable(str(directory.path))
    loaded = load_config(directory.config)
    changed = _first_difference(_plain(loaded.config), _plain(header.config))
    if changed is not None:
        raise CheckpointError(f"{shown}: {changed} in config.yaml is not what the run was trained with; put it back")
    data, folder = find_data(header, directory.last, "put it back")
    source = open_source(data, folder, cache=cache)
    if source.digest != header.data.sha256:
        raise DataError(f"{source.shown}: the data has changed since the run; put back what it was trained on")
    return open_experiment(
        directory.config, change=lambda config: config.model_copy(update={"data": data}), source=source
    )


def _plain(config: ExperimentConfig) -> Any:
    """A config as plain data, but for where its data files are."""
    here = config.model_copy(update={"data": config.data.with_paths("" for _ in config.data.files)})
    return here.model_dump(mode="json", by_alias=True)


def _first_difference(a: Any, b: Any, path: str = "") -> str | None:
    """Where two pieces of plain data differ first, as in `training.epochs`, or None where they do not."""
    if isinstance(a, dict) and isinstance(b, dict):
        inner = (_first_difference(a.get(key), b.get(key), f"{path}.{key}" if path else key) for key in {**a, **b})
        return next((place for place in inner if place is not None), None)
    return None if a == b else path
