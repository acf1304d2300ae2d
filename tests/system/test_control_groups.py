"""Limits of control groups, in folders written like the kernel's, and in real groups."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from uuid import uuid4

import pytest
from commands import CONFIGS

from bpcli.system.control_groups import control_groups, group_cores, group_memory
from bpcli.system.memory import available_memory
from bpcli.system.threads import available_cores

NONE = "9223372036854771712"  # value of version 1 without a limit


def machine(
    folder: Path, cgroup: str, mounts: Sequence[tuple[str, str, str, str]], files: dict[str, str | int]
) -> Path:
    """Folder like /proc of a process in groups. Mounts are root, mount point below `folder`, kind and options."""
    proc = folder / "proc"
    (proc / "self").mkdir(parents=True)
    (proc / "self" / "cgroup").write_text(cgroup)
    lines = [
        f"{number} 1 0:{number} {root} {folder / point} rw,relatime shared:{number} - {kind} {kind} {options}\n"
        for number, (root, point, kind, options) in enumerate(mounts, 30)
    ]
    (proc / "self" / "mountinfo").write_text("25 1 8:1 / / rw - ext4 /dev/vda rw\n" + "".join(lines))
    (proc / "meminfo").write_text("MemTotal:       9000000 kB\nMemAvailable:   8000000 kB\n")
    for _, point, *_ in mounts:
        (folder / point).mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"{content}\n")
    return proc


UNIFIED = [("/", "cg", "cgroup2", "rw")]
MEMORY = [("/", "cg/memory", "cgroup", "rw,memory"), ("/", "cg/cpu", "cgroup", "rw,cpu,cpuacct")]


def test_the_least_of_all_groups_on_the_way_up_counts(tmp_path: Path) -> None:
    files = {
        "cg/a/b/memory.max": "max",
        "cg/a/b/memory.current": 100,
        "cg/a/memory.max": 5000,
        "cg/a/memory.current": 2000,
        "cg/memory.max": 9000,
        "cg/memory.current": 2500,
    }
    proc = machine(tmp_path, "0::/a/b\n", UNIFIED, files)
    assert [group.folder for group in control_groups("memory", proc)] == [
        tmp_path / "cg/a/b",
        tmp_path / "cg/a",
        tmp_path / "cg",
    ]
    assert group_memory(proc) == available_memory(proc) == 3000


def test_page_cache_can_be_reclaimed_and_what_is_above_high_is_not_given(tmp_path: Path) -> None:
    files = {
        "cg/a/memory.max": 9000,
        "cg/a/memory.high": 6000,
        "cg/a/memory.current": 5000,
        "cg/a/memory.stat": "anon 4000\nfile 900\ninactive_file 700\nactive_file 100\nshmem 100",
    }
    assert group_memory(machine(tmp_path, "0::/a\n", UNIFIED, files)) == 6000 - 5000 + 800


def test_a_group_of_the_first_version_says_what_its_hierarchy_leaves(tmp_path: Path) -> None:
    files = {
        "cg/memory/a/memory.limit_in_bytes": NONE,
        "cg/memory/a/memory.usage_in_bytes": 3000,
        "cg/memory/a/memory.stat": "inactive_file 1\nhierarchical_memory_limit 7000\ntotal_inactive_file 500",
        "cg/memory/memory.stat": f"hierarchical_memory_limit {NONE}",
        "cg/memory/memory.usage_in_bytes": 1 << 40,
    }
    assert group_memory(machine(tmp_path, "4:memory:/a\n1:cpu,cpuacct:/\n0::/\n", MEMORY, files)) == 4500


def test_a_hybrid_system_has_groups_of_both_versions(tmp_path: Path) -> None:
    mounts = [*MEMORY, ("/", "cg/unified", "cgroup2", "rw")]
    files = {
        "cg/memory/a/memory.stat": "hierarchical_memory_limit 7000",
        "cg/memory/a/memory.usage_in_bytes": 1000,
        "cg/unified/u/memory.max": 4000,
        "cg/unified/u/memory.current": 1000,
        "cg/cpu/memory.max": 1,
    }
    proc = machine(tmp_path, "4:memory:/a\n1:cpu,cpuacct:/\n0::/u\n", mounts, files)
    assert group_memory(proc) == 3000


@pytest.mark.parametrize("cgroup", ["0::/\n", "0::/kubepods/x\n", "0::/../sibling\n", "0::/gone\n"])
def test_a_container_that_sees_a_part_of_the_tree_is_bound_by_its_root(tmp_path: Path, cgroup: str) -> None:
    mounts = [("/kubepods/x", "cg", "cgroup2", "rw")]
    proc = machine(tmp_path, cgroup, mounts, {"cg/memory.max": 5000, "cg/memory.current": 1000})
    assert group_memory(proc) == 4000


def test_blanks_in_the_path_of_a_mount_are_read(tmp_path: Path) -> None:
    mounts = [("/", r"c\040g", "cgroup2", "rw")]
    proc = machine(tmp_path, "0::/a\n", mounts, {"c g/a/memory.max": 500, "c g/a/memory.current": 100})
    assert group_memory(proc) == 400


@pytest.mark.parametrize(
    "files",
    [
        {},
        {"cg/a/memory.max": "max", "cg/a/memory.current": 5},
        {"cg/a/memory.max": "lots", "cg/a/memory.current": 5},
        {"cg/a/memory.max": "", "cg/a/memory.current": ""},
        {"cg/a/memory.max": 7000},
        {"cg/a/memory.max": "9" * 40, "cg/a/memory.current": 5},
    ],
    ids=["no files", "none", "a word", "empty", "no usage", "too long"],
)
def test_what_says_no_limit_leaves_the_system_s(tmp_path: Path, files: dict[str, str | int]) -> None:
    proc = machine(tmp_path, "0::/a\n", UNIFIED, files)
    assert group_memory(proc) is None
    assert available_memory(proc) == min(8_000_000 * 1024, os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))


@pytest.mark.parametrize("text", ["", "nonsense", "0::", "::::", "\0", "a:b\n4:memory"])
def test_files_that_are_none_of_the_kernel_s_say_nothing(tmp_path: Path, text: str) -> None:
    proc = machine(tmp_path, text, UNIFIED, {})
    (proc / "self" / "mountinfo").write_text(text)
    assert (group_memory(proc), group_cores(proc)) == (None, None)


def test_more_than_the_limit_is_nothing_left(tmp_path: Path) -> None:
    files = {"cg/a/memory.max": 500, "cg/a/memory.current": 700}
    proc = machine(tmp_path, "0::/a\n", UNIFIED, files)
    assert (group_memory(proc), available_memory(proc)) == (-200, 0)


@pytest.mark.parametrize(
    ("files", "cores"),
    [
        ({"cg/a/cpu.max": "150000 100000", "cg/cpu.max": "max 100000"}, 1.5),
        ({"cg/a/cpu.max": "max 100000", "cg/cpu.max": "50000 100000"}, 0.5),
        ({"cg/a/cpu.max": "max 100000"}, None),
        ({"cg/a/cpu.max": "100000"}, None),
        ({"cg/a/cpu.max": "0 0"}, None),
    ],
)
def test_a_quota_of_the_second_version(tmp_path: Path, files: dict[str, str | int], cores: float | None) -> None:
    assert group_cores(machine(tmp_path, "0::/a\n", UNIFIED, files)) == cores


@pytest.mark.parametrize(("quota", "cores"), [(50000, 0.5), (250000, 2.5), (-1, None)])
def test_a_quota_of_the_first_version(tmp_path: Path, quota: int, cores: float | None) -> None:
    files: dict[str, str | int] = {"cg/cpu/a/cpu.cfs_quota_us": quota, "cg/cpu/a/cpu.cfs_period_us": 100000}
    assert group_cores(machine(tmp_path, "4:memory:/\n1:cpu,cpuacct:/a\n", MEMORY, files)) == cores


@pytest.mark.parametrize(("quota", "cores"), [("50000", 1), ("110000", 2), ("900000000", len(os.sched_getaffinity(0)))])
def test_threads_are_as_many_as_the_quota_and_the_affinity_allow(tmp_path: Path, quota: str, cores: int) -> None:
    proc = machine(tmp_path, "0::/a\n", UNIFIED, {"cg/a/cpu.max": f"{quota} 100000"})
    assert available_cores(proc) == min(cores, len(os.sched_getaffinity(0)))


# Real groups


@contextmanager
def group(controller: str, settings: dict[str, int]) -> Iterator[Path]:
    """Nested group with these settings, of the version that the machine has; skips if none can be created."""
    above = next((found for found in control_groups(controller) if found.version == 1), None)
    above = above or next(control_groups(controller), None)
    if above is None or sys.platform != "linux":
        pytest.skip("there are no control groups here")
    with ExitStack() as stack:
        outer = above.folder / f"bpcli-test-{uuid4().hex}"
        inner = outer / "inner"
        try:
            for folder in (outer, inner):
                folder.mkdir()
                stack.callback(folder.rmdir)
            for name, value in settings.items():
                (outer / name).write_text(str(value))
        except OSError as error:
            pytest.skip(f"no control group with {controller} can be made here: {error}")
        yield inner


def run_in(folder: Path, *arguments: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run Python with these arguments in a group."""
    enter = "import os, sys; open(sys.argv[1], 'w').write(str(os.getpid())); os.execv(sys.executable, sys.argv[2:])"
    command = [sys.executable, "-c", enter, folder / "cgroup.procs", sys.executable, *arguments]
    return subprocess.run(list(map(str, command)), cwd=cwd, capture_output=True, text=True, check=False)


def memory_settings(limit: int) -> dict[str, int]:
    version = next(control_groups("memory")).version if any(control_groups("memory")) else 2
    return {"memory.limit_in_bytes": limit} if version == 1 else {"memory.max": limit}


def test_training_that_needs_more_than_its_group_has_is_refused_and_what_fits_is_trained(tmp_path: Path) -> None:
    """The outer group has the limit. Without the check, the system would kill such a training."""
    limit = 400 << 20
    large = "layers=[{units: 6000}, {units: 6000}]"  # a gigabyte with gradient and moments
    with group("memory", memory_settings(limit)) as folder:
        command = ("-m", "bpcli", "train", CONFIGS / "penguins.yaml", "--quiet", "--run-dir")
        refused = run_in(folder, *command, "large", "--set", large, cwd=tmp_path)
        fits = run_in(folder, *command, "small", "--set", "training.epochs=2", cwd=tmp_path)
        asked = "from bpcli.system.memory import available_memory; print(available_memory())"
        left = int(run_in(folder, "-c", asked, cwd=tmp_path).stdout)
    assert (refused.returncode, refused.stdout, refused.stderr.count("\n")) == (9, "", 1)
    assert refused.stderr.startswith("error: training needs ")
    assert " is available in this control group; use fewer units" in refused.stderr
    assert not (tmp_path / "large").exists()
    assert (fits.returncode, fits.stderr) == (0, "")
    assert limit // 2 < left < limit


def test_threads_follow_the_quota_of_a_real_group(tmp_path: Path) -> None:
    v1 = any(found.version == 1 for found in control_groups("cpu"))
    with ExitStack() as stack:
        if v1:
            folder = stack.enter_context(group("cpu", {"cpu.cfs_period_us": 100000, "cpu.cfs_quota_us": 90000}))
        else:
            pytest.skip("CPU quotas of the second version need their controller handed down")
        asked = "from bpcli.system.threads import available_cores; print(available_cores())"
        assert run_in(folder, "-c", asked, cwd=tmp_path).stdout == "1\n"


def test_a_limit_on_the_address_space_refuses_too(tmp_path: Path) -> None:
    limited = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_AS, (1200 << 20, 1200 << 20))\n"
        "from bpcli.__main__ import run; sys.argv = ['bpcli', *sys.argv[1:]]; run()"
    )
    large = "layers=[{units: 6000}, {units: 6000}]"
    command = [sys.executable, "-c", limited, "train", CONFIGS / "penguins.yaml", "--quiet", "--run-dir"]
    refused = subprocess.run(
        [*map(str, command), "large", "--set", large], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (refused.returncode, refused.stderr.count("\n")) == (9, 1), refused.stderr
    assert "available under the limits of ulimit; use fewer units" in refused.stderr
    fits = subprocess.run(
        [*map(str, command), "small", "--set", "training.epochs=2"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (fits.returncode, fits.stderr) == (0, "")
