"""Configs by dotted path are the same, whether their sections are known from other runs or not."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from bpcli.errors import CheckpointError
from bpcli.storage.flat_config import FlatConfigs, flatten
from bpcli.storage.run_directory import RunDirectory

CONFIG = {
    "name": "small",
    "seed": 7,
    "data": {"path": "../t.csv", "target": "y", "query": "select 1\nfrom t\n", "missing": ["", "NA"]},
    "layers": [{"type": "dense", "units": 5}, {"type": "dropout", "rate": 0.1}],
    "initial_parameters": {},
    "training": {"epochs": 3, "goal": None},
}


def run_of(folder: Path, name: str, text: str | None = None, **changes: object) -> RunDirectory:
    run = RunDirectory.create(folder / name)
    if text is None:
        run.write_config({**CONFIG, **changes})
    else:
        run.config.write_text(text)
    return run


def test_runs_that_share_sections_are_read_as_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    runs = [
        run_of(tmp_path, "a"),
        run_of(tmp_path, "b", seed=8),
        run_of(tmp_path, "c", training={"epochs": 4, "goal": None}),
        run_of(tmp_path, "d", seed="007"),
    ]
    configs = FlatConfigs()
    found = [configs.read(run) for run in runs]
    assert found == [FlatConfigs().read(run) for run in runs]
    assert [flat["seed"] for flat in found] == [7, 8, 7, "007"]
    assert [flat["training.epochs"] for flat in found] == [3, 3, 4, 3]
    assert found[0] == {**flatten(CONFIG), "data.path": "t.csv"}


@pytest.mark.parametrize(
    "text",
    [
        "seed: 0o17\nname: a\n",
        "{name: a,\nseed: 3}\n",
        "---\nname: a\n# comment\nseed: 3\n",
        "name: 'a\n\n  b'\nseed: 3\n",
        'name: "a\nseed: 3"\n',
        "layers:\n- units: 1\n- units: 2\nname: |\n  seed: 4\n  b\n",
        "seed: 3\nseed: 4\n",
    ],
)
def test_edited_files_are_read_as_yaml(tmp_path: Path, text: str) -> None:
    run = run_of(tmp_path, "a", text)
    assert FlatConfigs().read(run) == flatten(yaml.safe_load(text))


@pytest.mark.parametrize("text", ["", "- a\n", "just text\n", "name: [\n", "a: &x 1\nb: *x\n", "name: \x00\n"])
def test_what_is_no_config_is_damaged(tmp_path: Path, text: str) -> None:
    with pytest.raises(CheckpointError, match=r"damaged: its config\.yaml"):
        FlatConfigs().read(run_of(tmp_path, "a", text))


def test_a_file_given_relative_to_a_linked_run_starts_where_the_link_leads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run_of(tmp_path / "else" / "where", "a")
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "link").symlink_to(tmp_path / "else" / "where" / "a")
    configs = FlatConfigs()
    assert configs.read(run_of(tmp_path / "runs", "b"))["data.path"] == "runs/t.csv"
    assert configs.read(RunDirectory(tmp_path / "runs" / "link"))["data.path"] == "else/where/t.csv"
