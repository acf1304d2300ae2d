"""`bpcli runs` with filters, and `--prune`: what is listed, what is deleted, and what is refused."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from commands import bpcli
from small_runs import experiment, trained


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return trained(experiment(tmp_path_factory.mktemp("one")), "training.epochs=1")


@pytest.fixture
def folder(one: Path, tmp_path: Path) -> Path:
    """A folder of the config with three runs, the last of which has another target."""
    shutil.copytree(one.parent, tmp_path / "all")
    shutil.rmtree(tmp_path / "all/run")
    for number, name in enumerate("abc"):
        run = Path(shutil.copytree(one, tmp_path / "all/runs" / name))
        summary = (run / "summary.json").read_text()
        (run / "summary.json").write_text(summary.replace('"started_at": "20', f'"started_at": "2{9 - number}'))
    config = run / "config.yaml"
    config.write_text(config.read_text().replace("target: y", "target: z").replace("name: small", "name: other"))
    return tmp_path / "all"


def listed(folder: Path, *options: str) -> list[str]:
    return [run["name"] for run in bpcli("runs", "--json", *options, cwd=folder).ok().json["runs"]]


def test_runs_are_chosen_by_target_status_and_config(folder: Path) -> None:
    assert listed(folder) == ["a", "b", "c"]
    assert listed(folder, "--target", "z") == ["c"]
    assert listed(folder, "--config", "sm*l") == ["a", "b"]
    assert listed(folder, "--config", "other.yaml") == ["c"]
    assert listed(folder, "--config", "c.json") == ["a", "b"]  # whose name is small
    assert listed(folder, "--status", "died") == []
    none = bpcli("runs", "--target", "q", cwd=folder)
    assert (none.code, none.out, none.err) == (0, "", "note: no runs that match in runs\n")


def test_prune_lists_and_deletes_only_when_told_to(folder: Path) -> None:
    would = bpcli("runs", "--prune", "--keep", "2", cwd=folder).ok()
    assert [line.split()[:2] for line in would.out.splitlines()] == [["run", "status"], ["c", "finished"]]
    assert would.err.startswith("note: would delete 1 run, ")
    assert would.err.endswith("; add --yes to delete\n")
    assert listed(folder) == ["a", "b", "c"]
    done = bpcli("runs", "--prune", "--keep", "1", "--config", "small", "--yes", "--json", cwd=folder).ok().json
    assert [(run["name"], run["deleted"]) for run in done["prune"]] == [("b", True)]
    assert listed(folder) == ["a", "c"]
    assert bpcli("runs", "--prune", "--keep", "2", cwd=folder).ok().err == "note: nothing to delete\n"


def test_what_is_kept_is_said(folder: Path) -> None:
    (folder / "runs/a/mine.txt").touch()
    result = bpcli("runs", "--prune", "--older-than", "0m", "--yes", cwd=folder).ok()
    assert "note: kept: a: holds 'mine.txt', not written by training\n" in result.err
    assert "note: deleted 2 runs, " in result.err
    assert listed(folder) == ["a"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--prune"], "--prune: say which runs, by --keep N, --older-than AGE or --status STATUS"),
        (["--yes"], "--yes belongs to --prune"),
        (["--keep", "3"], "--keep belongs to --prune"),
        (["--prune", "--older-than", "7 days"], "--older-than '7 days': must be a number and w, d, h or m, such as 7d"),
        (["--prune", "--keep", "1", "--csv"], "--prune and --csv exclude each other; use --json"),
    ],
)
def test_options_that_do_not_go_together_are_refused(folder: Path, options: list[str], message: str) -> None:
    result = bpcli("runs", *options, cwd=folder)
    assert (result.code, result.err) == (2, f"error: {message}\n")
    assert listed(folder) == ["a", "b", "c"]
