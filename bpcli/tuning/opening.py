"""Studies that are begun, or opened to go on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from bpcli.config.loading import LoadedConfig, load_config
from bpcli.config.tune import OF_TRIALS, TuneSpec
from bpcli.errors import BpcliError, CheckpointError, ConfigError, Mismatch, MismatchError, UsageError
from bpcli.experiment.opening import open_experiment
from bpcli.storage.config_text import config_text, flow_text
from bpcli.system.files import file_access, write_atomic
from bpcli.training.scoring import EpochScore
from bpcli.tuning.batch import parts_of
from bpcli.tuning.default_space import default_space
from bpcli.tuning.directory import StudyDirectory, relocated
from bpcli.tuning.space import Space
from bpcli.tuning.start import values_of
from bpcli.tuning.study import Basis, Study
from bpcli.tuning.trial import write_trials
from bpcli.wording import counted, listed, printable


def begin_study(
    config: Path, overrides: Sequence[str], path: Callable[[str], Path], trials: int | None = None, cache: bool = True
) -> Study:
    """Begin the search of a config; of one with a recipe that names no space, in the default space.

    path: function from the name of the experiment to the directory to create. trials: another number of trials.

    Raises:
        ConfigError: the search, or a setting that it may choose, is not possible.
        ExistsError: the path exists.
    """
    loaded, settings = load_config(config, overrides), list(overrides)
    spec = loaded.config.tune
    if loaded.config.recipe is not None and (spec is None or not spec.space):
        space = default_space(open_experiment(config, overrides, cache=cache).config)
        settings.append(f"tune.space={flow_text(space)}")
    if spec is not None or loaded.config.recipe is not None:
        settings += _of_trials(trials)
    loaded = load_config(config, settings)
    spec = _possible(loaded, config, settings)
    basis = _examined(loaded, config, settings, cache)
    directory = StudyDirectory.create(path(loaded.config.name))
    document = relocated(loaded, directory.path)
    document["tune"] = spec.model_dump(mode="json", by_alias=True, exclude_unset=True)
    write_atomic(directory.config, config_text(document).encode())
    write_atomic(directory.data, f"{basis.digest}\n".encode())
    write_trials(directory.trials, [])
    return Study(directory, load_config(directory.config), basis)


def open_study(path: Path, trials: int | None = None, cache: bool = True) -> Study:
    """Open a study to go on with it. trials: another number of trials in all.

    Raises:
        CheckpointError: it is no study, or its data has changed.
        UsageError: more trials are done.
    """
    directory, shown = StudyDirectory(path), printable(str(path))
    if not directory.is_study():
        raise CheckpointError(f"{shown}: no study; begin one with bpcli tune CONFIG")
    loaded = load_config(directory.config, _of_trials(trials))
    basis = _examined(loaded, directory.config, [], cache)
    with file_access(directory.data, "read"):
        before = directory.data.read_text(encoding="utf-8").strip()
    if basis.digest != before:
        raise CheckpointError(f"{shown}: the data has changed since this search began; begin a new one")
    study = Study(directory, loaded, basis)
    if len(study.trials) > study.spec.trials:
        done = counted(len(study.trials), "trial")
        raise UsageError(f"--trials {study.spec.trials}: {done} of {shown} are done; give at least as many")
    return study


def _of_trials(trials: int | None) -> list[str]:
    return [] if trials is None else [f"tune.trials={trials}"]


def _examined(loaded: LoadedConfig, path: Path, settings: Sequence[str], cache: bool) -> Basis:
    """What the search takes from the data. Raises ConfigError if epochs lack a metric of the search."""
    spec, data = loaded.config.tune, loaded.config.data
    assert spec is not None
    prepared = open_experiment(path, settings, cache=cache)
    plan = prepared.plan
    assert isinstance(plan.score, EpochScore)
    there = ["validation_loss", *(f"validation_{name}" for name in plan.score.metrics)]
    wanted = next((name for name in spec.metrics if name not in (*there, *OF_TRIALS)), None)
    if plan.validation is None and spec.folds is None:
        raise _located(loaded, "metric", "needs validation rows; set data.split.validation, or tune.folds")
    if wanted is not None:
        what = f"epochs have no {wanted}, but {listed(there)}; training.early_stopping.monitor: {wanted} adds it"
        raise _located(loaded, "metric", what)
    if spec.folds is not None:
        if prepared.config.folds:
            what = "each member of the ensemble is validated on a fold already; omit it, or ensemble.folds"
            raise _located(loaded, "folds", what)
        if data.time is not None:
            raise _located(loaded, "folds", "windows of series are validated by later ones, not by folds; omit it")
        [first, *_] = parts_of(loaded.config, spec).values()
        try:
            open_experiment(path, [*settings, *first], cache=cache)
        except BpcliError as error:
            raise _located(loaded, "folds", error.messages[0].removeprefix("--set ")) from error
    start = values_of(Space(spec.space), prepared.config.model_dump(mode="json", by_alias=True))
    return Basis(plan.epochs, prepared.preprocessor.target.task, start, prepared.digest)


def _located(loaded: LoadedConfig, key: str, what: str) -> ConfigError:
    """Error at a key of the search."""
    return loaded.locate(MismatchError(Mismatch(("tune", key), what)))


def _possible(loaded: LoadedConfig, path: Path, overrides: Sequence[str]) -> TuneSpec:
    """The search that a config asks for.

    Raises ConfigError without one, and for a space with settings that no training would take.
    """
    spec = loaded.config.tune
    if spec is None or not spec.space:
        example = "what to choose, such as tune: {space: {optimizer.learning_rate: {log_uniform: [1e-4, 0.1]}}}"
        what = f"is missing: {example}" if spec is None else f"its space is empty: {example}"
        raise loaded.locate(MismatchError(Mismatch(("tune",), what)))
    try:
        Space(spec.space).require_comparable(spec.metrics)
        Space(spec.space).require_valid(lambda settings: load_config(path, [*overrides, *settings]))
        rule = next((name for name in ("halving", "median", "asha") if getattr(spec, name) is not None), None)
        if rule is not None and any(key.startswith("training.epochs") for key in spec.space):
            what = "needs one number of epochs; leave training.epochs out of the space"
            raise MismatchError(Mismatch(("tune", rule), what))
        if spec.sampler == "grid":
            Space(spec.space).grid()
    except MismatchError as error:
        raise loaded.locate(error) from error
    return spec
