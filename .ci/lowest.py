#!/usr/bin/env python3
"""Constraints for pip, on stdout: the lowest version of all that pyproject.toml admits, the build and extras included.

The extras for tests and benchmarks name tools, which nobody gets with bpcli; those are left at their newest.
"""

import re
import sys
import tomllib
from pathlib import Path

TOOLS = {"test", "bench"}

document = tomllib.loads((Path(__file__).parent.parent / "pyproject.toml").read_text())
project = document["project"]
extras = [wanted for extra, wanted in project["optional-dependencies"].items() if extra not in TOOLS]
for requirement in sum(extras, [*document["build-system"]["requires"], *project["dependencies"]]):
    floor = re.fullmatch(r"([\w.-]+)>=([\d.]+)", requirement)
    if floor is None:
        sys.exit(f"pyproject.toml: {requirement!r} has no lowest version: write it as name>=version")
    print("==".join(floor.groups()))
