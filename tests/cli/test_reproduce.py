"""`bpcli reproduce`: whether the same comes out again, and what differs where it does not."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from checkpoints import forged
from commands import Result, bpcli
from experiments import after, taken_so, ticking, write_csv

from bpcli.config import load_config
from bpcli.errors import DivergedError
from bpcli.experiment.prepare import prepare
from bpcli.jobs.resume import resume_state
from bpcli.jobs.runner import Pace, Runner
from bpcli.storage.checkpoint import Checkpoint
from bpcli.storage.run_directory import RunDirectory
from bpcli.training import EpochReport, Progress, Stepping, train

CONFIG = {
    "name": "small",
    "data": {"path": "t.csv", "target": "y"},
    "layers": [{"units": 5}, {"type": "batch_norm"}, {"type": "dropout", "rate": 0.2}],
    "optimizer": {"type": "adam", "learning_rate": 0.02},
    "training": {"epochs": 6, "batch_size": 8},
}
STEPS = 4
"""28 training rows in batches of 8."""

LONG_CONFIG = {**CONFIG, "layers": [{"units": 5}] * 9, "training": {"epochs": 3, "batch_size": 1}}
LONG_STEPS, AT_ONCE = 1050, 642
"""So many steps of ten layers are worth machine code, of which the first call in an epoch takes so many."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    numbers = np.random.default_rng(0).normal(size=(2, 40))
    write_csv(tmp_path / "t.csv", {"a": numbers[0], "b": numbers[1], "y": [f"c{int(a > b)}" for a, b in numbers.T]})
    (tmp_path / "c.json").write_text(json.dumps(CONFIG))
    return tmp_path


@pytest.fixture
def long(tmp_path: Path) -> Path:
    """A folder like the other, whose training is long enough for machine code, and an epoch of it for three calls."""
    numbers = np.random.default_rng(0).normal(size=(101, 1500)).round(3)
    columns = {f"x{index}": column for index, column in enumerate(numbers)}
    write_csv(tmp_path / "t.csv", {**columns, "y": [f"c{int(a > b)}" for a, b in zip(*numbers[:2], strict=True)]})
    (tmp_path / "c.json").write_text(json.dumps(LONG_CONFIG))
    return tmp_path


@pytest.fixture
def run(folder: Path) -> Path:
    """A finished run."""
    return trained(folder)


def trained(folder: Path, *settings: str) -> Path:
    overrides = [word for setting in settings for word in ("--set", setting)]
    bpcli("train", folder / "c.json", "--run-dir", folder / "run", "-q", *overrides).ok()
    return folder / "run"


def partly_trained(folder: Path, calls: int, *settings: str, stepping: Stepping | None = None) -> Path:
    """A run that was stopped at the call number `calls` for whether to stop, and resumed if there was one."""
    directory, old = RunDirectory(folder / "run"), (folder / "run").exists()
    loaded = load_config(directory.config if old else folder / "c.json", settings)
    prepared = prepare(loaded.config, loaded.folder)
    prepared = prepared if stepping is None else taken_so(prepared, stepping)
    directory = directory if old else RunDirectory.create(folder / "run")
    list(Runner(prepared, directory, resume_state(prepared, directory) if old else None).run(after(calls)))
    return directory.path


def reproduce(run: Path, *options: str) -> Result:
    return bpcli("reproduce", run, "-q", *options)


def identical(run: Path) -> dict[str, Any]:
    document = reproduce(run, "--json").ok().json
    assert document["identical"]
    assert document["first_difference"] is None
    assert all(weights["was"] == weights["now"] for weights in document["weights"].values())
    return document


def differing(run: Path) -> str:
    """What the error says, but for its beginning."""
    result = reproduce(run)
    assert result.code == 6
    assert result.err.count("\n") == 1
    start = "error: not reproduced: "
    assert result.err.startswith(start)
    return result.err.removeprefix(start).rstrip("\n")


def change_epoch(run: Path, epoch: int, **values: Any) -> None:
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    lines[epoch - 1].update(values)
    (run / "metrics.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))


def record(run: Path, epoch: int) -> dict[str, Any]:
    return json.loads((run / "metrics.jsonl").read_text().splitlines()[epoch - 1])


# The same again


def test_a_run_comes_out_again_with_the_digests_of_its_weights(run: Path):
    document = identical(run)
    assert document["epochs"] == 6
    for name in ("last", "best"):
        checkpoint = Checkpoint.load(run / f"checkpoints/{name}.safetensors")
        content = checkpoint.vectors["params"].tobytes() + checkpoint.vectors["state"].tobytes()
        assert document["weights"][name]["was"] == hashlib.sha256(content).hexdigest()
    assert document["weights"]["best"]["epoch"] == record(run, 6)["best_epoch"]
    assert document["weights"]["last"]["epoch"] == 6
    assert document["not_compared"] == []
    assert document["environment"]["changed"] == []
    assert set(document["environment"]["was"]) == {
        "bpcli", "numpy", "python", "blas", "simd", "processor", "system"
    }  # fmt: skip


def test_a_run_of_before_layers_were_looked_at_comes_out_again(folder: Path):
    run = trained(folder, "training.epochs=3")
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert all(line.pop("health") for line in lines)
    (run / "metrics.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    assert identical(run)["epochs"] == 3


def test_a_layer_that_came_out_otherwise_is_named(folder: Path):
    run = trained(folder, "training.epochs=3")
    health = record(run, 2)["health"]
    health[1]["gradient_norm"] += 0.25
    change_epoch(run, 2, health=health)
    assert "epoch 2 is the first that differs: health.1.gradient_norm was " in differing(run)
    assert "off by 0.25" in differing(run)


def test_what_comes_out_is_said_in_words(run: Path):
    lines = reproduce(run).ok().out.splitlines()
    assert lines[0] == "metrics of 6 epochs: identical"
    assert re.fullmatch(r"last weights, 24 steps: SHA-256 [0-9a-f]{64}, identical", lines[1])
    assert re.fullmatch(r"best weights, \d+ steps: SHA-256 [0-9a-f]{64}, identical", lines[2])
    assert len(lines) == 3


def test_progress_goes_to_stderr(run: Path):
    result = bpcli("reproduce", run).ok()
    assert re.search(r"^epoch 6/6  train_loss ", result.err, re.MULTILINE)
    assert result.out == reproduce(run).out


def test_the_run_is_only_read(run: Path):
    def state() -> dict[str, tuple[bytes, int]]:
        files = [path for path in sorted(run.rglob("*")) if path.is_file()]
        return {str(path): (path.read_bytes(), path.stat().st_mtime_ns) for path in files}

    before = state()
    reproduce(run).ok()
    change_epoch(run, 2, train_loss=7.0)
    changed = state()
    differing(run)
    assert state() == changed
    assert changed.keys() == before.keys()


def test_a_run_with_overrides_comes_out_again(folder: Path):
    run = trained(folder, "training.epochs=4", "optimizer=sgd", "seed=7", "training.early_stopping={patience: 1}")
    assert identical(run)["epochs"] <= 4


@pytest.mark.parametrize("call", [3, STEPS, STEPS + 2, 2 * (STEPS + 2) + 1])
def test_a_run_that_was_resumed_comes_out_again(folder: Path, call: int):
    partly_trained(folder, call)
    bpcli("train", "--resume", folder / "run", "-q").ok()
    assert identical(folder / "run")["epochs"] == 6


def test_a_run_that_was_resumed_with_more_epochs_comes_out_again(folder: Path, run: Path):
    bpcli("train", "--resume", run, "-q", "--set", "training.epochs=9").ok()
    assert identical(run)["epochs"] == 9


def test_machine_code_comes_out_again_too(long: Path):
    document = identical(trained(long))
    assert document["environment"]["now"]["numba"] == document["environment"]["was"]["numba"]


def test_a_run_comes_out_again_elsewhere(folder: Path, tmp_path_factory: pytest.TempPathFactory):
    run = trained(folder)
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    identical(shutil.copytree(run, elsewhere / "alone"))  # with the data where it was
    shutil.copytree(folder, elsewhere / "both")
    (folder / "t.csv").unlink()
    identical(elsewhere / "both/run")


def test_a_checkpoint_that_tells_little_of_its_environment_comes_out_again(run: Path):
    change_header(run, "last", versions={"bpcli": "0.1.0"})
    document = identical(run)
    assert document["environment"]["was"] == {"bpcli": "0.1.0"}
    assert document["environment"]["changed"] == []


# As far as it went


def test_a_run_that_was_stopped_between_epochs_comes_out_that_far(folder: Path):
    run = partly_trained(folder, 2 * (STEPS + 2))
    document = identical(run)
    assert (document["epochs"], document["weights"]["last"]["epoch"], document["not_compared"]) == (2, 2, [])


@pytest.mark.parametrize("whole", [0, 2])
@pytest.mark.parametrize("compiled", [False, True], ids=["numpy", "compiled"])
def test_a_run_that_was_stopped_within_an_epoch_comes_out_to_that_step(
    request: pytest.FixtureRequest, whole: int, compiled: bool
):
    """Two steps, or a call of machine code, into an epoch; an epoch asks once for each, and twice at its end."""
    if compiled:
        run, steps, step = partly_trained(request.getfixturevalue("long"), whole * 5 + 1), LONG_STEPS, AT_ONCE
    else:
        run, steps, step = partly_trained(request.getfixturevalue("folder"), whole * (STEPS + 2) + 2), STEPS, 2
    last = Checkpoint.load(run / "checkpoints/last.safetensors").header
    assert last.counters["step"] == step
    document = identical(run)
    assert (document["epochs"], document["weights"]["last"]["epoch"], document["not_compared"]) == (whole, whole, [])
    assert document["weights"]["last"]["steps"] == last.optimizer_steps == whole * steps + step


def test_weights_between_two_looks_at_machine_code_are_left_out(long: Path):
    run = partly_trained(long, 2, stepping=Stepping("compiled", gathered_bytes=1))
    document = identical(run)  # many batches at a time
    assert document["weights"] == {}
    assert document["not_compared"] == ["the last weights, which lie inside a block of compiled steps"]
    lines = reproduce(run).out.splitlines()
    assert lines[-1] == "not compared: the last weights, which lie inside a block of compiled steps"


def test_a_run_that_was_killed_comes_out_as_far_as_its_metrics_and_its_best_go(folder: Path):
    early = partly_trained(folder, 2 * (STEPS + 2))
    old = (early / "checkpoints/last.safetensors").read_bytes()
    bpcli("train", "--resume", early, "-q").ok()
    (early / "checkpoints/last.safetensors").write_bytes(old)
    with (early / "metrics.jsonl").open("a") as file:
        file.write('{"epoch": 7, "train_l')
    document = identical(early)
    assert (document["epochs"], document["weights"]["last"]["epoch"]) == (6, 2)


def test_a_run_that_diverged_comes_out_up_to_that(folder: Path):
    settings = ("--set", "optimizer={type: sgd, learning_rate: 1e38}", "--set", "layers=[{units: 5}]")
    assert bpcli("train", folder / "c.json", "--run-dir", folder / "run", "-q", *settings).code == 5
    assert identical(folder / "run")["weights"]["last"]["epoch"] == 0


def test_an_epoch_that_time_cut_short_has_the_same_weights_but_no_metrics_to_compare(folder: Path):
    run = folder / "run"
    for limit in range(5, 60):  # seconds of a clock that moves by one at each look
        loaded = load_config(folder / "c.json", [f"training.max_time={limit}"])
        pace = Pace(clock=ticking())
        list(Runner(prepare(loaded.config, loaded.folder), RunDirectory.create(run), pace=pace).run())
        last = Checkpoint.load(run / "checkpoints/last.safetensors").header
        done = last.counters["epoch"]
        if done > 1 and last.optimizer_steps < done * STEPS:
            break
        shutil.rmtree(run)
    assert last.counters["stop"] == "max_time"
    assert (done - 1) * STEPS < last.optimizer_steps < done * STEPS
    document = identical(run)
    assert document["epochs"] == done - 1
    assert document["not_compared"] == [f"metrics of epoch {done}, cut short by max_time"]
    assert document["weights"]["last"]["steps"] == last.optimizer_steps


# Something else


def test_the_first_epoch_that_differs_is_named_with_its_metric_and_how_much(run: Path):
    loss = record(run, 3)["train_loss"]
    change_epoch(run, 5, validation_loss=1.0)
    change_epoch(run, 3, train_loss=loss + 0.25, learning_rate=0.5)
    assert differing(run) == (
        f"epoch 3 is the first that differs: train_loss was {loss + 0.25!r}, is now {loss!r}, off by 0.25; "
        "the environment is unchanged; the run may have been resumed with other settings"
    )
    document = reproduce(run, "--json").json
    assert not document["identical"]
    assert document["first_difference"] == {
        "epoch": 3, "metric": "train_loss", "was": loss + 0.25, "now": loss, "difference": 0.25
    }  # fmt: skip
    assert document["weights"]["last"]["identical"]


def test_the_last_bit_counts(run: Path):
    loss = record(run, 4)["validation_loss"]
    change_epoch(run, 4, validation_loss=float(np.nextafter(loss, 1)))
    assert differing(run).startswith("epoch 4 is the first that differs: validation_loss was ")


def test_durations_do_not_count(run: Path):
    change_epoch(run, 4, seconds=1e9)
    identical(run)


@pytest.mark.parametrize(
    ("value", "shown"),
    [(None, "missing"), ("\x1b[2J", "'\\x1b[2J'"), ([1], "[1]"), (float("nan"), "nan"), (10**400, f"1{'0' * 79}…")],
)
def test_a_value_that_is_none_differs(run: Path, value: Any, shown: str):
    change_epoch(run, 2, train_loss=value)
    assert differing(run).startswith(f"epoch 2 is the first that differs: train_loss was {shown}, is ")
    first = reproduce(run, "--json").json["first_difference"]
    assert first["was"] == ("nan" if value != value else value)
    assert first["difference"] == ("nan" if value != value else None)


@pytest.mark.parametrize("line", ["[]", "7", "{}", '{"epoch": "9"}', '{"epoch": null}', "nonsense"])
def test_a_line_that_is_no_epoch_is_passed_over(run: Path, line: str):
    with (run / "metrics.jsonl").open("a") as file:
        file.write(f"{line}\n")
    assert identical(run)["epochs"] == 6


def test_an_epoch_that_is_not_in_the_metrics_differs(run: Path):
    lines = (run / "metrics.jsonl").read_text().splitlines(keepends=True)
    (run / "metrics.jsonl").write_text("".join(lines[:4]))
    assert differing(run).startswith("epoch 5 is the first that differs: train_loss was missing, is ")


def test_an_epoch_too_many_differs(run: Path):
    with (run / "metrics.jsonl").open("a") as file:
        file.write(json.dumps({**record(run, 6), "epoch": 7}) + "\n")
    assert differing(run).startswith(
        "epoch 7 is the first that differs: the run has it, but training now ended earlier"
    )


def test_a_training_that_now_ends_before_the_runs_end_differs(folder: Path, monkeypatch: pytest.MonkeyPatch):
    run = trained(folder, "training.goal={metric: loss, value: 0.01}")
    monkeypatch.setattr("bpcli.training.monitor.Monitor.is_reached", lambda *_: True)
    result = reproduce(run)
    assert result.code == 6
    assert "epoch 2 is the first that differs: the run has it, but training now ended earlier; " in result.err
    assert re.search(r"^last weights, 24 steps: SHA-256 \w+, not reached$", result.out, re.MULTILINE)


def test_a_training_that_now_diverges_differs(run: Path, monkeypatch: pytest.MonkeyPatch):
    def diverging(*arguments: Any) -> Iterator[EpochReport | Progress]:
        for event in train(*arguments):
            if isinstance(event, EpochReport) and event.epoch == 3:
                raise DivergedError("training diverged")
            yield event

    monkeypatch.setattr("bpcli.jobs.reproduction.train", diverging)
    assert differing(run).startswith(
        "epoch 3 is the first that differs: the run has it, but training now ended earlier"
    )


@pytest.mark.parametrize("name", ["last", "best"])
def test_other_weights_differ_though_no_metric_does(run: Path, name: str):
    def nudge(header: dict[str, Any], tensors: dict[str, Any]) -> None:
        tensors["layers.0.weight"] = np.nextafter(tensors["layers.0.weight"], np.float32(9))

    path = run / f"checkpoints/{name}.safetensors"
    path.write_bytes(forged(path.read_bytes(), nudge))
    assert differing(run).startswith(f"the metrics are identical, but the weights of {name} differ; ")
    assert re.search(rf"^{name} weights, \d+ steps: SHA-256 \w+, not identical, now \w+$", reproduce(run).out,
                     re.MULTILINE)  # fmt: skip


def test_what_differs_in_the_environment_is_named_before_and_in_the_error(run: Path):
    versions = Checkpoint.load(run / "checkpoints/last.safetensors").header.versions
    change_header(run, "last", versions={**versions, "blas": "mkl \x1b[2J", "numba": "0.61.0"})
    result = bpcli("reproduce", run).ok()
    assert f"note: blas was mkl \\x1b[2J, is now {versions['blas']}\n" in result.err
    assert "note: numba was 0.61.0, is now not used\n" in result.err
    change_epoch(run, 1, train_loss=0.0)
    assert differing(run).endswith(
        f"; changed in the environment: blas (mkl \\x1b[2J, now {versions['blas']}), numba (0.61.0, now not used)"
    )


def test_a_run_that_was_resumed_at_another_pace_differs_from_the_epoch_before_that(folder: Path, run: Path):
    change = ("--set", "training.epochs=9", "--set", "optimizer.learning_rate=0.5")
    bpcli("train", "--resume", run, "-q", *change).ok()
    message = differing(run)
    assert message.startswith("epoch 1 is the first that differs: ")
    assert message.endswith("; the run may have been resumed with other settings")


# What cannot be done


def change_header(run: Path, name: str, **values: Any) -> None:
    path = run / f"checkpoints/{name}.safetensors"
    path.write_bytes(forged(path.read_bytes(), lambda header, tensors: header.update(values)))


def refused(run: Path, code: int) -> str:
    result = reproduce(run)
    assert (result.code, result.out, result.err.count("\n")) == (code, "", 1)
    return result.err


def test_changed_data_is_refused(folder: Path, run: Path):
    with (folder / "t.csv").open("a") as file:
        file.write("1,2,c0\n")
    assert refused(run, 3).endswith("t.csv: the data has changed since the run; restore the original\n")


def test_data_that_is_gone_is_refused(folder: Path, run: Path):
    (folder / "t.csv").unlink()
    assert refused(run, 3).endswith("t.csv: the data of this run no longer exists; restore it\n")


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ("epochs: 6", "epochs: 7", "training.epochs"),
        ("seed: 0", "seed: 1", "seed"),
        ("units: 5", "units: 6", "layers"),
        ("learning_rate: 0.02", "learning_rate: 0.03", "optimizer.learning_rate"),
    ],
)
def test_another_config_is_refused_by_naming_the_difference(run: Path, old: str, new: str, place: str):
    text = (run / "config.yaml").read_text()
    assert text.count(old) == 1
    (run / "config.yaml").write_text(text.replace(old, new))
    assert refused(run, 4).endswith(f"run: {place} in config.yaml is not what the run was trained with; restore it\n")


def test_what_is_no_run_is_refused(folder: Path, run: Path):
    assert "not a run directory, but a folder of runs; give one of the runs that bpcli runs " in refused(folder, 4)
    (run / "checkpoints/last.safetensors").unlink()
    assert refused(run, 4).endswith("run: nothing to reproduce; it has no last checkpoint\n")
    (run / "checkpoints/best.safetensors").rename(run / "checkpoints/last.safetensors")
    assert refused(run, 4).endswith("last.safetensors: not the last checkpoint of a run\n")


def test_a_damaged_checkpoint_is_refused(run: Path):
    path = run / "checkpoints/best.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"\x00\x01")
    assert "damaged" in refused(run, 4)
