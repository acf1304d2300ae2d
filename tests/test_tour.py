"""The tour in docs/ goes as it says: each command ends well and prints what stands there, numbers aside."""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from commands import CONFIGS, DATASETS, ROOT, bpcli

TOUR = (ROOT / "docs" / "tour.md").read_text()
BLOCKS = "▁▂▃▄▅▆▇█" + "".join(map(chr, range(0x2801, 0x2900)))  # the last are Braille
NUMBER = re.compile(r"[-+]?\d[\d,]*(\.\d+)?(e[-+]?\d+)?")


def steps() -> Iterator[tuple[str, list[str]]]:
    """Every command of bpcli, with the lines under it."""
    for block in re.findall(r"```console\n(.*?)```", TOUR, re.DOTALL):
        for step in block.split("$ ")[1:]:
            command, *lines = step.rstrip().split("\n")
            if command.startswith("bpcli "):
                yield command, lines


def words(lines: list[str]) -> list[str]:
    """What does not hang on the machine: no digits and widths, no curves, no lines that come once a second."""
    kept = (line for line in lines if not any(block in line for block in BLOCKS) and not line.startswith("epoch "))
    masked = (re.sub(r"[ *^]+", " ", NUMBER.sub("#", line)).strip() for line in kept)
    return sorted(line for line in masked if line)  # on a screen, standard output and error are in one order


def test_every_command_prints_what_the_tour_shows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for folder in (CONFIGS, DATASETS):
        shutil.copytree(folder, tmp_path / folder.name)
    monkeypatch.setenv("COLUMNS", "100")
    taken = 0
    for command, shown in steps():
        result = bpcli(*shlex.split(command)[1:], cwd=tmp_path)
        assert result.code == (6 if "stop_when" in command else 0), result.err
        assert words((result.out + result.err).splitlines()) == words(shown), command
        taken += 1
    assert taken >= 10
