import os
from pathlib import Path
from typing import Any

import pytest
from commands import python

from bpcli.errors import ExitCode, MemoryLimitError
from bpcli.system import memory
from bpcli.system.memory import address_space, available_memory, require_memory, shown_bytes


@pytest.mark.parametrize(
    ("count", "shown"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (1_500_000, "1.5 MB"), (2.5e9, "2.5 GB"), (3e15, "3,000.0 TB")],
)
def test_bytes_are_shown_in_powers_of_a_thousand(count: Any, shown: str) -> None:
    assert shown_bytes(int(count)) == shown


def test_there_is_memory() -> None:
    assert available_memory() > 1 << 20


def test_work_that_fits_is_not_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "available_memory", lambda: 1000)
    require_memory(1000, "reading", "read less")
    with pytest.raises(MemoryLimitError) as caught:
        require_memory(1001, "reading", "read less")
    assert str(caught.value) == "reading needs 1.0 kB, but only 1.0 kB is available; read less"
    assert caught.value.exit_code == ExitCode.MEMORY == 9


def test_where_the_system_does_not_say_it_is_what_there_is_in_all(tmp_path: Path) -> None:
    assert available_memory(tmp_path) == os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def test_the_limits_on_a_process_are_less_what_it_has_taken(tmp_path: Path) -> None:
    assert address_space() is None  # without a limit, nothing is read
    asked = (
        "import resource; from bpcli.system.memory import address_space\n"
        "resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30)); first = address_space()\n"
        "taken = bytearray(256 << 20); print(first, first - address_space())"
    )
    first, taken = map(int, python(asked, cwd=tmp_path).split())
    assert 2 << 30 < first < 4 << 30
    assert 256 << 20 <= taken < (256 + 64) << 20
