"""`bpcli report`: HTML report of a run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bpcli.cli.console import notes
from bpcli.cli.options import Force, NoCache, RunArgument, RunOption, the_one
from bpcli.cli.output import require_free, write_page
from bpcli.cli.tracking import tracked


def report(
    directory: RunArgument = None,
    run: RunOption = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Output file, - for standard output (default: RUN/report.html)."),
    ] = None,
    force: Force = False,
    no_cache: NoCache = False,
) -> None:
    """Write a run as one HTML page: curves, scores, health.

    The page is self-contained: no other file, no connection, and it prints well. Without --output, an existing report
    of the run is overwritten.

    Example: bpcli report runs/penguins-20261121-140203 -o penguins.html
    """
    from bpcli.report.contents import report_of
    from bpcli.storage.run_directory import RunDirectory

    of = RunDirectory.open(the_one(directory, run, "RUN", "--run"))
    if output is not None:
        require_free(output, force)
    made = report_of(of, cache=not no_cache, track=tracked)
    notes(made.notes)
    write_page(output or of.report, made.html)
