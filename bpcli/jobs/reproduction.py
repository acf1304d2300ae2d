"""Reproduction of a run: train it again and compare every epoch's values and the weights."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from bpcli.arrays.memory import Array
from bpcli.config.experiment import ExperimentConfig
from bpcli.config.loading import load_config
from bpcli.config.start_from import StartFrom, WarmStart
from bpcli.data.files.source import open_source
from bpcli.documents.json_value import Json
from bpcli.errors import CheckpointError, DataError
from bpcli.experiment.earlier_fit import EarlierFit
from bpcli.experiment.finishing import finished
from bpcli.experiment.opening import open_experiment
from bpcli.experiment.prepared import Prepared
from bpcli.experiment.warm_start import known_kinds
from bpcli.jobs.differences import FirstDifference, WeightDifference, Weights, largest_shown, largest_to_json
from bpcli.jobs.final_training import following
from bpcli.jobs.repetition import Repetition
from bpcli.models.evaluation import find_data
from bpcli.storage.checkpoint import Checkpoint
from bpcli.storage.run_directory import RunDirectory
from bpcli.system.environment import environment, environment_changes
from bpcli.training.plan import EpochReport, Progress
from bpcli.training.state import Counters
from bpcli.wording import printable


class Reproduction:
    """Repeated training of a run, in memory, as far as the run went. The run itself is only read.

    changes: differences of the environment, as returned by `environment_changes`.
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
        best = Checkpoint.load(directory.best) if directory.best.is_file() else None
        self.prepared = _prepared(directory, last, cache)
        self._trainings = list(self._repetitions(last, best))
        compiled = self.prepared.plan.stepping.compiled
        if self.prepared.final is not None:
            compiled = compiled or self.prepared.final.plan.stepping.compiled
        self.environment = environment(compiled)
        self.recorded_environment = last.header.versions
        self.changes = environment_changes(self.recorded_environment, self.environment)

    def _repetitions(self, last: Checkpoint, best: Checkpoint | None) -> Iterator[Repetition]:
        """Repetitions of the first training, and of the final one as far as it went."""
        directory, first, final, within = self.directory, self.prepared, self.prepared.final, self.tolerance
        begun = final is not None and directory.final.is_file() and directory.validated.is_file()
        names, records = ("last", "best"), list(directory.records.read())
        if final is None or not begun:
            yield Repetition(first.plan, last, best, records, names, within, _finish(first))
            return
        validated, names = Checkpoint.load(directory.validated), ("last", "validated")
        yield Repetition(first.plan, last, validated, records, names, within, _finish(first))
        penalty = None if first.ridge is None else first.ridge.penalty
        final = replace(final, penalty=penalty, blend=validated.header.blend)
        plan = following(final.plan, Counters.from_json(last.header.counters), records)
        state = Checkpoint.load(directory.final)
        best = best if best is not None and best.header.all_rows else None
        records, names = list(directory.records.read(final=True)), ("final", "best")
        yield Repetition(plan, state, best, records, names, within, _finish(final))

    @property
    def epochs(self) -> int:
        """Number of epochs trained, of both trainings if there is a final one."""
        return sum(one.epochs for one in self._trainings)

    @property
    def wanted(self) -> int:
        """Number of epochs to train, of the first training."""
        return self._trainings[0].wanted

    @property
    def difference(self) -> FirstDifference | None:
        """First difference between the epochs' records."""
        return next((one.difference for one in self._trainings if one.difference is not None), None)

    @property
    def largest_metric(self) -> FirstDifference | None:
        """Largest difference of a metric."""
        found = [one.largest_metric for one in self._trainings if one.largest_metric is not None]
        return max(found, key=lambda one: one.scaled, default=None)

    @property
    def weights(self) -> dict[str, Weights]:
        """Digests of the checkpoints' weights, by name."""
        return {name: weights for one in self._trainings for name, weights in one.weights.items()}

    @property
    def not_compared(self) -> list[str]:
        """Values left out, with the reason."""
        return list(dict.fromkeys(what for one in self._trainings for what in one.not_compared))

    def run(self, threads: int | None = None) -> Iterator[EpochReport | Progress]:
        """Train again, yielding the events of training. The results are available afterwards."""
        for training in self._trainings:
            yield from training.run(threads)

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
        what = "the table or a picture that it names" if source.options.pictures else "the data"
        raise DataError(f"{source.shown_from_here}: {what} has changed since the run; restore the original")
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


def _finish(prepared: Prepared) -> Callable[[Array, Array], tuple[Array, Array]]:
    """Function from the parameters and layer state of trained members to those of the model."""

    def vectors(params: Array, layer_state: Array) -> tuple[Array, Array]:
        model = finished(prepared, params, layer_state)
        return model.params, model.layer_state

    return vectors
