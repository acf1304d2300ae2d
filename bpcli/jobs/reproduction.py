"""Reproduction of a run: train it again and compare every epoch's values and the weights."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from bpcli.arrays.memory import Array
from bpcli.config import load_config
from bpcli.config.experiment import ExperimentConfig
from bpcli.config.start_from import StartFrom, WarmStart
from bpcli.data.files.source import open_source
from bpcli.documents.json_value import Json
from bpcli.errors import CheckpointError, DataError, DivergedError
from bpcli.experiment.earlier_fit import EarlierFit
from bpcli.experiment.opening import open_experiment
from bpcli.experiment.prepare import Prepared
from bpcli.experiment.warm_start import known_kinds
from bpcli.jobs.differences import (
    FirstDifference,
    WeightDifference,
    Weights,
    largest_difference,
    largest_shown,
    largest_to_json,
    weights_sha256,
)
from bpcli.jobs.runner import epoch_record
from bpcli.models.evaluation import find_data
from bpcli.storage.checkpoint import Checkpoint
from bpcli.storage.records import EpochRecord
from bpcli.storage.run_directory import RunDirectory
from bpcli.system.environment import environment, environment_changes
from bpcli.training import Counters, EpochReport, Progress, TrainingState, train
from bpcli.wording import printable

NOT_COMPARED = "seconds"
"""Value of an epoch's record that is not compared: its duration."""

BEST_EPOCH = "best_epoch, which follows from the metrics"
"""What a tolerance leaves out: epochs that are equally good within it may change places."""


class Reproduction:
    """Repeated training of a run, in memory, as far as the run went. The run itself is only read.

    difference: first difference between the epochs' records. weights: digests of `last` and `best`. epochs: number of
    epochs trained, of `wanted`. not_compared: values left out, with the reason. changes: differences of the
    environment, as returned by `environment_changes`.
    """

    def __init__(self, directory: RunDirectory, cache: bool = True, tolerance: float = 0.0) -> None:
        """Read the run, verify that its config and data are unchanged, and prepare them.

        cache: as for `prepare`. tolerance: bound on the `scaled_difference` of every metric, parameter and running
        statistic; 0 requires the same bits.

        Raises:
            CheckpointError: there is no checkpoint, or config.yaml is not the config of the training.
            DataError: the data is missing or has changed.
        """
        self.directory, self.tolerance = directory, tolerance
        if not directory.last.is_file():
            raise CheckpointError(f"{printable(str(directory.path))}: nothing to reproduce; it has no last checkpoint")
        last = Checkpoint.load(directory.last)
        if last.header.counters is None:
            raise CheckpointError(f"{printable(str(directory.last))}: not the last checkpoint of a run")
        counters = Counters.from_json(last.header.counters)
        best = Checkpoint.load(directory.best) if directory.best.is_file() else None
        self.prepared = _prepared(directory, last, cache)
        plan = self.prepared.plan
        # The step at which a time limit ended the run does not follow from its config.
        self._plan = replace(plan, spec=plan.spec.model_copy(update={"max_time": None}))
        self.environment = environment(plan.stepping.compiled)
        self.recorded_environment = last.header.versions
        self.changes = environment_changes(self.recorded_environment, self.environment)

        an_epoch = plan.steps_per_epoch
        self._records = {record.epoch: record for record in directory.read_metrics()}
        self.not_compared: list[str] = []
        whole, steps = counters.epoch, counters.epoch * an_epoch + counters.step
        if counters.stop == "max_time" and last.header.optimizer_steps < steps:
            whole, steps = whole - 1, last.header.optimizer_steps
            self._records.pop(counters.epoch, None)
            self.not_compared.append(f"metrics of epoch {counters.epoch}, cut short by max_time")
        self._whole = whole
        self.weights = {"last": Weights(counters.epoch, steps, _weights_of(last))}
        if best is not None:
            epoch = best.header.score.epoch
            at = min(epoch * an_epoch, steps) if epoch == counters.epoch else epoch * an_epoch
            self.weights["best"] = Weights(epoch, at, _weights_of(best))
        epochs = max([whole, *self._records])
        self._end = max(epochs * an_epoch, *(weights.steps for weights in self.weights.values()))
        self.wanted = -(-self._end // an_epoch)
        self._checkpoints = {"last": last} if best is None else {"last": last, "best": best}
        self.epochs = 0
        self.difference: FirstDifference | None = None
        self.largest_metric: FirstDifference | None = None

    @property
    def reproduced(self) -> bool:
        """Whether everything compared is identical, or within the tolerance if there is one."""
        if not self.tolerance:
            return self.identical
        worst = 0.0 if self.largest_metric is None else self.largest_metric.scaled
        return max([worst, *(weights.scaled for weights in self.weights.values())]) <= self.tolerance

    @property
    def largest(self) -> tuple[str, FirstDifference | WeightDifference] | None:
        """Largest difference of a metric or of weights that were reached, with its place; None if there is none."""
        found: list[tuple[str, FirstDifference | WeightDifference]] = [
            (f"{name} weights, {weights.largest.name}", weights.largest)
            for name, weights in self.weights.items()
            if weights.largest is not None
        ]
        if self.largest_metric is not None:
            found.append((self.largest_metric.place, self.largest_metric))
        return max(found, key=lambda one: one[1].scaled, default=None)

    @property
    def largest_shown(self) -> str | None:
        """Largest difference as a phrase."""
        return None if self.largest is None else largest_shown(*self.largest)

    @property
    def identical(self) -> bool:
        """Whether everything compared is identical."""
        return self.difference is None and all(weights.identical for weights in self.weights.values())

    def to_json(self) -> dict[str, Json]:
        """Results as a JSON object, after `run`."""
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
            "tolerance": self.tolerance,
            "reproduced": self.reproduced,
            "largest_difference": None if self.largest is None else dict(largest_to_json(*self.largest)),
        }

    def run(self, threads: int | None = None) -> Iterator[EpochReport | Progress]:
        """Train again, yielding the events of training. The results are available afterwards."""
        state = self._plan.new_state()
        if self._look(state):
            return
        try:
            for event in train(self._plan, state, lambda: self._look(state), threads):
                if isinstance(event, EpochReport):
                    self._compare(event)
                yield event
        except DivergedError:
            pass  # counts as an early end
        if state.optimizer.steps < self._end:
            self._differ(FirstDifference(self.epochs + 1, None))
        for name, weights in list(self.weights.items()):
            if weights.now is None and weights.steps < state.optimizer.steps:
                del self.weights[name]
                self.not_compared.append(f"the {name} weights, which lie inside a block of compiled steps")

    def _look(self, state: TrainingState) -> bool:
        """Compute the digest of the weights at the steps of the run's checkpoints.

        Returns True after the run's last step.
        """
        for name, weights in self.weights.items():
            if weights.now is None and weights.steps == state.optimizer.steps:
                weights.now = weights_sha256(*_vectors_of(name, state))
                weights.largest = None if weights.identical else self._largest(name, state)
        return state.optimizer.steps >= self._end

    def _largest(self, name: str, state: TrainingState) -> WeightDifference | None:
        """Largest difference of the state from a checkpoint."""
        checkpoint = self._checkpoints[name]
        network, vectors = self.prepared.network, checkpoint.vectors
        params, layer_state = _vectors_of(name, state)
        found = [
            largest_difference(network.layout, vectors["params"], params),
            largest_difference(network.state_layout, vectors["state"], layer_state),
        ]
        return max((one for one in found if one is not None), key=lambda one: one.scaled, default=None)

    def _compare(self, report: EpochReport) -> None:
        """Compare an epoch with the run's record, unless a crash kept the record from the file."""
        self.epochs = report.epoch
        if report.epoch > self._whole and report.epoch not in self._records:
            return
        was, now = _values(self._records.get(report.epoch)), _values(epoch_record(report))
        if not any(name.startswith("health.") for name in was):  # a run of a version without layer health
            now = {name: value for name, value in now.items() if not name.startswith("health.")}
        for name in now:
            if name != NOT_COMPARED and was.get(name) != now[name]:
                self._differ(FirstDifference(report.epoch, name, was.get(name), now[name]))

    def _differ(self, difference: FirstDifference) -> None:
        self.difference = self.difference or difference
        if self.tolerance and difference.metric == "best_epoch":
            if BEST_EPOCH not in self.not_compared:
                self.not_compared.append(BEST_EPOCH)
        elif self.largest_metric is None or difference.scaled > self.largest_metric.scaled:
            self.largest_metric = difference


def _values(record: EpochRecord | None) -> dict[str, Json]:
    """Values of an epoch's record except its number; those of layers as `health.0.dead`."""
    if record is None:
        return {}
    named: dict[str, Json] = {**record.values, "best_epoch": record.best_epoch}
    for index, health in enumerate(record.health or ()):
        named |= {f"health.{index}.{name}": value for name, value in health._asdict().items()}
    return named


def _vectors_of(name: str, state: TrainingState) -> tuple[Array, Array]:
    """Parameters and layer state of a state, as the checkpoint of this name has them; moving averages in the best."""
    if name == "best":
        return state.average_params, state.average_layer_state
    return state.params, state.layer_state


def _weights_of(checkpoint: Checkpoint) -> str:
    return weights_sha256(checkpoint.vectors["params"], checkpoint.vectors["state"])


def _prepared(directory: RunDirectory, last: Checkpoint, cache: bool) -> Prepared:
    """Prepare the run's experiment, after verifying that config and data are unchanged."""
    header, shown = last.header, printable(str(directory.path))
    loaded = load_config(directory.config)
    changed = _first_difference(_plain(loaded.config), _plain(header.config))
    if changed is not None:
        raise CheckpointError(f"{shown}: {changed} in config.yaml is not what the run was trained with; restore it")
    data, folder = find_data(header, directory.last, "restore it")
    started = loaded.config.start_from
    kinds = None if started is None else known_kinds(header.preprocessor, data)
    source = open_source(data, folder, kinds, cache)
    if source.digest != header.data.sha256:
        raise DataError(f"{source.shown}: the data has changed since the run; restore the original")
    changes: dict[str, object] = {"data": data}
    if started is not None and header.warm_start is not None:
        changes["start_from"] = StartFrom(
            checkpoint=_found(started, header.warm_start, directory), sha256=started.sha256
        )
    # Earlier versions, whose configs lack this key, encoded and clipped some targets in another way.
    is_older = "target_range" not in header.config.data.model_fields_set
    fitted = EarlierFit(header.config, header.preprocessor, header.data.sha256, header.data.weightless)
    return open_experiment(
        directory.config,
        change=lambda config: config.model_copy(update=changes),
        source=source,
        earlier=fitted if is_older else None,
    )


def _found(started: StartFrom, record: WarmStart, directory: RunDirectory) -> str:
    """Path of the checkpoint that a run started from: relative to the run, or where it was. Raises CheckpointError."""
    for path in (directory.path / started.checkpoint, Path(record.checkpoint)):
        if path.is_file():
            return str(path.resolve())
    raise CheckpointError(
        f"{printable(record.checkpoint)}: the checkpoint that this run started from no longer exists; restore it"
    )


def _plain(config: ExperimentConfig) -> Any:
    """Config as plain data, without the paths of its data files."""
    here = config.model_copy(update={"data": config.data.with_paths("" for _ in config.data.files)})
    return here.model_dump(mode="json", by_alias=True)


def _first_difference(a: Any, b: Any, path: str = "") -> str | None:
    """Path of the first difference between two pieces of plain data, such as `training.epochs`; None if equal."""
    if isinstance(a, dict) and isinstance(b, dict):
        inner = (_first_difference(a.get(key), b.get(key), f"{path}.{key}" if path else key) for key in {**a, **b})
        return next((place for place in inner if place is not None), None)
    return None if a == b else path
