"""`bpcli ranks`: speed of the exchange between processes of a training."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bpcli.cli.console import result, result_json, result_table
from bpcli.cli.options import AsJson


def ranks(
    measure: Annotated[bool, typer.Option("--measure", help="Measure, and keep the numbers for bpcli check.")] = False,
    count: Annotated[int, typer.Option("--ranks", min=2, metavar="N", help="Number of processes.")] = 2,
    hosts: Annotated[
        Path | None, typer.Option(metavar="FILE", help="File of the hosts to start them on, one a line.")
    ] = None,
    mpi: Annotated[
        bool, typer.Option("--mpi", help="Be one of the processes that mpiexec or srun has started.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show or measure how fast processes exchange gradients.

    Latency (alpha) and time a byte (beta) of the last measurement, by which bpcli check estimates what
    bpcli train --ranks gains. --measure starts N processes and sums vectors, by the tree of bpcli and by MPI's own
    Allreduce, whose order of additions depends on N.

    Example: bpcli ranks --measure --ranks 4
    """
    if mpi:
        _measure(as_json)
    elif measure:
        from bpcli.cli.rank_processes import run_ranks

        run_ranks(count, hosts, ["ranks", "--mpi", *(["--json"] if as_json else [])])
    else:
        from bpcli.system.ranks.speed import LinkSpeed

        speed = LinkSpeed.last()
        if as_json:
            result_json({"alpha": speed.latency, "beta": speed.seconds_per_byte, "measured": speed.measured or None})
        else:
            result(speed.shown)


def _measure(as_json: bool) -> None:
    """Measure as one of the processes; the first prints."""
    from bpcli.cli.rank_processes import joined
    from bpcli.documents.table import Table
    from bpcli.training.steps.rank_times import measure_exchange, speed_of
    from bpcli.wording import counted

    with joined() as team:
        times = measure_exchange(team.communicator, team)
        if team.rank > 0:
            return
        where = "one machine" if len(set(team.hosts)) == 1 else counted(len(set(team.hosts)), "host")
        speed = speed_of(times, team.size, f"{counted(team.size, 'rank')} of {where} by {team.communicator.library}")
        speed.save()
        if as_json:
            rows = [{"bytes": of.bytes, "tree": of.tree, "allreduce": of.allreduce} for of in times]
            result_json(
                {
                    "alpha": speed.latency,
                    "beta": speed.seconds_per_byte,
                    "measured": speed.measured,
                    "ranks": team.size,
                    "times": rows,
                }
            )
            return
        rows_shown = [
            [f"{of.bytes:,}", f"{1e6 * of.tree:,.1f}", f"{1e6 * of.allreduce:,.1f}", f"{of.ratio:.2f}×"] for of in times
        ]
        header = ["bytes", "tree µs", "Allreduce µs", "ratio"]
        result_table(Table("Exchange", header, rows_shown, right=range(4)))
        result(speed.shown)
