"""Opening of an experiment: from a config file to everything that training needs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from bpcli.config.experiment import ExperimentConfig
from bpcli.config.loading import load_config
from bpcli.data.files.source import Source
from bpcli.errors import CheckpointError, MismatchError
from bpcli.experiment.prepare import prepare
from bpcli.experiment.prepared import Prepared
from bpcli.system.files import path_from_here
from bpcli.wording import printable

if TYPE_CHECKING:
    from bpcli.config.start_from import StartFrom
    from bpcli.experiment.earlier_fit import EarlierFit
    from bpcli.experiment.warm_start import StartingModel


def open_experiment(
    path: Path,
    overrides: Iterable[str] = (),
    *,
    cache: bool = True,
    keep_examples: bool = False,
    change: Callable[[ExperimentConfig], ExperimentConfig] = lambda config: config,
    source: Source | None = None,
    earlier: EarlierFit | None = None,
) -> Prepared:
    """Read a config and its data, and plan its network.

    path: the YAML file. overrides: settings such as `training.epochs=50`, which take precedence over the file. cache:
    use the data cache. keep_examples: keep the table in memory. change: function applied to the validated config.
    source: data that is already open, instead of the config's files. earlier: as for `prepare`.

    Raises:
        ConfigError: the config is invalid, or does not fit its data; with line and column.
        CheckpointError: the model to start from is missing or damaged.
        DataError: the data cannot be used.
        MemoryLimitError: training needs more memory than is available.
    """
    loaded = load_config(path, overrides)
    config = change(loaded.config)
    model = starting = None
    if (start := config.start_from) is not None:
        start = start.model_copy(update={"checkpoint": str((loaded.folder / start.checkpoint).resolve())})
        model = None if earlier else load_starting_model(start)
        starting = load_starting_model(start) if earlier and config.training.final else None
        config = config.model_copy(update={"start_from": start if model is None else model.reference})
    try:
        prepared = prepare(
            config, loaded.folder, cache, keep_examples, source, earlier, model, starting, loaded.partial
        )
    except MismatchError as error:
        raise loaded.locate(error) from error
    return replace(prepared, notes=[*loaded.notes, *prepared.notes])


def load_starting_model(start: StartFrom) -> StartingModel:
    """Read the model that a config starts from.

    Raises:
        CheckpointError: there is no checkpoint, it is damaged, or it is another one than the config names.
        MemoryLimitError: it needs more memory than is available.
    """
    from bpcli.experiment.warm_start import StartingModel  # most configs start from none
    from bpcli.storage.checkpoint import Checkpoint
    from bpcli.storage.run_checkpoint import find_checkpoint
    from bpcli.storage.run_directory import RunDirectory

    file = find_checkpoint(Path(path_from_here(Path(start.checkpoint)))).resolve()
    run = RunDirectory(file.parent.parent)
    checkpoint = Checkpoint.load(file)
    header, (params, state) = checkpoint.header, checkpoint.predicting
    if start.sha256 not in (None, header.sha256):
        raise CheckpointError(
            f"{printable(path_from_here(file))}: not the checkpoint that start_from.sha256 names; restore that one, or "
            "set start_from.sha256 to null to start from this one"
        )
    return StartingModel(
        config=header.config,
        preprocessor=header.preprocessor,
        network=checkpoint.network,
        params=params,
        state=state,
        path=file,
        shown=printable(path_from_here(run.path if file == run.best else file)),
        sha256=header.sha256,
        epoch=header.score.epoch if header.counters is None else int(header.counters["epoch"]),
        data=header.data.sha256,
        decision=header.decision,
    )
