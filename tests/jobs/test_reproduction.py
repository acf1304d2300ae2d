"""Reproduction of a run: the same again gives the same, and the first difference is found and measured."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from experiments import write_csv
from small_runs import (
    CONFIG,
    STEPS,
    change_epoch,
    change_header,
    cut_short,
    cut_short_before,
    experiment,
    nudge_weights,
    partly_trained,
    record,
    trained,
)

from bpcli.errors import CheckpointError, DataError, DivergedError
from bpcli.jobs.differences import FirstDifference, Weights, weights_sha256
from bpcli.jobs.repetition import BEST_EPOCH
from bpcli.jobs.reproduction import Reproduction
from bpcli.jobs.training import train as train_run
from bpcli.storage.checkpoint import Checkpoint
from bpcli.storage.run_directory import RunDirectory
from bpcli.system.blas import BlasThreads
from bpcli.training.loop import train
from bpcli.training.plan import EpochReport, Progress
from bpcli.training.stepping import Stepping

LONG_CONFIG = {**CONFIG, "layers": [{"units": 5}] * 9, "training": {"epochs": 3, "batch_size": 1}}
LONG_STEPS, AT_ONCE = 1050, 642
"""So many steps of ten layers are worth machine code, of which the first call in an epoch takes so many."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return experiment(tmp_path)


@pytest.fixture
def long(tmp_path: Path) -> Path:
    """A folder like the other, whose training is long enough for machine code, and an epoch of it for three calls."""
    numbers = np.random.default_rng(0).normal(size=(101, 1500)).round(3)
    columns = {f"x{index}": column for index, column in enumerate(numbers)}
    write_csv(tmp_path / "t.csv", {**columns, "y": [f"c{int(a > b)}" for a, b in zip(*numbers[:2], strict=True)]})
    (tmp_path / "c.json").write_text(json.dumps(LONG_CONFIG))
    return tmp_path


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished run, not to be changed."""
    folder = experiment(tmp_path_factory.mktemp("finished"))
    trained(folder)
    return folder


@pytest.fixture
def run(finished: Path, tmp_path: Path) -> Path:
    """A finished run of one's own, with its data beside it."""
    shutil.copytree(finished, tmp_path, dirs_exist_ok=True)
    return tmp_path / "run"


def reproduced(run: Path, tolerance: float = 0.0) -> Reproduction:
    with BlasThreads().single():
        found = Reproduction(RunDirectory.open(run), tolerance=tolerance)
        list(found.run(threads=1))
    return found


def identical(run: Path) -> Reproduction:
    found = reproduced(run)
    assert found.identical
    assert found.difference is None
    assert all(weights.was == weights.now for weights in found.weights.values())
    return found


def difference(run: Path) -> FirstDifference:
    found = reproduced(run)
    assert not found.identical
    assert found.difference is not None
    return found.difference


# The same again


def test_a_run_comes_out_again_with_the_digests_of_its_weights(run: Path) -> None:
    found = identical(run)
    assert found.epochs == found.wanted == 6
    for name in ("last", "best"):
        checkpoint = Checkpoint.load(run / f"checkpoints/{name}.safetensors")
        content = checkpoint.vectors["params"].tobytes() + checkpoint.vectors["state"].tobytes()
        assert found.weights[name].was == hashlib.sha256(content).hexdigest()
    best = record(run, 6)["best_epoch"]
    assert (found.weights["best"].epoch, found.weights["best"].steps) == (best, best * STEPS)
    assert (found.weights["last"].epoch, found.weights["last"].steps) == (6, 6 * STEPS)
    assert (found.not_compared, found.changes) == ([], {})
    assert set(found.recorded_environment) == {"bpcli", "numpy", "python", "blas", "simd", "processor", "system"}


def test_the_document_has_all_that_was_found(run: Path) -> None:
    found = reproduced(run)
    document = json.loads(json.dumps(found.to_json(), allow_nan=False))
    assert list(document) == [
        *("run_directory", "identical", "epochs", "first_difference", "weights", "not_compared", "environment"),
        *("tolerance", "reproduced", "largest_difference"),
    ]
    assert (document["run_directory"], document["identical"], document["epochs"]) == (str(run), True, 6)
    assert (document["first_difference"], document["not_compared"]) == (None, [])
    digest = found.weights["last"].was
    assert document["weights"]["last"] == {"epoch": 6, "steps": 24, "was": digest, "now": digest, "identical": True}
    assert document["environment"] == {"was": found.environment, "now": found.environment, "changed": []}


def test_digests_are_of_parameters_and_then_of_running_statistics() -> None:
    params, state = np.arange(3.0), np.arange(2.0, dtype=np.float32)
    assert weights_sha256(params, state) == hashlib.sha256(params.tobytes() + state.tobytes()).hexdigest()
    assert weights_sha256(params, state) != weights_sha256(params, state + 1)


def test_a_run_of_before_layers_were_looked_at_comes_out_again(run: Path) -> None:
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert all(line.pop("health") for line in lines)
    (run / "metrics.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    assert identical(run).epochs == 6


def test_the_run_is_only_read(run: Path) -> None:
    def state() -> dict[str, tuple[bytes, int]]:
        files = [path for path in sorted(run.rglob("*")) if path.is_file()]
        return {str(path): (path.read_bytes(), path.stat().st_mtime_ns) for path in files}

    before = state()
    identical(run)
    assert state() == before
    change_epoch(run, 2, train_loss=7.0)
    changed = state()
    difference(run)
    assert state() == changed
    assert changed.keys() == before.keys()


def test_a_run_with_overrides_comes_out_again(folder: Path) -> None:
    run = trained(folder, "training.epochs=4", "optimizer=sgd", "seed=7", "training.early_stopping={patience: 1}")
    assert identical(run).epochs <= 4


@pytest.mark.parametrize("call", [3, STEPS, STEPS + 2, 2 * (STEPS + 2) + 1])
def test_a_run_that_was_resumed_comes_out_again(folder: Path, call: int) -> None:
    run = partly_trained(folder, call)
    train_run(resume=run)
    assert identical(run).epochs == 6


def test_a_run_that_was_resumed_with_more_epochs_comes_out_again(run: Path) -> None:
    train_run(None, ["training.epochs=9"], resume=run)
    assert identical(run).epochs == 9


def test_machine_code_comes_out_again_too(long: Path) -> None:
    found = identical(trained(long))
    assert found.environment["numba"] == found.recorded_environment["numba"]


def test_a_run_comes_out_again_elsewhere(run: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    data = Checkpoint.load(run / "checkpoints/last.safetensors").header.data
    change_header(run, "last", data={**data.model_dump(), "paths": [str(run.parent / "t.csv")]})
    identical(shutil.copytree(run, elsewhere / "alone"))  # with the data where it was
    shutil.copytree(run.parent, elsewhere / "both")
    (run.parent / "t.csv").unlink()
    identical(elsewhere / "both/run")


def test_a_checkpoint_that_tells_little_of_its_environment_comes_out_again(run: Path) -> None:
    change_header(run, "last", versions={"bpcli": "0.1.0"})
    found = identical(run)
    assert (found.recorded_environment, found.changes) == ({"bpcli": "0.1.0"}, {})


# As far as it went


def test_a_run_that_was_stopped_between_epochs_comes_out_that_far(folder: Path) -> None:
    found = identical(partly_trained(folder, 2 * (STEPS + 2)))
    assert (found.epochs, found.weights["last"].epoch, found.not_compared) == (2, 2, [])


@pytest.mark.parametrize("whole", [0, 2])
@pytest.mark.parametrize("compiled", [False, True], ids=["numpy", "compiled"])
def test_a_run_that_was_stopped_within_an_epoch_comes_out_to_that_step(
    request: pytest.FixtureRequest, whole: int, compiled: bool
) -> None:
    """Two steps, or a call of machine code, into an epoch; an epoch asks once for each, and twice at its end."""
    if compiled:
        run, steps, step = partly_trained(request.getfixturevalue("long"), whole * 5 + 1), LONG_STEPS, AT_ONCE
    else:
        run, steps, step = partly_trained(request.getfixturevalue("folder"), whole * (STEPS + 2) + 2), STEPS, 2
    last = Checkpoint.load(run / "checkpoints/last.safetensors").header
    assert last.counters is not None
    assert last.counters["step"] == step
    found = identical(run)
    assert (found.epochs, found.weights["last"].epoch, found.not_compared) == (whole, whole, [])
    assert found.weights["last"].steps == last.optimizer_steps == whole * steps + step


def test_weights_between_two_looks_at_machine_code_are_left_out(long: Path) -> None:
    found = identical(partly_trained(long, 2, stepping=Stepping("compiled", gathered_bytes=1)))
    assert found.weights == {}  # many batches at a time
    assert found.not_compared == ["the last weights, which lie inside a block of compiled steps"]


def test_a_run_that_was_killed_comes_out_as_far_as_its_metrics_and_its_best_go(folder: Path) -> None:
    early = partly_trained(folder, 2 * (STEPS + 2))
    old = (early / "checkpoints/last.safetensors").read_bytes()
    train_run(resume=early)
    (early / "checkpoints/last.safetensors").write_bytes(old)
    with (early / "metrics.jsonl").open("a") as file:
        file.write('{"epoch": 7, "train_l')
    found = identical(early)
    assert (found.epochs, found.weights["last"].epoch) == (6, 2)


def test_a_run_that_diverged_comes_out_up_to_that(folder: Path) -> None:
    with pytest.raises(DivergedError):
        trained(folder, "optimizer={type: sgd, learning_rate: 1e38}", "layers=[{units: 5}]")
    assert identical(folder / "run").weights["last"].epoch == 0


def test_an_epoch_that_time_cut_short_has_the_same_weights_but_no_metrics_to_compare(folder: Path) -> None:
    run, epoch, steps = cut_short_before(folder)
    found = identical(run)
    assert found.epochs == epoch
    assert found.not_compared == [f"metrics of epoch {epoch + 1}, cut short by max_time"]
    assert found.weights["last"].steps == steps


def test_a_run_that_time_ended_within_an_epoch_comes_out_to_that_step(folder: Path) -> None:
    run, epoch, steps = cut_short(folder)
    found = identical(run)
    assert (found.epochs, found.not_compared, found.weights["last"].steps) == (epoch, [], steps)


# Something else


def test_the_first_epoch_that_differs_is_found_with_its_metric_and_how_much(run: Path) -> None:
    loss = record(run, 3)["train_loss"]
    change_epoch(run, 5, validation_loss=1.0)
    change_epoch(run, 3, train_loss=loss + 0.25, learning_rate=0.5)
    found = reproduced(run)
    assert found.difference == FirstDifference(3, "train_loss", loss + 0.25, loss)
    assert found.difference.size == 0.25
    assert not found.identical
    assert found.weights["last"].identical
    assert found.to_json()["first_difference"] == {
        "epoch": 3, "metric": "train_loss", "was": loss + 0.25, "now": loss, "difference": 0.25
    }  # fmt: skip


def test_a_layer_that_came_out_otherwise_is_found(run: Path) -> None:
    health = record(run, 2)["health"]
    before = health[1]["gradient_norm"]
    health[1]["gradient_norm"] = before + 0.25
    change_epoch(run, 2, health=health)
    assert difference(run) == FirstDifference(2, "health.1.gradient_norm", before + 0.25, before)


def test_the_last_bit_counts(run: Path) -> None:
    loss = record(run, 4)["validation_loss"]
    changed = float(np.nextafter(loss, 1))
    change_epoch(run, 4, validation_loss=changed)
    assert difference(run) == FirstDifference(4, "validation_loss", changed, loss)


def test_durations_do_not_count(run: Path) -> None:
    change_epoch(run, 4, seconds=1e9)
    identical(run)


@pytest.mark.parametrize(
    "value", [None, "\x1b[2J", [1], float("nan"), 10**400], ids=["none", "text", "list", "nan", "long"]
)
def test_a_value_that_is_none_differs(run: Path, value: Any) -> None:
    loss = record(run, 2)["train_loss"]
    change_epoch(run, 2, train_loss=value)
    found = difference(run)
    assert (found.epoch, found.metric, found.now) == (2, "train_loss", loss)
    assert found.was == value or found.was != found.was


@pytest.mark.parametrize(
    ("was", "shown", "written"),
    [
        (None, "missing", None),
        ("\x1b[2J", "'\\x1b[2J'", "\x1b[2J"),
        ([1], "[1]", [1]),
        (float("nan"), "nan", "nan"),
        (10**400, f"1{'0' * 79}…", 10**400),
    ],
    ids=["none", "text", "list", "nan", "long"],
)
def test_a_value_that_is_none_is_shown_on_one_line_and_written_as_json(was: Any, shown: str, written: Any) -> None:
    found = FirstDifference(2, "train_loss", was, 0.5)
    start = f"epoch 2 is the first that differs: train_loss was {shown}, is now 0.5"
    assert str(found) == (f"{start}, off by nan" if written == "nan" else start)
    assert found.to_json() == {
        "epoch": 2, "metric": "train_loss", "was": written, "now": 0.5,
        "difference": "nan" if written == "nan" else None,
    }  # fmt: skip


def test_a_difference_says_by_how_much_and_a_missing_epoch_that_training_ended() -> None:
    assert str(FirstDifference(3, "train_loss", 0.75, 0.5)) == (
        "epoch 3 is the first that differs: train_loss was 0.75, is now 0.5, off by 0.25"
    )
    assert str(FirstDifference(7, None)) == (
        "epoch 7 is the first that differs: the run has it, but training now ended earlier"
    )


def test_weights_that_were_not_reached_are_not_identical() -> None:
    assert not Weights(1, 4, "a").identical
    assert not Weights(1, 4, "a", "b").identical
    assert Weights(1, 4, "a", "a").identical


@pytest.mark.parametrize("line", ["[]", "7", "{}", '{"epoch": "9"}', '{"epoch": null}', "nonsense"])
def test_a_line_that_is_no_epoch_is_passed_over(run: Path, line: str) -> None:
    with (run / "metrics.jsonl").open("a") as file:
        file.write(f"{line}\n")
    assert identical(run).epochs == 6


def test_an_epoch_that_is_not_in_the_metrics_differs(run: Path) -> None:
    lines = (run / "metrics.jsonl").read_text().splitlines(keepends=True)
    (run / "metrics.jsonl").write_text("".join(lines[:4]))
    assert difference(run) == FirstDifference(5, "train_loss", None, json.loads(lines[4])["train_loss"])


def test_an_epoch_too_many_differs(run: Path) -> None:
    with (run / "metrics.jsonl").open("a") as file:
        file.write(json.dumps({**record(run, 6), "epoch": 7}) + "\n")
    assert difference(run) == FirstDifference(7, None)


def test_a_training_that_now_ends_before_the_runs_end_differs(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = trained(folder, "training.goal={metric: loss, value: 0.01}")
    monkeypatch.setattr("bpcli.training.monitor.Monitor.is_reached", lambda *_: True)
    found = reproduced(run)
    assert found.difference == FirstDifference(2, None)
    assert (found.weights["last"].steps, found.weights["last"].now) == (24, None)


def test_a_training_that_now_diverges_differs(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def diverging(*arguments: Any) -> Iterator[EpochReport | Progress]:
        for event in train(*arguments):
            if isinstance(event, EpochReport) and event.epoch == 3:
                raise DivergedError("training diverged")
            yield event

    monkeypatch.setattr("bpcli.jobs.repetition.train", diverging)
    assert difference(run) == FirstDifference(3, None)


@pytest.mark.parametrize("name", ["last", "best"])
def test_other_weights_differ_though_no_metric_does(run: Path, name: str) -> None:
    nudge_weights(run, name)
    found = reproduced(run)
    assert (found.identical, found.difference) == (False, None)
    assert [one for one, weights in found.weights.items() if not weights.identical] == [name]
    assert found.weights[name].now not in (None, found.weights[name].was)


def test_weights_within_the_tolerance_are_reproduced_and_others_not(run: Path) -> None:
    nudge_weights(run, "last")
    checkpoint = Checkpoint.load(run / "checkpoints/last.safetensors")
    before = checkpoint.network.layout.views(checkpoint.vectors["params"])["layers.0.weight"].astype(np.float64)
    after = np.nextafter(before.astype(np.float32), np.float32(-9)).astype(np.float64)  # as before the nudge
    scaled = np.abs(after - before) / np.maximum(1, np.abs(before))
    row, column = np.unravel_index(scaled.argmax(), scaled.shape)
    found = reproduced(run, 1e-6)
    assert (found.identical, found.reproduced) == (False, True)
    place, largest = found.largest
    assert place == f"last weights, layers.0.weight[{row}, {column}]"
    assert largest[1:] == (before[row, column], after[row, column], scaled.max())
    assert reproduced(run, float(scaled.max())).reproduced
    assert not reproduced(run, float(scaled.max()) * 0.99).reproduced
    assert not reproduced(run).reproduced


def test_metrics_within_the_tolerance_are_reproduced_and_others_not(run: Path) -> None:
    loss, rate = record(run, 3)["train_loss"], record(run, 5)["learning_rate"]
    change_epoch(run, 3, train_loss=loss + 0.125)
    change_epoch(run, 5, learning_rate=rate + 0.25)
    found = reproduced(run, 0.25)
    assert found.reproduced
    assert found.largest == ("epoch 5, learning_rate", FirstDifference(5, "learning_rate", rate + 0.25, rate))
    assert found.to_json()["largest_difference"] == {
        "where": "epoch 5, learning_rate", "was": rate + 0.25, "now": rate, "scaled": 0.25
    }  # fmt: skip
    assert found.difference.epoch == 3
    assert not reproduced(run, 0.24).reproduced
    change_epoch(run, 5, learning_rate=rate + 100.0)  # relative to a value above 1
    assert reproduced(run, 1.0).reproduced
    assert not reproduced(run, 0.9).reproduced


def test_an_epoch_that_is_best_by_a_hair_may_change_within_a_tolerance_only(run: Path) -> None:
    change_epoch(run, 6, best_epoch=1)
    within = reproduced(run, 1e-6)
    assert (within.reproduced, within.identical, within.not_compared) == (True, False, [BEST_EPOCH])
    assert not reproduced(run).reproduced


@pytest.mark.parametrize("value", [None, "x", float("nan"), 10**400], ids=["none", "text", "nan", "long"])
def test_no_tolerance_accepts_what_is_no_number(run: Path, value: Any) -> None:
    change_epoch(run, 2, train_loss=value)
    found = reproduced(run, 1e9)
    assert not found.reproduced
    assert found.to_json()["largest_difference"]["scaled"] == "inf"


def test_no_tolerance_accepts_a_training_that_ends_earlier(run: Path) -> None:
    lines = (run / "metrics.jsonl").read_text()
    (run / "metrics.jsonl").write_text(lines + json.dumps({**json.loads(lines.splitlines()[-1]), "epoch": 7}) + "\n")
    assert not reproduced(run, 1e9).reproduced


def test_what_differs_in_the_environment_is_found_before_training(run: Path) -> None:
    versions = Checkpoint.load(run / "checkpoints/last.safetensors").header.versions
    change_header(run, "last", versions={**versions, "blas": "mkl \x1b[2J", "numba": "0.61.0"})
    found = Reproduction(RunDirectory.open(run))
    assert found.changes == {"blas": ("mkl \x1b[2J", versions["blas"]), "numba": ("0.61.0", None)}
    assert found.epochs == 0


def test_a_run_that_was_resumed_at_another_pace_differs_from_the_epoch_before_that(run: Path) -> None:
    train_run(None, ["training.epochs=9", "optimizer.learning_rate=0.5"], resume=run)
    assert difference(run).epoch == 1


# What cannot be done


def refused(run: Path, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        Reproduction(RunDirectory.open(run))


def test_changed_data_is_refused(run: Path) -> None:
    with (run.parent / "t.csv").open("a") as file:
        file.write("1,2,c0\n")
    refused(run, DataError, r"t\.csv: the data has changed since the run; restore the original$")


def test_data_that_is_gone_is_refused(folder: Path) -> None:
    run = trained(folder, "training.epochs=1")
    (folder / "t.csv").unlink()
    refused(run, DataError, r"t\.csv: the data of this run no longer exists; restore it$")


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ("epochs: 6", "epochs: 7", r"training\.epochs"),
        ("seed: 0", "seed: 1", "seed"),
        ("units: 5", "units: 6", "layers"),
        ("learning_rate: 0.02", "learning_rate: 0.03", r"optimizer\.learning_rate"),
    ],
)
def test_another_config_is_refused_by_naming_the_difference(run: Path, old: str, new: str, place: str) -> None:
    text = (run / "config.yaml").read_text()
    assert text.count(old) == 1
    (run / "config.yaml").write_text(text.replace(old, new))
    expected = rf"run: {place} in config\.yaml is not what the run was trained with; restore it$"
    refused(run, CheckpointError, expected)


def test_a_run_without_its_last_checkpoint_is_refused(run: Path) -> None:
    (run / "checkpoints/last.safetensors").unlink()
    refused(run, CheckpointError, "run: nothing to reproduce; it has no last checkpoint$")
    (run / "checkpoints/best.safetensors").rename(run / "checkpoints/last.safetensors")
    refused(run, CheckpointError, r"last\.safetensors: not the last checkpoint of a run$")


def test_a_damaged_checkpoint_is_refused(run: Path) -> None:
    path = run / "checkpoints/best.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"\x00\x01")
    refused(run, CheckpointError, "damaged")
