from pathlib import Path
from typing import Any

import pytest

from bpcli.errors import ExitCode, MemoryLimitError
from bpcli.system import memory
from bpcli.system.memory import available_memory, require_memory, shown_bytes


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
    assert str(caught.value) == "reading needs 1.0 kB, but 1.0 kB are available; read less"
    assert caught.value.exit_code == ExitCode.MEMORY == 9


class Files:
    """The files that tell how much memory there is, made up."""

    def __init__(self, texts: dict[str, str]) -> None:
        self.texts = texts

    def path(self, *parts: str) -> Any:
        texts, name = self.texts, "/".join(parts)

        class Made:
            def exists(self) -> bool:
                return name in texts

            def read_text(self) -> str:
                if name not in texts:
                    raise FileNotFoundError(name)
                return texts[name]

            def __truediv__(self, other: str) -> Any:
                return files.path(name, other)

        files = self
        return Made()


@pytest.mark.parametrize(
    ("limit", "current", "available"),
    [("max", "10", 2048), ("5000", "4000", 1000), ("5000", "6000", 0), ("9999", "1", 2048), (None, "", 2048)],
)
def test_a_control_group_may_leave_less_than_the_system_has(
    monkeypatch: pytest.MonkeyPatch, limit: str | None, current: str, available: int
) -> None:
    texts = {"/proc/meminfo": "MemTotal:  9 kB\nMemAvailable:  2 kB\n"}
    if limit is not None:
        texts |= {"/sys/fs/cgroup/memory.max": limit + "\n", "/sys/fs/cgroup/memory.current": current + "\n"}
    monkeypatch.setattr(memory, "Path", Files(texts).path)
    assert available_memory() == available


def test_where_the_system_does_not_say_it_is_what_there_is_in_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "Path", Files({}).path)
    monkeypatch.setattr(memory.os, "sysconf", {"SC_PHYS_PAGES": 10, "SC_PAGE_SIZE": 4096}.__getitem__)
    assert available_memory() == 40960
    assert isinstance(Path(), Path)
