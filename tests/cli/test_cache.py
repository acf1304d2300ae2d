"""Commands that read tables take them from the user's cache, and with --no-cache they do not touch it."""

from pathlib import Path

import pytest
from commands import CONFIGS, PENGUINS, bpcli

from bpcli.data.files import source as data_files

TRAIN = ("train", CONFIGS / "penguins.yaml", "--set", "training.epochs=1", "--quiet", "--json")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a cache that takes files of any size."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(data_files, "CACHED_FROM", 0)
    return tmp_path / "cache" / "bpcli" / "tables"


@pytest.mark.parametrize(
    "command",
    [
        ("init", PENGUINS, "--target", "species"),
        ("check", CONFIGS / "penguins.yaml", "--json"),
        ("evaluate", "RUN", "--json"),
        ("evaluate", "RUN", "--data", PENGUINS, "--json"),
    ],
    ids=["init", "check", "evaluate", "evaluate --data"],
)
def test_results_are_the_same_with_the_cache_and_without(
    command: tuple[object, ...], folder: Path, penguins_run: Path
) -> None:
    arguments = [penguins_run if argument == "RUN" else argument for argument in command]
    without = bpcli(*arguments, "--no-cache").ok()
    assert not folder.exists()
    assert bpcli(*arguments).ok() == without
    assert len(list(folder.iterdir())) == 1
    assert bpcli(*arguments).ok() == without


def test_training_is_the_same_with_the_cache_and_without(tmp_path: Path, folder: Path) -> None:
    without = bpcli(*TRAIN, "--run-dir", tmp_path / "0", "--no-cache").ok().json
    assert not folder.exists()
    for run in ("1", "2"):
        assert bpcli(*TRAIN, "--run-dir", tmp_path / run).ok().json["final"] == without["final"]
        first, again = (tmp_path / name / "checkpoints" / "best.safetensors" for name in ("0", run))
        assert first.read_bytes() == again.read_bytes()
    assert len(list(folder.iterdir())) == 1


def test_what_a_run_has_read_its_evaluation_does_not_read_again(tmp_path: Path, folder: Path) -> None:
    rows = "".join(
        f"{number % 7},{'ab'[number % 2]},{number},{'no' if number % 3 else 'YES'}\n" for number in range(60)
    )
    (tmp_path / "t.csv").write_text(f"n,c,id,paid\n{rows}")
    (tmp_path / "t.yaml").write_text("data: {path: t.csv, target: paid, exclude: [id]}\ntraining: {epochs: 1}\n")
    bpcli("train", tmp_path / "t.yaml", "--run-dir", tmp_path / "run", "--quiet").ok()
    kept = set(folder.iterdir())
    bpcli("evaluate", tmp_path / "run").ok()
    bpcli("check", tmp_path / "t.yaml").ok()
    assert set(folder.iterdir()) == kept
