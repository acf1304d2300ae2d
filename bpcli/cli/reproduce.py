"""`bpcli reproduce`: repeated training of a run, compared with the original."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from bpcli.cli.console import note, result, result_json
from bpcli.cli.options import AsJson, NoCache, Quiet, RunArgument, RunOption, Threads, the_one
from bpcli.cli.progress import view
from bpcli.errors import RequirementError
from bpcli.wording import counted, printable

if TYPE_CHECKING:
    from bpcli.jobs.reproduction import Reproduction


def reproduce(
    directory: RunArgument = None,
    run: RunOption = None,
    threads: Threads = None,
    tolerance: Annotated[
        float,
        typer.Option(
            min=0.0,
            metavar="T",
            help="Accept differences up to T × max(1, |value|) in every metric, parameter and running statistic, as "
            "between processors. Default: 0, the same bits.",
            show_default=False,
        ),
    ] = 0.0,
    no_cache: NoCache = False,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Train a run again and compare weights and metrics.

    Exits with code 6 where they differ: by a bit, or by more than --tolerance. The run is only read. A run that was
    stopped is trained as far as it went.

    Example: bpcli reproduce runs/penguins-20261121-140203
    """
    from bpcli.jobs.reproduction import Reproduction
    from bpcli.storage.run_directory import RunDirectory
    from bpcli.system.blas import BlasThreads

    with BlasThreads().single():
        opened = RunDirectory.open(the_one(directory, run, "RUN", "--run"))
        reproduction = Reproduction(opened, cache=not no_cache, tolerance=tolerance)
        if not quiet:
            for name, (was, now) in reproduction.changes.items():
                note(f"{name} was {_value(was)}, is now {_value(now)}")
        config = reproduction.prepared.config
        with view(config.name, reproduction.wanted, quiet) as shown:
            for event in reproduction.run(threads):
                shown.show(event)
    if as_json:
        result_json(reproduction.to_json())
    else:
        _print(reproduction)
    if not reproduction.reproduced:
        raise RequirementError(_complaint(reproduction))


def _print(reproduction: Reproduction) -> None:
    same = "identical" if reproduction.difference is None else "not identical"
    result(f"metrics of {counted(reproduction.epochs, 'epoch')}: {same}")
    for name, weights in reproduction.weights.items():
        other = "not reached" if weights.now is None else f"not identical, now {weights.now}"
        same = "identical" if weights.identical else other
        result(f"{name} weights, {counted(weights.steps, 'step')}: SHA-256 {weights.was}, {same}")
    for what in reproduction.not_compared:
        result(f"not compared: {what}")
    if reproduction.tolerance and reproduction.reproduced and reproduction.largest is not None:
        place, largest = reproduction.largest
        result(f"reproduced within {reproduction.tolerance:g}: largest difference {largest.scaled:.2g}, {place}")


def _complaint(reproduction: Reproduction) -> str:
    """One-line error: the first difference, and what else differs."""
    if reproduction.tolerance and (largest := reproduction.largest) is not None:
        size = f"largest difference {largest[1].scaled:.2g}, {reproduction.largest_shown}"
        what = f"beyond the tolerance of {reproduction.tolerance:g}: {size}"
    elif reproduction.difference is not None:
        what = str(reproduction.difference)
    else:
        names = " and ".join(name for name, weights in reproduction.weights.items() if not weights.identical)
        what = f"the metrics are identical, but the weights of {names} differ"
    if reproduction.changes:
        changes = (f"{name} ({_value(was)}, now {_value(now)})" for name, (was, now) in reproduction.changes.items())
        why = f"changed in the environment: {', '.join(changes)}"
    else:
        why = "the environment is unchanged; the run may have been resumed with other settings"
    return f"not reproduced: {what}; {why}"


def _value(value: str | None) -> str:
    return "not used" if value is None else printable(value)
