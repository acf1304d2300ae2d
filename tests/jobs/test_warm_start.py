"""Training that starts from another run: what is taken over, what is initialized, and what must be equal."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import CONFIGS, PENGUINS, bpcli, series_in_process
from experiments import after, write_csv
from same_runs import check_same

import bpcli as package
from bpcli.errors import BpcliError, CheckpointError, ConfigError, UsageError
from bpcli.experiment.opening import open_experiment
from bpcli.experiment.prepared import Prepared
from bpcli.jobs.reproduction import Reproduction
from bpcli.jobs.resume import open_run, resume_state
from bpcli.jobs.runner import Runner
from bpcli.jobs.training import starting_from, train
from bpcli.storage.checkpoint import Checkpoint
from bpcli.storage.run_directory import RunDirectory

Views = dict[str, np.ndarray]
CONFIG: dict[str, Any] = {
    "name": "small",
    "data": {"path": "first.csv", "target": "y", "split": {"validation": 0.2, "test": 0}},
    "layers": [{"units": 5}, {"type": "batch_norm"}, {"type": "dropout", "rate": 0.2}],
    "training": {"epochs": 6, "batch_size": 8},
}


def rows(
    seed: int, count: int = 60, classes: Sequence[str] = ("c0", "c1"), places: str = "xyz"
) -> dict[str, list[Any]]:
    """Two numbers, a category, and a class that depends on the numbers."""
    generator = np.random.default_rng(seed)
    a, b = generator.normal(3, 2, size=(2, count))
    level = np.searchsorted(np.linspace(-2, 2, len(classes) + 1)[1:-1], a - b)
    place = [places[row % len(places)] for row in range(count)]
    return {"a": [*a], "b": [*b], "place": place, "y": [classes[k] for k in level], "z": [*(a + b)]}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A config whose first run is in `first`, and new data of the same columns."""
    folder = tmp_path_factory.mktemp("warm")
    write_csv(folder / "first.csv", rows(0))
    write_csv(folder / "more.csv", rows(1, 90))
    write_csv(folder / "three.csv", rows(2, 90, ("c0", "c1", "c2")))
    write_csv(folder / "far.csv", rows(3, 60, places="xyw"))
    config = json.loads(json.dumps(CONFIG))
    config["data"]["exclude"] = ["z"]
    (folder / "c.json").write_text(json.dumps(config))
    train(folder / "c.json", run_dir=folder / "first", threads=1)
    return folder


def opened(folder: Path, *settings: str, data: str = "more.csv", start: str = "first") -> Prepared:
    given = [f"data.path={folder / data}", *settings]
    return open_experiment(folder / "c.json", given, change=starting_from(folder / start))


def views(of: Prepared) -> Views:
    """Parameters and state before the first step, by name."""
    state = of.plan.new_state()
    return of.network.layout.views(state.params) | of.network.state_layout.views(state.layer_state)


def stored(path: Path) -> Views:
    """Parameters and state of a checkpoint, by name."""
    found = Checkpoint.load(path)
    network, vectors = found.network, found.vectors
    return network.layout.views(vectors["params"]) | network.state_layout.views(vectors["state"])


def equal_names(one: Views, other: Views) -> set[str]:
    return {name for name in one if np.array_equal(one[name], other[name])}


def test_parameters_layer_state_and_preprocessing_are_taken_over(folder: Path) -> None:
    of = opened(folder)
    before, header = stored(folder / "first/checkpoints/best.safetensors"), RunDirectory(folder / "first").best
    assert equal_names(views(of), before) == {*before}
    assert {"layers.1.running_mean", "layers.3.weight"} <= {*before}
    assert of.preprocessor == Checkpoint.load(header).header.preprocessor
    assert of.plan.new_state().counters.best_epoch == 0
    assert not any(slot.any() for slot in of.plan.new_state().optimizer.slots.values())
    assert of.warm_start is not None
    assert (of.warm_start.layers, of.warm_start.initialized) == ((0, 1, 2, 3), None)


def test_without_a_step_the_model_is_the_one_before_to_the_bit(folder: Path) -> None:
    of = opened(folder, data="first.csv")
    scores = json.loads((folder / "first/metrics.jsonl").read_text().splitlines()[of.warm_start.epoch - 1])
    assert of.warm_start.scores == {name: scores[name] for name in ("validation_loss", "validation_accuracy")}
    assert not any("drawn anew" in str(warning) for warning in of.warnings)


@pytest.mark.parametrize("split", ["{fold: 2/3, validation: 0}", "{fold: 2/3, order: time}"])
def test_a_fold_of_which_the_model_may_know_the_test_rows_is_warned_of(folder: Path, split: str) -> None:
    of = opened(folder, f"data.split={split}", data="first.csv")
    assert any("drawn anew" in warning.text for warning in of.warnings)


def test_penguins_go_on_near_the_loss_where_half_of_the_rows_ended(tmp_path: Path) -> None:
    header, *lines = PENGUINS.read_text().splitlines(keepends=True)
    (tmp_path / "half.csv").write_text("".join([header, *lines[::2]]))
    config, epochs = CONFIGS / "penguins.yaml", {"training.epochs": 40, "schedule": "constant"}
    half = package.train(config, {**epochs, "data.path": str(tmp_path / "half.csv")}, run_dir=tmp_path / "half")
    cold = package.train(config, epochs, run_dir=tmp_path / "cold")
    warm = package.train(config, epochs, start_from=tmp_path / "half", run_dir=tmp_path / "warm")
    first = {run.path.name: next(RunDirectory(run.path).records.read()).values["train_loss"] for run in (cold, warm)}
    ended = half.summary.final.values["train_loss"]
    assert first["warm"] < 3 * ended + 0.05 < 0.3 < first["cold"]
    scores = warm.summary.warm_start["scores"]
    assert 0 <= scores["validation_loss"] < 0.2
    assert warm.summary.warm_start["layers"] == [0, 1, 2, 3]
    reproduction = Reproduction(RunDirectory(warm.path))
    list(reproduction.run())
    assert reproduction.identical
    again = package.train(tmp_path / "warm/config.yaml", run_dir=tmp_path / "again")
    check_same(RunDirectory(warm.path), RunDirectory(again.path))


@pytest.mark.parametrize("calls", [3, 40, *(pytest.param(calls, marks=pytest.mark.exhaustive) for calls in (1, 14))])
def test_a_run_that_was_stopped_goes_on_to_the_same_bits_without_the_model(folder: Path, tmp_path: Path, calls: int):
    shutil.copytree(folder, tmp_path / "all")
    of = opened(tmp_path / "all", data="far.csv")
    whole, stopped = RunDirectory.create(tmp_path / "whole"), RunDirectory.create(tmp_path / "stopped")
    list(Runner(of, whole).run())
    list(Runner(of, stopped).run(after(calls)))
    shutil.rmtree(tmp_path / "all/first")
    resumed = open_run(stopped)
    list(Runner(resumed, stopped, resume_state(resumed, stopped)).run())
    check_same(whole, stopped)


@pytest.mark.parametrize(
    ("settings", "data", "why"),
    [
        ((), "three.csv", "the loss is cross_entropy, before binary_cross_entropy"),
        (("loss=cross_entropy",), "first.csv", "the loss is cross_entropy, before binary_cross_entropy"),
        (("data.exclude=[y]", "data.target=z"), "first.csv", "the loss is mse, before binary_cross_entropy"),
    ],
)
def test_the_output_layer_is_initialized_where_the_target_differs(
    folder: Path, settings: tuple[str, ...], data: str, why: str
) -> None:
    of = opened(folder, *settings, data=data)
    before = stored(folder / "first/checkpoints/best.safetensors")
    assert equal_names(views(of), before | {n: np.empty(0) for n in views(of) if n not in before}) == {
        name for name in before if not name.startswith("layers.3.")
    }
    assert of.warm_start.initialized == why
    assert of.warm_start.layers == (0, 1, 2)
    assert of.warm_start.scores == {}
    assert of.preprocessor.inputs == Checkpoint.load(RunDirectory(folder / "first").best).header.preprocessor.inputs


def test_new_classes_of_more_than_two_are_named(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "all")
    write_csv(tmp_path / "all/four.csv", rows(4, 90, ("c0", "c1", "c2", "c3")))
    three = [f"data.path={folder / 'three.csv'}", "training.epochs=1"]
    train(folder / "c.json", three, run_dir=tmp_path / "all/three")
    of = opened(tmp_path / "all", data="four.csv", start="three")
    assert of.warm_start.initialized == "target 'y' has the new class 'c3'"
    fewer = opened(tmp_path / "all", "training.class_weights=balanced", data="first.csv", start="three")
    assert fewer.preprocessor.target.class_names == ("c0", "c1", "c2")
    assert fewer.warm_start.initialized is None
    assert np.isfinite(fewer.plan.train.weight).all()
    assert "loss: cross_entropy, as in the earlier training" in fewer.notes


def test_fewer_values_do_not_make_classes_of_a_quantity(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "all")
    settings = ["data.exclude=[y]", "data.target=z"]
    train(folder / "c.json", [*settings, "training.epochs=1"], run_dir=tmp_path / "all/numbers")
    columns = rows(5, 40)
    write_csv(tmp_path / "all/whole.csv", {**columns, "z": [round(value) % 3 for value in columns["z"]]})
    of = opened(tmp_path / "all", *settings, data="whole.csv", start="numbers")
    assert of.config.loss.type == "mse"
    assert of.warm_start.initialized is None


def test_categories_that_are_new_are_noted_and_unknown(folder: Path) -> None:
    of = opened(folder, data="far.csv")
    notes = [re.sub(r"\d+", "N", note) for note in of.notes if "'w'" in note]
    assert sum(int(re.findall(r"(\d+) rows", note)[0]) for note in of.notes if "'w'" in note) == 20
    assert notes == [
        f"{part} rows: column 'place': N rows with 'w', not seen in the earlier training; treated as unknown"
        for part in ("train", "validation")
    ]
    assert of.preprocessor.features == ["a", "b", "place=x", "place=y", "place=z"]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (("layers.0.units=4",), "layers.0: dense of 4 units, relu, but dense of 5 units, relu in {run}; {advice}"),
        (
            ("layers.0.bias=false",),
            "layers.0: dense of 5 units, relu without biases, but dense of 5 units, relu in {run}",
        ),
        (("layers.0.activation=tanh",), "layers.0: dense of 5 units, tanh, but dense of 5 units, relu in {run}"),
        (("layers=[{units: 5}, {type: batch_norm}]",), "layers.2: no layer, but dropout in {run}"),
        (("data.exclude=[z, b]",), "data: column 'b' is excluded, but an input of {run}"),
        (("data.exclude=[]",), "data: column 'z' is not an input of {run}; add it to data.exclude"),
        (("data.columns={a: categorical}",), "data.columns.a: column 'a': type categorical, but numeric in {run}"),
        (("data.encoders.numeric=min_max",), "data.columns.a: column 'a': encoder min_max, but standard in {run}"),
        (("data.encoders.categorical=ordinal",), "column 'place': encoder ordinal, but one_hot in {run}"),
    ],
)
def test_the_first_difference_is_named_with_what_to_do(folder: Path, settings: tuple[str, ...], message: str) -> None:
    advice = "make them equal, or train without start_from"
    with pytest.raises(BpcliError) as caught:
        opened(folder, *settings)
    assert message.format(run=folder / "first", advice=advice) in str(caught.value)


def test_dropout_and_the_learning_rate_may_differ(folder: Path) -> None:
    of = opened(folder, "layers.2.rate=0.5", "optimizer={type: sgd, learning_rate: 0.01}", "dtype=float64", "seed=7")
    before = stored(folder / "first/checkpoints/best.safetensors")
    assert equal_names(views(of), before) == {*before}
    assert of.plan.new_state().params.dtype == np.float64


def test_parameters_of_the_model_come_before_those_of_the_config(folder: Path) -> None:
    of = opened(folder, "initial_parameters={layers.0.bias: [1, 2, 3, 4, 5]}")
    before = stored(folder / "first/checkpoints/best.safetensors")
    assert np.array_equal(views(of)["layers.0.bias"], before["layers.0.bias"])
    assert f"initial_parameters: 'layers.0.bias' taken over from {folder / 'first'} instead" in of.notes


def test_splits_that_may_mix_the_models_training_rows_are_a_warning(folder: Path, tmp_path: Path) -> None:
    assert any("may be training rows" in str(warning) for warning in opened(folder).warnings)
    own = opened(folder, "data.split.validation=0", data="first.csv")
    assert not any("may be training rows" in str(warning) for warning in own.warnings)
    by_time = opened(folder, "data.split={order: time, validation: 0.2, test: 0}")
    assert not any("may be training rows" in str(warning) for warning in by_time.warnings)


def test_the_warning_can_be_accepted_and_stays_accepted_when_resumed(folder: Path, tmp_path: Path) -> None:
    settings = [f"data.path={folder / 'more.csv'}", "data.accept=[earlier_training]", "training.epochs=1"]
    run = train(folder / "c.json", settings, start_from=folder / "first", run_dir=tmp_path / "run", strict=True).path
    for of in (opened(folder, *settings[1:]), open_run(RunDirectory(run))):
        assert [warning.name for warning in of.accepted] == ["earlier_training"]
        assert of.warnings == []


def test_another_positive_class_makes_another_target(folder: Path) -> None:
    assert opened(folder, "data.positive=c1").warm_start.initialized is None
    other = opened(folder, "data.positive=c0")
    assert other.warm_start.initialized == "the positive class is c0, before c1"
    assert other.preprocessor.target.class_names == ("c1", "c0")


def test_another_checkpoint_in_the_place_of_the_recorded_one_is_refused(folder: Path, tmp_path: Path) -> None:
    run = train(folder / "c.json", ["training.epochs=1"], start_from=folder / "first", run_dir=tmp_path / "run").path
    text = (run / "config.yaml").read_text()
    assert (run / "config.yaml").exists()
    other = tmp_path / "other"
    train(folder / "c.json", ["seed=5", "training.epochs=1"], run_dir=other)
    assert RunDirectory(run).relative_to_run(folder / "first/checkpoints/best.safetensors") in text
    with pytest.raises(CheckpointError, match=r"not the checkpoint that start_from\.sha256 names; restore that one"):
        open_experiment(run / "config.yaml", [f"start_from.checkpoint={other}"])
    changed = open_experiment(run / "config.yaml", [f"start_from={{checkpoint: {other}, sha256: null}}"])
    assert changed.warm_start.checkpoint == str(other / "checkpoints/best.safetensors")


def test_a_run_is_reproduced_from_where_its_model_was_and_says_when_it_is_gone(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "all")
    run = train(tmp_path / "all/c.json", start_from=tmp_path / "all/first", run_dir=tmp_path / "runs/a").path
    (tmp_path / "deep/er").mkdir(parents=True)
    run = run.rename(tmp_path / "deep/er/a")  # the relative path of the model leads nowhere
    reproduction = Reproduction(RunDirectory(run))
    list(reproduction.run())
    assert reproduction.identical
    (tmp_path / "all/first").rename(tmp_path / "all/gone")
    with pytest.raises(CheckpointError, match="the checkpoint that this run started from no longer exists; restore it"):
        Reproduction(RunDirectory(run))


def test_a_resumed_run_cannot_start_from_another(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--from and --resume exclude each other"):
        train(resume=folder / "first", start_from=folder / "first")
    run = train(folder / "c.json", ["training.epochs=1"], start_from=folder / "first", run_dir=tmp_path / "run").path
    with pytest.raises(CheckpointError, match="start_from is not what this run started with; start a new run"):
        train(resume=run, overrides=["start_from=null"])


def test_seeds_start_from_the_same_model(folder: Path, tmp_path: Path) -> None:
    settings = ("--set", "training.epochs=1", "--from", folder / "first", "--run-dir", tmp_path / "s")
    with series_in_process():
        result = bpcli("train", folder / "c.json", "--seeds", "2", *settings, "--json").ok()
    assert result.json["finished"] == 2
    for seed in (0, 1):
        header = Checkpoint.load(tmp_path / f"s-seed{seed}/checkpoints/last.safetensors").header
        assert header.config.seed == seed
        assert header.warm_start.sha256 == Checkpoint.load(RunDirectory(folder / "first").best).header.sha256


def test_the_command_says_what_it_starts_from(folder: Path, tmp_path: Path) -> None:
    more = ("--set", "data.path=more.csv", "--set", "training.epochs=1", "--run-dir", tmp_path / "run")
    result = bpcli("train", "c.json", "--from", "first", *more, cwd=folder).ok()
    epoch = Checkpoint.load(RunDirectory(folder / "first").best).header.score.epoch
    assert f"note: starts from first, epoch {epoch}: its fitted preprocessing and all layers\n" in result.err
    assert "note: before the first epoch: validation_loss " in result.err
    wrong = bpcli("train", "c.json", "--from", "first", "--set", "layers.0.units=4", cwd=folder)
    assert wrong.code == 2
    assert wrong.err.startswith("error: c.json:1:")
    assert bpcli("train", "c.json", "--from", "absent", cwd=folder).code == 4


def test_a_decision_that_the_config_leaves_out_is_noted_with_the_setting_that_keeps_it(
    folder: Path, tmp_path: Path
) -> None:
    decision = "decision={threshold: {type: recall, at_least: 0.75}, calibration: temperature}"
    train(folder / "c.json", [decision, f"data.path={folder / 'first.csv'}"], run_dir=tmp_path / "decided", threads=1)
    fitted = Checkpoint.load(RunDirectory(tmp_path / "decided").best).header.decision
    assert fitted is not None

    def notes(*settings: str, start: Path = tmp_path / "decided") -> list[str]:
        return [note for note in opened(folder, *settings, start=str(start)).notes if "not taken over" in note]

    (note,) = notes()
    value = fitted.thresholds[0].value
    assert note.startswith(
        f"the threshold (recall of at least 0.75, fitted {value:.4g}) and the calibration ({fitted.calibration}) of "
    )
    assert note.endswith(f"give --set '{decision}'")
    (note,) = notes(start=tmp_path / "decided/checkpoints/last.safetensors")
    assert note.startswith("the threshold (recall of at least 0.75) and the calibration (temperature) of ")
    assert notes("decision.threshold=0.3") == []
    assert notes(decision) == []
    assert notes(start=folder / "first") == []
    assert notes("data.target=z", "data.exclude=[y]") == []


def test_columns_are_read_as_the_model_reads_them(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "all")
    columns = rows(6, 40)
    write_csv(tmp_path / "all/odd.csv", {**columns, "place": [row % 2 for row in range(40)], "b": [None] * 40})
    of = opened(tmp_path / "all", data="odd.csv")
    assert of.missing["b"] == 40
    assert any("with '0', '1', not seen in the earlier training; treated as unknown" in note for note in of.notes)
    write_csv(tmp_path / "all/words.csv", {**columns, "a": ["far", *columns["a"][1:]]})
    with pytest.raises(BpcliError, match="'far'"):
        opened(tmp_path / "all", data="words.csv")
    write_csv(tmp_path / "all/less.csv", {name: columns[name] for name in ("a", "place", "y", "z")})
    with pytest.raises(ConfigError, match="column 'b' is missing, but an input of"):
        opened(tmp_path / "all", data="less.csv")
