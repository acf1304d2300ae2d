"""The versions that are supported: said in several places, and the same in all of them."""

from __future__ import annotations

import subprocess
import sys
import tomllib

from commands import ROOT

DOCUMENT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PROJECT = DOCUMENT["project"]
PREFIX = "Programming Language :: Python :: "
PYTHONS = [line.removeprefix(PREFIX) for line in PROJECT["classifiers"] if line.startswith(PREFIX)]


def test_the_oldest_python_is_the_same_everywhere() -> None:
    oldest = PYTHONS[0]
    assert PROJECT["requires-python"] == f">={oldest}"
    assert DOCUMENT["tool"]["ruff"]["target-version"] == f"py{oldest.replace('.', '')}"
    assert f"You need Python {oldest} or later" in (ROOT / "README.md").read_text()


def test_pythons_are_listed_in_order_without_a_gap() -> None:
    minors = [int(version.removeprefix("3.")) for version in PYTHONS]
    assert minors == list(range(minors[0], minors[-1] + 1))


def test_the_lowest_version_of_each_dependency_is_known() -> None:
    done = subprocess.run([sys.executable, ROOT / ".ci" / "lowest.py"], capture_output=True, text=True, check=True)
    lowest = dict(line.split("==") for line in done.stdout.splitlines())
    extras = PROJECT["optional-dependencies"]
    used = ("tables", "excel", "sql", "zst", "fast", "images", "mpi", "plot", "tensorboard", "baselines", "tune")
    needed = [*PROJECT["dependencies"], *(one for extra in used for one in extras[extra])]
    assert lowest == dict(one.split(">=") for one in [*needed, *DOCUMENT["build-system"]["requires"]])
    assert lowest["numpy"] == "2.0"
