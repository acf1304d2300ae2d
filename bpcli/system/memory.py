"""Available memory, and refusal of work that would need more."""

from __future__ import annotations

import os
import re
import resource
from pathlib import Path

from bpcli.errors import MemoryLimitError
from bpcli.system.control_groups import PROC, group_memory, read_text

_PAGE = os.sysconf("SC_PAGE_SIZE")

_LIMITED = {resource.RLIMIT_AS: 0, resource.RLIMIT_DATA: 5}
"""Resource limits of a process, and the field of `statm` with the usage of each."""

WORTH_ASKING = 1 << 20
"""Bytes below which availability is not checked, since a check takes up to a millisecond."""

_UNUSED = 128 << 20
"""Address space that libraries and threads reserve but hardly use.

OpenBLAS reserves 32 MiB and the stack 8 MiB per thread, malloc up to 64 MiB. On two cores, training failed with 57 MB
to spare, but not with 87 MB. OpenBLAS exits the process if an allocation fails.
"""


def available_memory(proc: Path = PROC) -> int:
    """Bytes that can be allocated now: the minimum over system, control groups and resource limits."""
    left = [os.sysconf("SC_PHYS_PAGES") * _PAGE, _system_memory(proc), group_memory(proc), address_space(proc)]
    return max(min(size for size in left if size is not None), 0)


def address_space(proc: Path = PROC) -> int | None:
    """Bytes left by the limits on address space and data (`ulimit -v`, `ulimit -d`); None without limits."""
    limits = {field: resource.getrlimit(limited)[0] for limited, field in _LIMITED.items()}
    limits = {field: limit for field, limit in limits.items() if limit != resource.RLIM_INFINITY}
    pages = read_text(proc / "self/statm").split() if limits else []
    if len(pages) < 7 or not all(map(str.isdecimal, pages)):  # not Linux
        return None
    return min(limit - int(pages[field]) * _PAGE for field, limit in limits.items()) - _UNUSED


def require_memory(needed: int, purpose: str, remedy: str, unused: int = 0) -> None:
    """Raise MemoryLimitError unless `needed` bytes, and `unused` more of address space, are available."""
    available, space = available_memory(), address_space()
    if space is not None:
        space -= unused
        available = min(available, max(space, 0))
    if needed > available:
        raise MemoryLimitError(
            f"{purpose} needs {shown_bytes(needed)}, but only {shown_bytes(available)} is available"
            f"{_where(available, space)}; {remedy}"
        )


def _where(available: int, space: int | None) -> str:
    """Name of the limit that is in force, if it is not the system's memory."""
    if space is not None and space <= available:
        return " under the limits of ulimit"
    group = group_memory()
    # Approximately, since other processes of the group may have allocated or freed memory meanwhile.
    return " in this control group" if group is not None and group <= available + WORTH_ASKING else ""


def _system_memory(proc: Path) -> int | None:
    """Bytes that the system can provide without swapping."""
    found = re.search(r"^MemAvailable: +([0-9]+) kB$", read_text(proc / "meminfo"), re.MULTILINE)
    return int(found[1]) * 1024 if found else None


def shown_bytes(count: int) -> str:
    """Size in powers of 1000: `1.5 MB`."""
    size = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:,.1f} TB"
