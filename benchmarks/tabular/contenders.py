"""Who is measured: recipes of bpcli by its own commands, and peers with their defaults."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol

from benchmarks.harness import Failed, run_child
from benchmarks.tabular.scores import score

RECIPES = {"bpcli": "", "classic": "--recipe classic"}
"""Options by name: words with = are overrides of `bpcli train`, all others belong to `bpcli init`."""

PEERS = {
    "scikit-learn": "scikit-learn",
    "LightGBM": "lightgbm",
    "CatBoost": "catboost",
    "RealMLP-TD": "pytabkit",
    "RealMLP-TD-S": "pytabkit",
    "TabM": "pytabkit",
}
"""Distributions by the peer's name."""

QUICK_PEERS = ("scikit-learn", "LightGBM", "CatBoost")
"""Those that are compared with unless others are named: the rest takes minutes a table."""


@dataclass(frozen=True)
class Measured:
    """Scores of one training, and CPU seconds."""

    scores: dict[str, float]
    cpu: float


class Contender(Protocol):
    """Somebody who learns from train.csv and predicts test.csv of a folder."""

    @property
    def name(self) -> str:
        """As in the tables."""

    @property
    def definition(self) -> str:
        """Options that it is measured with."""

    @property
    def version(self) -> str:
        """Version of its code."""

    def measure(self, folder: Path, seed: int) -> Measured:
        """Learn, predict and score once; raises Failed."""


@dataclass(frozen=True)
class Cached:
    """A contender of whom results are looked up and none are measured."""

    name: str
    definition: str
    version: str

    def measure(self, folder: Path, seed: int) -> Measured:
        """Raise Failed."""
        raise Failed("not in the cache")


@dataclass(frozen=True)
class Recipe:
    """bpcli of one environment, with options."""

    name: str
    definition: str
    version: str
    python: str

    def measure(self, folder: Path, seed: int) -> Measured:
        """`bpcli init`, `train` and `predict`; CPU of the last two, each a whole process."""
        bpcli = [self.python, "-P", "-m", "bpcli"]
        words = shlex.split(self.definition)
        overrides = [part for word in words if _is_override(word) for part in ("--set", word)]
        options = [word for word in words if not _is_override(word)]
        classes = _described(folder)["classes"]
        with TemporaryDirectory() as scratch:
            config, run, output = (str(Path(scratch, name)) for name in ("config.yaml", "run", "predictions.csv"))
            begin = [str(folder / "train.csv"), "--target", "y", "--output", config, "--no-cache", *options]
            run_child([*bpcli, "init", *begin], 1, pinned=False)
            work = [config, "--run-dir", run, "--threads", "1", "--no-cache", "--quiet", *overrides]
            trained = run_child([*bpcli, "train", *work], 1, pinned=False)
            ask = [str(folder / "test.csv"), "--checkpoint", run, "--output", output]
            ask += ["--probabilities"] if classes else []
            predicted = run_child([*bpcli, "predict", *ask], 1, pinned=False)
            scores = score(folder / "test.csv", Path(output), classes)
        return Measured(scores, trained.cpu + predicted.cpu)


@dataclass(frozen=True)
class Peer:
    """A peer of one environment, with its defaults."""

    name: str
    version: str
    python: str
    definition: str = ""

    def measure(self, folder: Path, seed: int) -> Measured:
        """Fit and predict in a process of its own; CPU of these two calls alone."""
        with TemporaryDirectory() as scratch:
            output = Path(scratch, "predictions.csv")
            child = [self.python, "-m", "benchmarks.peers.tabular_peer", self.name, str(folder), str(output), str(seed)]
            done = run_child(child, 1, pinned=False)
            return Measured(score(folder / "test.csv", output, _described(folder)["classes"]), done.result["cpu"])


def recipes(definitions: Mapping[str, str], python: str) -> list[Recipe]:
    """Recipes with the version of bpcli that an interpreter imports: its number and a digest of its sources."""
    program = (
        "import bpcli, hashlib, pathlib, json; from bpcli._version import __version__ as number;"
        "root = pathlib.Path(bpcli.__file__).parent;"
        "texts = [path.read_bytes() for path in sorted(root.rglob('*.py'))];"
        "print(json.dumps(number + '+' + hashlib.sha256(b''.join(texts)).hexdigest()[:8]))"
    )
    version = run_child([python, "-P", "-c", program]).result
    return [Recipe(name, definition, version, python) for name, definition in definitions.items()]


def peers(names: Iterable[str], python: str) -> tuple[list[Peer], list[str]]:
    """The peers that an interpreter has, and a note for each of the others."""
    program = (
        "import json, sys; from importlib.metadata import distributions;"
        "print(json.dumps({d.metadata['Name'].lower(): d.version for d in distributions()}))"
    )
    versions = run_child([python, "-c", program]).result
    chosen = list(names)
    found = [Peer(name, versions[PEERS[name]], python) for name in chosen if PEERS[name] in versions]
    missing = [name for name in chosen if PEERS[name] not in versions]
    return found, [f"{name}: left out, {PEERS[name]} is not installed." for name in missing]


def _described(folder: Path) -> dict[str, list[str]]:
    described: dict[str, list[str]] = json.loads((folder / "table.json").read_text())
    return described


def _is_override(word: str) -> bool:
    return "=" in word and not word.startswith("-")
