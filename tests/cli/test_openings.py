"""No command reads its data twice: it reads the file once for the header, once for the digest, once for the table.

Before the header and before the table a few bytes are looked at, for the format; before training the beginning of the
text, for its dialect.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from commands import CONFIGS, PENGUINS, bpcli

HEADER, DIGEST, TABLE, DIALECT = 2, 1, 2, 2

_watched: list[tuple[str, list[str]]] = []


def _hook(event: str, arguments: tuple[object, ...]) -> None:
    if event == "open" and isinstance(arguments[0], str | os.PathLike):
        for name, found in _watched:
            if Path(arguments[0]).name == name:
                found.append(name)


sys.addaudithook(_hook)  # for the whole process, as Python cannot remove one


@contextmanager
def openings(name: str) -> Iterator[list[str]]:
    """An entry for each time that a file of this name is opened."""
    found: list[str] = []
    _watched.append((name, found))
    try:
        yield found
    finally:
        _watched.remove((name, found))


def train(folder: Path, run: str, *settings: str) -> Path:
    options = [part for setting in (f"data.path={folder / 'data.csv'}", *settings) for part in ("--set", setting)]
    train = ("train", CONFIGS / "penguins.yaml", "--quiet", "--run-dir", folder / run, "--set", "training.epochs=2")
    bpcli(*train, *options).ok()
    return folder / run


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs on a file of their own: one that reads fewer columns, and one that reads a column as another kind."""
    folder = tmp_path_factory.mktemp("openings")
    shutil.copy(PENGUINS, folder / "data.csv")
    shutil.copy(PENGUINS, folder / "new.csv")
    with (folder / "new.csv").open("a") as file:
        file.write("Adelie,Dream,40.1,18.2,190,3700,male,2010\n")
    train(folder, "a")
    train(folder, "b", "layers=[{units: 4}]")
    train(folder, "fewer", "data.exclude=[year, island]")
    train(folder, "other", "data.columns={flipper_length_mm: {type: categorical}}", "data.exclude=[]")
    return folder


@pytest.mark.parametrize(
    "command",
    [
        ("inspect", "a"),
        ("report", "a", "--output", "-"),
        ("evaluate", "a"),
        ("evaluate", "a", "--split", "train"),
        ("trace", "a"),
        ("trace", CONFIGS / "penguins.yaml", "--set", "data.path=DATA", "--row", "7"),
        ("check", CONFIGS / "penguins.yaml", "--set", "data.path=DATA"),
        ("gradcheck", CONFIGS / "penguins.yaml", "--set", "data.path=DATA", "--set", "layers=[]"),
        ("compare", "a", "b"),
        ("compare", "a", "b", "fewer"),
        ("compare", "fewer", "a"),
    ],
    ids=lambda command: " ".join(map(str, command[:3])),
)
def test_header_digest_and_table_are_read_once(command: tuple[object, ...], folder: Path) -> None:
    arguments = [f"data.path={folder / 'data.csv'}" if part == "data.path=DATA" else part for part in command]
    with openings("data.csv") as opened:
        bpcli(*arguments, cwd=folder).ok()
    prepares = command[0] in ("trace", "check", "gradcheck")
    assert len(opened) == HEADER + DIGEST + TABLE + (DIALECT if prepares else 0)


def test_training_and_reproducing_it_read_once_each(folder: Path) -> None:
    with openings("data.csv") as opened:
        run = train(folder, "again")
    assert len(opened) == HEADER + DIGEST + TABLE + DIALECT
    with openings("data.csv") as opened:
        bpcli("reproduce", run).ok()
    assert len(opened) == HEADER + DIGEST + TABLE + DIALECT


def test_a_recipe_and_the_selection_share_one_reading(folder: Path) -> None:
    with openings("data.csv") as opened:
        train(folder, "by_recipe", "recipe=quick")
    assert len(opened) == HEADER + DIGEST + TABLE + DIALECT


def test_a_column_that_two_models_read_as_two_kinds_is_read_twice_and_the_rest_once(folder: Path) -> None:
    with openings("data.csv") as opened:
        compared = bpcli("compare", "a", "other", "--json", cwd=folder).ok().json
    assert len(opened) == HEADER + DIGEST + 2 * TABLE
    for run in ("a", "other"):
        alone = bpcli("evaluate", run, "--json", cwd=folder).ok().json
        assert compared["scores"][run] == {key: alone[key] for key in compared["scores"][run]}


def test_other_data_is_read_once_for_all_models(folder: Path) -> None:
    with openings("new.csv") as opened:
        bpcli("evaluate", "a", "--data", "new.csv", cwd=folder).ok()
    assert len(opened) == HEADER + DIGEST + TABLE  # the digest tells whether the rows were trained on
    with openings("new.csv") as opened:
        compared = bpcli("compare", "a", "fewer", "b", "--data", "new.csv", "--json", cwd=folder).ok().json
    assert len(opened) == HEADER + DIGEST + TABLE
    for run in ("a", "fewer", "b"):
        alone = bpcli("evaluate", run, "--data", "new.csv", "--json", cwd=folder).ok().json
        assert compared["scores"][run] == {key: alone[key] for key in compared["scores"][run]}
