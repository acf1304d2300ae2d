"""`bpcli reproduce`: repeated training of a run, compared with the original."""

from __future__ import annotations

from typing import TYPE_CHECKING

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
    no_cache: NoCache = False,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Train a run again and compare weights and metrics.

    Exits with code 6 where they differ. The run is only read. A run that was stopped is trained as far as it went.

    Example: bpcli reproduce runs/penguins-20261121-140203
    """
    from bpcli.jobs.reproduction import Reproduction
    from bpcli.storage.run_directory import RunDirectory
    from bpcli.system.blas import BlasThreads

    with BlasThreads().single():
        reproduction = Reproduction(RunDirectory.open(the_one(directory, run, "RUN", "--run")), cache=not no_cache)
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
    if not reproduction.identical:
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


def _complaint(reproduction: Reproduction) -> str:
    """One-line error: the first difference, and what else differs."""
    if reproduction.difference is not None:
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
