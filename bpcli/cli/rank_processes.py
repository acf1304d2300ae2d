"""Training by several ranks: `bpcli train --ranks` starts them, `bpcli train --mpi` is one of them."""

from __future__ import annotations

import atexit
import os
import shlex
import signal
import socket
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from threading import Thread
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any

import typer

from bpcli.cli.console import result, say
from bpcli.cli.signals import StopRequest, ending_cleanly
from bpcli.errors import BpcliError, DivergedError, ExitCode, FileAccessError, RequirementError, UsageError
from bpcli.system.ranks.hub import SILENT_SECONDS, Hub, Loss
from bpcli.wording import enumerated, printable

if TYPE_CHECKING:
    from bpcli.jobs.ranks import RankTeam
    from bpcli.system.ranks.communicator import MpiCommunicator

GRACE_SECONDS = 2.0
"""Time that ranks have to end by themselves, and then that the launcher has, before they are killed."""

POLL_SECONDS = 0.05

SHARED_CORES = {"MPIR_CVAR_ENABLE_HEAVY_YIELD": "1"}
"""Environment of more ranks than cores: MPICH lets other ranks run while it waits, which takes a sixth of the time."""


def train_by_ranks(
    ranks: int,
    hosts: Path | None,
    config: Path | None,
    overrides: Sequence[str],
    resume: Path | None,
    passed_on: Sequence[str],
) -> None:
    """Train by `ranks` ranks, started with mpiexec, and exit with their exit code.

    passed_on: options of each rank's command, besides the config or run, and settings.
    """
    from bpcli.config.loading import load_config
    from bpcli.jobs.rank_rules import require_shards
    from bpcli.storage.run_directory import RunDirectory

    file = config if resume is None else RunDirectory.open(resume).config
    assert file is not None
    require_shards(load_config(file, overrides).config.training.shards, ranks)  # without starting them
    given = [str(config)] if config is not None else ["--resume", str(resume)]
    settings = [part for item in overrides for part in ("--set", item)]
    run_ranks(ranks, hosts, ["train", *given, *settings, *passed_on, "--mpi"], resume)


def run_ranks(ranks: int, hosts: Path | None, arguments: Sequence[str], resume: Path | None = None) -> None:
    """Run a command of bpcli in `ranks` ranks, started with mpiexec, and exit with their exit code.

    resume: the run directory, if it is known before.
    """
    from bpcli.system.ranks.launch import find_launcher, rank_program
    from bpcli.system.ranks.link import HUB
    from bpcli.system.threads import available_cores

    if hosts is not None and not hosts.is_file():
        raise UsageError(f"--hosts {printable(str(hosts))}: no such file")
    if find_spec("mpi4py") is None:
        raise UsageError("training by several ranks needs mpi4py: pip install 'backprop-cli[mpi]'")
    launcher = find_launcher()
    hub = Hub(ranks, "launcher", everywhere=hosts is not None)
    environment = {**os.environ, HUB: hub.address}
    if hosts is None and ranks > available_cores():
        environment = {**SHARED_CORES, **environment}
    with StopRequest() as stop:
        process = subprocess.Popen(
            launcher.command(ranks, hosts, rank_program(arguments), {HUB: hub.address}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            env=environment,
            start_new_session=True,  # signals reach the ranks only through the hub, once
        )
        printed = _Printed(process)
        try:
            code = _watch(process, hub, stop)
        finally:
            _end(process)
            hub.close()
    outcome = hub.outcome
    for line in printed.lines():
        result(line)
    if outcome.lost is not None:
        raise _lost(outcome.lost, outcome.run, resume)
    if outcome.failed is not None:
        raise typer.Exit(outcome.failed)
    if len(outcome.codes) == ranks:
        raise typer.Exit(outcome.codes[0])
    missing = hub.missing()
    what = "rank" if len(missing) == 1 else "ranks"
    before = f"{what} {enumerated(map(str, missing))} had started" if missing else "all ranks had ended"
    raise FileAccessError(f"{printable(launcher.path)} ended with exit code {code} before {before}")


class _Printed:
    """Standard output of the ranks, which rank 0 writes at its end, without what mpiexec adds if a rank is gone."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout is not None
        self._stream, self._content = process.stdout, b""
        self._reader = Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        with self._stream:
            self._content = self._stream.read()

    def lines(self) -> list[str]:
        """Lines of the result, once all ranks have ended."""
        self._reader.join(GRACE_SECONDS)
        lines = self._content.decode(errors="surrogateescape").splitlines()
        banner = next((place for place, line in enumerate(lines) if "BAD TERMINATION" in line), len(lines) + 1)
        found = lines[: max(0, banner - 1)]
        return found[:-1] if found and banner <= len(lines) and not found[-1] else found


def _watch(process: subprocess.Popen[bytes], hub: Hub, stop: StopRequest) -> int:
    """Wait for the ranks, and pass signals on to them. Returns the launcher's exit code."""
    passed_on, ending = None, float("inf")
    while process.poll() is None:
        if stop.signal is not None and stop.signal != passed_on:
            passed_on = stop.signal
            if hub.missing():  # they have not begun, and there is nothing to save
                process.terminate()
                raise SystemExit(128 + passed_on)
            hub.send_signal(passed_on)
        if hub.outcome.lost is not None or hub.outcome.failed is not None:
            if ending == float("inf"):
                ending = monotonic() + GRACE_SECONDS
                hub.end_all(hub.outcome.failed or ExitCode.IO)
            elif monotonic() > ending:
                break
        sleep(POLL_SECONDS)
    return process.returncode or 0


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the launcher, and with it all ranks."""
    if process.poll() is None:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(GRACE_SECONDS)
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _lost(loss: Loss, run: str | None, resume: Path | None) -> FileAccessError:
    """Error for a rank that is gone, and how to continue."""
    run = run or (None if resume is None else str(resume))
    if run is None:
        return FileAccessError(f"{loss.shown} before there was a run directory; all ranks have ended")
    from bpcli.storage.run_directory import RunDirectory
    from bpcli.system.files import path_from_here

    directory = RunDirectory(Path(run))
    directory.log_loss(loss.shown)
    shown = printable(path_from_here(directory.path))
    if not directory.last.is_file():
        return FileAccessError(f"{shown}: {loss.shown}; all ranks have ended before the first checkpoint")
    return FileAccessError(
        f"{shown}: {loss.shown}; all ranks have ended; continue with: bpcli train --resume {shlex.quote(shown)}"
    )


@contextmanager
def joined() -> Iterator[RankTeam[MpiCommunicator]]:
    """Team of the ranks that a launcher has started, of which this process is one, watched within the block.

    If this process fails alone, all ranks end. Errors that all have in common are printed by rank 0.
    """
    from bpcli.jobs.ranks import RankTeam
    from bpcli.system.ranks.addresses import machine
    from bpcli.system.ranks.communicator import MpiCommunicator
    from bpcli.system.ranks.link import HUB, Link, exit_alone

    with StopRequest() as early:  # a rank that is not linked yet would leave the others waiting
        communicator = MpiCommunicator.world()
        team = RankTeam(communicator, socket.gethostname())
        hub = None
        address = os.environ.get(HUB, "")
        if not address:
            machines = communicator.gather(machine())
            if team.rank == 0:
                hub = Hub(
                    team.size,
                    "rank",
                    everywhere=len(set(machines)) > 1,
                    lost=lambda loss: _end_after(hub, team, loss),
                    failed=lambda rank, code: _end_at(hub, code, this_too=rank > 0),
                )
            address = communicator.broadcast("" if hub is None else hub.address)
        link = Link(address, team.rank, team.hosts[team.rank], team.be_told, lambda how: _say_hub_lost(team, how))
        team.link = link
    try:
        if early.signal is not None:
            raise SystemExit(128 + early.signal)
        with ending_cleanly():
            yield team
    except BaseException as error:
        code = _exit_code(error)
        if isinstance(error, typer.Exit | DivergedError | RequirementError) or error is team.agreed:
            link.done(code)
            if team.rank > 0:
                raise typer.Exit(code) from error
            raise
        if isinstance(error, communicator.failure):
            sleep(SILENT_SECONDS + GRACE_SECONDS)  # a rank is gone: the watchdog ends this one
        if not isinstance(error, BpcliError | SystemExit) or team.rank > 0:
            say(f"error: {team.called(team.rank)} failed; all ranks end")
        atexit.register(exit_alone, link, code)  # after the error is printed
        raise
    link.done(ExitCode.OK)


def _exit_code(error: BaseException) -> int:
    """Exit code of the process that ends with an exception."""
    if isinstance(error, BpcliError):
        return error.exit_code
    if isinstance(error, typer.Exit):
        return error.exit_code
    if isinstance(error, SystemExit):
        return error.code if isinstance(error.code, int) else ExitCode.BUG
    if isinstance(error, MemoryError):
        return ExitCode.MEMORY
    return ExitCode.IO if isinstance(error, OSError) else ExitCode.BUG


def _end_after(hub: Hub | None, team: RankTeam[Any], loss: Loss) -> None:
    """Print which rank is gone, and end all others, this process too."""
    if loss.rank == 0:
        return  # this process is about to end
    for message in _lost(loss, team.run, None).messages:
        say(f"error: {message}")
    _end_at(hub, ExitCode.IO)


def _end_at(hub: Hub | None, code: int, this_too: bool = True) -> None:
    """End all other ranks, and this one unless it is about to end by itself."""
    if hub is not None:
        hub.end_all(code)
    if this_too:
        os._exit(code)


def _say_hub_lost(team: RankTeam[Any], how: str) -> None:
    """Print that rank 0, which watched the others, is gone. Rank 1 does it for all."""
    if team.rank == 1:
        for message in _lost(Loss(0, team.hosts[0], how), team.run, None).messages:
            say(f"error: {message}")
