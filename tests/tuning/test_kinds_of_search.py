"""Searches by folds, seeds, several metrics and rules that stop trials, and what is made of their results."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from commands import bpcli, bpcli_process
from studies import SPACE, search, table, weights

from bpcli.config.loading import load_config
from bpcli.experiment.opening import open_experiment
from bpcli.storage.run_directory import RunDirectory

LONG = {"training": {"epochs": 12, "batch_size": 8}}


def test_the_first_trial_is_the_config_as_it_stands(tmp_path: Path) -> None:
    config = search(tmp_path, {"space": {"optimizer.learning_rate": {"log_uniform": [0.001, 0.1]}}})
    bpcli("tune", config, "--run-dir", tmp_path / "study", "-q").ok()
    bpcli("train", config, "--run-dir", tmp_path / "run", "-q").ok()
    first, *others = table(tmp_path / "study")
    assert first["values"] == {"optimizer.learning_rate": 0.02}
    assert first["score"] == RunDirectory(tmp_path / "run").read_summary().best.values["validation_loss"]
    assert all(trial["values"] != first["values"] for trial in others)


def test_folds_validate_every_row_and_leave_test_rows_out(tmp_path: Path) -> None:
    config = search(tmp_path, {"folds": 3, "trials": 3, "at_once": 2})
    bpcli("tune", config, "--run-dir", tmp_path / "study", "-q").ok()
    runs = sorted(path.name for path in (tmp_path / "study" / "trials").iterdir())
    trials = table(tmp_path / "study")
    best = min(trials, key=lambda trial: trial["score"])["number"]
    names = [f"{trial:04d}-fold{fold}" for trial in range(3) for fold in (1, 2, 3)]
    assert runs == sorted([*names, f"{best:04d}-best"])
    of_first = [RunDirectory(tmp_path / "study" / "trials" / f"0000-fold{fold}") for fold in (1, 2, 3)]
    losses = [run.read_summary().best.values["validation_loss"] for run in of_first]
    assert trials[0]["score"] == pytest.approx(np.mean(losses), abs=1e-15)
    examples = [open_experiment(run.config, keep_examples=True).examples for run in of_first]
    plain = open_experiment(config, keep_examples=True).examples
    splits = [one.split for one in examples if one is not None]
    assert plain is not None
    assert all(split.test.tolist() == plain.split.test.tolist() for split in splits)
    validated = np.sort(np.concatenate([split.validation for split in splits])).tolist()
    assert validated == sorted([*plain.split.train, *plain.split.validation])
    # The best config is trained once more, with the split that it asks for.
    bpcli("train", tmp_path / "study" / "best.yaml", "--run-dir", tmp_path / "again", "-q").ok()
    assert weights(tmp_path / "again") == weights(tmp_path / "study" / "best")


def test_halving_compares_means_of_seeds(tmp_path: Path) -> None:
    config = search(tmp_path, {"seeds": 2, "trials": 4, "at_once": 4, "halving": {"first_epochs": 2, "factor": 2}})
    bpcli("tune", config, "--run-dir", tmp_path / "study", "-q").ok()
    trials = table(tmp_path / "study")
    assert sorted(trial["epochs"] for trial in trials) == [4, 4, 8, 12]  # of both seeds together
    scores = {trial["number"]: trial["metrics"]["validation_loss"] for trial in trials if trial["epochs"] == 4}
    for number, score in scores.items():
        runs = [RunDirectory(tmp_path / "study" / "trials" / f"{number:04d}{end}") for end in ("", "-seed1")]
        assert score == pytest.approx(
            np.mean([run.read_summary().best.values["validation_loss"] for run in runs]), abs=1e-15
        )


@pytest.mark.parametrize("rule", [{"median": {"first_epochs": 2, "first_trials": 2}}, {"asha": {"first_epochs": 1}}])
def test_trials_behind_earlier_ones_stop_whoever_trains_them(tmp_path: Path, rule: dict[str, Any]) -> None:
    config = search(tmp_path, {"trials": 12, **rule}, LONG)
    bpcli("tune", config, "--run-dir", tmp_path / "one", "-q").ok()
    trials = table(tmp_path / "one")
    stopped = [trial for trial in trials if trial["state"] == "stopped"]
    assert stopped
    assert all(trial["epochs"] < 12 and len(trial["course"]) == trial["epochs"] for trial in stopped)
    process = bpcli_process("tune", config, "--run-dir", tmp_path / "two", "--workers", 2, "-q", cwd=tmp_path)
    assert process.communicate(timeout=100)[1] == b""
    assert table(tmp_path / "two") == trials
    # Lines that are lost are known from the runs, and the others go on from there.
    path = tmp_path / "one" / "trials.jsonl"
    path.write_text("".join(line + "\n" for line in path.read_text().splitlines()[:4]))
    bpcli("tune", "--resume", tmp_path / "one", "-q").ok()
    assert table(tmp_path / "one") == trials


def test_a_trial_that_is_stopped_is_behind(tmp_path: Path) -> None:
    config = search(tmp_path, {"trials": 9, "median": {"first_epochs": 2, "first_trials": 2}}, LONG)
    bpcli("tune", config, "--run-dir", tmp_path / "study", "-q").ok()
    trials = table(tmp_path / "study")
    for number, trial in enumerate(trials):
        earlier = [one["course"] for one in trials[: number // 3 * 3]]
        for epoch in range(2, trial["epochs"] + 1):
            there = [course[epoch - 1] for course in earlier if len(course) >= epoch]
            behind = len(there) >= 2 and trial["course"][epoch - 1] > np.median(there) and epoch < 12
            assert behind == (trial["state"] == "stopped" and epoch == trial["epochs"])


@pytest.mark.parametrize("sampler", ["nsga2", "tpe", "random"])
def test_several_metrics_have_a_front(tmp_path: Path, sampler: str) -> None:
    tune = {"metric": ["validation_loss", "parameters"], "sampler": sampler, "trials": 8, "at_once": 4}
    config = search(tmp_path, tune)
    found = bpcli("tune", config, "--run-dir", tmp_path / "study", "--json").ok().json
    bpcli("tune", config, "--run-dir", tmp_path / "again", "-q").ok()
    assert table(tmp_path / "study") == table(tmp_path / "again")
    front = [trial["number"] for trial in found["front"]]
    assert front[0] == found["best"]["number"]
    sizes = [trial["parameters"] for trial in found["front"]]
    assert sizes == sorted(sizes, reverse=True)
    assert sorted(path.stem for path in (tmp_path / "study" / "front").iterdir()) == sorted(
        f"{one:04d}" for one in front
    )
    last = tmp_path / "study" / "front" / f"{front[-1]:04d}.yaml"
    bpcli("train", last, "--run-dir", tmp_path / "small", "-q").ok()
    assert weights(tmp_path / "small") == weights(tmp_path / "study" / "trials" / f"{front[-1]:04d}")
    assert "Front" in (tmp_path / "study" / "report.html").read_text()


def test_a_search_stands_for_its_best_run(tmp_path: Path) -> None:
    bpcli("tune", search(tmp_path), "--run-dir", tmp_path / "study", "-q").ok()
    bpcli("train", tmp_path / "c.json", "--run-dir", tmp_path / "run", "-q").ok()
    document = bpcli("compare", tmp_path / "study", tmp_path / "run", "--json").ok().json
    assert [run["label"] for run in document["runs"]] == ["study", "run"]
    assert bpcli("evaluate", tmp_path / "study", "--json").ok().json == bpcli(
        "evaluate", tmp_path / "study" / "best", "--json"
    ).ok().json | {"checkpoint": bpcli("evaluate", tmp_path / "study", "--json").ok().json["checkpoint"]}


def test_the_document_says_what_is_expected_and_what_the_search_takes_on_disk(tmp_path: Path) -> None:
    config = search(tmp_path, {"folds": 4, "trials": 6})
    found = bpcli("tune", config, "--run-dir", tmp_path / "study", "--json").ok().json
    assert found["expected"] >= found["best"]["score"]
    files = [path for path in (tmp_path / "study").rglob("*") if path.is_symlink() or path.is_file()]
    in_links = tmp_path / "study" / "best"
    assert found["bytes"] == pytest.approx(
        sum(path.lstat().st_size for path in files if in_links not in path.parents), rel=0.5
    )


def test_a_recipe_keeps_what_the_config_says_of_it(tmp_path: Path) -> None:
    search(tmp_path)
    document = {
        "name": "small",
        "recipe": "quick",
        "data": {"path": "t.csv", "target": "y"},
        "optimizer": {"beta2": 0.9},
        "training": {"epochs": 3},
        "tune": {"trials": 2, "space": {"optimizer.learning_rate": {"log_uniform": [0.01, 0.1]}}},
    }
    (tmp_path / "r.json").write_text(json.dumps(document))
    bpcli("tune", tmp_path / "r.json", "--run-dir", tmp_path / "study", "-q").ok()
    best = yaml.safe_load((tmp_path / "study" / "best.yaml").read_text())
    assert best["optimizer"]["beta2"] == 0.9
    resolved = load_config(RunDirectory(tmp_path / "study" / "best").config).config
    assert resolved.model_dump()["optimizer"]["beta2"] == 0.9
    bpcli("train", tmp_path / "study" / "best.yaml", "--run-dir", tmp_path / "again", "-q").ok()
    assert weights(tmp_path / "again") == weights(tmp_path / "study" / "best")


@pytest.mark.parametrize(
    ("tune", "wanted"),
    [
        ({"metric": ["validation_loss", "seconds"], "sampler": "cma_es"}, "cma_es improves one metric"),
        ({"metric": ["seconds", "validation_loss"]}, "begin metric with a score"),
        ({"metric": ["validation_loss", "validation_loss"]}, "list different metrics"),
        ({"metric": []}, "tune.metric"),
        ({"halving": {"first_epochs": 1}, "median": {}}, "halving and median both stop trials early"),
        ({"asha": {"first_epochs": 1}, "seeds": 2}, "asha stops single trainings"),
        ({"folds": 2, "seeds": 2}, "folds and seeds exclude each other"),
        ({"folds": 50}, "tune.folds"),
        ({"median": {}, "space": SPACE | {"training.epochs": {"int": [2, 9]}}}, "needs one number of epochs"),
        ({"metric": ["validation_loss", "parameters"], "halving": {"first_epochs": 1}}, "compares trials by one"),
    ],
)
def test_a_search_that_cannot_be_is_refused(tmp_path: Path, tune: dict[str, Any], wanted: str) -> None:
    result = bpcli("tune", search(tmp_path, tune), "--run-dir", tmp_path / "study")
    assert result.code == 2
    assert wanted in result.err
    assert not (tmp_path / "study").exists()


def test_folds_beside_those_of_members_are_refused(tmp_path: Path) -> None:
    config = search(tmp_path, {"folds": 3}, {"ensemble": {"members": 4, "folds": True}})
    assert "validated on a fold already" in bpcli("tune", config).err


def test_the_best_run_is_trained_again_where_it_is_lost(tmp_path: Path) -> None:
    bpcli("tune", search(tmp_path), "--run-dir", tmp_path / "study", "-q").ok()
    before = weights(tmp_path / "study" / "best")
    shutil.rmtree((tmp_path / "study" / "best").resolve())
    bpcli("tune", "--resume", tmp_path / "study", "-q").ok()
    assert weights(tmp_path / "study" / "best") == before


def test_a_recipe_brings_a_space(tmp_path: Path) -> None:
    search(tmp_path)
    document = {"name": "small", "recipe": "quick", "data": {"path": "t.csv", "target": "y"}, "training": {"epochs": 2}}
    (tmp_path / "r.json").write_text(json.dumps(document))
    bpcli("tune", tmp_path / "r.json", "--trials", 2, "--run-dir", tmp_path / "study", "-q").ok()
    first, second = table(tmp_path / "study")
    assert set(first["values"]) == {
        "optimizer.learning_rate",
        "optimizer.weight_decay",
        "layers.2.rate",
        "layers.4.rate",
    }
    bpcli("train", tmp_path / "r.json", "--run-dir", tmp_path / "run", "-q").ok()
    assert first["score"] == RunDirectory(tmp_path / "run").read_summary().best.values["validation_loss"]
    assert second["values"] != first["values"]


@pytest.mark.parametrize("where", ["file", "standard output"])
def test_init_writes_the_space_of_the_recipe(tmp_path: Path, where: str) -> None:
    search(tmp_path)
    arguments = ["init", tmp_path / "t.csv", "--target", "y", "--recipe", "quick", "--tune"]
    path = tmp_path / "new.yaml"
    if where == "file":
        bpcli(*arguments, "-o", path).ok()
    else:
        path.write_text(bpcli(*arguments, cwd=tmp_path).ok().out)
    given = yaml.safe_load(path.read_text())["tune"]
    assert given["space"]["layers.2.rate"] == {"uniform": [0.0, 0.4]}
    bpcli("tune", path, "--trials", 1, "--set", "training.epochs=1", "--run-dir", tmp_path / "study", "-q").ok()
    assert load_config(path).config.tune is not None
    assert sorted(one.name for one in tmp_path.iterdir()) == ["c.json", "new.yaml", "study", "t.csv"]


def test_init_has_no_space_around_a_plain_network(tmp_path: Path) -> None:
    search(tmp_path)
    result = bpcli("init", tmp_path / "t.csv", "--target", "y", "--recipe", "classic", "--tune")
    assert result.code == 2
    assert "choose another than classic" in result.err


def test_a_gain_that_is_owed_to_chance_is_not_promised(tmp_path: Path) -> None:
    space = {"training.batch_size": {"int": [8, 32]}}  # little but chance
    config = search(tmp_path, {"trials": 12, "folds": 4, "space": space})
    found = bpcli("tune", config, "--run-dir", tmp_path / "study", "--json").ok().json
    first = table(tmp_path / "study")[0]
    assert found["as_it_stands"] == first["score"]
    shown = bpcli("tune", "--resume", tmp_path / "study").ok().out
    worse = found["expected"] >= found["as_it_stands"]
    assert ("no gain is to be expected over the config as it stands" in shown) == worse
