"""Opening of an experiment: from a config file to everything that training needs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

from bpcli.config import load_config
from bpcli.config.experiment import ExperimentConfig
from bpcli.data.files.source import Source
from bpcli.errors import MismatchError
from bpcli.experiment.earlier_fit import EarlierFit
from bpcli.experiment.prepare import Prepared, prepare


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
        DataError: the data cannot be used.
        MemoryLimitError: training needs more memory than is available.
    """
    loaded = load_config(path, overrides)
    try:
        prepared = prepare(change(loaded.config), loaded.folder, cache, keep_examples, source, earlier)
    except MismatchError as error:
        raise loaded.locate(error) from error
    return replace(prepared, notes=[*loaded.notes, *prepared.notes])
