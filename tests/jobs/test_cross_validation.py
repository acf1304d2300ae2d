"""Series of folds: names, settings, resuming, and intervals of the mean scores of the test rows."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from series_runs import checkpointed, config_with, listed

from bpcli.errors import UsageError
from bpcli.jobs.cross_validation import METHOD, CrossValidation, FoldsReport
from bpcli.jobs.series import Outcome
from bpcli.jobs.variants import Variant
from bpcli.storage.records import Summary
from bpcli.storage.run_directory import RunDirectory


def names_and_settings(runs: list[Variant]) -> dict[str, tuple[str, ...]]:
    return {run.path.name: run.settings for run in runs}


def test_each_run_tests_another_fold_of_one_split(tmp_path: Path) -> None:
    runs = CrossValidation(3).variants(tmp_path / "p", config_with(seed=4))
    assert names_and_settings(runs) == {
        f"p-fold{fold}": ("data.split.test=null", f"data.split.fold={fold}/3", "data.split.seed=4")
        for fold in (1, 2, 3)
    }
    assert [run.label for run in runs] == ["fold 1", "fold 2", "fold 3"]
    assert runs[1].numbers == (("repeat", 1), ("fold", 2))


def test_a_repeat_draws_its_folds_with_the_next_seed_of_the_split(tmp_path: Path) -> None:
    runs = CrossValidation(2, 3).variants(tmp_path / "p", config_with({"seed": 7}, seed=4))
    seeds = {name: settings[-1] for name, settings in names_and_settings(runs).items()}
    assert seeds == {
        "p-fold1": "data.split.seed=7",
        "p-fold2": "data.split.seed=7",
        "p-repeat2-fold1": "data.split.seed=8",
        "p-repeat2-fold2": "data.split.seed=8",
        "p-repeat3-fold1": "data.split.seed=9",
        "p-repeat3-fold2": "data.split.seed=9",
    }
    assert [run.label for run in runs][1:3] == ["repeat 1, fold 2", "repeat 2, fold 1"]


def test_in_order_of_time_folds_have_no_seed_and_no_repeats(tmp_path: Path) -> None:
    config = config_with({"order": "time"})
    runs = CrossValidation(2).variants(tmp_path / "p", config)
    assert [run.settings for run in runs] == [("data.split.test=null", f"data.split.fold={fold}/2") for fold in (1, 2)]
    with pytest.raises(UsageError, match=r"--repeats: with data\.split\.order: time, folds are not drawn; omit it"):
        CrossValidation(2, 2).variants(tmp_path / "p", config)


def test_existing_runs_are_found_in_order_and_resumed_with_the_same_settings(tmp_path: Path) -> None:
    for name in ("p-repeat2-fold1", "p-fold10", "p-fold2", "p-folds.csv", "p-seed1", "p-fold2-old"):
        checkpointed(tmp_path / name)
    stem = tmp_path / "p"
    series = CrossValidation(12, 2)
    assert [run.path.name for run in series.resumable(stem)] == ["p-fold2", "p-fold10", "p-repeat2-fold1"]
    fresh = series.variants(stem, config_with({"seed": 5}))
    known = {run.path.name: run for run in fresh}
    for name, seed in (("p-fold2", 5), ("p-repeat2-fold1", 6)):
        there = config_with({"seed": seed, "fold": "1/12"})
        assert series.variants(stem, there, known[name]) == fresh


def test_runs_of_another_number_of_folds_are_refused(tmp_path: Path) -> None:
    known = CrossValidation(5).variants(tmp_path / "p", config_with())[1]
    with pytest.raises(UsageError, match=r"--folds 4: .*p-fold2 is fold 2/5; give the same number"):
        CrossValidation(4).variants(tmp_path / "p", config_with({"fold": "2/5"}), known)
    with pytest.raises(UsageError, match=r"--folds 4: .*p-fold2 is no fold; give the same number"):
        CrossValidation(4).variants(tmp_path / "p", config_with(), known)


def test_the_notes_say_what_is_tested_and_that_a_share_is_not_used() -> None:
    series = CrossValidation(4)
    assert series.notes(config_with({"test": 0.2})) == [
        "data.split.test, 0.2, is not used: the test rows are those of the fold",
        "each run tests another fold of the rows, and learns from the others",
    ]
    assert series.notes(config_with({"order": "time"})) == [
        "the second half of the rows is tested in 4 parts, each by a run on all rows before it"
    ]


def outcome(run: Variant, rows: dict[str, int], test: dict[str, float | None], **changes: Any) -> Outcome:
    """A finished run, with its rows on disk."""
    RunDirectory.create(run.path).write_summary(Summary(rows=rows))
    return Outcome(run, 0, listed(run.path, test, **changes))


@pytest.fixture
def report(tmp_path: Path) -> FoldsReport:
    series = CrossValidation(3)
    first, second, third = series.variants(tmp_path / "p", config_with())
    outcomes = [
        outcome(first, {"train": 50, "validation": 10, "test": 30}, {"accuracy": 0.8, "roc_auc": 0.5}, loss=1.0),
        outcome(second, {"train": 60, "validation": 0, "test": 30}, {"accuracy": 0.81, "roc_auc": None}, loss=2.0),
        Outcome(third, 139, None),
    ]
    return FoldsReport(tmp_path / "p", outcomes, series, None)


def test_the_interval_is_that_of_the_corrected_resampled_t(report: FoldsReport) -> None:
    assert report.test_to_train == 0.5
    # 0.805 ± t(0.95, 1) · s · √(1/2 + 30/60), with s = 0.01/√2
    margin = 12.706204736 * 0.01 / 2**0.5
    assert report.intervals == {"test_accuracy": pytest.approx((0.805 - margin, 0.805 + margin), rel=1e-9)}
    assert list(report.shown) == ["test_accuracy", "test_roc_auc"]


def test_an_interval_stays_in_the_range_of_its_metric(tmp_path: Path) -> None:
    series = CrossValidation(2)
    runs = series.variants(tmp_path / "p", config_with())
    rows = {"train": 50, "test": 50}
    tests = [{"accuracy": 0.8, "mse": 1.0, "r2": 0.5, "mcc": 0.1, "loss": 1.0}]
    tests.append({name: value - 0.2 for name, value in tests[0].items()})
    outcomes = [outcome(run, rows, {**test}) for run, test in zip(runs, tests, strict=True)]
    intervals = FoldsReport(tmp_path / "p", outcomes, series, None).intervals
    margin = 12.706204736 * 0.2 / 2**0.5 * 1.5**0.5
    assert intervals["test_accuracy"] == (0.0, 1.0)
    assert intervals["test_mse"] == (0.0, pytest.approx(0.9 + margin))
    assert intervals["test_r2"] == (pytest.approx(0.4 - margin), 1.0)
    assert intervals["test_mcc"] == (-1.0, 1.0)
    assert intervals["test_loss"] == (pytest.approx(0.9 - margin), pytest.approx(0.9 + margin))


def test_the_document_has_repeat_and_fold_of_every_run_and_intervals_of_test_metrics(report: FoldsReport) -> None:
    named = replace(report, predictions=Path("p-folds.csv"))
    document = json.loads(json.dumps(named.to_json(), allow_nan=False))
    assert [(run["repeat"], run["fold"], run["exit_code"]) for run in document["runs"]] == [
        (1, 1, 0),
        (1, 2, 0),
        (1, 3, 139),
    ]
    assert (document["folds"], document["repeats"], document["finished"]) == (3, 1, 2)
    assert document["interval"] == {"confidence": 0.95, "method": METHOD, "test_to_train": 0.5}
    assert document["predictions"] == "p-folds.csv"
    metrics = document["metrics"]
    assert metrics["test_accuracy"]["interval"] == list(report.intervals["test_accuracy"])
    assert metrics["test_roc_auc"]["interval"] is None
    assert metrics["validation_loss"] == {"mean": 1.5, "std": 0.5**0.5, "min": 1.0, "max": 2.0, "count": 2}


def test_without_a_finished_run_there_is_no_interval_and_no_table(tmp_path: Path) -> None:
    series = CrossValidation(2)
    outcomes = [Outcome(run, 5, None) for run in series.variants(tmp_path / "p", config_with())]
    document = series.report(tmp_path / "p", outcomes).to_json()
    assert (document["finished"], document["metrics"], document["predictions"]) == (0, {}, None)
    assert list(tmp_path.iterdir()) == []
