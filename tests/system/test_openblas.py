"""Crashing kernels are recognized by processor and version of OpenBLAS, before and after NumPy is loaded."""

from __future__ import annotations

import platform
from pathlib import Path
from typing import Any

import pytest
from threadpoolctl import threadpool_info

from bpcli.system.openblas import (
    CRASHES,
    Processor,
    built_version,
    crash,
    crash_in_force,
    drop_crashing_kernels,
    may_be_numpys,
    processor_in,
    this_processor,
    version_in,
)

CPU_INFO_FILE = Path("/proc/cpuinfo")

ZEN_4 = Processor("AuthenticAMD", frozenset({"fpu", "avx2", "avx512f"}))
ZEN_3 = Processor("AuthenticAMD", frozenset({"fpu", "avx2"}))
INTEL = Processor("GenuineIntel", frozenset({"fpu", "avx2", "avx512f"}))


@pytest.mark.parametrize("version", ["0.3.34", "0.3.34.237.2", "0.3.34.dev"])
@pytest.mark.parametrize("kernels", ["Haswell", "Zen", "ZEN", "Prescott", "Katmai", "Core2", "Barcelona"])
def test_kernels_with_too_little_room_crash_on_zen_4(kernels: str, version: str):
    found = crash(kernels, version, ZEN_4)
    assert found is not None
    assert found.source.startswith("https://github.com/OpenMathLib/OpenBLAS/")


@pytest.mark.parametrize("kernels", ["SkylakeX", "Cooperlake", "Sandybridge", "Nehalem", "", "Nonsense"])
def test_other_kernels_do_not(kernels: str):
    assert crash(kernels, "0.3.34", ZEN_4) is None


@pytest.mark.parametrize("version", ["0.3.31.188.0", "0.3.33", "0.3.35", "0.3.3", "0.3.340", ""])
def test_other_versions_do_not(version: str):
    assert crash("Haswell", version, ZEN_4) is None


@pytest.mark.parametrize("processor", [ZEN_3, INTEL, Processor("", frozenset())], ids=["Zen 3", "Intel", "unknown"])
def test_other_processors_do_not(processor: Processor):
    assert crash("Haswell", "0.3.34", processor) is None


def test_kernels_are_in_one_entry_of_a_version():
    named = [(entry.version, kernels) for entry in CRASHES for kernels in entry.kernels]
    assert len(named) == len(set(named))
    assert all(kernels == kernels.casefold() for _, kernels in named)


def test_a_variable_that_forces_crashing_kernels_is_dropped():
    environment = {"OPENBLAS_CORETYPE": "Haswell", "HOME": "/"}
    said = drop_crashing_kernels(environment, "0.3.34.237.2", ZEN_4)
    assert said == "OPENBLAS_CORETYPE=Haswell ignored: these kernels of OpenBLAS 0.3.34.237.2 crash on this processor"
    assert environment == {"HOME": "/"}


@pytest.mark.parametrize(
    ("kernels", "version", "processor"),
    [
        ("SkylakeX", "0.3.34", ZEN_4),
        ("Haswell", "0.3.33", ZEN_4),
        ("Haswell", "", ZEN_4),  # NumPy with another library
        ("Haswell", "0.3.34", ZEN_3),
    ],
)
def test_a_variable_that_forces_sound_kernels_stays(kernels: str, version: str, processor: Processor):
    environment = {"OPENBLAS_CORETYPE": kernels}
    assert drop_crashing_kernels(environment, version, processor) is None
    assert environment == {"OPENBLAS_CORETYPE": kernels}


def test_without_the_variable_there_is_nothing_to_drop():
    environment: dict[str, str] = {}
    assert drop_crashing_kernels(environment, "0.3.34", ZEN_4) is None
    assert environment == {}


def loaded(**changes: Any) -> dict[str, Any]:
    return {
        "internal_api": "openblas",
        "filepath": "/site-packages/numpy.libs/libscipy_openblas64_-4b78795a.so",
        "version": "0.3.34.237.2",
        "architecture": "Haswell",
        **changes,
    }


@pytest.mark.parametrize("path", [loaded()["filepath"], "/usr/lib/x86_64-linux-gnu/libopenblas.so.0"])
def test_crashing_kernels_in_force_are_found_among_the_loaded_libraries(path: str):
    libraries = [{"internal_api": "openmp", "filepath": "/usr/lib/libgomp.so", "version": None}, loaded(filepath=path)]
    assert crash_in_force(libraries, ZEN_4) == "OpenBLAS 0.3.34.237.2 with the kernels for Haswell"
    assert crash_in_force(libraries, ZEN_3) is None


@pytest.mark.parametrize(
    "library",
    [
        loaded(architecture="SkylakeX"),
        loaded(architecture=None),
        loaded(version="0.3.33"),
        loaded(version=None),
        loaded(internal_api="mkl"),
        loaded(filepath="/site-packages/scipy.libs/libscipy_openblas-b75cc656.so"),
    ],
    ids=str,
)
def test_sound_kernels_and_libraries_of_others_are_no_crash_in_force(library: dict[str, Any]):
    assert crash_in_force([library], ZEN_4) is None
    assert crash_in_force([], ZEN_4) is None


CONFIG = """CONFIG = _cleanup(
    {{
        "Compilers": {{"c": {{"name": "gcc", "version": "14.2.1"}}}},
        "Build Dependencies": {{
            "blas": {{
                "name": "{blas}",
                "found": bool("True".lower().replace("false", "")),
                "version": "{version}",
                "detection method": "pkgconfig",
                "include directory": r"/opt/include",
            }},
            "lapack": {{
                "name": "scipy-openblas",
                "found": True,
                "version": "0.3.34",
            }},
        }},
    }}
)
"""


@pytest.mark.parametrize("blas", ["scipy-openblas", "openblas"])
def test_the_version_that_numpy_was_built_with_is_read_from_its_configuration(blas: str):
    assert version_in(CONFIG.format(blas=blas, version="0.3.34.237.2")) == "0.3.34.237.2"


@pytest.mark.parametrize("blas", ["blas", "mkl", "accelerate", "none", ""])
def test_another_library_has_no_version_of_openblas(blas: str):
    assert version_in(CONFIG.format(blas=blas, version="3.9.0")) == ""
    assert version_in("") == ""


def test_the_version_read_is_that_of_the_library_in_numpys_wheel():
    paths = {library["filepath"]: library["version"] for library in threadpool_info() if "filepath" in library}
    versions = [version for path, version in paths.items() if "/numpy.libs/" in path]
    if not versions:
        pytest.skip("NumPy here has no OpenBLAS of its own")
    assert built_version() == versions[0]


CPU_INFO = """processor\t: 0
vendor_id\t: AuthenticAMD
cpu family\t: 25
model\t\t: 17
model name\t: AMD EPYC 9354: 32-Core Processor
flags\t\t: fpu vme avx2 avx512f avx512vl
power management:

processor\t: 1
vendor_id\t: other
flags\t\t: none
"""


def test_the_first_processor_is_described():
    assert processor_in(CPU_INFO.splitlines(keepends=True)) == Processor(
        "AuthenticAMD", frozenset({"fpu", "vme", "avx2", "avx512f", "avx512vl"})
    )


def test_a_processor_without_vendor_and_flags_is_described_as_unknown():
    assert processor_in(["processor\t: 0\n", "Features\t: fp asimd\n"]) == Processor("", frozenset())
    assert processor_in([]) == Processor("", frozenset())


def test_this_processor_is_the_one_that_the_system_describes():
    if platform.machine() != "x86_64" or not CPU_INFO_FILE.exists():
        pytest.skip("this system does not describe its processor so")
    processor, words = this_processor(), CPU_INFO_FILE.read_text().split()
    assert processor.vendor == words[words.index("vendor_id") + 2]
    assert {"fpu", "sse2"} <= processor.flags
    assert ("avx512f" in processor.flags) is ("avx512f" in words)


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("/x/site-packages/numpy.libs/libscipy_openblas64_.so", True),
        ("/x/site-packages/scipy.libs/libscipy_openblas.so", False),
        ("/usr/lib/libopenblas.so", True),
    ],
)
def test_a_wheels_own_library_is_not_numpys(path: str, wanted: bool) -> None:
    assert may_be_numpys({"filepath": path}) == wanted
