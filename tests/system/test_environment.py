"""The recorded environment of a run, and the differences of two records."""

from __future__ import annotations

import platform
from pathlib import Path

import numpy as np
import pytest
from threadpoolctl import threadpool_info

from bpcli import __version__
from bpcli.system import environment
from bpcli.system.environment import environment_changes
from bpcli.system.openblas import may_be_numpys


def test_versions_are_recorded_beside_what_the_machine_computes_with():
    found = environment.environment(compiled=False)
    assert (found["bpcli"], found["numpy"], found["python"]) == (
        __version__,
        np.__version__,
        platform.python_version(),
    )
    for library in threadpool_info():
        if library["user_api"] == "blas" and may_be_numpys(library):
            assert f"{library['internal_api']} {library['version']}" in found["blas"]
    assert found["system"].startswith(f"{platform.system()} {platform.machine()}")
    assert all(found.values())
    assert environment.environment(compiled=True).keys() - found.keys() == {"numba"}


def test_a_machine_that_does_not_name_its_processor_has_an_architecture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    info = tmp_path / "cpuinfo"
    monkeypatch.setattr(environment, "_CPU_INFO", info)
    assert environment.environment(False)["processor"] == platform.machine()
    info.write_text("processor\t: 0\nvendor_id\t: x\n")
    assert environment.environment(False)["processor"] == platform.machine()
    info.write_text("processor\t: 0\nmodel name\t: Abacus: 9\nprocessor\t: 1\nmodel name\t: other\n")
    assert environment.environment(False)["processor"] == "Abacus: 9"


@pytest.mark.parametrize(
    ("was", "now", "changes"),
    [
        ({"numpy": "2"}, {"numpy": "2"}, {}),
        ({"numpy": "1"}, {"numpy": "2"}, {"numpy": ("1", "2")}),
        ({}, {"numpy": "2"}, {}),  # not recorded at that time
        ({"numpy": "2"}, {"numpy": "2", "numba": "1"}, {"numba": (None, "1")}),
        ({"numpy": "2", "numba": "1"}, {"numpy": "2"}, {"numba": ("1", None)}),
    ],
)
def test_changes_are_of_what_was_recorded_and_of_what_is_optional(
    was: dict[str, str], now: dict[str, str], changes: dict[str, tuple[str | None, str | None]]
):
    assert environment_changes(was, now) == changes
