"""Every shipped experiment, and more that together use all there is, train to the bits of version 0.1."""

from __future__ import annotations

from pathlib import Path

import pytest
from golden.make_bits import ARITHMETIC, GROUPS, recorded, train_group


@pytest.mark.parametrize("whole", [False, pytest.param(True, marks=pytest.mark.exhaustive)], ids=["sample", "whole"])
@pytest.mark.parametrize("group", GROUPS)
def test_training_gives_the_recorded_bits_with_one_thread_and_with_two(group: str, whole: bool, tmp_path: Path):
    """The sample leaves experiments out, and trains with one thread only where steps are divided among threads."""
    compiled = group == "compiled"
    if compiled:
        pytest.importorskip("numba")
    trained = train_group(tmp_path, group, whole)
    assert {name for name, run in trained.items() if any(bits != run.bits[2] for bits in run.bits.values())} == set()
    assert {name for name, run in trained.items() if ("numba" in run.versions) != compiled} == set()
    versions = next(iter(trained.values())).versions
    for entry in recorded():
        if all(entry["environment"][key] == versions.get(key) for key in (*ARITHMETIC, *["numba"] * compiled)):
            found = {name: run.bits[2] for name, run in trained.items()}
            assert found == {name: bits for name, bits in entry["bits"][group].items() if whole or name in found}
            return
    pytest.skip(f"no bits are recorded for {', '.join(versions[key] for key in ARITHMETIC)}; see make_bits.py")
