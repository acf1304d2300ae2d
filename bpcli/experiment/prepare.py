"""From a config to everything that training needs, up to the point of training."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bpcli.arrays.memory import Array
from bpcli.config.experiment import ExperimentConfig
from bpcli.data.batches import Dataset
from bpcli.data.columns import Surprise
from bpcli.data.examples.leaks import find_leaks
from bpcli.data.examples.selection import Selection, select_rows
from bpcli.data.preprocess import Preprocessor
from bpcli.data.table import PARTS, Part
from bpcli.data.targets import ClassesTarget
from bpcli.errors import Mismatch, MismatchError, errors_in
from bpcli.experiment.memory_estimate import Footprint, estimate_memory
from bpcli.experiment.notes import notes_of_inputs, notes_of_layers, surprise_notes
from bpcli.metrics import METRICS
from bpcli.nn.network import Network
from bpcli.system.memory import require_memory
from bpcli.training import TrainingPlan
from bpcli.training.scoring import HEADLINES, EpochScore, Interpreter
from bpcli.wording import counted, listed, quoted, suggestion


@dataclass(frozen=True)
class Prepared:
    """An experiment that is ready to train: everything of it checked, and nothing of it changed by training."""

    config: ExperimentConfig
    """Resolved: with the loss that was chosen and the targets that were found."""
    preprocessor: Preprocessor
    plan: TrainingPlan
    datasets: dict[Part, Dataset]
    memory: Footprint
    missing: dict[str, int]
    """Values that each input column lacks in the whole table, which itself is not kept."""
    sources: tuple[Path, ...]
    """The data files."""
    digest: str
    """SHA-256 of all of them."""
    notes: list[str]
    warnings: list[str]
    """Of rows and columns that may make scores better than the model is."""
    examples: Selection | None = None
    """The table and its splits, where they were to be kept."""

    @property
    def network(self) -> Network:
        """The planned network."""
        return self.plan.network

    @property
    def rows(self) -> dict[str, int]:
        """How many there are in each split, also in those that have none."""
        return {part: self.datasets[part].rows if part in self.datasets else 0 for part in PARTS}


def prepare(config: ExperimentConfig, folder: Path, cache: bool = True, keep_examples: bool = False) -> Prepared:
    """Read, split and encode the data of a config whose paths start from `folder`, and plan its network.

    With `cache`, large text files that were read before come from the user's cache. With `keep_examples` the result
    holds the table; else its memory is free once the rows are encoded.

    Raises:
        MismatchError: config and data do not fit together.
        DataError: the data cannot be used.
        MemoryLimitError: training would need more memory than there is.
    """
    selection = select_rows(config.data, folder, config.seed, config.loss, cache=cache)
    config = _resolved(config, selection)
    dtype = np.dtype(config.dtype)
    table, split, data = selection.table, selection.split, config.data
    tables = {part: table.take(split.part(part)) for part in PARTS}
    train = tables["train"]
    with errors_in(f"{selection.source}: train rows"):
        preprocessor = Preprocessor.fit(
            train,
            selection.inputs,
            selection.targets,
            data.columns,
            data.encoders,
            data.target_encoder,
            data.weight,
            selection.loss,
        )
    network = Network.plan(config.layers, preprocessor.layout.width, preprocessor.target.outputs)
    memory = estimate_memory(config, network, preprocessor, {part: tables[part].rows for part in PARTS})
    require_memory(memory.total, "training", "use fewer units, a smaller batch, or fewer rows")
    warnings = find_leaks(selection, data.columns)  # 30 to 70 ms for 100,000 rows of 20 columns
    datasets: dict[Part, Dataset] = {}
    surprises: dict[Part, Counter[Surprise]] = {}
    for part in PARTS:
        if tables[part].rows:
            with errors_in(f"{selection.source}: {part} rows"):
                datasets[part], surprises[part] = preprocessor.apply(tables[part], dtype)
    datasets["train"] = _weighted(datasets["train"], config, preprocessor)
    interpreter = Interpreter(preprocessor.target, selection.loss)
    watched = _watched_metrics(config, interpreter)
    score = EpochScore(interpreter, list(watched))
    monitor = _monitor(config, interpreter, "validation" in datasets)
    _require_defined(watched, score, datasets.get("validation", datasets["train"]), network.n_out)
    plan = TrainingPlan(
        network=network,
        loss=selection.loss,
        optimizer=config.optimizer,
        schedule=config.schedule,
        spec=config.training,
        seed=config.seed,
        train=datasets["train"],
        validation=datasets.get("validation"),
        score=score,
        monitor=monitor,
        greater_is_better=lambda name: _greater_is_better(name, interpreter),
        initial_parameters=_initial_parameters(config, network),
    )
    sources = tuple(path for path, _ in data.sources(folder))
    notes = [*selection.notes, *notes_of_inputs(train, selection.inputs, data.columns), *notes_of_layers(config)]
    for part, found in surprises.items():
        notes += [f"{part} rows: {note}" for note in surprise_notes(found)]
    missing = {name: int(np.count_nonzero(table[name].missing())) for name in selection.inputs}
    examples = selection if keep_examples else None
    return Prepared(
        config, preprocessor, plan, datasets, memory, missing, sources, selection.digest, notes, warnings, examples
    )


def _resolved(config: ExperimentConfig, selection: Selection) -> ExperimentConfig:
    """The config with its loss, targets and shares written out."""
    targets = tuple(selection.targets)
    validation, test = selection.split.shares
    split = config.data.split.model_copy(update={"validation": validation, "test": test})
    data = config.data.model_copy(
        update={"target": targets[0] if len(targets) == 1 else targets, "split": split},
    )
    return config.model_copy(update={"data": data, "loss": selection.loss})


def _initial_parameters(config: ExperimentConfig, network: Network) -> dict[str, Array]:
    """The parameters that the config gives, as arrays; raises MismatchError for those that the network has not so."""
    shapes = {slot.name: slot.shape for slot in network.layout.slots}
    given, mismatches = {}, []
    for name, values in config.initial_parameters.items():
        path = ("initial_parameters", name)
        if name not in shapes:
            hint = suggestion(name, shapes) or f"; it has {listed(shapes)}"
            mismatches.append(Mismatch(path, f"the network has no parameter {quoted(name)}{hint}", at_key=True))
            continue
        widths = {len(row) if isinstance(row, tuple) else 0 for row in values}
        shape = shapes[name]
        if len(values) != shape[0] or widths != {shape[1] if len(shape) == 2 else 0}:
            rows = f"{counted(shape[0], 'row')}, one for each input, of " if len(shape) == 2 else ""
            mismatches.append(Mismatch(path, f"must be {rows}{counted(shape[-1], 'number')}"))
            continue
        given[name] = np.array(values, config.dtype)
    if mismatches:
        raise MismatchError(*mismatches)
    return given


def _weighted(train: Dataset, config: ExperimentConfig, preprocessor: Preprocessor) -> Dataset:
    """The training rows with sample and class weights in one, of mean 1, so that they leave the step size alone."""
    weights = config.training.class_weights
    if weights is None and train.weight is None:
        return train
    total = np.ones(train.rows) if train.weight is None else train.weight.astype(np.float64)
    if weights is not None:
        total *= _class_weights(weights, train, preprocessor)
    return Dataset(train.x, train.y, (total / total.mean()).astype(train.x.dtype))


def _class_weights(weights: str | dict[str, float], train: Dataset, preprocessor: Preprocessor) -> NDArray[np.float64]:
    target = preprocessor.target
    path = ("training", "class_weights")
    if not isinstance(target, ClassesTarget):
        raise MismatchError(Mismatch(path, f"a {target.task} target has no classes to weigh; leave it out"))
    codes = train.y if train.y.ndim == 1 else train.y[:, 0].astype(np.intp)
    if isinstance(weights, str):
        counts = np.bincount(codes, minlength=len(target.classes))
        factors = len(codes) / (len(counts) * counts)
    else:
        unknown = next((name for name in weights if name not in target.classes), None)
        if unknown is not None:
            hint = suggestion(unknown, target.classes) or f"; they are {', '.join(map(quoted, target.classes))}"
            raise MismatchError(
                Mismatch((*path, unknown), f"the target has no class {quoted(unknown)}{hint}", at_key=True)
            )
        factors = np.array([weights.get(name, 1.0) for name in target.classes])
    return np.asarray(factors[codes], dtype=np.float64)


def _watched_metrics(config: ExperimentConfig, interpreter: Interpreter) -> dict[str, tuple[str, ...]]:
    """The headline metric, and those that goal and early stopping name, each with the place that names it."""
    named: dict[str, tuple[str, ...]] = {HEADLINES[interpreter.task]: ()}
    if config.training.goal is not None:
        named[config.training.goal.metric] = ("training", "goal", "metric")
    if config.training.early_stopping is not None:
        prefix, _, metric = config.training.early_stopping.monitor.partition("_")
        if prefix not in ("train", "validation") or not metric:
            raise MismatchError(
                Mismatch(
                    ("training", "early_stopping", "monitor"),
                    "must be train_loss, validation_loss, or validation_ and the name of a metric",
                )
            )
        named[metric] = ("training", "early_stopping", "monitor")
    named.pop("loss", None)
    possible = interpreter.metric_names()
    for metric, path in named.items():
        if metric not in possible:
            hint = suggestion(metric, [*possible, "loss"]) or f"; there are loss, {', '.join(possible)}"
            raise MismatchError(Mismatch(path, f"no metric {quoted(metric)} for a {interpreter.task} target{hint}"))
    return named


def _require_defined(watched: dict[str, tuple[str, ...]], score: EpochScore, dataset: Dataset, outputs: int) -> None:
    """Raise MismatchError where training is to be steered by a metric that these rows do not define.

    Whether they do depends on the true values alone, so that any predictions will tell.
    """
    predictions = np.zeros((dataset.rows, outputs), dataset.x.dtype)
    score.interpreter.loss.link(predictions, predictions)
    values = score(predictions, dataset)
    for metric, path in watched.items():
        if path and values[metric] is None:
            raise MismatchError(
                Mismatch(path, f"{metric} is not defined on the rows that it is to be computed on; use loss")
            )


def _monitor(config: ExperimentConfig, interpreter: Interpreter, validated: bool) -> str:
    """The value by which the best epoch is chosen."""
    stopping, goal = config.training.early_stopping, config.training.goal
    if stopping is None:
        # The epoch that reaches a goal is the one to keep.
        return f"{'validation' if validated else 'train'}_{goal.metric if goal else 'loss'}"
    path = ("training", "early_stopping", "monitor")
    if stopping.monitor.startswith("validation_") and not validated:
        raise MismatchError(
            Mismatch(path, "there are no validation rows; set data.split.validation, or monitor train_loss")
        )
    if stopping.monitor.startswith("train_") and stopping.monitor != "train_loss" and validated:
        raise MismatchError(
            Mismatch(path, "metrics are computed on the validation rows; use validation_ and the metric's name")
        )
    return stopping.monitor


def _greater_is_better(name: str, interpreter: Interpreter) -> bool:
    metric = METRICS[interpreter.task].get(name.partition("_")[2])
    return metric is not None and metric.greater_is_better
