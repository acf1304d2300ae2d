"""Series of runs in this process."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import pytest
from commands import bpcli

from bpcli.jobs.side_by_side import child_command
from bpcli.jobs.variants import Variant


@pytest.fixture
def in_process(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Commands of a series run one by one in this process. The list is of how many were to run at once."""
    found: list[int] = []

    def one_by_one(
        commands: Mapping[Variant, Sequence[str]],
        at_once: int,
        stop: Callable[[], int | None],
        say: Callable[[Variant, str], None],
        killed: Callable[[Variant, int], None],
    ) -> dict[Variant, int]:
        found.append(at_once)
        codes = {}
        for run, command in commands.items():
            assert command == child_command(command[3:])
            result = bpcli(*command[3:])
            for line in result.err.splitlines():
                say(run, line)
            codes[run] = result.code
        return codes

    monkeypatch.setattr("bpcli.jobs.side_by_side.train_side_by_side", one_by_one)
    return found
