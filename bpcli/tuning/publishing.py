"""Publication of a study: its trials in a storage, and what workers on other machines need to know."""

from __future__ import annotations

from pathlib import Path

from bpcli.config.loading import LoadedConfig, load_config
from bpcli.errors import CheckpointError, UsageError
from bpcli.experiment.opening import open_experiment
from bpcli.storage.config_text import config_text
from bpcli.system.files import file_access, write_atomic
from bpcli.tuning.directory import relocated
from bpcli.tuning.joining import platform, require_same_platform
from bpcli.tuning.publication import Published, outcome, require_same
from bpcli.tuning.storage import Storage
from bpcli.tuning.study import Study
from bpcli.wording import printable


def publish(study: Study, storage: Storage, name: str) -> Published:
    """Begin a study of a name in a storage, or open it again.

    Raises CheckpointError if the storage has another search of this name.
    """
    published = Published.create(storage, name, study.objective)
    attributes, config = published.attributes, _shared_text(load_config(study.directory.config))
    if attributes.get("data") not in (None, study.basis.digest):
        raise CheckpointError(f"{storage.shown}: {printable(name)} is another search; choose another --study")
    require_same(published.trials(), {trial.number: trial.values for trial in study.trials}, storage.shown)
    now = {"config": config, "data": study.basis.digest, "platform": platform(), "over": False}
    for key, value in now.items():
        if attributes.get(key) != value:
            published.set(key, value)
    return published


def publish_trials(published: Published, study: Study) -> None:
    """Add the trials of a study that are over, and not in the storage yet."""
    there = len(published.trials())
    for trial in study.trials[there:]:
        published.add(study.space, trial.values, outcome(trial, study.objective))


def mend_journal(study: Study, name: str) -> None:
    """Remove the journal in a study's directory if it is damaged, or one of another search; it is begun anew."""
    path = study.directory.storage
    try:
        with Storage(str(path)) as storage:
            publish(study, storage, name)
    except (ValueError, KeyError, CheckpointError):
        with file_access(path, "remove"):
            path.unlink(missing_ok=True)


def joined_config(published: Published, folder: Path, settings: list[str]) -> Path:
    """Config of a study in a folder of this machine, whose data is there, and the same.

    settings: overrides, such as another path of the data. Raises UsageError for other data, and for a machine that
    computes other bits.
    """
    attributes = published.attributes
    require_same_platform(attributes["platform"])
    path = folder / "config.yaml"
    write_atomic(path, str(attributes["config"]).encode())
    loaded = load_config(path, settings)
    write_atomic(path, _shared_text(loaded).encode())
    digest = open_experiment(path, ["tune=null"]).digest
    if digest != attributes["data"]:
        raise UsageError("the data is not that of the search; name the right file with --set data.path=FILE")
    return path


def _shared_text(loaded: LoadedConfig) -> str:
    """Config with absolute paths."""
    spec = loaded.config.tune
    assert spec is not None
    tune = spec.model_dump(mode="json", by_alias=True, exclude_unset=True)
    return config_text({**relocated(loaded, None), "tune": tune})
