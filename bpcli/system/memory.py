"""Memory that is available, and refusal of work that would need more."""

from __future__ import annotations

import os
import re
import resource
from pathlib import Path

from bpcli.errors import MemoryLimitError
from bpcli.system.control_groups import PROC, group_memory, read_text

_PAGE = os.sysconf("SC_PAGE_SIZE")

_UNUSED = 128 << 20
"""Address space that libraries and threads reserve and hardly use: OpenBLAS 32 MiB and the stack 8 MiB per thread, and
malloc up to 64 MiB. On two cores, training failed with 57 MB to spare, and not with 87 MB. OpenBLAS ends the process
itself when it gets none."""


def available_memory(proc: Path = PROC) -> int:
    """Bytes that can be allocated now: the least of what system, control groups and resource limits leave."""
    left = [os.sysconf("SC_PHYS_PAGES") * _PAGE, _system_memory(proc), group_memory(proc), address_space(proc)]
    return max(min(size for size in left if size is not None), 0)


def address_space(proc: Path = PROC) -> int | None:
    """Bytes that the limits on address space and data (`ulimit -v`, `ulimit -d`) leave for use; None without either."""
    try:
        size, *_, data, _ = map(int, read_text(proc / "self/statm").split())
    except ValueError:
        return None  # not Linux
    left = [
        limit - used * _PAGE - _UNUSED
        for limit, used in (
            (resource.getrlimit(resource.RLIMIT_AS)[0], size),
            (resource.getrlimit(resource.RLIMIT_DATA)[0], data),
        )
        if limit != resource.RLIM_INFINITY
    ]
    return min(left, default=None)


def require_memory(needed: int, purpose: str, remedy: str, unused: int = 0) -> None:
    """Raise MemoryLimitError when `needed` bytes, and as address space `unused` ones beside them, are not available."""
    available = available_memory()
    if unused and (space := address_space()) is not None:
        available = min(available, max(space - unused, 0))
    if needed > available:
        raise MemoryLimitError(
            f"{purpose} needs {shown_bytes(needed)}, but {shown_bytes(available)} are available; {remedy}"
        )


def _system_memory(proc: Path) -> int | None:
    """Bytes that the system can give without swapping."""
    found = re.search(r"^MemAvailable: +([0-9]+) kB$", read_text(proc / "meminfo"), re.MULTILINE)
    return int(found[1]) * 1024 if found else None


def shown_bytes(count: int) -> str:
    """`1.5 MB`: powers of 1000, as on a disk's label."""
    size = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:,.1f} TB"
