"""Environment that determines the bits of a result, besides config and data: versions and the machine's arithmetic."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from bpcli._version import __version__
from bpcli.system.openblas import may_be_numpys

OPTIONAL = ("numba",)
"""Packages that are recorded only if they were used."""

_CPU_INFO = Path("/proc/cpuinfo")


def environment(compiled: bool) -> dict[str, str]:
    """Versions and properties of the machine by name; with numba's version if steps are `compiled`."""
    found = {
        "bpcli": __version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
        "blas": _blas(),
        "simd": _simd(),
        "processor": _processor(),
        "system": " ".join((platform.system(), platform.machine(), *filter(None, platform.libc_ver()))),
    }
    if compiled:
        from importlib.metadata import version

        found["numba"] = version("numba")
    return found


def environment_changes(was: Mapping[str, str], now: Mapping[str, str]) -> dict[str, tuple[str | None, str | None]]:
    """Differences as pairs of the old and the new value, None for a package that is not used.

    Values that an earlier version of bpcli did not record are not compared.
    """
    names = [name for name in {**was, **now} if name in was or name in OPTIONAL]
    return {name: (was.get(name), now.get(name)) for name in names if was.get(name) != now.get(name)}


def _blas() -> str:
    """BLAS library, its version, and the kernels that it chose for this processor."""
    from threadpoolctl import ThreadpoolController

    controllers = ThreadpoolController().lib_controllers
    libraries = [library.info() for library in controllers if library.user_api == "blas"]
    libraries = [info for info in libraries if may_be_numpys(info)]
    shown = {
        " ".join(str(info[key]) for key in ("internal_api", "version", "architecture") if info.get(key))
        for info in libraries
    }
    return ", ".join(sorted(shown)) or "unknown"


def _simd() -> str:
    """Instruction sets found by NumPy for its own functions, such as exp."""
    built = np.show_config(mode="dicts") or {}
    return " ".join(built.get("SIMD Extensions", {}).get("found", ())) or "baseline"


def _processor() -> str:
    """Name of the processor, or else its architecture."""
    try:
        with _CPU_INFO.open() as lines:
            names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
            return next(names, platform.machine())
    except OSError:
        return platform.machine()
