"""Linux control groups, versions 1 and 2: the memory and CPU time available to this process."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

PROC = Path("/proc")

_UNLIMITED = 1 << 62
"""Memory limits of version 1 from here on mean no limit: the kernel writes its largest value."""

_MOUNT = re.compile(r"\S+ \S+ \S+ (?P<root>\S+) (?P<point>\S+) .*- (?P<kind>cgroup2?) \S+ (?P<options>\S+)")
"""Line of `mountinfo`."""

_FIELD = re.compile(r"^(hierarchical_memory_limit|(?:total_)?(?:in)?active_file) ([0-9]{1,19})$", re.MULTILINE)
"""Line of `memory.stat` with a field used here."""


class ControlGroup(NamedTuple):
    """Folder of the cgroup file system."""

    version: int
    folder: Path

    def text(self, name: str) -> str:
        """Content of a file; empty if it is missing or unreadable."""
        return read_text(self.folder / name)

    def number(self, name: str) -> int | None:
        """Number in a file; None for other content, such as `max`."""
        return _number(self.text(name))

    def statistics(self) -> dict[str, int]:
        """Fields of `memory.stat`, in bytes."""
        return {name: int(digits) for name, digits in _FIELD.findall(self.text("memory.stat"))}


def control_groups(controller: str, proc: Path = PROC) -> Iterator[ControlGroup]:
    """Yield the visible groups of this process from the innermost outwards, up to the root of the mount.

    Hybrid systems have groups of both versions. If the process's own group is not visible, as in a container that
    mounts its part of the hierarchy under another name, the root of the mount is the nearest visible group.
    """
    lines = read_text(proc / "self/mountinfo").split("\n")
    mounts = [mount for line in lines if " - cgroup" in line and (mount := _MOUNT.fullmatch(line))]
    for line in read_text(proc / "self/cgroup").split("\n"):
        hierarchy, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if hierarchy == "0":
            version, fitting = 2, [mount for mount in mounts if mount["kind"] == "cgroup2"]
        elif controller in controllers.split(","):
            version, fitting = 1, [mount for mount in mounts if controller in mount["options"].split(",")]
        else:
            continue
        points = [(_unescaped(mount["root"]), Path(_unescaped(mount["point"]))) for mount in fitting]
        for folder in _ancestors(path, points):
            yield ControlGroup(version, folder)


def group_memory(proc: Path = PROC) -> int | None:
    """Available memory in bytes under the tightest limit, negative if exceeded; None without a limit.

    Page cache is charged to the group that first read the file. The kernel reclaims it before it kills a process,
    including active pages, such as those of a file read twice. Shared memory and tmpfs are on other lists. Swap is
    not counted, as in MemAvailable.
    """
    left = [_memory_left(group) for group in control_groups("memory", proc)]
    return min((size for size in left if size is not None), default=None)


def group_cores(proc: Path = PROC) -> float | None:
    """CPU seconds per second that the tightest quota allows; None without a quota."""
    allowed = [_quota(group) for group in control_groups("cpu", proc)]
    return min((cores for cores in allowed if cores is not None), default=None)


def read_text(path: Path) -> str:
    """Content of a kernel file; empty if it is missing or unreadable."""
    try:
        with path.open("rb", buffering=0) as file:  # half the system calls of a text stream
            return file.read().decode("utf-8", "surrogateescape")
    except OSError:
        return ""


def _ancestors(path: str, mounts: list[tuple[str, Path]]) -> Iterator[Path]:
    """Yield the folders of a group and its ancestors. Mounts are pairs of a group's path and its mount point."""
    # The mount with the highest root shows the most groups.
    for root, point in sorted(mounts, key=lambda mount: len(mount[0])):
        above = root.rstrip("/") + "/"
        if ".." in path.split("/") or not f"{path}/".startswith(above):
            continue  # above the root of the control group namespace, or outside of this mount
        folder = point / path[len(above) :]
        if folder.is_dir():
            yield folder
            while folder != point:
                folder = folder.parent
                yield folder
            return
    yield from (point for _, point in mounts)


def _unescaped(field: str) -> str:
    """Unescape a path of `mountinfo`, where blanks and backslashes are octal escapes."""
    return re.sub(r"\\([0-7]{3})", lambda code: chr(int(code[1], 8)), field)


def _memory_left(group: ControlGroup) -> int | None:
    if group.version == 1:
        # The lowest limit up to the root of the hierarchy, including groups invisible to a container.
        limits = [group.statistics().get("hierarchical_memory_limit")]
        usage, prefix = "memory.usage_in_bytes", "total_"  # the other fields leave out the groups within
    else:
        # Above memory.high nothing is killed, but allocations are throttled for seconds: training would seem to hang.
        limits = [group.number("memory.max"), group.number("memory.high")]
        usage, prefix = "memory.current", ""
    limit = min((limit for limit in limits if limit is not None), default=_UNLIMITED)
    if limit >= _UNLIMITED or (used := group.number(usage)) is None:
        return None
    statistics = group.statistics()
    return limit - used + sum(statistics.get(f"{prefix}{pages}_file", 0) for pages in ("inactive", "active"))


def _quota(group: ControlGroup) -> float | None:
    if group.version == 1:
        quota, period = group.number("cpu.cfs_quota_us"), group.number("cpu.cfs_period_us")
    else:
        allowed, _, per = group.text("cpu.max").partition(" ")
        quota, period = _number(allowed), _number(per)
    return quota / period if quota and period else None


def _number(text: str) -> int | None:
    """Parse a whole number of ASCII digits; None for anything else, such as -1 for no quota."""
    digits = text.strip()
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 20 else None
