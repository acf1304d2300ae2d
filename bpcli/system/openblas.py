"""Kernels that OpenBLAS crashes with, and the environment variable that forces kernels on it.

OpenBLAS chooses its kernels by processor when it is loaded, unless that variable names others. Nothing here imports
NumPy, which would load it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, MutableMapping
from pathlib import Path
from typing import Any, NamedTuple

CORETYPE = "OPENBLAS_CORETYPE"
"""Environment variable with the name of the kernels to use; OpenBLAS reads it in any case, once."""

_CPU_INFO = Path("/proc/cpuinfo")


class Processor(NamedTuple):
    """What Linux says of a processor; nothing on other systems."""

    vendor: str
    flags: frozenset[str]


class Crash(NamedTuple):
    """Kernels that overrun their memory with some versions of OpenBLAS on some processors."""

    kernels: frozenset[str]
    version: str
    """A release; snapshots that followed it have a longer version of the same beginning."""
    vendor: str
    flag: str
    source: str

    def covers(self, kernels: str, version: str) -> bool:
        """Whether these kernels crash with this version on some processor."""
        return kernels.casefold() in self.kernels and f"{version}.".startswith(f"{self.version}.")

    def happens_on(self, processor: Processor) -> bool:
        """Whether it is one of the processors."""
        return processor.vendor == self.vendor and self.flag in processor.flags


CRASHES = (
    # On AMD's processors with AVX-512, from Zen 4 on, 0.3.34 takes large blocks whatever the kernels. Some kernels copy
    # a block to the stack and have room there for a smaller one; those for Nehalem, Sandy Bridge and AVX-512 do not.
    Crash(  # in float64
        kernels=frozenset({"haswell", "zen"}),
        version="0.3.34",
        vendor="AuthenticAMD",
        flag="avx512f",
        source="https://github.com/OpenMathLib/OpenBLAS/issues/6021",
    ),
    # In float32; those for Core 2 in float64 too. NumPy's wheels have the kernels for Prescott under most of the names.
    Crash(
        kernels=frozenset(
            {"katmai", "coppermine", "northwood", "prescott", "banias", "athlon"}
            | {"core2", "penryn", "dunnington", "opteron", "opteron_sse3", "bobcat", "barcelona", "nano"}
        ),
        version="0.3.34",
        vendor="AuthenticAMD",
        flag="avx512f",
        source="https://github.com/OpenMathLib/OpenBLAS/pull/6027",  # corrects both, after 0.3.34
    ),
)


def crash(kernels: str, version: str, processor: Processor | None = None) -> Crash | None:
    """The crash to expect of kernels by name with a version of OpenBLAS, on this processor by default."""
    known = [entry for entry in CRASHES if entry.covers(kernels, version)]
    if not known:
        return None
    processor = this_processor() if processor is None else processor
    return next((entry for entry in known if entry.happens_on(processor)), None)


def crash_in_force(libraries: list[Mapping[str, Any]], processor: Processor | None = None) -> str | None:
    """Version and kernels of a loaded OpenBLAS that is to crash, of libraries as threadpoolctl describes them."""
    for library in libraries:
        folder = Path(library.get("filepath", "")).parent.name
        if library.get("internal_api") != "openblas" or (folder.endswith(".libs") and folder != "numpy.libs"):
            continue  # a wheel's own library, as SciPy has one, is not the one that NumPy calls
        kernels, version = (str(library.get(key) or "") for key in ("architecture", "version"))
        if crash(kernels, version, processor):
            return f"OpenBLAS {version} with the kernels for {kernels}"
    return None


def drop_crashing_kernels(
    environment: MutableMapping[str, str], version: str | None = None, processor: Processor | None = None
) -> str | None:
    """Remove the variable where it forces kernels that crash; returns what the user is to be told then.

    To be called before NumPy is loaded. By default for the OpenBLAS that NumPy was built with, and for this processor.
    """
    kernels = environment.get(CORETYPE)
    if kernels is None:
        return None
    version = built_version() if version is None else version
    if crash(kernels, version, processor) is None:
        return None
    del environment[CORETYPE]
    return f"{CORETYPE}={kernels} ignored: these kernels of OpenBLAS {version} crash on this processor"


def built_version() -> str:
    """The version of OpenBLAS that the installed NumPy was built with, empty where it is another library."""
    from importlib.util import find_spec

    spec = find_spec("numpy")
    if spec is None or spec.origin is None:
        return ""
    try:
        return version_in(Path(spec.origin).with_name("__config__.py").read_text(encoding="utf-8"))
    except OSError:
        return ""


def version_in(numpy_config: str) -> str:
    """The version of OpenBLAS in the text of NumPy's `__config__.py`, empty where it names another library."""
    found = re.search(r'"blas": \{[^{}]*?"name": "[^"]*openblas"[^{}]*?"version": "([^"]*)"', numpy_config)
    return found[1] if found else ""


def this_processor() -> Processor:
    """This machine's first processor."""
    try:
        with _CPU_INFO.open(encoding="utf-8", errors="replace") as lines:
            return processor_in(lines)
    except OSError:
        return Processor("", frozenset())


def processor_in(cpu_info: Iterable[str]) -> Processor:
    """The first processor in the lines of `/proc/cpuinfo`."""
    fields: dict[str, str] = {}
    for line in cpu_info:
        name, separator, value = line.partition(":")
        if not separator:
            break
        fields[name.strip()] = value.strip()
    return Processor(fields.get("vendor_id", ""), frozenset(fields.get("flags", "").split()))
