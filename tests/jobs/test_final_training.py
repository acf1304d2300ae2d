"""Final training on all rows that are not test rows: what it trains on, for how long, and what goes out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import bpcli as command
from experiments import prepared, write_csv
from small_runs import experiment, nudge_weights, partly_trained, trained

import bpcli
from bpcli.errors import ConfigError, DataError, DivergedError, MismatchError
from bpcli.jobs.reproduction import Reproduction
from bpcli.jobs.resume import open_run
from bpcli.jobs.training import train
from bpcli.models.evaluation import evaluate_split
from bpcli.storage.checkpoint import Checkpoint
from bpcli.storage.run_directory import RunDirectory

FINAL = "training.final=all_rows"
GENERATOR = np.random.default_rng(5)
A, B = GENERATOR.normal(size=(2, 60))
EPOCHS = 30
PARTS = ["train"] * 30 + ["validation"] * 15 + ["test"] * 15
NOISY = [f"c{int(a > b)}" for a, b in zip(A + GENERATOR.normal(size=60), B, strict=True)]
LAYERS = [{"units": 5}, {"type": "batch_norm"}, {"type": "dropout", "rate": 0.2}]


def table(folder: Path, name: str, parts: list[str]) -> None:
    write_csv(folder / name, {"a": A, "b": B, "part": parts, "y": NOISY})


def config(path: str = "t.csv", **changes: Any) -> dict[str, Any]:
    return {
        "data": {"path": path, "target": "y", "split": {"column": "part"}},
        "layers": LAYERS,
        "optimizer": {"type": "adam", "learning_rate": 0.1},
        "training": {"epochs": EPOCHS, "batch_size": 8, "baselines": False},
        **changes,
    }


def run_of(folder: Path, name: str, document: dict[str, Any], *settings: str) -> RunDirectory:
    (folder / f"{name}.json").write_text(json.dumps(document))
    return RunDirectory(train(folder / f"{name}.json", settings, run_dir=folder / name, threads=1).path)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("final")
    table(found, "t.csv", PARTS)
    table(found, "all.csv", ["train" if part == "validation" else part for part in PARTS])
    return found


@pytest.fixture(scope="module")
def plain(folder: Path) -> RunDirectory:
    """The run without a final training, not to be changed."""
    return run_of(folder, "plain", config())


@pytest.fixture(scope="module")
def whole(folder: Path) -> RunDirectory:
    """The run with a final training, not to be changed."""
    return run_of(folder, "whole", config(), FINAL)


def vectors(path: Path) -> dict[str, bytes]:
    return {name: vector.tobytes() for name, vector in Checkpoint.load(path).vectors.items()}


def test_the_model_is_that_of_a_training_on_training_and_validation_rows_for_the_best_epochs(
    folder: Path, whole: RunDirectory
) -> None:
    """At a constant rate, a run of all these rows for so many epochs is the same training."""
    best = whole.read_summary().best_epoch
    assert best is not None
    assert 1 < best < EPOCHS  # else the number of epochs would tell nothing
    document = config("all.csv", data={**config("all.csv")["data"], "split": {"column": "part", "validation": 0}})
    of_all = run_of(folder, "of_all", document, f"training.epochs={best}")
    last, model = Checkpoint.load(of_all.last), Checkpoint.load(whole.best)
    assert model.vectors["params"].tobytes() == last.vectors["params"].tobytes()
    assert model.vectors["state"].tobytes() == last.vectors["state"].tobytes()
    assert model.header.preprocessor == last.header.preprocessor
    assert bpcli.load(whole.path).header.all_rows


def test_the_first_training_is_as_without_a_final_one(plain: RunDirectory, whole: RunDirectory) -> None:
    assert vectors(whole.last) == vectors(plain.last)
    assert vectors(whole.validated) == vectors(plain.best)
    assert vectors(whole.best) != vectors(plain.best)
    first, second = plain.read_summary(), whole.read_summary()
    assert (first.best, first.final, first.epochs) == (second.best, second.final, second.epochs)
    assert (first.final_training, first.rows) == (None, second.rows)
    assert not plain.final.exists()
    assert not plain.validated.exists()


def test_epochs_of_the_final_training_are_marked_and_no_part_of_the_curves(whole: RunDirectory) -> None:
    best = whole.read_summary().best_epoch
    lines = [json.loads(line) for line in whole.metrics.read_text().splitlines()]
    assert [line["epoch"] for line in lines if line.get("phase") == "final"] == list(range(1, (best or 0) + 1))
    assert [record.epoch for record in whole.records.read()] == list(range(1, EPOCHS + 1))
    final = list(whole.records.read(final=True))
    assert [record.number("validation_loss") for record in final] == [None] * len(final)
    found = whole.read_summary().final_training
    assert found is not None
    assert (found.epochs, found.rows, found.train_loss) == (best, 45, final[-1].number("train_loss"))


def test_the_summary_scores_the_final_model_on_the_test_rows(plain: RunDirectory, whole: RunDirectory) -> None:
    test = whole.read_summary().test
    assert test is not None
    assert test.scores == evaluate_split(bpcli.load(whole.path), "test").report.scores
    before = plain.read_summary().test
    assert before is not None
    assert test.scores != before.scores


def test_validation_rows_are_scored_by_the_model_that_has_not_seen_them(
    plain: RunDirectory, whole: RunDirectory
) -> None:
    found = evaluate_split(bpcli.load(whole.path), "validation")
    assert found.report.scores == evaluate_split(bpcli.load(plain.path), "validation").report.scores
    assert any("the final model, which predicts, has trained on the validation rows too" in one for one in found.notes)


def test_a_final_model_without_the_one_before_it_has_no_answer_on_validation_rows(folder: Path) -> None:
    run = run_of(folder, "alone", config(), FINAL)
    run.validated.unlink()
    with pytest.raises(DataError, match=r"has seen the validation rows, and validated\.safetensors, the model before"):
        evaluate_split(bpcli.load(run.path), "validation")
    assert evaluate_split(bpcli.load(run.path), "test").report.rows == 15


@pytest.mark.parametrize(
    "schedule",
    [{"type": "cosine"}, {"type": "reduce_on_plateau", "patience": 1, "gamma": 0.5}],
    ids=lambda one: one["type"],
)
def test_learning_rates_are_those_of_the_first_training(folder: Path, schedule: dict[str, Any]) -> None:
    """Of an epoch's last step; a schedule within an epoch has other steps on more rows."""
    run = run_of(folder, schedule["type"], config(schedule=schedule), FINAL)
    first, final = list(run.records.read()), list(run.records.read(final=True))
    rates = [record.number("learning_rate") for record in final]
    if schedule["type"] == "reduce_on_plateau":
        assert len(set(rates)) > 1  # it has fallen before the best epoch
        assert rates == [record.number("learning_rate") for record in first][: len(final)]
    else:
        assert rates == pytest.approx([record.number("learning_rate") for record in first][: len(final)], rel=0.2)
        assert rates == sorted(rates, reverse=True)


def test_thresholds_and_calibration_are_those_of_the_first_training(folder: Path) -> None:
    decision = {"threshold": "f1", "calibration": "temperature"}
    run = run_of(folder, "decided", config(decision=decision), FINAL)
    final, first = Checkpoint.load(run.best).header, Checkpoint.load(run.validated).header
    assert final.decision == first.decision is not None
    report = run.read_summary().decision
    assert report is not None
    assert set(report.scores) == {"validation", "test"}
    changed = train(resume=run.path, overrides=["decision.threshold=0.9"], threads=1)
    assert changed.trained
    decided = Checkpoint.load(run.best).header
    assert decided.all_rows
    assert decided.decision is not None
    assert [one.value for one in decided.decision.thresholds] == [0.9]


@pytest.mark.parametrize(
    "calls", [20, 45, *(pytest.param(calls, marks=pytest.mark.exhaustive) for calls in (3, 37, 40, 50))]
)
def test_a_resumed_run_ends_with_the_same_bits(tmp_path: Path, calls: int) -> None:
    for name in ("straight", "stopped"):
        (tmp_path / name).mkdir()
        experiment(tmp_path / name)
    straight = RunDirectory(trained(tmp_path / "straight", FINAL))
    stopped = RunDirectory(partly_trained(tmp_path / "stopped", calls, FINAL))
    assert stopped.read_summary().status == "interrupted"
    assert stopped.final.exists() == (calls > 36)  # six epochs of six looks
    partly_trained(tmp_path / "stopped", 10**6)
    assert stopped.read_summary().status == "finished"
    for file in ("best", "last", "validated", "final"):
        assert vectors(getattr(straight, file)) == vectors(getattr(stopped, file))
    plain = [
        [{**json.loads(line), "seconds": 0} for line in run.metrics.read_text().splitlines()]
        for run in (straight, stopped)
    ]
    assert plain[0] == plain[1]


def test_a_finished_run_is_not_trained_again_and_its_files_stay(whole: RunDirectory) -> None:
    before = whole.best.read_bytes()
    assert not train(resume=whole.path, threads=1).trained
    assert whole.best.read_bytes() == before


def test_a_final_training_can_be_added_and_taken_back(folder: Path, plain: RunDirectory, whole: RunDirectory) -> None:
    run = run_of(folder, "switched", config())
    assert train(resume=run.path, overrides=[FINAL], threads=1).trained
    assert vectors(run.best) == vectors(whole.best)
    assert train(resume=run.path, overrides=["training.final=null"], threads=1).trained
    assert vectors(run.best) == vectors(plain.best)
    assert run.read_summary().final_training is None
    assert not run.final.exists()
    assert not list(run.records.read(final=True))


def test_a_first_training_that_continues_has_another_final_one(folder: Path) -> None:
    short = run_of(folder, "short", config(), FINAL, "training.epochs=3")
    assert Checkpoint.load(short.best).header.score.epoch == 3
    train(resume=short.path, overrides=[f"training.epochs={EPOCHS}"], threads=1)
    straight = run_of(folder, "straight", config(), FINAL)
    assert vectors(short.best) == vectors(straight.best)
    assert [one.epoch for one in short.records.read(True)] == [one.epoch for one in straight.records.read(True)]


def test_a_run_is_reproduced_in_both_trainings(whole: RunDirectory) -> None:
    found = Reproduction(whole)
    list(found.run(threads=1))
    assert found.identical
    assert list(found.weights) == ["last", "validated", "final", "best"]
    assert found.epochs == EPOCHS + (whole.read_summary().best_epoch or 0)


def test_a_final_model_that_differs_is_found(folder: Path) -> None:
    run = run_of(folder, "nudged", config(), FINAL)
    nudge_weights(run.path, "best")
    found = Reproduction(run)
    list(found.run(threads=1))
    assert [name for name, weights in found.weights.items() if not weights.identical] == ["best"]


def test_a_run_stopped_within_its_final_training_is_reproduced_that_far(tmp_path: Path) -> None:
    run = RunDirectory(partly_trained(experiment(tmp_path), 39, FINAL))
    found = Reproduction(run)
    list(found.run(threads=1))
    assert found.identical
    assert list(found.weights) == ["last", "validated", "final"]


def test_each_member_of_folds_then_trains_on_all_rows(tmp_path: Path) -> None:
    settings = ["ensemble={members: 3, folds: true}", "layers=[{units: 5}]", FINAL]
    run = RunDirectory(trained(experiment(tmp_path), *settings))
    (tmp_path / "alone").mkdir()
    best = run.read_summary().best_epoch
    alone = RunDirectory(
        trained(
            experiment(tmp_path / "alone"),
            "ensemble={members: 3}",
            "layers=[{units: 5}]",
            "data.split={validation: 0}",
            f"training.epochs={best}",
        )
    )
    assert vectors(run.best)["params"] == Checkpoint.load(alone.last).vectors["params"].tobytes()
    summary = run.read_summary()
    assert summary.final_training is not None
    assert summary.final_training.rows == summary.rows["train"] == 34
    found = evaluate_split(bpcli.load(run.path), "validation")  # out of fold, by the first training's members
    assert summary.best is not None
    assert found.report.scores["accuracy"] == pytest.approx(summary.best.values["validation_accuracy"])


def test_a_final_training_needs_validation_rows(folder: Path) -> None:
    document = config("all.csv", data={**config("all.csv")["data"], "split": {"column": "part", "validation": 0}})
    with pytest.raises(MismatchError, match="there are no validation rows, by which the number of epochs is found"):
        prepared(folder, **{**document, "training": {**document["training"], "final": "all_rows"}})


def test_categories_of_validation_rows_alone_have_inputs_of_their_own(tmp_path: Path) -> None:
    colours = ["red"] * 15 + ["blue"] * 15 + ["green"] * 15 + ["red"] * 15
    write_csv(tmp_path / "t.csv", {"colour": colours, "b": B, "part": PARTS, "y": NOISY})
    run = run_of(tmp_path, "run", config(), FINAL)
    first, final = (Checkpoint.load(path).network.n_in for path in (run.validated, run.best))
    assert final == first + 1
    train(resume=run.path, overrides=[f"training.epochs={EPOCHS + 2}"], threads=1)
    assert Checkpoint.load(run.best).network.n_in == final


def test_a_run_that_starts_from_a_model_starts_its_final_training_there_too(folder: Path, plain: RunDirectory) -> None:
    settings = (f"start_from={{checkpoint: {plain.path}}}", FINAL, "training.epochs=4")
    run = run_of(folder, "warm", config(), *settings)
    cold = run_of(folder, "cold", config(), FINAL, "training.epochs=4")
    losses = [next(iter(one.records.read(final=True))).number("train_loss") for one in (run, cold)]
    assert losses[0] is not None
    assert losses[1] is not None
    assert losses[0] < losses[1] - 0.05
    header = Checkpoint.load(run.best).header
    assert header.warm_start is not None
    run.final.unlink()
    of = open_run(run)
    assert of.final is not None
    assert of.final.plan.initial_parameters.keys() == {
        f"layers.{name}" for name in ("0.weight", "0.bias", "1.scale", "1.shift", "3.weight", "3.bias")
    }


def test_a_final_training_that_diverges_keeps_the_best_model_of_the_first(
    folder: Path, monkeypatch: pytest.MonkeyPatch, plain: RunDirectory
) -> None:
    from bpcli.jobs import final_training

    def diverging(*_: Any, **__: Any) -> Any:
        raise DivergedError("diverged")
        yield

    monkeypatch.setattr(final_training, "train", diverging)
    with pytest.raises(DivergedError):
        run_of(folder, "diverged", config(), FINAL)
    run = RunDirectory(folder / "diverged")
    assert run.read_summary().status == "diverged"
    assert vectors(run.best) == vectors(plain.best)


def test_an_unknown_final_training_is_refused_with_its_place(folder: Path) -> None:
    with pytest.raises(ConfigError, match=r"training\.final: must be 'all_rows'"):
        run_of(folder, "unknown", config(), "training.final=everything")


def test_check_says_how_many_rows_the_final_training_has(folder: Path) -> None:
    (folder / "check.json").write_text(json.dumps(config()))
    found = command("check", folder / "check.json", "--set", FINAL).ok()
    assert found.out.endswith(
        "\nfinal training on all 45 rows that are not test rows, for the best epoch\nready to train\n"
    )
    assert json.loads(command("check", folder / "check.json", "--set", FINAL, "--json").ok().out)["final_rows"] == 45
    assert "final" not in command("check", folder / "check.json").ok().out


def test_train_says_when_the_final_training_begins_and_what_came_out(folder: Path) -> None:
    (folder / "said.json").write_text(json.dumps(config()))
    found = command("train", folder / "said.json", "--set", FINAL, "--run-dir", folder / "said").ok()
    best = RunDirectory(folder / "said").read_summary().best_epoch
    assert f"final epoch {best}/{best}  train_loss 0." in found.err
    assert f"\nfinal training, {best} epochs on all 45 rows that are not test rows, in " in found.out
    page = folder / "said.html"
    command("report", folder / "said", "--output", page).ok()
    assert f"Final training, {best} epochs on all 45 rows that are not test rows" in page.read_text()


def test_inspect_says_where_the_final_model_has_seen_the_rows(tmp_path: Path, whole: RunDirectory) -> None:
    untested = [part if part != "test" else "train" for part in PARTS]
    table(tmp_path, "t.csv", untested)
    run = run_of(tmp_path, "run", config(), FINAL)
    note = "note: the final model, which is explained, has trained on these validation rows too\n"
    assert note in command("inspect", run.path).ok().err
    assert note not in command("inspect", whole.path).ok().err
