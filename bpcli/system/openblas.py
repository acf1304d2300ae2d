"""OpenBLAS kernels known to crash, and the environment variable that forces kernels.

OpenBLAS chooses its kernels for the processor when it is loaded, unless that variable names others. This module does
not import NumPy, which would load it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, MutableMapping
from pathlib import Path
from typing import Any, NamedTuple

CORETYPE = "OPENBLAS_CORETYPE"
"""Environment variable that names the kernels to use; OpenBLAS reads it once, ignoring case."""

_CPU_INFO = Path("/proc/cpuinfo")


class Processor(NamedTuple):
    """Processor as described by Linux; empty fields on other systems."""

    vendor: str
    flags: frozenset[str]


class Crash(NamedTuple):
    """Kernels that overrun their buffers with a version of OpenBLAS on some processors."""

    kernels: frozenset[str]
    version: str
    """Release; also matches later snapshots, whose version starts with it."""
    vendor: str
    flag: str
    source: str

    def covers(self, kernels: str, version: str) -> bool:
        """Whether these kernels crash with this version on some processor."""
        return kernels.casefold() in self.kernels and f"{version}.".startswith(f"{self.version}.")

    def happens_on(self, processor: Processor) -> bool:
        """Whether the crash happens on `processor`."""
        return processor.vendor == self.vendor and self.flag in processor.flags


CRASHES = (
    # On AMD processors with AVX-512, from Zen 4 on, 0.3.34 uses large blocks with all kernels. Some kernels copy a
    # block to a buffer on the stack that is too small; those for Nehalem, Sandy Bridge and AVX-512 do not.
    Crash(  # in float64
        kernels=frozenset({"haswell", "zen"}),
        version="0.3.34",
        vendor="AuthenticAMD",
        flag="avx512f",
        source="https://github.com/OpenMathLib/OpenBLAS/issues/6021",
    ),
    # In float32; those for Core 2 also in float64. NumPy's wheels map most of these names to the kernels for Prescott.
    Crash(
        kernels=frozenset(
            {"katmai", "coppermine", "northwood", "prescott", "banias", "athlon"}
            | {"core2", "penryn", "dunnington", "opteron", "opteron_sse3", "bobcat", "barcelona", "nano"}
        ),
        version="0.3.34",
        vendor="AuthenticAMD",
        flag="avx512f",
        source="https://github.com/OpenMathLib/OpenBLAS/pull/6027",  # fixes both, after 0.3.34
    ),
)


def crash(kernels: str, version: str, processor: Processor | None = None) -> Crash | None:
    """Known crash of `kernels` in a version of OpenBLAS, by default on this processor; None if there is none."""
    known = [entry for entry in CRASHES if entry.covers(kernels, version)]
    if not known:
        return None
    processor = this_processor() if processor is None else processor
    return next((entry for entry in known if entry.happens_on(processor)), None)


def may_be_numpys(library: Mapping[str, Any]) -> bool:
    """Whether NumPy may call a library; a wheel's own one, such as SciPy's, is not called by others."""
    folder = Path(library.get("filepath", "")).parent.name
    return folder == "numpy.libs" or not folder.endswith(".libs")


def crash_in_force(libraries: list[Mapping[str, Any]], processor: Processor | None = None) -> str | None:
    """Version and kernels of a loaded OpenBLAS that will crash, among libraries as threadpoolctl describes them."""
    for library in libraries:
        if library.get("internal_api") != "openblas" or not may_be_numpys(library):
            continue
        kernels, version = (str(library.get(key) or "") for key in ("architecture", "version"))
        if crash(kernels, version, processor):
            return f"OpenBLAS {version} with the kernels for {kernels}"
    return None


def drop_crashing_kernels(
    environment: MutableMapping[str, str], version: str | None = None, processor: Processor | None = None
) -> str | None:
    """Remove the variable if it forces kernels that crash. Return a note for the user, or None.

    Call before NumPy is loaded. By default for the OpenBLAS that NumPy was built with, and for this processor.
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
    """Version of OpenBLAS that the installed NumPy was built with; empty for another library."""
    from importlib.util import find_spec

    spec = find_spec("numpy")
    if spec is None or spec.origin is None:
        return ""
    try:
        return version_in(Path(spec.origin).with_name("__config__.py").read_text(encoding="utf-8"))
    except OSError:
        return ""


def version_in(numpy_config: str) -> str:
    """Version of OpenBLAS in the text of NumPy's `__config__.py`; empty if it names another library."""
    found = re.search(r'"blas": \{[^{}]*?"name": "[^"]*openblas"[^{}]*?"version": "([^"]*)"', numpy_config)
    return found[1] if found else ""


def this_processor() -> Processor:
    """First processor of this machine."""
    try:
        with _CPU_INFO.open(encoding="utf-8", errors="replace") as lines:
            return processor_in(lines)
    except OSError:
        return Processor("", frozenset())


def processor_in(cpu_info: Iterable[str]) -> Processor:
    """First processor in the lines of `/proc/cpuinfo`."""
    fields: dict[str, str] = {}
    for line in cpu_info:
        name, separator, value = line.partition(":")
        if not separator:
            break
        fields[name.strip()] = value.strip()
    return Processor(fields.get("vendor_id", ""), frozenset(fields.get("flags", "").split()))
