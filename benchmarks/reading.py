"""Reading CSV into typed columns in memory: 200 MB of numbers, and 200 MB of everything.

`numbers` is 21 columns of decimals; `texts` is 10 of decimals and 4 of names, 3 % of them missing, 2 of quoted text
with commas and doubled quotes in it, and one of yes and no. Measured are the seconds of the call that reads, the file
being in the system's cache and the libraries imported, and the peak memory of the whole process, libraries included,
on all cores. What comes out differs: bpcli gives float64 and category codes, and infers kinds from all rows; pandas,
Polars and pyarrow give data frames with text as text; np.loadtxt one array; the csv module, in chunks of 50,000 rows,
arrays and lists of shared strings.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import NamedTuple

from benchmarks.harness import figure, generated, in_turn, installed, listed, module, ratio, run_child, table

CONTENDERS = {
    "bpcli": "numpy",
    "pandas": "pandas",
    "Polars": "polars",
    "pyarrow": "pyarrow",
    "np.loadtxt": "numpy",
    "csv": "csv",
}
CHILDREN = {"np.loadtxt": "loadtxt", "csv": "stdlib"}


class Reading(NamedTuple):
    """Of one file by one process."""

    seconds: float
    megabytes: float
    shape: tuple[int, int]


def measure(contender: str, path: Path) -> Reading:
    """Read a file once."""
    done = run_child(module("peers.readers", CHILDREN.get(contender, contender.lower()), str(path)))
    return Reading(done.result["seconds"], done.megabytes, tuple(done.result["shape"]))


def run(quick: bool) -> str:
    """The table in Markdown."""
    names, notes = installed(CONTENDERS)
    rows = []
    for kind in ("numbers", "texts"):
        path = generated(kind, 20 if quick else 200)
        with path.open("rb") as file:
            while file.read(1 << 20):  # so that the first repeat does not wait for the disk
                pass
        able = [name for name in names if kind == "numbers" or name != "np.loadtxt"]
        contenders = {name: partial(measure, name, path) for name in able}
        values, failures = in_turn(kind, contenders, repeats=2 if quick else 3)
        notes += failures
        ours = values.get("bpcli", [])
        notes += [
            f"{kind}: {name} read another shape, {found[0].shape}"
            for name, found in values.items()
            if ours and found[0].shape != ours[0].shape
        ]
        for name, found in values.items():
            seconds = [reading.seconds for reading in found]
            rows.append(
                [
                    f"{kind} {path.stat().st_size / 1e6:.0f} MB, {found[0].shape[0]:,} × {found[0].shape[1]}",
                    name,
                    figure(seconds),
                    ratio(seconds, [reading.seconds for reading in ours]),
                    figure([reading.megabytes for reading in found]),
                ]
            )
    return table(["file", "", "seconds", "ratio", "peak MB"], rows) + listed(notes)
