"""Series of seeds: names, settings, order, and the document on all of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from series_runs import checkpointed, config_with, listed, unbegun

from bpcli.errors import CheckpointError
from bpcli.jobs.seeds import Seeds
from bpcli.jobs.series import Outcome
from bpcli.jobs.variants import Variant


def run(stem: Path, seed: int) -> Variant:
    name = f"seed{seed}"
    return Variant(f"seed {seed}", (("seed", seed),), (f"seed={seed}",), stem.with_name(f"{stem.name}-{name}"))


def test_seeds_follow_that_of_the_config_and_directories_are_named_after_the_stem(tmp_path: Path) -> None:
    stem = tmp_path / "a.b"
    assert Seeds(2).variants(stem, config_with(seed=9)) == [run(stem, 9), run(stem, 10)]


def test_runs_of_a_stem_are_found_in_the_order_of_their_seeds_and_resumed_from_the_lowest(tmp_path: Path) -> None:
    for name in ("p-seed10", "p-seed9", "pp-seed1", "p-seed", "p-seedx", "p-seed3-old", "p-fold1"):
        checkpointed(tmp_path / name)
    stem = tmp_path / "p"
    assert Seeds(3).resumable(stem) == [run(stem, 9), run(stem, 10)]
    assert Seeds(3).variants(stem, config_with(seed=10), run(stem, 10)) == [run(stem, seed) for seed in (9, 10, 11)]


def test_a_stem_without_runs_is_an_error(tmp_path: Path) -> None:
    for stem in (tmp_path / "nothing", tmp_path / "no" / "folder"):
        with pytest.raises(CheckpointError, match=f"^{stem}: no run directories nothing-seedN|folder-seedN"):
            Seeds(2).resumable(stem)


def test_seeds_that_all_died_before_a_checkpoint_have_nothing_to_resume_from(tmp_path: Path) -> None:
    directory = unbegun(tmp_path / "p-seed0")
    message = "p: no seed has a checkpoint to resume from; start again with bpcli train --seeds"
    with pytest.raises(CheckpointError, match=message):
        Seeds(2).resumable(tmp_path / "p")
    assert directory.config.exists()
    checkpointed(tmp_path / "p-seed1")
    assert [one.label for one in Seeds(2).resumable(tmp_path / "p")] == ["seed 0", "seed 1"]


def test_the_document_has_every_seed_and_of_those_without_a_run_the_exit_code() -> None:
    first, second = run(Path("p"), 0), run(Path("p"), 1)
    outcomes = [
        Outcome(first, 0, listed(first.path, {"accuracy": 1.0, "roc_auc": 0.75}, positive="yes")),
        Outcome(second, 8, None),
    ]
    report = Seeds(2).report(Path("p"), outcomes)
    document = json.loads(json.dumps(report.to_json(), allow_nan=False))
    assert list(document) == ["stem", "finished", "positive", "runs", "metrics"]
    assert (document["stem"], document["finished"], document["positive"]) == ("p", 1, "yes")
    assert document["runs"] == [
        {
            "seed": 0,
            "run_directory": "p-seed0",
            "exit_code": 0,
            "status": "finished",
            "epochs": 4,
            "best": {"epoch": 1, "validation_loss": 0.0},
            "test": {"accuracy": 1.0, "roc_auc": 0.75},
        },
        {"seed": 1, "run_directory": "p-seed1", "exit_code": 8},
    ]
    assert document["metrics"]["test_accuracy"] == {"mean": 1.0, "std": None, "min": 1.0, "max": 1.0, "count": 1}
