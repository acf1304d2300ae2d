"""`python -m benchmarks`: measure, print Markdown, and with --write keep it in RESULTS.md."""

from __future__ import annotations

import inspect
import os
import re
from argparse import ArgumentParser
from pathlib import Path

from benchmarks import (
    convolution,
    extremes,
    growth,
    health,
    held_out,
    images_job,
    job,
    members,
    predicting,
    ranks,
    reading,
    series,
    starting,
    step,
    tables,
    text,
    threads,
    tuning,
    wide,
)
from benchmarks.harness import provenance

BENCHMARKS = {
    module.__name__.partition(".")[2]: module
    for module in (
        step,
        convolution,
        threads,
        ranks,
        members,
        job,
        images_job,
        reading,
        predicting,
        starting,
        growth,
        wide,
        health,
        tables,
        held_out,
        extremes,
        text,
        series,
        tuning,
    )
}
OF_TABLES = {"tables": tables, "held_out": held_out, "extremes": extremes, "tuning": tuning}
RESULTS = Path(__file__).with_name("RESULTS.md")
HEAD = """# Results

Measured by `python -m benchmarks --write`, which replaces the sections that it measures anew. A figure is the median
of repeats taken in turn (A B C A B C …), followed by the smallest and the largest where they are more than a quarter
apart; a ratio such as 2.0× is what a peer takes in relation to bpcli, so that above 1 bpcli is better.
"""


def main() -> None:
    parser = ArgumentParser(prog="python -m benchmarks", description="Measure bpcli beside its peers.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(BENCHMARKS)}; left out: all")
    parser.add_argument("--quick", action="store_true", help="a fast look: fewer repeats, smaller sizes")
    parser.add_argument("--write", action="store_true", help=f"keep the tables in {RESULTS.name}")
    tables.add_options(parser)
    chosen = parser.parse_args()
    if unknown := set(chosen.names) - set(BENCHMARKS):
        parser.error(f"no benchmark {min(unknown)}; there are {', '.join(BENCHMARKS)}")
    load = os.getloadavg()[0]  # before this program adds to it
    for name in chosen.names or BENCHMARKS:
        command = f"python -m benchmarks {name}{' --quick' if chosen.quick else ''}"
        quick = chosen.quick
        body = OF_TABLES[name].run(quick, chosen) if name in OF_TABLES else BENCHMARKS[name].run(quick)
        section = f"## {name}\n\n{inspect.getdoc(BENCHMARKS[name])}\n\n{body}\n\n{provenance(command, load)}\n"
        print(section, flush=True)
        if chosen.write:
            _write(name, section)


def _write(name: str, section: str) -> None:
    """Put the section in its place in RESULTS.md, and leave the others as they are."""
    found = re.split(r"^(?=## )", RESULTS.read_text(), flags=re.MULTILINE)[1:] if RESULTS.exists() else []
    sections = {text.split(maxsplit=2)[1]: text.rstrip() + "\n" for text in found} | {name: section}
    RESULTS.write_text("\n".join([HEAD, *(sections[key] for key in BENCHMARKS if key in sections)]))


if __name__ == "__main__":
    main()
