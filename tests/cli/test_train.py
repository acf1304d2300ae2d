"""`bpcli train`: what it prints and where, what it leaves behind, and how it ends."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from subprocess import Popen

import numpy as np
import pytest
from commands import CONFIGS, Result, bpcli, bpcli_process

from bpcli.config.loading import load_config
from bpcli.config.yaml_text import read_yaml
from bpcli.errors import CheckpointError
from bpcli.experiment.prepare import prepare
from bpcli.storage.checkpoint import Checkpoint
from bpcli.storage.run_checkpoint import finished_runs
from bpcli.storage.run_directory import RunDirectory
from bpcli.training.stepping import Stepping

PENGUINS = CONFIGS / "penguins.yaml"
FEW = ("--set", "training.epochs=3")

GROWING = """
data: {path: line.csv, target: y, split: {validation: 0, test: 0}}
layers: []
optimizer: {type: sgd, learning_rate: 3}
training: {epochs: 1000, batch_size: full}
"""
"""Full steps along a line, three times too long: the error grows tenfold an epoch until it overflows."""

ENDLESS = """
data: {path: line.csv, target: y}
layers: [{units: 8}]
training: {epochs: 1000000, batch_size: 4}
"""

WIDE = """
data: {path: line.csv, target: y}
layers: [{units: 512}, {units: 256}]
training: {epochs: 3, batch_size: full}
"""
"""Steps that are long enough to be shared out, where there are 140 rows to train on."""


@pytest.fixture
def line(tmp_path: Path) -> Path:
    """A folder with 40 rows of y = 2 x."""
    rows = "".join(f"{x},{2 * x}.5\n" for x in range(40))
    (tmp_path / "line.csv").write_text("x,y\n" + rows)
    return tmp_path


def write(folder: Path, text: str) -> Path:
    path = folder / "config.yaml"
    path.write_text(text)
    return path


def epochs(run: Path) -> list[int]:
    return [record.epoch for record in RunDirectory(run).records.read()]


def test_the_run_directory_is_the_last_line_of_stdout(tmp_path: Path):
    result = bpcli("train", PENGUINS, *FEW, cwd=tmp_path).ok()
    assert re.fullmatch(r"runs/penguins-\d{8}-\d{6}", result.last)
    run = tmp_path / result.last
    assert sorted(path.relative_to(run).as_posix() for path in run.rglob("*")) == [
        "checkpoints",
        "checkpoints/best.safetensors",
        "checkpoints/last.safetensors",
        "config.yaml",
        "metrics.jsonl",
        "summary.json",
    ]
    assert epochs(run) == [1, 2, 3]


def test_progress_and_notes_go_to_stderr_and_results_to_stdout(tmp_path: Path):
    result = bpcli("train", PENGUINS, *FEW, "--run-dir", tmp_path / "run")
    first, second, third, fourth, last = result.out.splitlines()
    assert re.fullmatch(r"3 epochs in .* s; all epochs done", first)
    assert second.startswith("best epoch 3: train_loss ")
    assert re.fullmatch(r"test, 69 rows: accuracy 0\.\d{4}, f1_macro .*, roc_auc .*, log_loss .*", third)
    assert fourth.startswith("baselines, validation loss (accuracy): constant 1.")
    assert last == str(tmp_path / "run")
    shown = result.err.splitlines()
    assert shown[0] == "penguins: 206 train, 69 validation, 69 test rows; 14 inputs, 3 outputs, 1,059 parameters"
    assert shown[1].startswith("epoch 1/3  train_loss ")
    assert shown[-1].startswith("epoch 3/3  train_loss ")


def test_quiet_prints_nothing_but_the_run_directory(tmp_path: Path):
    result = bpcli("train", PENGUINS, *FEW, "--quiet", "--run-dir", tmp_path / "run")
    assert (result.code, result.out, result.err) == (0, f"{tmp_path}/run\n", "")


def test_json_makes_stdout_one_document(tmp_path: Path):
    result = bpcli("train", PENGUINS, *FEW, "--json", "--run-dir", tmp_path / "run").ok()
    document = result.json
    assert document["run_directory"] == str(tmp_path / "run")
    assert (document["status"], document["stop_reason"], document["epochs"]) == ("finished", "epochs", 3)
    assert document["rows"] == {"train": 206, "validation": 69, "test": 69}
    assert document["test"]["rows"] == 69
    assert document["parameters"] == 1059
    assert document["baselines"]["rows"] == 69
    assert document["baselines"]["network"]["loss"] == document["best"]["validation_loss"]
    assert {**json.loads((tmp_path / "run/summary.json").read_text())}.items() <= document.items()
    assert "epoch 3/3" in result.err


def test_baselines_can_be_left_out_and_change_no_bit_of_the_training(tmp_path: Path):
    for name, setting in (("with", "true"), ("without", "false")):
        asked = ("--set", f"training.baselines={setting}")
        bpcli("train", PENGUINS, *FEW, *asked, "--quiet", "--run-dir", tmp_path / name).ok()
    summaries = [json.loads((tmp_path / name / "summary.json").read_text()) for name in ("with", "without")]
    assert ["baselines" in summary for summary in summaries] == [True, False]
    assert summaries[0]["test"] == summaries[1]["test"]
    one, other = (Checkpoint.load(tmp_path / name / "checkpoints/last.safetensors") for name in ("with", "without"))
    assert one.vectors.keys() == other.vectors.keys()
    for name, vector in one.vectors.items():
        np.testing.assert_array_equal(vector, other.vectors[name])


def test_runs_dir_says_where_run_directories_are_made(tmp_path: Path):
    result = bpcli("train", PENGUINS, *FEW, "-q", "--runs-dir", tmp_path / "a" / "b", cwd=tmp_path).ok()
    assert Path(tmp_path / result.last).parent == tmp_path / "a" / "b"


def test_an_existing_run_directory_is_refused_and_left_alone(tmp_path: Path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "mine").write_text("precious")
    result = bpcli("train", PENGUINS, "--run-dir", tmp_path / "run")
    assert (result.code, result.out) == (8, "")
    assert result.err == (
        f"error: {tmp_path}/run: already exists; choose another --run-dir, or continue it with --resume\n"
    )
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["mine"]


def test_set_wins_over_the_file_and_the_last_set_over_the_others(tmp_path: Path):
    settings = ["training.epochs=9", "optimizer.learning_rate=1e-2", "training.epochs=2", "schedule=constant"]
    arguments = [part for setting in settings for part in ("--set", setting)]
    bpcli("train", PENGUINS, *arguments, "-q", "--run-dir", tmp_path / "run").ok()
    config = read_yaml(tmp_path / "run" / "config.yaml").data
    assert config["training"]["epochs"] == 2
    assert (config["optimizer"]["type"], config["optimizer"]["learning_rate"]) == ("adam", 0.01)
    assert config["schedule"]["type"] == "constant"
    assert config["training"]["batch_size"] == 32
    assert config["training"]["tolerance"] is None


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("training.epochs=ten", "--set training.epochs: must be a whole number, not the text 'ten'"),
        ("training.epochs=0", "--set training.epochs: must be at least 1, not 0"),
        ("training.epohcs=5", "--set training.epohcs: unknown key; did you mean 'epochs'?"),
        ("optimizer=adm", "--set optimizer: unknown optimizer 'adm'; did you mean 'adam'?"),
    ],
)
def test_an_error_in_set_names_it(tmp_path: Path, setting: str, message: str):
    result = bpcli("train", PENGUINS, "--set", setting, cwd=tmp_path)
    assert (result.code, result.out, result.err) == (2, "", f"error: {message}\n")
    assert list(tmp_path.iterdir()) == []


def test_all_errors_of_a_config_come_at_once_each_with_its_place(line: Path):
    path = write(line, "data: {path: line.csv, target: y}\nlayers:\n  - {units: 0, activation: rellu}\nepochs: 3\n")
    result = bpcli("train", path, "--set", "seed=-1", cwd=line)
    assert result.code == 2
    assert result.err.splitlines() == [
        f"error: {path}:3:13: layers.0.units: must be greater than 0, not 0",
        f"error: {path}:3:28: layers.0.activation: unknown activation 'rellu'; did you mean 'relu'?",
        f"error: {path}:4:1: epochs: unknown key; it belongs below 'training'",
        "error: --set seed: must be at least 0, not -1",
    ]


def test_the_run_is_named_after_the_config_file_when_the_config_has_no_name(line: Path):
    write(line, ENDLESS).rename(line / "my_line.yaml")
    result = bpcli("train", "my_line.yaml", *FEW, "-q", cwd=line).ok()
    assert result.last.startswith("runs/my_line-")


def test_the_resolved_config_trains_again_to_the_same_bits(tmp_path: Path):
    bpcli("train", PENGUINS, *FEW, "-q", "--run-dir", tmp_path / "first").ok()
    bpcli("train", tmp_path / "first/config.yaml", "-q", "--run-dir", tmp_path / "deep/er/second").ok()
    first, second = (
        Checkpoint.load(tmp_path / run / "checkpoints/best.safetensors").vectors for run in ("first", "deep/er/second")
    )
    np.testing.assert_array_equal(first["params"], second["params"])


def test_a_run_can_go_on_with_more_epochs_as_if_it_had_never_stopped(line: Path):
    config = write(line, ENDLESS)
    bpcli("train", config, "--set", "training.epochs=20", "-q", "--run-dir", line / "whole").ok()
    bpcli("train", config, "--set", "training.epochs=7", "-q", "--run-dir", line / "parts").ok()
    result = bpcli("train", "--resume", line / "parts", "--set", "training.epochs=20").ok()
    assert result.last == str(line / "parts")
    assert epochs(line / "parts") == list(range(1, 21))
    for name in ("best", "last"):
        whole, parts = (
            Checkpoint.load(line / run / f"checkpoints/{name}.safetensors").vectors for run in ("whole", "parts")
        )
        assert whole.keys() == parts.keys()
        for vector in whole:
            np.testing.assert_array_equal(whole[vector], parts[vector])


def test_a_run_and_its_data_can_move_together(line: Path):
    bpcli("train", write(line, ENDLESS), *FEW, "-q", "--run-dir", line / "run").ok()
    moved = line.with_name(line.name + "-moved")
    line.rename(moved)
    bpcli("train", "--resume", moved / "run", "--set", "training.epochs=4", "-q").ok()
    assert epochs(moved / "run") == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ((), 2, "give a config to train, or --resume and a run directory"),
        (("c.yaml", "--resume", "run"), 2, "give a config to train, or --resume and a run directory"),
        (("--resume", "run", "--run-dir", "other"), 2, "--run-dir and --runs-dir exclude --resume"),
        (("--resume", "nowhere"), 4, "nowhere: no such run"),
        (("nowhere.yaml",), 2, "nowhere.yaml: no such file"),
    ],
)
def test_what_cannot_be_started_is_said(tmp_path: Path, arguments: tuple[str, ...], code: int, message: str):
    result = bpcli("train", *arguments, cwd=tmp_path)
    assert (result.code, result.out) == (code, "")
    assert result.err.startswith(f"error: {message}")
    assert result.err.count("\n") == 1


@pytest.mark.parametrize("setting", ["layers=[{units: 3}]", "optimizer=sgd"])
def test_a_run_does_not_go_on_as_something_else(line: Path, setting: str):
    bpcli("train", write(line, ENDLESS), *FEW, "-q", "--run-dir", line / "run").ok()
    before = (line / "run/metrics.jsonl").read_text()
    result = bpcli("train", "--resume", line / "run", "--set", setting)
    assert (result.code, result.out) == (4, "")
    assert result.err.startswith(f"error: {line}/run: ")
    assert setting.partition("=")[0] in result.err
    assert result.err.endswith("; start a new run\n")
    assert (line / "run/metrics.jsonl").read_text() == before


def test_a_run_does_not_go_on_with_other_data(line: Path):
    bpcli("train", write(line, ENDLESS), *FEW, "-q", "--run-dir", line / "run").ok()
    with (line / "line.csv").open("a") as file:
        file.write("50,100.5\n")
    result = bpcli("train", "--resume", line / "run", "--set", "training.epochs=5")
    assert result.code == 4
    assert "the data has changed since this run started; start a new run" in result.err


def _started(process: Popen[bytes]) -> None:
    """Wait until the first epoch has been shown."""
    assert process.stderr is not None
    for text in process.stderr:
        if text.startswith(b"epoch "):
            return
    raise AssertionError("it never began")


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), pytest.param(signal.SIGTERM, 143, marks=pytest.mark.exhaustive)]
)
def test_a_signal_leaves_a_checkpoint_that_can_be_resumed(line: Path, number: signal.Signals, code: int):
    write(line, ENDLESS)
    process = bpcli_process("train", "config.yaml", "--run-dir", "run", cwd=line)
    _started(process)
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (code, b"")
    stopped = r"stopped after [\d,]+ epochs?(?: and [\d,]+ steps?)? and saved; "
    assert re.search(stopped + r"continue with: bpcli train --resume run\n$", err.decode())
    run = RunDirectory(line / "run")
    assert run.read_summary().status == "interrupted"
    done = epochs(run.path)
    assert done == list(range(1, len(done) + 1))
    more = len(done) + 2
    bpcli("train", "--resume", run.path, "--set", f"training.epochs={more}", "-q").ok()
    assert epochs(run.path) == list(range(1, more + 1))


def diverged(folder: Path) -> Result:
    return bpcli("train", write(folder, GROWING), "--run-dir", folder / "run", cwd=folder)


def test_divergence_ends_with_5_and_says_where_and_what_to_do(line: Path):
    result = diverged(line)
    assert (result.code, result.out) == (5, "")
    message = result.err.splitlines()[-1]
    assert re.match(r"error: training diverged in epoch \d+", message)
    assert "layer 0 (dense)" in message or "a parameter stopped being finite" in message
    assert message.endswith("lower optimizer.learning_rate, or set training.clip.norm; the run is kept in run")
    assert RunDirectory(line / "run").read_summary().status == "diverged"


SICK = ["--set", "layers=[{units: 64}, {units: 32}]", "--set", "optimizer.learning_rate=0.3"]
"""Rectified units of the digits' network that nearly all die in the first epoch."""


def test_what_is_wrong_with_a_network_is_said_at_the_end(tmp_path: Path):
    result = bpcli("train", CONFIGS / "digits.yaml", *SICK, "--set", "training.epochs=3", "--run-dir", tmp_path / "run")
    warnings = [line for line in result.ok().err.splitlines() if line.startswith("warning: ")]
    pattern = (
        r"warning: layer 0: at least \d+% of relu units are dead since epoch 1; lower the learning rate, or use .*"
    )
    assert re.fullmatch(pattern, warnings[0])
    said = RunDirectory(tmp_path / "run").read_summary().diagnosis
    assert [f"warning: {line}" for line in said] == warnings
    quiet = ["--set", "training.epochs=3", "--run-dir", tmp_path / "a", "-q"]
    assert bpcli("train", CONFIGS / "digits.yaml", *SICK, *quiet).ok().err == ""
    assert RunDirectory(tmp_path / "a").read_summary().diagnosis == said


def test_a_training_can_be_asked_to_end_on_what_a_layer_does(tmp_path: Path):
    when = ["--set", "training.stop_when={dead: 0.9, epochs: 2}"]
    result = bpcli("train", CONFIGS / "digits.yaml", *SICK, *when, "--run-dir", tmp_path / "run")
    assert re.match(
        r"2 epochs in .* s; stop_when: layer 0: \S+% of units are dead, above 90%, for 2 epochs in a row\n",
        result.out,
    )
    summary = RunDirectory(tmp_path / "run").read_summary()
    assert (summary.status, summary.stop_reason) == ("stopped", "stop_when")
    error = f"error: {tmp_path / 'run'}: {summary.stop_explanation}\n"
    assert (result.code, result.last) == (6, str(tmp_path / "run"))
    assert result.err.endswith(error)
    again = bpcli("train", "--resume", tmp_path / "run", "-q")
    assert (again.code, again.err.endswith(error)) == (6, True)
    with pytest.raises(CheckpointError, match="no finished run"):  # that predict would take by itself
        finished_runs(tmp_path)
    assert (tmp_path / "run/checkpoints/best.safetensors").is_file()


def test_what_was_wrong_is_said_before_the_error_of_divergence(line: Path):
    result = diverged(line)
    *_, warning, error = result.err.splitlines()
    assert warning.startswith("warning: layer 0: exploding gradient, with a norm of ")
    assert error.startswith("error: training diverged in epoch ")
    assert RunDirectory(line / "run").read_summary().diagnosis == [warning.removeprefix("warning: ")]


def test_after_divergence_the_best_checkpoint_can_be_used(line: Path):
    diverged(line)
    checkpoint = Checkpoint.load(line / "run/checkpoints/best.safetensors")
    assert checkpoint.header.score.epoch == 1
    assert np.isfinite(checkpoint.vectors["params"]).all()
    assert bpcli("predict", line / "line.csv", "--checkpoint", line / "run").ok().out.count("\n") == 41


def test_notes_tell_of_rows_and_columns_that_are_of_no_use(line: Path):
    rows = "".join(f"{x},1,{'x' if x % 3 else ''},{'' if x == 7 else x / 2}\n" for x in range(40))
    (line / "line.csv").write_text("x,same,mark,y\n" + rows)
    notes = bpcli("train", write(line, ENDLESS), *FEW, "--run-dir", line / "run").err
    assert "note: 1 row left out: no value in target 'y'\n" in notes
    assert "note: 1 column is constant in the training set: 'same'\n" in notes


def test_a_run_directory_in_which_a_process_trains_is_refused_to_another(line: Path):
    write(line, ENDLESS)
    process = bpcli_process("train", "config.yaml", "--run-dir", "run", cwd=line)
    _started(process)
    result = bpcli("train", "--resume", "run", cwd=line)
    process.terminate()
    process.communicate(timeout=60)
    assert (result.code, result.out) == (8, "")
    assert result.err == "error: run: another process is training here\n"
    bpcli("train", "--resume", "run", "--set", "training.epochs=1000000", "--set", "training.max_time=0.1", cwd=line)
    assert RunDirectory(line / "run").read_summary().status == "finished"


def test_fewer_epochs_than_are_done_are_refused(penguins_run: Path):
    result = bpcli("train", "--resume", penguins_run, "--set", "training.epochs=2")
    assert result.code == 4
    assert "epochs are done, more than training.epochs asks for" in result.err


@pytest.mark.parametrize(
    "closed", ["<&- >&- 2>&-", *(pytest.param(one, marks=pytest.mark.exhaustive) for one in ("<&-", ">&-", "2>&-"))]
)
def test_closed_streams_do_no_harm(line: Path, closed: str):
    write(line, ENDLESS)
    command = f"{sys.executable} -m bpcli train config.yaml --set training.epochs=2 --run-dir run {closed}"
    assert subprocess.run(["sh", "-c", command], cwd=line, check=False).returncode == 0
    assert RunDirectory(line / "run").read_summary().status == "finished"


def test_the_number_of_threads_changes_nothing_but_the_time(tmp_path: Path) -> None:
    (tmp_path / "line.csv").write_text("x,y\n" + "".join(f"{x},{2 * x}.5\n" for x in range(200)))
    config = write(tmp_path, WIDE)
    loaded = load_config(config)
    assert prepare(loaded.config, loaded.folder).plan.stepping == Stepping("sharded", 2)
    found = []
    for threads in ("1", "2"):
        run = tmp_path / f"run{threads}"
        assert bpcli("train", config, "--run-dir", run, "--threads", threads).code == 0
        found.append(Checkpoint.load(run / "checkpoints" / "best.safetensors").vectors["params"])
    assert np.array_equal(*found)


def test_threads_must_be_at_least_one(line: Path) -> None:
    assert bpcli("train", line, "--threads", "0").code == 2


def test_going_on_with_a_run_that_is_over_says_so(penguins_run: Path, tmp_path: Path):
    shutil.copytree(penguins_run, tmp_path / "run")
    result = bpcli("train", "--resume", tmp_path / "run").ok()
    assert (
        "note: nothing to train: the run was already complete, and its config is unchanged; to continue, "
        "change training.early_stopping" in result.err
    )


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (["training.batch_size=16"], "training.batch_size=16 has no effect"),
        (["training.epochs=900", "training.batch_size=16"], "training.epochs=900, training.batch_size=16 have no"),
    ],
)
def test_settings_that_do_not_undo_the_end_of_a_run_are_said_to_have_no_effect(
    penguins_run: Path, tmp_path: Path, settings: list[str], said: str
) -> None:
    shutil.copytree(penguins_run, tmp_path / "run")
    given = [part for setting in settings for part in ("--set", setting)]
    result = bpcli("train", "--resume", tmp_path / "run", *given).ok()
    assert "note: nothing to train: the run was already complete (early stopping: validation_loss " in result.err
    assert said in result.err
    assert "to continue, change training.early_stopping.patience or min_delta\n" in result.err
    assert "config is unchanged" not in result.err
