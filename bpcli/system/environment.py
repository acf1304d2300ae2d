"""What the bits of a result depend on beside config and data: versions, and the machine's arithmetic."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from bpcli._version import __version__

OPTIONAL = ("numba",)
"""What is recorded only where it was used."""

_CPU_INFO = Path("/proc/cpuinfo")


def environment(compiled: bool) -> dict[str, str]:
    """Versions and the machine by name; `compiled` says whether steps are taken as machine code, which numba makes."""
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
    """What differs, as it was and as it is now, None where it is not used.

    What an older version of bpcli did not record is not compared.
    """
    names = [name for name in {**was, **now} if name in was or name in OPTIONAL]
    return {name: (was.get(name), now.get(name)) for name in names if was.get(name) != now.get(name)}


def _blas() -> str:
    """The library of matrix products, its version, and which of its kernels it chose for this processor."""
    from threadpoolctl import ThreadpoolController

    libraries = [library.info() for library in ThreadpoolController().lib_controllers if library.user_api == "blas"]
    shown = {
        " ".join(str(info[key]) for key in ("internal_api", "version", "architecture") if info.get(key))
        for info in libraries
    }
    return ", ".join(sorted(shown)) or "unknown"


def _simd() -> str:
    """The instruction sets that NumPy's own functions, such as exp, have chosen among."""
    built = np.show_config(mode="dicts") or {}
    return " ".join(built.get("SIMD Extensions", {}).get("found", ())) or "baseline"


def _processor() -> str:
    """The processor's own name, or else its architecture."""
    try:
        with _CPU_INFO.open() as lines:
            names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
            return next(names, platform.machine())
    except OSError:
        return platform.machine()
