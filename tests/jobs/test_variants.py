"""Runs of one config with settings of their own: directories, commands, and what they resume."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from commands import bpcli
from series_runs import checkpointed, unbegun
from small_runs import experiment, partly_trained

from bpcli.config.loading import load_config
from bpcli.errors import ExistsError
from bpcli.jobs.seeds import Seeds
from bpcli.jobs.variants import Variant, require_none
from bpcli.storage.run_directory import RunDirectory


def variant(path: Path) -> Variant:
    return Variant("seed 7", (("seed", 7),), ("seed=7", "dtype=float64"), path)


def test_a_run_has_begun_with_its_first_checkpoint_and_what_is_left_of_one_that_has_not_is_removed(
    tmp_path: Path,
) -> None:
    assert not variant(tmp_path / "none").has_started()
    assert variant(checkpointed(tmp_path / "begun")).has_started()
    died = unbegun(tmp_path / "died")
    assert not variant(died.path).has_started()
    assert not died.path.exists()


def test_an_existing_path_is_refused(tmp_path: Path) -> None:
    paths = [tmp_path / "p-seed0", tmp_path / "p-seed1"]
    require_none(paths)
    (tmp_path / "p-seed1").symlink_to(tmp_path / "gone")
    with pytest.raises(ExistsError, match=r"p-seed1: .*exists"):
        require_none(paths)


def test_a_run_is_resumed_where_it_was_and_otherwise_begins(tmp_path: Path) -> None:
    config, common = tmp_path / "c.yaml", ["--set", "training.epochs=3", "--threads", "1"]
    own = ["--set", "seed=7", "--set", "dtype=float64"]
    for path in (tmp_path / "none", unbegun(tmp_path / "died").path):
        fresh = ["train", str(config), *common, *own, "--run-dir", str(path)]
        assert variant(path).arguments(config, common) == fresh
        assert variant(path).arguments(config, common, resume=True) == fresh
    begun = checkpointed(tmp_path / "begun")
    assert variant(begun).arguments(config, common, resume=True) == ["train", "--resume", str(begun), *common]


def test_a_seed_resumed_or_begun_again_by_its_command_is_the_run_that_it_would_have_been(tmp_path: Path) -> None:
    folder = experiment(tmp_path)
    config = folder / "c.json"
    for seed in (0, 1):
        bpcli("train", config, "-q", "--set", f"seed={seed}", "--run-dir", folder / f"whole{seed}").ok()
    stopped = partly_trained(folder, 9).rename(folder / "p-seed0")
    died = unbegun(folder / "p-seed1").path
    for run in Seeds(2).variants(folder / "p", load_config(config).config):
        bpcli(*run.arguments(config, ["-q"], resume=True)).ok()
    for seed, path in enumerate((stopped, died)):
        best, whole_best = (at / "checkpoints/best.safetensors" for at in (path, folder / f"whole{seed}"))
        assert best.read_bytes() == whole_best.read_bytes()
        records = [(at / "metrics.jsonl").read_text().splitlines() for at in (path, folder / f"whole{seed}")]
        timeless = [[{**json.loads(line), "seconds": 0} for line in lines] for lines in records]
        assert timeless[0] == timeless[1]
    assert not RunDirectory(died).crash_log.exists()
