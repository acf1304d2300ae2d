"""`bpcli tune`: the same trials however they are carried out, and a best config that gives the same weights."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest
from commands import bpcli, bpcli_process
from studies import SPACE, search, table, weights

from bpcli.errors import MemoryLimitError
from bpcli.storage.run_listing import list_runs
from bpcli.system.locks import locked
from bpcli.tuning import training


def test_the_best_config_gives_the_weights_of_the_best_trial(tmp_path: Path) -> None:
    config = search(tmp_path)
    found = bpcli("tune", config, "--run-dir", tmp_path / "study", "--json").ok().json
    trials = table(tmp_path / "study")
    best = min(trials, key=lambda trial: trial["score"])
    assert found["best"]["number"] == best["number"]
    bpcli("train", tmp_path / "study" / "best.yaml", "--run-dir", tmp_path / "again", "-q").ok()
    run = tmp_path / "study" / "trials" / f"{best['number']:04d}"
    assert weights(tmp_path / "again") == weights(run)
    kept = [path.parent.parent.name for path in (tmp_path / "study").rglob("best.safetensors")]
    assert kept == [run.name]  # checkpoints of all others are gone


@pytest.mark.parametrize("settings", [{}, {"halving": {"first_epochs": 2, "factor": 2}, "at_once": 4}, {"seeds": 2}])
def test_two_processes_find_what_one_finds(tmp_path: Path, settings: dict[str, Any]) -> None:
    config = search(tmp_path, settings)
    bpcli("tune", config, "--run-dir", tmp_path / "one", "-q").ok()
    process = bpcli_process("tune", config, "--run-dir", tmp_path / "two", "--workers", 2, "-q", cwd=tmp_path)
    _, err = process.communicate(timeout=100)
    assert process.returncode == 0, err
    assert table(tmp_path / "one") == table(tmp_path / "two")
    assert (tmp_path / "one" / "best.yaml").read_text() == (tmp_path / "two" / "best.yaml").read_text()


def test_a_search_that_is_killed_anywhere_goes_on_to_the_same_end(tmp_path: Path) -> None:
    config = search(tmp_path, {"trials": 8, "at_once": 4}, {"training": {"epochs": 400, "batch_size": 8}})
    bpcli("tune", config, "--run-dir", tmp_path / "whole", "-q").ok()
    study, killed = tmp_path / "killed", 0
    arguments: list[object] = ["tune", config, "--run-dir", study]
    for wait in (0.5, 0.2, 0.8):
        process = bpcli_process(*arguments, "--workers", 2, "-q", cwd=tmp_path)
        until = time.monotonic() + 60
        while process.poll() is None and not list(study.glob("trials/*/summary.json")) and time.monotonic() < until:
            time.sleep(0.05)
        time.sleep(wait)
        killed += process.poll() is None
        process.send_signal(signal.SIGKILL)
        process.communicate()
        arguments = ["tune", "--resume", study]
    assert killed
    bpcli(*arguments, "-q").ok()
    assert table(study) == table(tmp_path / "whole")
    assert weights(next(study.glob("trials/*/checkpoints/best.safetensors")).parent.parent) == weights(
        next((tmp_path / "whole").glob("trials/*/checkpoints/best.safetensors")).parent.parent
    )


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_dead_worker_is_replaced(tmp_path: Path, number: int) -> None:
    config = search(tmp_path, {"trials": 4}, {"training": {"epochs": 400, "batch_size": 8}})
    bpcli("tune", config, "--run-dir", tmp_path / "whole", "-q").ok()
    process = bpcli_process("tune", config, "--run-dir", tmp_path / "study", "--workers", 2, "-q", cwd=tmp_path)
    until = time.monotonic() + 60
    workers: list[int] = []
    while not workers and time.monotonic() < until:
        time.sleep(0.05)
        if list((tmp_path / "study").glob("trials/*/metrics.jsonl")):
            workers = [number for number in children(process.pid) if "spawn_main" in command_of(number)]
    os.kill(workers[0], number)
    _, err = process.communicate(timeout=100)
    assert process.returncode == 0, err
    assert table(tmp_path / "study") == table(tmp_path / "whole")


def children(process: int) -> list[int]:
    """Processes that a process has started."""
    path = Path(f"/proc/{process}/task/{process}/children")
    return [int(number) for number in path.read_text().split()] if path.exists() else []


def command_of(process: int) -> str:
    """Command line of a process."""
    return Path(f"/proc/{process}/cmdline").read_text().replace("\0", " ")


def test_a_signal_stops_a_search_that_can_go_on(tmp_path: Path) -> None:
    config = search(tmp_path, {"trials": 4}, {"training": {"epochs": 3_000, "batch_size": 8}})
    process = bpcli_process("tune", config, "--run-dir", tmp_path / "study", cwd=tmp_path)
    until = time.monotonic() + 60
    while not list((tmp_path / "study").glob("trials/*/metrics.jsonl")) and time.monotonic() < until:
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=100)
    assert process.returncode == 143
    assert b"continue with: bpcli tune --resume study" in err


def test_halving_ends_as_a_straight_run_does(tmp_path: Path) -> None:
    schedule = {"schedule": "cosine", "training": {"epochs": 9, "batch_size": 8}}
    config = search(tmp_path, {"trials": 9, "at_once": None, "halving": {"first_epochs": 1}}, schedule)
    bpcli("tune", config, "--run-dir", tmp_path / "study", "-q").ok()
    trials = table(tmp_path / "study")
    assert [trial["state"] for trial in trials].count("complete") == 1
    assert sorted(trial["epochs"] for trial in trials) == [1] * 6 + [3] * 2 + [9]
    bpcli("train", tmp_path / "study" / "best.yaml", "--run-dir", tmp_path / "again", "-q").ok()
    (best,) = (trial["number"] for trial in trials if trial["state"] == "complete")
    assert weights(tmp_path / "again") == weights(tmp_path / "study" / "trials" / f"{best:04d}")


def test_more_trials_of_an_ended_search(tmp_path: Path) -> None:
    bpcli("tune", search(tmp_path), "--trials", 9, "--run-dir", tmp_path / "nine", "-q").ok()
    bpcli("tune", tmp_path / "c.json", "--run-dir", tmp_path / "six", "-q").ok()
    assert len(table(tmp_path / "six")) == 6
    bpcli("tune", "--resume", tmp_path / "six", "--trials", 9, "-q").ok()
    assert table(tmp_path / "six") == table(tmp_path / "nine")


@pytest.mark.parametrize("halving", [None, {"first_epochs": 2, "factor": 2}])
def test_more_trials_in_the_middle_of_those_asked_for_together(tmp_path: Path, halving: Any) -> None:
    bpcli(
        "tune",
        search(tmp_path, {"at_once": 4, "halving": halving}),
        "--trials",
        7,
        "--run-dir",
        tmp_path / "seven",
        "-q",
    ).ok()
    bpcli("tune", tmp_path / "c.json", "--trials", 2, "--run-dir", tmp_path / "two", "-q").ok()
    bpcli("tune", "--resume", tmp_path / "two", "--trials", 7, "-q").ok()
    assert table(tmp_path / "two") == table(tmp_path / "seven")


@pytest.mark.parametrize("settings", [{}, {"halving": {"first_epochs": 2, "factor": 3}}])
def test_trials_whose_lines_are_lost_are_known_from_their_runs(tmp_path: Path, settings: dict[str, Any]) -> None:
    bpcli("tune", search(tmp_path, settings), "--run-dir", tmp_path / "study", "-q").ok()
    whole = table(tmp_path / "study")
    path = tmp_path / "study" / "trials.jsonl"
    path.write_text("".join(line + "\n" for line in path.read_text().splitlines()[:3]))
    bpcli("tune", "--resume", tmp_path / "study", "-q").ok()
    assert table(tmp_path / "study") == whole


def test_a_grid_takes_every_combination_once(tmp_path: Path) -> None:
    space = {"optimizer.learning_rate": {"choice": [0.01, 0.1]}, "layers": SPACE["layers"]}
    config = search(tmp_path, {"sampler": "grid", "trials": 100, "space": space})
    bpcli("tune", config, "--run-dir", tmp_path / "study", "-q").ok()
    assert len(table(tmp_path / "study")) == 2 * 2 * (2 + 4)  # rates, activations; units of one layer, or two


def test_train_ignores_the_search(tmp_path: Path) -> None:
    config = search(tmp_path)
    bpcli("train", config, "--run-dir", tmp_path / "run", "-q").ok()
    assert "tune" not in (tmp_path / "run" / "config.yaml").read_text()


def test_a_study_is_no_run(tmp_path: Path) -> None:
    bpcli("tune", search(tmp_path), "--runs-dir", tmp_path / "runs", "-q").ok()
    listing = list_runs(tmp_path / "runs")
    assert not listing.runs
    assert len(listing.others) == 1


def test_trials_as_lines(tmp_path: Path) -> None:
    result = bpcli("tune", search(tmp_path), "--run-dir", tmp_path / "study", "--jsonl", "-q").ok()
    assert [json.loads(line)["number"] for line in result.out.splitlines()] == list(range(6))


def test_a_budget_ends_a_search(tmp_path: Path) -> None:
    config = search(tmp_path, {"trials": 1_000, "budget": {"seconds": 0.5}})
    bpcli("tune", config, "--run-dir", tmp_path / "study", "-q").ok()
    assert 3 <= len(table(tmp_path / "study")) < 1_000


def test_a_metric_that_is_better_if_greater(tmp_path: Path) -> None:
    found = bpcli("tune", search(tmp_path, {"metric": "validation_accuracy"}), "--run-dir", tmp_path / "s", "--json")
    scores = [trial["score"] for trial in table(tmp_path / "s")]
    assert found.ok().json["best"]["score"] == max(scores)


@pytest.mark.parametrize(
    ("tune", "wanted"),
    [
        ({"space": {"optimizer.learning_rate": {"log_uniform": [0.1, 0.01]}}}, "the least value, 0.1, is above"),
        (
            {"space": {"optimizer.rate": {"uniform": [0, 1]}}},
            "unknown key (valid keys: 'learning_rate'",
        ),
        ({"space": {"optimizer.learning_rate": {"uniform": [-1, 1]}}}, "must be greater than 0, not -1"),
        (
            {"space": {"layers": {"depth": [1, 2], "units": {"int": [0, 5]}}}},
            "tune.space.layers: layers.0.units: must be greater than 0",
        ),
        ({"space": SPACE | {"layers.0.units": {"int": [1, 5]}}}, "lies within layers"),
        ({"space": {"training.epochs": {"int": [1, 5]}}, "halving": {"first_epochs": 1}}, "needs one number of epochs"),
        ({"space": {"optimizer.learning_rate": {"uniform": [0.1, 1]}}, "sampler": "grid"}, "a grid takes every value"),
        ({"space": {"seed": {"int": [0, 9]}}}, "changes which rows validate"),
        ({"space": {"data.split.test": {"uniform": [0.1, 0.3]}}}, "changes which rows validate"),
        ({"space": {"data.target": {"choice": ["y", "a"]}}}, "changes what is predicted"),
        ({"space": {"tune.trials": {"int": [1, 9]}}}, "is no setting of a training"),
        ({"space": {"loss": {"choice": ["cross_entropy", "mse"]}}}, "changes what validation_loss is"),
        ({"metric": "test_loss"}, "tune.metric"),
        ({"metric": "validation_f2"}, "epochs have no validation_f2, but 'validation_loss'"),
    ],
)
def test_a_search_that_cannot_be_is_refused(tmp_path: Path, tune: dict[str, Any], wanted: str) -> None:
    result = bpcli("tune", search(tmp_path, tune), "--run-dir", tmp_path / "study")
    assert result.code == 2
    assert wanted in result.err
    assert "c.json:1:" in result.err
    assert not (tmp_path / "study").exists()


def test_a_config_without_a_search_is_refused(tmp_path: Path) -> None:
    config = search(tmp_path)
    config.write_text(
        json.dumps({name: value for name, value in json.loads(config.read_text()).items() if name != "tune"})
    )
    result = bpcli("tune", config)
    assert result.code == 2
    assert "tune: is missing" in result.err
    assert "tune: its space is empty" in bpcli("tune", search(tmp_path, {"space": {}})).err


def test_what_is_there_is_not_overwritten(tmp_path: Path) -> None:
    config = search(tmp_path)
    (tmp_path / "study").mkdir()
    assert bpcli("tune", config, "--run-dir", tmp_path / "study").code == 8
    assert bpcli("tune", "--resume", tmp_path / "study").code == 4


def test_trials_without_a_score_are_an_error(tmp_path: Path) -> None:
    space = {"optimizer.learning_rate": {"uniform": [1e30, 1e31]}}
    result = bpcli(
        "tune", search(tmp_path, {"space": space, "trials": 2}, {"optimizer": "sgd"}), "--run-dir", tmp_path / "s"
    )
    assert result.code == 5
    assert "no trial has a score" in result.err
    assert {trial["state"] for trial in table(tmp_path / "s")} == {"failed"}


def test_trials_of_another_sampler_are_not_continued(tmp_path: Path) -> None:
    bpcli("tune", search(tmp_path), "--run-dir", tmp_path / "study", "-q").ok()
    path = tmp_path / "study" / "trials.jsonl"
    first, *rest = path.read_text().splitlines()
    changed = json.loads(first)
    changed["values"]["optimizer.learning_rate"] = 0.05
    path.write_text("\n".join([json.dumps(changed), *rest]) + "\n")
    result = bpcli("tune", "--resume", tmp_path / "study", "--trials", 9)
    assert result.code == 4
    assert "trial 0 has other values" in result.err


def test_the_page_shows_the_course_and_the_parameters(tmp_path: Path) -> None:
    bpcli("tune", search(tmp_path, {"trials": 12}), "--run-dir", tmp_path / "study", "-q").ok()
    page = (tmp_path / "study" / "report.html").read_text()
    for words in ("Search small", "Score by trial", "Importance", "log10 optimizer.learning_rate", "All trials"):
        assert words in page


def test_the_table_has_no_units_of_layers_that_are_not_there(tmp_path: Path) -> None:
    space = {"layers": {"depth": [1, 2], "units": {"choice": [3, 5]}}}
    result = bpcli("tune", search(tmp_path, {"space": space, "sampler": "grid"}), "--run-dir", tmp_path / "study").ok()
    shallow = [line.split() for line in result.out.splitlines() if line.split()[4:5] == ["1"]]
    assert shallow
    assert all(cells[6] == "-" for cells in shallow)


def test_a_search_of_changed_data_is_not_continued(tmp_path: Path) -> None:
    bpcli("tune", search(tmp_path), "--run-dir", tmp_path / "study", "-q").ok()
    rows = (tmp_path / "t.csv").read_text().splitlines()
    (tmp_path / "t.csv").write_text("\n".join(rows[:-1]) + "\n")
    result = bpcli("tune", "--resume", tmp_path / "study", "--trials", 9)
    assert result.code == 4
    assert "the data has changed since this search began" in result.err


def test_fewer_trials_than_are_done_are_refused(tmp_path: Path) -> None:
    bpcli("tune", search(tmp_path), "--run-dir", tmp_path / "study", "-q").ok()
    result = bpcli("tune", "--resume", tmp_path / "study", "--trials", 3)
    assert result.code == 2
    assert "--trials 3: 6 trials of" in result.err
    assert len(table(tmp_path / "study")) == 6


def test_one_process_searches_at_a_time(tmp_path: Path) -> None:
    bpcli("tune", search(tmp_path), "--run-dir", tmp_path / "study", "-q").ok()
    with locked(tmp_path / "study"):
        result = bpcli("tune", "--resume", tmp_path / "study", "--trials", 9)
    assert result.code == 8
    assert "another process is searching here" in result.err
    bpcli("tune", "--resume", tmp_path / "study", "-q").ok()


def test_a_study_and_its_data_can_be_moved(tmp_path: Path) -> None:
    bpcli("tune", search(tmp_path / "here"), "--run-dir", tmp_path / "here" / "study", "-q").ok()
    (tmp_path / "here").rename(tmp_path / "there")
    bpcli("tune", "--resume", tmp_path / "there" / "study", "--trials", 9, "-q").ok()
    assert len(table(tmp_path / "there" / "study")) == 9


def test_a_shortage_of_memory_stops_a_search_that_can_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = search(tmp_path)
    open_one = training.open_experiment

    def short(*arguments: Any, **keywords: Any) -> Any:
        if (tmp_path / "study" / "trials" / "0001").exists():
            raise MemoryLimitError("training needs more memory than there is")
        return open_one(*arguments, **keywords)

    monkeypatch.setattr(training, "open_experiment", short)
    assert bpcli("tune", config, "--run-dir", tmp_path / "study").code == 9
    monkeypatch.undo()
    bpcli("tune", "--resume", tmp_path / "study", "-q").ok()
    bpcli("tune", config, "--run-dir", tmp_path / "whole", "-q").ok()
    assert table(tmp_path / "study") == table(tmp_path / "whole")


def test_all_ranges_that_are_wrong_are_told_at_once(tmp_path: Path) -> None:
    space = {"optimizer.rate": {"uniform": [0, 1]}, "training.batch_size": {"int": [0, 16]}, "dtype": {"choice": ["f"]}}
    err = bpcli("tune", search(tmp_path, {"space": space})).err
    assert [key in err for key in ("optimizer.rate", "must be at least 1, not 0", "tune.space.dtype")] == [True] * 3
    assert len(err.splitlines()) == 3


def test_one_place_spelled_in_two_ways_is_found(tmp_path: Path) -> None:
    rate = {"log_uniform": [0.001, 0.1]}
    space = {"optimizer.learning_rate": rate, 'optimizer. "learning_rate"': rate}
    assert "which is chosen as well" in bpcli("tune", search(tmp_path, {"space": space})).err
