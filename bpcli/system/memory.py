"""How much memory there is, and refusing work that would need more."""

from __future__ import annotations

import os
from pathlib import Path

from bpcli.errors import MemoryLimitError


def available_memory() -> int:
    """Bytes that can be allocated now: what the system says is free for use, or what the control group leaves."""
    limits = [os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")]
    meminfo = Path("/proc/meminfo")
    if meminfo.exists():
        fields = dict(line.split(":", 1) for line in meminfo.read_text().splitlines() if ":" in line)
        if "MemAvailable" in fields:
            limits.append(int(fields["MemAvailable"].split()[0]) * 1024)
    group = Path("/sys/fs/cgroup")
    try:
        limit = (group / "memory.max").read_text().strip()
        if limit != "max":
            limits.append(int(limit) - int((group / "memory.current").read_text()))
    except (OSError, ValueError):
        pass  # no control group, or one of the first version: the system's own figure stands
    return max(min(limits), 0)


def require_memory(needed: int, purpose: str, remedy: str) -> None:
    """Raise MemoryLimitError when `needed` bytes are more than there are."""
    available = available_memory()
    if needed > available:
        raise MemoryLimitError(
            f"{purpose} needs {shown_bytes(needed)}, but {shown_bytes(available)} are available; {remedy}"
        )


def shown_bytes(count: int) -> str:
    """`1.5 MB`: powers of 1000, as on a disk's label."""
    size = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:,.1f} TB"
