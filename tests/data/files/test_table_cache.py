import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from bpcli.data.files import table_cache
from bpcli.data.files.table_cache import TableCache
from bpcli.data.table import Column, Table

ROWS = 1000


def table(*names: str, fill: float = 1.0) -> Table:
    return Table([Column(name, "numeric", np.full(ROWS, fill)) for name in names])


def keep(cache: TableCache, key: str, *names: str, fill: float = 1.0) -> None:
    cache.keep(key, dict.fromkeys(names), table(*names, fill=fill))


def sizes(folder: Path) -> list[int]:
    return [path.stat().st_size for path in folder.iterdir()]


def found(cache: TableCache, keys: Sequence[str]) -> list[str]:
    return [key for key in keys if len(cache.find(key, {"a": None}))]


@pytest.fixture
def cache(tmp_path: Path) -> TableCache:
    return TableCache(tmp_path / "bpcli" / "tables")


def test_what_is_kept_is_found_under_its_key_alone(cache: TableCache) -> None:
    assert not len(cache.find("k", {"a": None}))
    keep(cache, "k", "a", "b", fill=3.0)
    assert not len(cache.find("other", {"a": None}))
    columns = cache.find("k", {"b": None, "c": None})
    assert list(columns) == ["b"]
    assert columns.rows == ROWS
    assert columns["b"].values.tolist() == [3.0] * ROWS


def test_columns_are_gathered_from_all_files_of_a_key(cache: TableCache) -> None:
    keep(cache, "k", "a", fill=1.0)
    keep(cache, "k", "b", fill=2.0)
    columns = cache.find("k", {"a": None, "b": None})
    assert {name: column.values[0] for name, column in columns.items()} == {"a": 1.0, "b": 2.0}


def test_the_same_columns_are_one_file(cache: TableCache) -> None:
    keep(cache, "k", "a")
    keep(cache, "k", "a")
    assert len(sizes(cache.folder)) == 1


def test_only_the_user_can_read_it(cache: TableCache) -> None:
    keep(cache, "k", "a")
    (file,) = cache.folder.iterdir()
    assert oct(file.stat().st_mode & 0o777) == "0o600"
    assert oct(cache.folder.stat().st_mode & 0o777) == "0o700"


def test_damaged_files_are_removed(cache: TableCache) -> None:
    keep(cache, "k", "a")
    (file,) = cache.folder.iterdir()
    file.write_bytes(file.read_bytes()[:-1])
    assert not len(cache.find("k", {"a": None}))
    assert not sizes(cache.folder)


def test_what_was_not_used_for_longest_goes_when_the_limit_is_reached(
    cache: TableCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table_cache, "LIMIT", 30_000)  # three files of a column and a header
    for age, key in enumerate(["d", "c", "b"]):
        keep(cache, key, "a")
        (file,) = cache.folder.glob(f"{key}-*")
        os.utime(file, (1e9 - age, 1e9 - age))
    cache.find("b", {"a": None})
    keep(cache, "e", "a")
    assert found(cache, "bcde") == ["b", "d", "e"]
    assert sum(sizes(cache.folder)) <= 30_000


def test_a_table_beyond_the_limit_is_not_kept_and_costs_no_other_its_place(
    cache: TableCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table_cache, "LIMIT", 30_000)
    keep(cache, "small", "a")
    keep(cache, "large", "a", "b", "c", "d")
    assert found(cache, ["small", "large"]) == ["small"]


def test_a_disk_that_fills_up_gets_its_space_back(cache: TableCache, monkeypatch: pytest.MonkeyPatch) -> None:
    for key in "bcd":
        keep(cache, key, "a")
    held = sum(sizes(cache.folder))
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=20_000 * 10 - held))
    keep(cache, "e", "a")
    assert sum(sizes(cache.folder)) <= 20_000
    assert "e" in found(cache, "bcde")


def test_where_nothing_can_be_written_nothing_is_kept_and_nothing_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    for folder in (tmp_path / "file", tmp_path / "file" / "below", Path("/proc/bpcli")):
        cache = TableCache(folder)
        keep(cache, "k", "a")
        assert not len(cache.find("k", {"a": None}))


def test_a_disk_that_is_full_leaves_no_part_of_a_file(cache: TableCache) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    try:
        keep(cache, "k", "a")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not sizes(cache.folder)


def test_the_folder_is_where_the_system_keeps_caches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ada")
    monkeypatch.setattr(sys, "platform", "linux")
    for base, expected in (("/c", "/c"), ("", "/home/ada/.cache"), ("relative", "/home/ada/.cache")):
        monkeypatch.setenv("XDG_CACHE_HOME", base)
        assert _folder() == f"{expected}/bpcli/tables"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert _folder() == "/home/ada/.cache/bpcli/tables"
    monkeypatch.setattr(sys, "platform", "darwin")
    assert _folder() == "/home/ada/Library/Caches/bpcli/tables"


def _folder() -> str:
    cache = TableCache.of_user()
    assert cache is not None
    return str(cache.folder)


def test_a_user_without_a_home_has_no_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_home() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setenv("XDG_CACHE_HOME", "")
    monkeypatch.setattr(Path, "home", no_home)
    assert TableCache.of_user() is None


CROWD = """
import sys
from contextlib import suppress
from pathlib import Path
import numpy as np
from bpcli.data.files import table_cache
from bpcli.data.table import Column, Table

table_cache.LIMIT = 60_000
cache = table_cache.TableCache(Path(sys.argv[1]))
generator = np.random.default_rng(int(sys.argv[2]))
hits = 0
for number in generator.integers(10, size=100).tolist():
    values = np.arange(number, number + 1000.0)
    names = ["a", "b"][: 1 + number % 2]
    found = cache.find(f"key{number}", dict.fromkeys(names))
    for column in found.values():
        assert (column.values == values).all()
    hits += len(found) == len(names)
    if len(found) < len(names):
        cache.keep(f"key{number}", dict.fromkeys(names), Table([Column(name, "numeric", values) for name in names]))
    if generator.random() < 0.1:
        with suppress(OSError):  # others remove files at the same time
            victim = next(cache.folder.glob("*.safetensors"))
            damaged = victim.with_suffix(f".{sys.argv[2]}")
            damaged.write_bytes(b"damaged")
            damaged.replace(victim)
assert hits
"""


@pytest.mark.parametrize("processes", [4, pytest.param(20, marks=pytest.mark.exhaustive)])
def test_processes_that_write_evict_and_damage_at_once_get_the_right_tables(cache: TableCache, processes: int) -> None:
    crowd = [
        subprocess.Popen([sys.executable, "-c", CROWD, str(cache.folder), str(seed)], stderr=subprocess.PIPE)
        for seed in range(processes)
    ]
    errors = [process.communicate()[1].decode() for process in crowd]
    assert [process.returncode for process in crowd] == [0] * processes, errors
    assert sum(sizes(cache.folder)) <= 60_000
    assert not list(cache.folder.glob(".*"))
