"""Training a run once more, to see whether the same comes out: every epoch's values, and the weights."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from bpcli.checkpoint import Checkpoint
from bpcli.config import load_config
from bpcli.config.experiment import ExperimentConfig
from bpcli.data.read import data_digest
from bpcli.environment import environment, environment_changes
from bpcli.errors import CheckpointError, DataError, DivergedError, MismatchError
from bpcli.evaluation import find_data
from bpcli.experiment import Prepared, prepare
from bpcli.nn.arrays import Array
from bpcli.runner import epoch_record
from bpcli.runs import RunDirectory
from bpcli.text import printable
from bpcli.training import Counters, EpochReport, Progress, TrainingState, is_compiled, train

NOT_COMPARED = ("epoch", "seconds")
"""Of an epoch's record: the first says which one it is, the second how long it took."""


@dataclass(frozen=True)
class Difference:
    """The first value that came out otherwise; None where a side has no such value, no metric where it lacks the epoch.

    `was` is what the run's file says, and so may be anything that JSON can hold.
    """

    epoch: int
    metric: str | None
    was: Any = None
    now: Any = None

    @property
    def size(self) -> float | None:
        """How far the values are apart, where both are numbers."""
        numbers = isinstance(self.was, int | float) and isinstance(self.now, int | float)
        return abs(self.now - self.was) if numbers else None

    def __str__(self) -> str:
        first = f"epoch {self.epoch} is the first that differs"
        if self.metric is None:
            return f"{first}: the run has it, but now training ended before"
        by = "" if self.size is None else f", off by {self.size:.2g}"
        return f"{first}: {self.metric} was {_shown(self.was)}, is {_shown(self.now)} now{by}"


@dataclass
class Weights:
    """A checkpoint's parameters and running statistics after an epoch, by their SHA-256; `now` is None until then."""

    epoch: int
    was: str
    now: str | None = None

    @classmethod
    def of(cls, checkpoint: Checkpoint, epoch: int) -> Weights:
        """Those of a checkpoint that was written after `epoch`."""
        return cls(epoch, weights_sha256(checkpoint.vectors["params"], checkpoint.vectors["state"]))

    @property
    def identical(self) -> bool:
        """Whether the same weights came out."""
        return self.was == self.now


class Reproduction:
    """A run that is trained again in memory, as far as it went in whole epochs; the run itself is only read.

    difference: the first epoch that differs, and how. weights: of `best` and `last`, but for one that was written
    within an epoch. epochs: how many were trained, of those `wanted`. not_compared: what was left out, and why.
    changes: of the environment, as `environment_changes` has them.
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
        self.environment = environment(is_compiled(plan))
        self.recorded_environment = last.header.versions
        self.changes = environment_changes(self.recorded_environment, self.environment)

        steps = -(-plan.train.rows // plan.batch_size)
        cut_short = counters.stop == "max_time" and last.header.optimizer_steps < counters.epoch * steps
        whole = self._whole = counters.epoch - cut_short
        self._records = _by_epoch(directory.read_metrics())
        self.not_compared: list[str] = []
        self.weights: dict[str, Weights] = {}
        if cut_short:
            self._records.pop(whole + 1, None)
            self.not_compared.append(f"epoch {whole + 1} and its weights, as max_time ended it before its last step")
        elif counters.step:
            self.not_compared.append(f"the last weights, as the run was stopped within epoch {whole + 1}")
        else:
            self.weights["last"] = Weights.of(last, whole)
        if best is not None and not (cut_short and best.header.score.epoch > whole):
            self.weights["best"] = Weights.of(best, best.header.score.epoch)
        self.wanted = max([whole, *self._records, *(weights.epoch for weights in self.weights.values())])
        self.epochs = 0
        self.difference: Difference | None = None

    @property
    def identical(self) -> bool:
        """Whether all that was compared came out as it was."""
        return self.difference is None and all(weights.identical for weights in self.weights.values())

    def run(self, threads: int | None = None) -> Iterator[EpochReport | Progress]:
        """Train again, and pass training's events on; after that the results can be read."""
        state = self._plan.new_state()
        self._weigh(state)
        if not self.wanted:
            return
        try:
            for event in train(self._plan, state, threads=threads):
                yield event
                if isinstance(event, EpochReport):
                    self._compare(event)
                    self._weigh(state)
                    if event.epoch == self.wanted:
                        return
        except DivergedError:
            pass  # as an epoch that there is not now
        self._differ(Difference(self.epochs + 1, None))

    def _weigh(self, state: TrainingState) -> None:
        for weights in self.weights.values():
            if weights.epoch == state.counters.epoch:
                weights.now = weights_sha256(state.params, state.layer_state)

    def _compare(self, report: EpochReport) -> None:
        """Compare an epoch with the run's; one that a crash kept from its file is no difference."""
        self.epochs = report.epoch
        if report.epoch > self._whole and report.epoch not in self._records:
            return
        was, now = self._records.get(report.epoch, {}), epoch_record(report)
        for name in now:
            if name not in NOT_COMPARED and was.get(name) != now[name]:
                self._differ(Difference(report.epoch, name, was.get(name), now[name]))

    def _differ(self, difference: Difference) -> None:
        self.difference = self.difference or difference


def _shown(value: Any) -> str:
    return "missing" if value is None else repr(value)


def _by_epoch(records: Iterable[Any]) -> dict[int, dict[str, Any]]:
    """Epochs' records by number, without what is none."""
    return {record["epoch"]: record for record in records if isinstance(record, dict) and "epoch" in record}


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
    paths = [path for path, _ in data.sources(folder)]
    if data_digest(paths) != header.data.sha256:
        files = ", ".join(printable(str(path)) for path in paths)
        raise DataError(f"{files}: the data has changed since the run; put back what it was trained on")
    try:
        return prepare(loaded.config.model_copy(update={"data": data}), folder, cache)
    except MismatchError as error:
        raise loaded.locate(error) from error


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
