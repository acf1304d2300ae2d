"""`bpcli train --seeds`: the same runs as one by one, side by side, stopped and resumed together."""

from __future__ import annotations

import json
import os
import signal
import statistics
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from commands import CONFIGS, bpcli, bpcli_process

from bpcli.config.loading import load_config
from bpcli.experiment.prepare import prepare
from bpcli.storage.run_directory import RunDirectory
from bpcli.storage.run_listing import list_runs, read_run
from bpcli.system import memory, threads

PENGUINS = CONFIGS / "penguins.yaml"
FEW = ("--set", "training.epochs=4")
ENDLESS = ("--set", "training.epochs=1000000", "--set", "training.early_stopping=null")


def wait_for(condition: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


def content(run: Path) -> bytes:
    return (run / "checkpoints/best.safetensors").read_bytes()


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    """Three seeds from 5 on, and the document about them."""
    folder = tmp_path_factory.mktemp("seeds")
    options = (*FEW, "--set", "seed=5", "--seeds", 3, "--run-dir", folder / "p", "--json")
    return folder, bpcli("train", PENGUINS, *options).ok().json


def test_each_seed_is_the_run_that_it_would_be_by_itself(trained: tuple[Path, Any]):
    folder, document = trained
    assert [entry["seed"] for entry in document["runs"]] == [5, 6, 7]
    for seed in (5, 6, 7):
        alone = folder / f"alone{seed}"
        bpcli("train", PENGUINS, *FEW, "--set", f"seed={seed}", "-q", "--run-dir", alone).ok()
        assert content(alone) == content(folder / f"p-seed{seed}")


def test_mean_and_deviation_are_those_of_the_runs(trained: tuple[Path, Any]):
    folder, document = trained
    assert document["finished"] == 3
    summaries = [RunDirectory(folder / f"p-seed{seed}").read_summary().to_json() for seed in (5, 6, 7)]
    for name, values in [
        ("test_accuracy", [summary["test"]["accuracy"] for summary in summaries]),
        ("validation_loss", [summary["best"]["validation_loss"] for summary in summaries]),
    ]:
        found = document["metrics"][name]
        assert found["mean"] == pytest.approx(statistics.fmean(values), rel=1e-12)
        assert found["std"] == pytest.approx(statistics.stdev(values), rel=1e-12)
        assert (found["min"], found["max"], found["count"]) == (min(values), max(values), 3)


@pytest.mark.usefixtures("in_process")
def test_a_report_and_the_run_directories_are_printed(tmp_path: Path):
    result = bpcli("train", PENGUINS, *FEW, "--seeds", 2, cwd=tmp_path).ok()
    lines = result.out.splitlines()
    assert lines[0].split() == ["seed", "status", "epochs", "best", "epoch", "best", "validation_loss"]
    assert lines[1].split()[:4] == ["0", "finished", "4", "4"]
    said = "over 2 seeds: values of the best epoch, and of the test rows (test_); sample standard deviation (n − 1)"
    heading = lines[lines.index(said) + 1]
    assert heading.split() == ["metric", "mean", "±", "standard", "deviation", "least", "greatest"]
    assert any(line.startswith("test_accuracy ") and " ± " in line for line in lines)
    names = sorted(path.name for path in (tmp_path / "runs").iterdir())
    assert lines[-2:] == [f"runs/{name}" for name in names]
    assert [name[-6:] for name in names] == ["-seed0", "-seed1"]
    said = result.err.splitlines()
    assert sum("69 test rows" in line for line in said) == 1
    assert any(line.startswith("seed 0: epoch 4/4 ") for line in said)
    assert any(line.startswith("seed 1: epoch 4/4 ") for line in said)


@pytest.mark.usefixtures("in_process")
def test_with_a_seed_of_the_split_all_seeds_train_on_the_same_rows(tmp_path: Path):
    said = bpcli("train", PENGUINS, *FEW, "--seeds", 2, "--set", "data.split.seed=0", "--run-dir", "p", cwd=tmp_path)
    assert (
        "note: each seed changes the initialization and the order of rows; the split has a seed of its own, 0; "
        "lines common to several seeds are shown once"
    ) in said.ok().err.splitlines()
    specs = [load_config(tmp_path / f"p-seed{seed}" / "config.yaml") for seed in (0, 1)]
    assert [loaded.config.seed for loaded in specs] == [0, 1]
    first, second = (prepare(loaded.config, loaded.folder, keep_examples=True) for loaded in specs)
    assert first.examples is not None
    assert second.examples is not None
    assert first.examples.split.test.tolist() == second.examples.split.test.tolist()
    assert content(tmp_path / "p-seed0") != content(tmp_path / "p-seed1")


@pytest.mark.usefixtures("in_process")
def test_quiet_prints_nothing_but_the_run_directories(tmp_path: Path):
    result = bpcli("train", PENGUINS, *FEW, "--seeds", 2, "-q", "--run-dir", "p", cwd=tmp_path).ok()
    assert (result.out, result.err) == ("p-seed0\np-seed1\n", "")


def test_an_existing_run_is_refused_before_any_is_trained(tmp_path: Path):
    (tmp_path / "p-seed1").mkdir()
    result = bpcli("train", PENGUINS, *FEW, "--seeds", 2, "--run-dir", "p", cwd=tmp_path)
    assert (result.code, result.err) == (
        8,
        "error: p-seed1: already exists; choose another --run-dir, or continue it with --resume\n",
    )
    assert [path.name for path in tmp_path.iterdir()] == ["p-seed1"]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ((PENGUINS, "--seeds", 1), 2, "Invalid value for '--seeds'"),
        (("--seeds", 2), 2, "give a config to train, or --resume"),
        ((PENGUINS, "--seeds", 2, "--set", "seed=9223372036854775807"), 2, "--set seed: must be less than"),
        (("--seeds", 2, "--resume", "nothing"), 4, "nothing: no run directories nothing-seedN"),
        (("--seeds", 2, "--resume", "p", "--run-dir", "q"), 2, "exclude --resume"),
        ((PENGUINS, "--seeds", 2, "--set", "data.target=specis"), 2, "no column 'specis'"),
    ],
)
def test_what_cannot_be_done_is_one_error_before_anything_is_made(
    tmp_path: Path, arguments: tuple[object, ...], code: int, message: str
):
    result = bpcli("train", *arguments, cwd=tmp_path)
    assert (result.code, result.out, result.err.count("\n")) == (code, "", 1)
    assert message in result.err
    assert list(tmp_path.iterdir()) == []


def stopped_by(number: int, folder: Path) -> tuple[int, list[Path]]:
    """The exit code of three seeds that a signal stopped, and the runs that had begun."""
    process = bpcli_process("train", PENGUINS, *ENDLESS, "--seeds", 3, "--run-dir", "p", "-q", cwd=folder)
    running = [folder / "p-seed0", folder / "p-seed1"][: threads.available_cores()]
    wait_for(
        lambda: all((run / "metrics.jsonl").is_file() and (run / "metrics.jsonl").stat().st_size for run in running)
    )
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert out == b""
    assert err == b"stopped; continue all seeds with: bpcli train --seeds 3 --resume p\n"
    assert {run.status for run in list_runs(folder).runs} == {"interrupted"}
    assert sorted(run.path for run in list_runs(folder).runs) == running
    return process.returncode, running


@pytest.mark.exhaustive  # an interrupt, below, is passed on by the same code
def test_a_termination_stops_all(tmp_path: Path) -> None:
    assert stopped_by(signal.SIGTERM, tmp_path)[0] == 143


@pytest.mark.usefixtures("in_process")
def test_an_interrupt_stops_all_and_all_go_on_from_where_they_were(tmp_path: Path) -> None:
    code, running = stopped_by(signal.SIGINT, tmp_path)
    assert code == 130
    done = {run: (run / "metrics.jsonl").read_text() for run in running}
    epochs = 5 + max(run.epochs for run in list_runs(tmp_path).runs)
    settings = ("--set", f"training.epochs={epochs}")
    document = bpcli("train", "--seeds", 3, "--resume", "p", *settings, "--json", cwd=tmp_path).ok().json
    assert [(entry["seed"], entry["epochs"]) for entry in document["runs"]] == [(0, epochs), (1, epochs), (2, epochs)]
    for run, lines in done.items():
        assert (run / "metrics.jsonl").read_text().startswith(lines)


@pytest.mark.usefixtures("in_process")
def test_runs_that_were_stopped_before_they_began_begin(tmp_path: Path):
    bpcli("train", PENGUINS, *FEW, "--seeds", 2, "--run-dir", "p", "-q", cwd=tmp_path).ok()
    (tmp_path / "p-seed0").rename(tmp_path / "whole")
    RunDirectory.create(tmp_path / "p-seed0")
    document = bpcli("train", "--seeds", 3, "--resume", "p", "--json", cwd=tmp_path).ok().json
    assert [(entry["seed"], entry["status"]) for entry in document["runs"]] == [(seed, "finished") for seed in range(3)]
    one, other = (json.loads((tmp_path / name / "summary.json").read_text()) for name in ("whole", "p-seed0"))
    assert (one["best"], one["test"]) == (other["best"], other["test"])


def process_training(run: Path) -> int:
    """The number of the process whose command line ends with the directory of a run."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):  # it has ended since
            if path.read_bytes().endswith(bytes(run) + b"\0"):
                return int(path.parent.name)
    raise AssertionError("no process trains there")


@pytest.mark.usefixtures("in_process")  # to resume; the command that is killed has processes
@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="there is no /proc to find the process in")
def test_a_seed_that_is_killed_is_one_line_and_the_others_are_kept(tmp_path: Path):
    # Time enough to be killed in, on however slow a machine.
    settings = (*ENDLESS, "--set", "training.max_time=0.6", "--set", "training.checkpoint_every={seconds: 0.1}")
    stem = tmp_path / "p"
    process = bpcli_process("train", PENGUINS, *settings, "--seeds", 2, "--run-dir", stem, "--json", cwd=tmp_path)
    lost = RunDirectory(tmp_path / "p-seed1")
    wait_for(lambda: lost.best.is_file())
    os.kill(process_training(lost.path), signal.SIGSEGV)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGSEGV
    document = json.loads(out)
    assert [(run["seed"], run["status"], run["exit_code"]) for run in document["runs"]] == [
        (0, "finished", 0),
        (1, "died", 139),
    ]
    assert document["finished"] == 1
    errors = [line for line in err.decode().splitlines() if "error" in line]
    assert errors == ["error: seed 1: p-seed1: killed by SIGSEGV; continue with: bpcli train --seeds 2 --resume p"]
    assert b"Traceback" not in err
    assert lost.signal == "SIGSEGV"
    epochs = [run["epochs"] for run in document["runs"]]
    resumed = bpcli("train", "--seeds", 2, "--resume", "p", "--json", cwd=tmp_path).ok().json
    assert [run["status"] for run in resumed["runs"]] == ["finished"] * 2
    assert resumed["runs"][0] == document["runs"][0]
    assert resumed["runs"][1]["epochs"] > epochs[1] > 0


def test_no_process_outlives_one_that_is_killed(tmp_path: Path):
    process = bpcli_process("train", PENGUINS, *ENDLESS, "--seeds", 2, "--run-dir", "p", "-q", cwd=tmp_path)
    runs = [RunDirectory(tmp_path / f"p-seed{seed}") for seed in range(2)][: threads.available_cores()]
    wait_for(lambda: all(run.last.is_file() and run.summary.is_file() for run in runs))
    process.kill()
    process.communicate(timeout=60)
    wait_for(lambda: not any(run.is_locked() for run in runs))
    assert [read_run(run.path).status for run in runs] == ["interrupted"] * len(runs)


@pytest.mark.usefixtures("in_process")
def test_the_exit_code_is_the_highest_and_the_others_are_reported(tmp_path: Path):
    rows = "".join(f"{x},{2 * x}.5\n" for x in range(40))
    (tmp_path / "line.csv").write_text("x,y\n" + rows)
    (tmp_path / "c.yaml").write_text(
        "data: {path: line.csv, target: y, split: {validation: 0, test: 0}}\nlayers: []\n"
        "optimizer: {type: sgd, learning_rate: 3}\ntraining: {epochs: 1000, batch_size: full}\n"
    )
    result = bpcli("train", "c.yaml", "--seeds", 2, "--run-dir", "p", "--json", cwd=tmp_path)
    assert result.code == 5
    assert [(entry["status"], entry["exit_code"]) for entry in result.json["runs"]] == [("diverged", 5)] * 2
    assert (result.json["finished"], result.json["metrics"]) == (0, {})
    assert result.err.count("error: seed 0: ") == result.err.count("error: seed 1: ") == 1
    assert "Traceback" not in result.err


def test_memory_limits_how_many_run_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, in_process: list[int]
) -> None:
    monkeypatch.setattr(threads, "available_cores", lambda: 2)
    monkeypatch.setattr(memory, "available_memory", lambda: 1)
    monkeypatch.setattr("bpcli.experiment.prepare.require_memory", lambda *_: None)
    result = bpcli("train", PENGUINS, *FEW, "--seeds", 2, "--run-dir", tmp_path / "p").ok()
    assert in_process == [1]
    assert "note: memory allows 1 run at a time\n" in result.err
    assert "2 seeds, 1 at a time: " in result.err
