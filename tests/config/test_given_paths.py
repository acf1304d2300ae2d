"""Files named by `--set`: which of two folders they come from, and what is said if both have them."""

from __future__ import annotations

from pathlib import Path

import pytest
from commands import bpcli
from small_runs import experiment, trained

from bpcli.config.loading import LoadedConfig, load_config

CONFIG = "data: {path: t.csv, target: y}\n"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current directory, beside the folder of the config, `configs`."""
    (tmp_path / "here").mkdir()
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs" / "c.yaml").write_text(CONFIG)
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "here"


def loaded(*overrides: str) -> LoadedConfig:
    return load_config(Path("../configs/c.yaml"), overrides)


def test_a_path_of_set_starts_from_the_current_directory(here: Path) -> None:
    (here / "new.csv").touch()
    assert loaded("data.path=new.csv").config.data.path == str(here / "new.csv")
    assert loaded("data={train: new.csv, test: new.csv, target: y}").config.data.test == str(here / "new.csv")
    assert loaded("data.path=[new.csv, absent.csv]").config.data.path == (
        str(here / "new.csv"),
        str(here / "absent.csv"),
    )
    assert loaded("data={url: 'sqlite:///new.csv', query: q, target: y}").config.data.url == f"sqlite:///{here}/new.csv"


def test_a_path_in_the_file_starts_from_its_folder(here: Path) -> None:
    (here / "t.csv").touch()
    assert loaded("training.epochs=2").config.data.path == "t.csv"
    assert loaded("data.target=z").config.data.path == "t.csv"


def test_a_file_that_only_the_folder_of_the_config_has_is_found_there(here: Path) -> None:
    (here.parent / "configs" / "old.csv").touch()
    found = loaded("data.path=old.csv")
    assert (found.config.data.path, found.notes) == ("old.csv", [])
    assert loaded("data.path=o*.csv").config.data.path == "o*.csv"


def test_a_name_of_two_files_means_the_one_in_the_current_directory_and_is_noted(here: Path) -> None:
    for folder in (here, here.parent / "configs"):
        (folder / "both.csv").touch()
    found = loaded("data.path=both.csv")
    assert found.config.data.path == str(here / "both.csv")
    assert found.notes == ["--set data.path: both.csv is in the current directory, which is used, and in ../configs"]


def test_patterns_start_from_a_current_directory_whose_name_looks_like_one(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    strange = here / "a[b]"
    strange.mkdir()
    (strange / "one.csv").touch()
    monkeypatch.chdir(strange)
    data = load_config(here.parent / "configs" / "c.yaml", ["data.path='*.csv'"]).config.data
    assert [path for path, _ in data.sources(here.parent / "configs")] == [strange / "one.csv"]


def test_a_file_that_is_nowhere_is_missing_in_the_current_directory(here: Path) -> None:
    result = bpcli("check", "../configs/c.yaml", "--set", "data.path=absent.csv", cwd=here)
    assert (result.code, result.err) == (3, f"error: {here / 'absent.csv'}: no such file\n")


def test_a_resumed_run_takes_data_from_where_the_user_is(tmp_path: Path) -> None:
    run = trained(experiment(tmp_path), "training.epochs=2")
    (tmp_path / "moved").mkdir()
    (tmp_path / "t.csv").rename(tmp_path / "moved" / "t.csv")
    options = ("--set", "data.path=t.csv", "--set", "training.epochs=3", "--json")
    result = bpcli("train", "--resume", run, *options, cwd=tmp_path / "moved")
    assert result.json["epochs"] == 3
    assert "path: ../moved/t.csv" in (run / "config.yaml").read_text()
