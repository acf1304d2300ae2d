"""`bpcli runs`: every run as it truly is, whatever else stands in the folder."""

from __future__ import annotations

import csv
import io
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from commands import CONFIGS, bpcli, python
from terminals import bpcli_on_terminal

from bpcli.metrics import METRICS
from bpcli.storage.flat_config import FlatConfigs, flatten
from bpcli.storage.run_directory import RunDirectory
from bpcli.storage.run_listing import differing_keys, list_runs, short_names

TRAIN = ("train", CONFIGS / "penguins.yaml", "--quiet", "--set", "training.epochs=3")


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs that differ in learning rate and units."""
    folder = tmp_path_factory.mktemp("three")
    for name, rate, units in (("a", 0.001, 32), ("b", 0.01, 32), ("c", 0.1, 8)):
        settings = ("--set", f"optimizer.learning_rate={rate}", "--set", f"layers.0.units={units}")
        bpcli(*TRAIN, *settings, "--run-dir", folder / name).ok()
    return folder


@pytest.fixture
def runs(three: Path, tmp_path: Path) -> Path:
    """A copy of the three to change."""
    return Path(shutil.copytree(three, tmp_path / "runs"))


def change(run: Path, **values: Any) -> None:
    summary = json.loads((run / "summary.json").read_text())
    (run / "summary.json").write_text(json.dumps({**summary, **values}))


def names(folder: Path, *options: str) -> list[str]:
    return [run["name"] for run in bpcli("runs", folder, "--json", *options).ok().json["runs"]]


def test_a_line_a_run_with_only_the_keys_in_which_they_differ(runs: Path):
    lines = bpcli("runs", runs).ok().out.splitlines()
    header = ["run", "started", "status", "epochs", "monitor", "best", "learning_rate", "units"]
    assert lines[0].split() == header
    assert len(lines) == 4
    row = next(line for line in lines if line.startswith("c ")).split()
    assert row[3:6] == ["finished", "3", "validation_loss"]
    assert row[-2:] == ["0.1", "8"]


def test_json_holds_what_summary_and_config_say(runs: Path):
    document = bpcli("runs", runs, "--json").ok().json
    assert document["differing"] == ["layers.0.units", "optimizer.learning_rate"]
    for run in document["runs"]:
        summary = RunDirectory(runs / run["name"]).read_summary().to_json()
        assert run["score"] == summary["best"]["validation_loss"]
        assert {
            key: summary[key] for key in ("status", "epochs", "started_at", "best", "monitor")
        }.items() <= run.items()
        assert run["test"]["accuracy"] == summary["test"]["accuracy"]
        assert run["positive"] == summary.get("positive")
    assert {run["name"]: run["config"]["optimizer.learning_rate"] for run in document["runs"]} == {
        "a": 0.001,
        "b": 0.01,
        "c": 0.1,
    }


def test_csv_holds_every_metric(runs: Path):
    rows = list(csv.DictReader(io.StringIO(bpcli("runs", runs, "--csv").ok().out)))
    assert {row["run"] for row in rows} == {"a", "b", "c"}
    for row in rows:
        summary = RunDirectory(runs / row["run"]).read_summary().to_json()
        assert float(row["best"]) == float(row["validation_loss"]) == summary["best"]["validation_loss"]
        assert float(row["test_log_loss"]) == summary["test"]["log_loss"]
        assert row["layers.0.units"] == ("8" if row["run"] == "c" else "32")


def test_runs_come_newest_first(runs: Path):
    for name, hour in (("a", 11), ("b", 13), ("c", 12)):
        change(runs / name, started_at=f"2026-11-21T{hour}:00:00+00:00")
    assert names(runs) == ["b", "c", "a"]


@pytest.mark.parametrize(
    ("by", "order"),
    [
        ("validation_accuracy", ["c", "b", "a"]),  # the best first: the greatest accuracy, the least loss
        ("validation_loss", ["c", "b", "a"]),
        ("test_log_loss", ["c", "b", "a"]),
        ("run", ["a", "b", "c"]),
        ("optimizer.learning_rate", ["a", "b", "c"]),
        ("layers.0.units", ["c", "a", "b"]),
        ("learning_rate", ["a", "b", "c"]),
        ("units", ["c", "a", "b"]),
    ],
)
def test_runs_are_sorted_by_any_metric_column_or_key(runs: Path, by: str, order: list[str]):
    for value, name in enumerate("abc"):
        started = f"2026-11-21T1{9 - value}:00:00+00:00"
        best = {"epoch": 3, "validation_loss": 1 - value / 10, "validation_accuracy": value / 10}
        change(runs / name, best=best, test={"rows": 9, "log_loss": 1 - value / 10}, started_at=started)
    assert names(runs, "--sort", by) == order


def test_the_direction_of_a_metric_is_that_of_its_registry():
    from bpcli.cli.runs import _greater_is_better

    for metrics in METRICS.values():
        for name, metric in metrics.items():
            assert _greater_is_better(f"test_{name}") == metric.greater_is_better


def test_runs_without_the_value_come_last(runs: Path):
    change(runs / "a", best={"epoch": 0})
    change(runs / "b", best={"epoch": 1, "validation_loss": None})
    assert names(runs, "--sort", "validation_loss")[0] == "c"
    assert names(runs, "--sort", "validation_accuracy")[0] == "c"


def monitor(run: Path, name: str, best: float, loss: str = "cross_entropy") -> None:
    """Make a run one that was chosen by a metric."""
    change(run, monitor=name, best={"epoch": 1, name: best}, test={"rows": 9, "log_loss": 1 - best})
    config = (run / "config.yaml").read_text()
    (run / "config.yaml").write_text(config.replace("type: cross_entropy", f"type: {loss}"))


def test_the_best_of_a_metric_that_should_be_great_is_the_greatest(runs: Path):
    for name, best in (("a", 0.5), ("b", 0.9), ("c", 0.7)):
        monitor(runs / name, "validation_accuracy", best)
    assert names(runs, "--sort", "best") == ["b", "c", "a"]


def test_best_values_of_different_things_are_not_put_in_one_order(runs: Path):
    for name in "ab":
        monitor(runs / name, "validation_loss", 0.5)
    assert names(runs, "--sort", "best")
    monitor(runs / "c", "validation_accuracy", 0.9)
    refused = bpcli("runs", runs, "--sort", "best")
    both = ["'validation_loss of cross_entropy'", "'validation_accuracy'"]
    assert (refused.code, refused.out, refused.err.count("\n")) == (2, "", 1)
    assert refused.err.startswith("error: --sort best: runs monitor different values, ")
    assert all(one in refused.err for one in both)
    assert refused.err.endswith("; sort by one metric, such as test_log_loss\n")
    monitor(runs / "c", "validation_loss", 0.9, loss="focal")
    refused = bpcli("runs", runs, "--sort", "best")
    assert refused.code == 2
    assert "'validation_loss of focal'" in refused.err


def test_keys_of_layers_and_training_are_shown_before_those_of_data(runs: Path):
    for index, name in enumerate("abc"):
        path = runs / name / "config.yaml"
        path.write_text(
            path.read_text()
            .replace("order: random", f"order: order{index}")
            .replace("dtype: float32", f"dtype: f{index}")
        )
    header = bpcli("runs", runs).ok().out.splitlines()[0].split()
    assert header[6:] == ["learning_rate", "units", "dtype", "order"]


def test_what_no_run_has_cannot_be_sorted_by(runs: Path):
    result = bpcli("runs", runs, "--sort", "validation_los")
    assert result.code == 2
    assert result.err == (
        "error: --sort 'validation_los': no such metric, column or key; did you mean 'validation_loss'?\n"
    )


def test_a_run_whose_process_is_gone_is_listed_as_died_and_one_at_work_as_running(runs: Path):
    change(runs / "a", status="running")
    change(runs / "b", status="running")
    with RunDirectory(runs / "a").locked():
        result = bpcli("runs", runs, "--json").ok()
    assert {run["name"]: run["status"] for run in result.json["runs"]} == {"a": "running", "b": "died", "c": "finished"}
    assert result.err == "note: 1 run died before finishing; continue with bpcli train --resume\n"


def test_what_a_run_that_died_had_done_is_told_from_its_epochs(runs: Path):
    before = bpcli("runs", runs, "--json").ok().json["runs"]
    (whole,) = (run for run in before if run["name"] == "b")
    change(runs / "b", status="running", epochs=0, best={"epoch": 0}, test=None, finished_at=None)
    with (runs / "b/metrics.jsonl").open("a") as file:
        file.write('{"epoch": 99, "train_l')
    after = bpcli("runs", runs, "--json").ok().json["runs"]
    (died,) = (run for run in after if run["name"] == "b")
    assert whole["epochs"] == died["epochs"] > 0
    assert whole["best"] == died["best"]
    assert whole["score"] == died["score"]
    assert (died["status"], died["signal"], died["test"]) == ("died", None, {})


@pytest.mark.parametrize("best", ["null", '"x"', "7", "1e999", "[1]", "true", "1.5"])
def test_a_best_epoch_that_is_none_is_left_out(runs: Path, best: str):
    change(runs / "a", status="running", best={"epoch": 0})
    (runs / "a/metrics.jsonl").write_text(f'{{"epoch": 1, "loss": 0.5}}\n{{"epoch": 2, "best_epoch": {best}}}\n')
    listed = {run["name"]: run for run in bpcli("runs", runs, "--json").ok().json["runs"]}
    assert (listed["a"]["epochs"], listed["a"]["best"]) == (2, {})


def test_the_signal_that_a_run_died_of_is_told_and_where_to_look(runs: Path):
    for name, words in {"a": "Segmentation fault", "b": "Aborted", "c": "Aborted"}.items():
        change(runs / name, status="running")
        (runs / name / "crash.log").write_text(f"Fatal Python error: {words}\n\n")
    RunDirectory(runs / "b").last.unlink()
    result = bpcli("runs", runs, "--json").ok()
    signals = {run["name"]: run["signal"] for run in result.json["runs"]}
    assert signals == {"a": "SIGSEGV", "b": "SIGABRT", "c": "SIGABRT"}
    assert sorted(result.err.splitlines()[2:]) == [
        f"note: died of SIGABRT: {', '.join(repr(name) for name in signals if name != 'a')}; see crash.log in the run "
        "directory",
        "note: died of SIGSEGV: 'a'; see crash.log in the run directory",
    ]
    assert result.err.splitlines()[:2] == [
        "note: 2 runs died before finishing; continue with bpcli train --resume",
        "note: 1 run died before the first checkpoint; start again with bpcli train",
    ]


def test_a_run_that_is_over_has_no_signal_whatever_lies_there(runs: Path):
    (runs / "a/crash.log").write_text("Fatal Python error: Segmentation fault\n\n")
    result = bpcli("runs", runs, "--json").ok()
    assert {run["signal"] for run in result.json["runs"]} == {None}
    assert result.err == ""


def test_whoever_lists_runs_keeps_nobody_from_training(runs: Path):
    run = RunDirectory(runs / "a")
    assert not run.is_locked()
    with run.locked():
        assert run.is_locked()
    assert not run.is_locked()


def damage(runs: Path) -> dict[str, str]:
    """Folders of many kinds beside the runs; what must be said of each."""
    damaged = "damaged: its summary.json is invalid"
    summary = json.loads((runs / "a/summary.json").read_text())
    bad_summaries = [
        "",
        "{",
        "[]",
        "null",
        "\0\0",
        "[" * 100_000,
        '{"status": "finished"}',
        json.dumps({**summary, "status": "done"}),
        json.dumps({**summary, "best": None}),
        json.dumps({**summary, "best": {"epoch": "x"}}),
        json.dumps({**summary, "epochs": "3"}),
        json.dumps({**summary, "started_at": 5}),
        json.dumps({**summary, "test": []}),
        json.dumps({**summary, "best": {"validation_loss": float("nan")}}),
    ]
    said = {}
    for index, text in enumerate(bad_summaries):
        shutil.copytree(runs / "a", runs / f"summary{index}")
        (runs / f"summary{index}/summary.json").write_text(text)
        said[f"summary{index}"] = damaged
    unreadable = [
        "\0",
        "a: [",
        "[" * 100_000,
        "- " * 100_000,
        "a: 2026-99-99",
        "&a [*a]",
        "? [a]\n: b",
        '"\\UFFFFFFFF"',
    ]
    bad_configs = {**dict.fromkeys(unreadable, "cannot be read"), "- a": "is not a config", "": "is not a config"}
    for index, (text, what) in enumerate(bad_configs.items()):
        shutil.copytree(runs / "a", runs / f"config{index}")
        (runs / f"config{index}/config.yaml").write_text(text)
        said[f"config{index}"] = f"damaged: its config.yaml {what}"
    (runs / "foreign\x1b[2J").mkdir()
    (runs / "foreign\x1b[2J/notes").write_text("mine")
    said["foreign\x1b[2J"] = "not a run; it has no checkpoints folder"
    return said


def test_damaged_and_foreign_folders_are_named_and_the_runs_listed(runs: Path, record_property: Any):
    said = damage(runs)
    (runs / "file").write_text("")
    (runs / ".hidden").mkdir()
    result = bpcli("runs", runs, "--json").ok()
    assert {run["name"] for run in result.json["runs"]} == {"a", "b", "c"}
    assert {other["name"]: other["reason"] for other in result.json["others"]} == said
    assert "note: not listed: 'foreign\\x1b[2J': not a run; it has no checkpoints folder\n" in result.err
    assert "'summary0', 'summary1', 'summary10' and 11 more: damaged" in result.err
    record_property("cases", len(said))
    assert len(said) == 25


def test_an_empty_shell_is_a_run_that_died(tmp_path: Path):
    RunDirectory.create(tmp_path / "runs/shell")
    assert [(run.name, run.status) for run in list_runs(tmp_path / "runs").runs] == [("shell", "died")]
    assert bpcli("runs", tmp_path / "runs").ok().out.splitlines()[1].split() == ["shell", "-", "died", "0", "-", "-"]


def test_no_folder_and_no_runs_are_said(tmp_path: Path):
    result = bpcli("runs", cwd=tmp_path)
    assert (result.code, result.err) == (
        4,
        "error: runs: no such folder; bpcli train creates runs, by default in ./runs\n",
    )
    (tmp_path / "runs").mkdir()
    empty = bpcli("runs", cwd=tmp_path).ok()
    assert (empty.out, empty.err) == ("", "note: no runs in runs\n")


def test_json_and_csv_exclude_each_other(runs: Path):
    assert bpcli("runs", runs, "--json", "--csv").code == 2


def test_runs_are_listed_without_numpy(runs: Path):
    program = (
        f"import sys\nfrom bpcli.__main__ import run\nsys.argv = ['bpcli', 'runs', {str(runs)!r}]\n"
        "try:\n    run()\nexcept SystemExit:\n    pass\n"
        "print(sorted({'numpy', 'rich', 'polars', 'safetensors', 'threadpoolctl'} & set(sys.modules)))"
    )
    assert python(program, cwd=runs).splitlines()[-1] == "[]"


def test_a_config_is_flattened_to_the_paths_that_set_takes(runs: Path):
    flat = FlatConfigs().read(RunDirectory(runs / "a"))
    assert (flat["layers.0.units"], flat["layers.0.activation.type"]) == (32, "relu")
    assert flat["data.exclude"] == ["year"]
    assert flat["data.weight"] is None
    assert flatten({"a": {}, "b": [], "c": [{"d": 1}, 2]}) == {"a": {}, "b": [], "c.0.d": 1, "c.1": 2}


def test_no_key_of_a_config_is_taken_for_a_column(runs: Path):
    from bpcli.cli.runs_table import COLUMNS

    assert not set(COLUMNS) & set(FlatConfigs().read(RunDirectory(runs / "a")))


def test_what_says_nothing_is_no_difference():
    assert differing_keys([{"a": 1, "b": None}, {"a": 1}]) == []
    assert differing_keys([{"a": 1, "b": 2}, {"a": 1}, {"a": 3, "b": 2}]) == ["a", "b"]
    assert differing_keys([]) == []


def test_keys_are_called_by_as_few_parts_as_tell_them_apart():
    assert short_names(["optimizer.learning_rate", "layers.0.units", "layers.2.units", "seed"]) == {
        "optimizer.learning_rate": "learning_rate",
        "layers.0.units": "0.units",
        "layers.2.units": "2.units",
        "seed": "seed",
    }
    assert short_names(["training.epochs"], ["epochs"]) == {"training.epochs": "training.epochs"}
    assert short_names(["loss.type"]) == {"loss.type": "loss.type"}
    assert short_names(["a.b", "b"]) == {"a.b": "a.b", "b": "b"}
    assert short_names([]) == {}


@pytest.fixture
def many(runs: Path) -> Path:
    """Runs that differ in ten keys, one of them with a long value."""
    for name in "abc":
        text = (runs / name / "config.yaml").read_text()
        keys = "".join(f"key{number}: {name}{'x' * 50 if number == 0 else ''}\n" for number in range(9))
        (runs / name / "config.yaml").write_text(f"{text}extra:\n  path: /{'deep/' * 20}{name}.csv\n{keys}")
    return runs


def test_the_table_has_a_few_keys_and_says_how_many_more_there_are(many: Path):
    result = bpcli("runs", many).ok()
    header, *lines = result.out.splitlines()
    assert header.split()[6:] == ["learning_rate", "units", "path", "key0", "key1", "key2"]
    assert all(len(line) < 160 for line in lines)
    row = next(line for line in lines if line.startswith("a ")).split()[9:13]
    assert row == ["…ep/deep/deep/deep/a.csv", f"a{'x' * 22}…", "a", "a"]
    assert result.err == "note: 6 more keys differ: key3, key4, key5, key6 …; --json and --csv list all\n"


def test_json_and_csv_have_every_key_whole(many: Path):
    document = bpcli("runs", many, "--json").ok().json
    assert len(document["differing"]) == 12
    row = bpcli("runs", many, "--csv").ok().rows[0]
    assert set(document["differing"]) <= set(row)
    assert {run["config"]["key0"] for run in document["runs"]} == {f"{name}{'x' * 50}" for name in "abc"}
    assert row["extra.path"] == document["runs"][0]["config"]["extra.path"]


def test_the_key_that_runs_are_sorted_by_is_among_those_shown(many: Path):
    assert bpcli("runs", many, "--sort", "key8").ok().out.splitlines()[0].split()[6:8] == ["key8", "learning_rate"]


@pytest.mark.parametrize("columns", [80, *(pytest.param(more, marks=pytest.mark.exhaustive) for more in (100, 120))])
def test_on_a_terminal_the_table_is_no_wider_than_that(many: Path, columns: int):
    shown = bpcli_on_terminal("runs", many, cwd=many, columns=columns).ok().out.splitlines()
    assert max(len(line) for line in shown[:4]) <= columns
    assert "more keys differ" in shown[4]


def test_the_run_that_another_started_from_has_its_whole_name(tmp_path: Path):
    first = tmp_path / "a-run-with-a-name-of-more-than-two-dozen-characters"
    few = ("--set", "training.epochs=1", "-q")
    bpcli("train", CONFIGS / "xor.yaml", *few, "--run-dir", first).ok()
    bpcli("train", CONFIGS / "xor.yaml", *few, "--from", first, "--run-dir", tmp_path / "second").ok()
    listed = bpcli("runs", ".", cwd=tmp_path).ok().out.splitlines()
    (line,) = [line for line in listed if line.startswith("second")]
    assert f"  {first.name}  " in f"{line}  "
