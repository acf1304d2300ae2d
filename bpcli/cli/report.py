"""`bpcli report`: a run as one HTML page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bpcli.cli.console import note
from bpcli.cli.options import Force, NoCache
from bpcli.cli.output import require_free, write_page


def report(
    run: Annotated[Path, typer.Argument(help="A run directory.")],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="The file to write, - for standard output; report.html in the run directory if left out.",
        ),
    ] = None,
    force: Force = False,
    no_cache: NoCache = False,
) -> None:
    """Write a run as one HTML page: curves, health of layers, scores, data, network, config.

    The page needs no other file and no connection, and can be printed. Without --output, a report that the run has
    already is written anew.

    Example: bpcli report runs/penguins-20261121-140203 -o penguins.html
    """
    from bpcli.report.contents import report_of
    from bpcli.storage.run_directory import RunDirectory

    directory = RunDirectory.open(run)
    if output is not None:
        require_free(output, force)
    made = report_of(directory, cache=not no_cache)
    for line in made.notes:
        note(line)
    write_page(output or directory.report, made.html)
