"""Resuming a run from its last checkpoint."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from bpcli.config.experiment import ExperimentConfig
from bpcli.data.files.source import Source, open_source
from bpcli.errors import CheckpointError
from bpcli.experiment.earlier_fit import EarlierFit
from bpcli.experiment.opening import open_experiment
from bpcli.experiment.prepared import Prepared
from bpcli.nn.network import Network
from bpcli.spec import type_name
from bpcli.storage.checkpoint import Checkpoint
from bpcli.storage.header import Header
from bpcli.storage.run_directory import RunDirectory
from bpcli.training.state import Counters, TrainingState
from bpcli.wording import printable


def open_run(
    directory: RunDirectory,
    overrides: Iterable[str] = (),
    *,
    cache: bool = True,
    keep_examples: bool = False,
    source: Source | None = None,
) -> Prepared:
    """Prepare the experiment of a run with the preprocessing of its last checkpoint, as `open_experiment` does.

    source: the run's data, if it is already open.

    Version 0.1 had a column for each position of an array. Such columns are read again if the last checkpoint has them.
    """
    directory.require_last()
    header = Checkpoint.load(directory.last).header
    data = header.data
    final = Checkpoint.load(directory.final).header.preprocessor if directory.final.is_file() else None
    earlier = EarlierFit(header.config, header.preprocessor, data.sha256, data.weightless, header.warm_start, final)
    prepared = open_experiment(
        directory.config, overrides, cache=cache, keep_examples=keep_examples, source=source, earlier=earlier
    )
    if not prepared.preprocessor.arrays or header.preprocessor.arrays:
        return prepared
    source = open_source(prepared.config.data, directory.path, cache=cache, split_arrays=True)
    return open_experiment(directory.config, overrides, keep_examples=keep_examples, source=source, earlier=earlier)


def resume_state(prepared: Prepared, directory: RunDirectory, of: type[Header] = Header) -> TrainingState:
    """Training state of `last.safetensors`. A finished run stays finished unless its stopping criteria have changed.

    of: class of the checkpoint's header, as for `Checkpoint.load`.

    Raises:
        CheckpointError: there is no checkpoint, or its network, optimizer, loss or rows differ from the experiment's.
    """
    directory.require_last()
    return state_of(Checkpoint.load(directory.last, of), prepared, directory.path, directory.last)


def state_of(checkpoint: Checkpoint, prepared: Prepared, run: Path, file: Path) -> TrainingState:
    """Training state of a checkpoint of a run, whose file it is. Raises CheckpointError as `resume_state` does."""
    path, header = printable(str(run)), checkpoint.header
    state = prepared.plan.new_state()
    if header.counters is None:
        raise CheckpointError(f"{printable(str(file))}: not a checkpoint to resume from")
    if header.data.sha256 != prepared.digest:
        raise CheckpointError(
            f"{path}: the data has changed since this run started; start a new run, from this one with --from"
        )
    changed = _changed(header, checkpoint.network, prepared)
    if changed is not None:
        raise CheckpointError(f"{path}: {changed} not what this run started with; start a new run")
    targets = state.vectors()
    if targets.keys() != checkpoint.vectors.keys():
        raise CheckpointError(f"{path}: the optimizer's options are not what this run started with; start a new run")
    for name, target in targets.items():
        np.copyto(target, checkpoint.vectors[name])
    state.optimizer.steps = header.optimizer_steps
    state.optimizer.numbers |= {name: header.optimizer_numbers[name] for name in state.optimizer.numbers}
    state.counters = Counters.from_json(header.counters)
    if state.counters.epoch > prepared.plan.epochs:
        done = state.counters.epoch
        raise CheckpointError(f"{path}: {done} epochs are done, more than training.epochs asks for; raise it")
    before, now, stop = header.config.training, prepared.config.training, state.counters.stop
    if stop is not None and getattr(before, stop) != getattr(now, stop):
        state.count(stop=None)  # a stop reason has the name of its setting
    if before.stop_when != now.stop_when:
        state.count(unhealthy=0)  # counted with the previous thresholds
    if before.batch_size != now.batch_size:
        state.count(step=0, loss_sum=0.0, weight_sum=0.0)  # restart the epoch, which is split into other batches
    elif (state.counters.step - 1) * prepared.plan.batch_size >= prepared.plan.rows_per_member:
        raise CheckpointError(f"{printable(str(file))}: its step is beyond the end of its epoch")
    return state


def _changed(header: Header, network: Network, prepared: Prepared) -> str | None:
    """Name the first part of the experiment that has changed but must not for training to resume; None without one."""
    before, now = header.config, prepared.config
    same = {
        "data is": before.data.choosing_rows == now.data.choosing_rows,
        "seed is": before.seed == now.seed,
        "dtype is": before.dtype == now.dtype,
        "start_from is": _started_from(before) == _started_from(now),
        "layers are": network == prepared.network,
        "ensemble is": before.ensemble == now.ensemble,
        "the fitted preprocessing is": header.preprocessor == prepared.preprocessor,
        "loss is": before.loss == now.loss,
        "training.shards is": before.training.shards == now.training.shards,
        "training.average is": (before.training.average is None) == (now.training.average is None),
        "optimizer is": type_name(before.optimizer) == type_name(now.optimizer),
        "training.early_stopping.monitor is": header.score.monitor == prepared.plan.monitor.name,
    }
    return next((what for what, holds in same.items() if not holds), None)


def _started_from(config: ExperimentConfig) -> str | None:
    return None if config.start_from is None else config.start_from.sha256
