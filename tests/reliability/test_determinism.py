"""The same config gives the same bits: again, in another environment, at another place, on other threads."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from commands import ROOT, bpcli
from experiments import write_csv

from bpcli.config.loading import load_config
from bpcli.experiment.prepare import prepare
from bpcli.storage.checkpoint import Checkpoint

SMALL: dict[str, Any] = {
    "layers": [{"units": 8}, {"type": "batch_norm"}, {"type": "dropout", "rate": 0.2}, {"units": 4}],
    "optimizer": {"type": "adam", "learning_rate": 0.01},
    "training": {"epochs": 4, "batch_size": 16},
}
SHARDED: dict[str, Any] = {
    "layers": [{"units": 512}, {"type": "dropout", "rate": 0.2}, {"units": 512}],
    "training": {"epochs": 1, "batch_size": 128},
}
LONG: dict[str, dict[str, Any]] = {
    "small": {**SMALL, "layers": [{"units": 8}, {"units": 4}], "training": {"epochs": 4, "batch_size": 1}},
    "sharded": {**SHARDED, "training": {"epochs": 4, "batch_size": 128}},
}
"""Of LONG_ROWS rows an epoch takes so long that machine code pays."""

LONG_ROWS = 6000


class Training(NamedTuple):
    """One way to start the same training."""

    environment: dict[str, str]
    options: tuple[str, ...] = ()


VARIANTS = {
    "again": Training({}),
    "hash seed 0": Training({"PYTHONHASHSEED": "0"}),
    "hash seed 4711": Training({"PYTHONHASHSEED": "4711"}),
    "time zone": Training({"TZ": "Pacific/Kiritimati"}),
    "Turkish, where I is no i": Training({"LC_ALL": "tr_TR.UTF-8", "LANG": "tr_TR.UTF-8"}),
    "plain ASCII": Training({"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}),
    "1 thread": Training({"OPENBLAS_NUM_THREADS": "1"}, ("--threads", "1")),
    "2 threads": Training({}, ("--threads", "2")),
    "5 threads": Training({}, ("--threads", "5")),
    "2 threads of BLAS": Training({"OPENBLAS_NUM_THREADS": "2", "OMP_NUM_THREADS": "2", "MKL_NUM_THREADS": "2"}),
    "data read anew": Training({}, ("--no-cache",)),
    "optimized Python": Training({"PYTHONOPTIMIZE": "2"}),
}


def at_once(*names: str) -> Training:
    """Several variants in one process."""
    ways = [VARIANTS[name] for name in names]
    return Training(
        {key: value for way in ways for key, value in way.environment.items()},
        tuple(option for way in ways for option in way.options),
    )


TOGETHER = {
    "all at once": at_once(
        "hash seed 4711", "time zone", "Turkish, where I is no i", "5 threads", "2 threads of BLAS", "data read anew",
        "optimized Python",
    ),
    "all that is least at once": at_once("hash seed 0", "plain ASCII", "1 thread"),
}  # fmt: skip
"""Variants of the default run. The exhaustive one has each by itself, to say which it is that changes a bit."""


def experiment(folder: Path, changes: dict[str, Any], rows: int = 400) -> Path:
    """A config in a folder of its own, and rows of numbers and names beside it."""
    random = np.random.default_rng(0)
    numbers = random.normal(size=(4, rows))
    names = [f"{name}é" for name in random.choice(["I", "i", "x"], rows)]
    target = [f"c{int(a > b) + int(c > 0.5)}" for a, b, c, _ in numbers.T]
    folder.mkdir(parents=True)
    write_csv(folder / "t.csv", {**dict(zip("abcd", numbers, strict=True)), "name": names, "y": target})
    config = {"name": "same", "data": {"path": "t.csv", "target": "y"}, **changes}
    (folder / "c.json").write_text(json.dumps(config))
    return folder / "c.json"


def trained(config: Path, run: Path, how: Training, cwd: Path, package: Path = ROOT) -> dict[str, str]:
    """The SHA-256 of each vector of both checkpoints, of a training in a process of its own."""
    inherited = {
        key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "LC_", "OPENBLAS_NUM"))
    }
    command = [sys.executable, "-m", "bpcli", "train", str(config), "--run-dir", str(run), "-q", *how.options]
    done = subprocess.run(
        command, cwd=cwd, env={**inherited, "PYTHONPATH": str(package), **how.environment}, capture_output=True
    )
    assert done.returncode == 0, done.stderr.decode()
    return digests(run)


def digests(run: Path) -> dict[str, str]:
    found = {}
    for name in ("last", "best"):
        for vector, values in Checkpoint.load(run / f"checkpoints/{name}.safetensors").vectors.items():
            found[f"{name}.{vector}"] = hashlib.sha256(values.tobytes()).hexdigest()
    return found


def records(run: Path) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    return [{key: value for key, value in line.items() if key != "seconds"} for line in lines]


NETWORKS = {"small": SMALL, "sharded": SHARDED}

SAMPLED = {(network, "all at once") for network in NETWORKS} | {("sharded", "all that is least at once")}


@pytest.fixture(scope="module", params=NETWORKS)
def reference(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A config, and a run of it in this process; the others have processes of their own."""
    config = experiment(tmp_path_factory.mktemp("reference") / "here", NETWORKS[request.param])
    run = config.parent / "reference"
    bpcli("train", config, "--run-dir", run, "-q").ok()
    return config, run


def test_the_sharded_network_is_sharded_and_the_small_one_is_not(reference: tuple[Path, Path]):
    loaded = load_config(reference[0])
    way = prepare(loaded.config, loaded.folder).plan.stepping.way
    assert (way == "sharded") is (len(loaded.config.layers) == len(SHARDED["layers"]))


@pytest.mark.parametrize(
    ("reference", "how"),
    [
        pytest.param(
            network, how, id=f"{network}, {way}", marks=() if (network, way) in SAMPLED else pytest.mark.exhaustive
        )
        for network in NETWORKS
        for way, how in {**VARIANTS, **TOGETHER}.items()
    ],
    indirect=["reference"],
)
def test_the_environment_does_not_change_a_bit(
    reference: tuple[Path, Path],
    tmp_path: Path,
    how: Training,
    record_property: Callable[[str, object], None],
):
    config, run = reference
    assert trained(config, tmp_path / "run", how, config.parent) == digests(run)
    assert records(tmp_path / "run") == records(run)
    record_property("cases", 1)


SMALL_BY_DEFAULT = pytest.mark.parametrize(
    "reference", ["small", pytest.param("sharded", marks=pytest.mark.exhaustive)], indirect=True
)


@SMALL_BY_DEFAULT
def test_another_checkout_at_another_path_does_not_change_a_bit(reference: tuple[Path, Path], tmp_path: Path):
    config, run = reference
    elsewhere = tmp_path / "another place, ünïcode"
    shutil.copytree(ROOT / "bpcli", elsewhere / "bpcli")  # with what Python compiled it to
    shutil.copytree(config.parent, elsewhere / "work/deep", ignore=shutil.ignore_patterns("reference"))
    there = trained(elsewhere / "work/deep/c.json", elsewhere / "run", Training({}), tmp_path, package=elsewhere)
    assert there == digests(run)
    assert records(elsewhere / "run") == records(run)


@SMALL_BY_DEFAULT
def test_another_seed_gives_other_bits(reference: tuple[Path, Path], tmp_path: Path):
    config, run = reference
    bpcli("train", config, "--run-dir", tmp_path / "run", "-q", "--set", "seed=1").ok()
    assert digests(tmp_path / "run")["last.params"] != digests(run)["last.params"]


@pytest.mark.exhaustive
@pytest.mark.parametrize("changes", LONG.values(), ids=LONG)
def test_machine_code_made_anew_in_each_place_gives_the_same_bits(
    tmp_path: Path, changes: dict[str, Any], record_property: Callable[[str, object], None]
):
    config = experiment(tmp_path / "here", changes, LONG_ROWS)
    loaded = load_config(config)
    assert prepare(loaded.config, loaded.folder).plan.stepping.compiled
    expected = trained(config, tmp_path / "reference", Training({}), tmp_path)
    ways = ("hash seed 4711", "Turkish, where I is no i", "2 threads", "2 threads of BLAS")
    for number, name in enumerate(ways):
        way = VARIANTS[name]
        fresh = Training({**way.environment, "NUMBA_CACHE_DIR": str(tmp_path / f"code{number}")}, way.options)
        assert trained(config, tmp_path / f"run{number}", fresh, tmp_path) == expected, name
        assert any((tmp_path / f"code{number}").rglob("*.nbi"))
    record_property("cases", len(ways))
