"""Workers of a search that take trainings from its storage, on this machine or on others."""

from __future__ import annotations

import os
import signal
import socket
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from multiprocessing import get_context
from pathlib import Path
from threading import Event, Thread
from time import monotonic, sleep
from typing import TYPE_CHECKING, NamedTuple

from bpcli.errors import BpcliError, FileAccessError, UsageError
from bpcli.system.environment import environment
from bpcli.tuning.publication import Published
from bpcli.tuning.storage import Storage
from bpcli.tuning.training import Trained, Trainer, Training

if TYPE_CHECKING:
    from multiprocessing.context import SpawnProcess

POLL_SECONDS = 0.2
"""Pause between two looks for work."""

ALIVE_SECONDS = 10.0
"""Time between two signs of life."""

GONE_SECONDS = 600.0
"""Time without a sign of life of the process that leads the search, after which workers end."""

DEATHS = 3
"""Workers that may die, for each of those that there are to be."""

DECIDING = ("bpcli", "numpy", "blas", "simd")
"""Properties of a machine that the bits of a training depend on."""


class Place(NamedTuple):
    """Where a worker finds a search, and where it trains. leader: process to end with, if any."""

    url: str
    study: str
    config: str
    folder: str
    cache: bool
    threads: int
    leader: int | None


def platform() -> dict[str, str]:
    """What the bits of trainings on this machine depend on."""
    found = environment(compiled=False)
    return {name: found[name] for name in DECIDING}


def require_same_platform(theirs: Mapping[str, str]) -> None:
    """Raise UsageError if this machine computes other bits than the one that leads the search."""
    for name, here in platform().items():
        if theirs.get(name) != here:
            raise UsageError(
                f"{name} is {here} here, and {theirs.get(name)} where the search is led; results would depend on who "
                "trains: join with the same versions, on the same kind of processor"
            )


def hire(place: Place) -> SpawnProcess:
    """Start a worker process."""
    process = get_context("spawn").Process(target=_serve, args=(place,), daemon=True)
    process.start()
    return process


def name_of(process: int) -> str:
    """Name of a worker: machine and process."""
    return f"{socket.gethostname()}:{process}"


def work(place: Place, interrupted: Callable[[], bool]) -> None:
    """Train what is asked for until the search is over.

    Raises FileAccessError if the storage stays out of reach, or the search is led by no one.
    """
    with Storage(place.url, interrupted) as storage:
        published, trainer = Published.open(storage, place.study), None
        beat, seen = object(), monotonic()
        while not interrupted():
            taken = _take(published)
            if taken is not None:
                trainer = trainer or Trainer(Path(place.config), Path(place.folder), place.cache, place.threads)
                _train(*taken, published, trainer, place, interrupted)
                continue
            attributes = published.attributes
            if attributes.get("over"):
                return
            if (now := attributes.get("beat")) != beat:
                beat, seen = now, monotonic()
            if monotonic() - seen > GONE_SECONDS:
                raise FileAccessError(
                    f"{storage.shown}: no sign of the process that leads {place.study}; continue it with --resume"
                )
            sleep(POLL_SECONDS)


def _take(published: Published) -> tuple[int, str, list[Training]] | None:
    """Take a trial that waits: its key in the storage, and tag and trainings; None without any."""
    for trial in published.waiting():
        if (task := published.take(trial._trial_id, name_of(os.getpid()))) is not None:
            return trial._trial_id, *task
    return None


def _train(
    key: int,
    tag: str,
    trainings: Sequence[Training],
    published: Published,
    trainer: Trainer,
    place: Place,
    interrupted: Callable[[], bool],
) -> None:
    """Train, and report; once interrupted, give the trial back."""
    done: list[Trained] = []
    with _Signs(place.url, place.study, key):
        for training in trainings:
            done.append(trainer.train(training, interrupted))
            if done[-1].interrupted:
                published.give_back(key)
                return
    published.report(key, tag, done)


def helping(place: Place, count: int, interrupted: Callable[[], bool]) -> None:
    """Run workers until the search is over. Raises FileAccessError if one ends with an error, or they die in turn."""
    workers, deaths = [hire(place) for _ in range(count)], 0
    try:
        while workers and not interrupted():
            for worker in [worker for worker in workers if not worker.is_alive()]:
                workers.remove(worker)
                if (worker.exitcode or 0) > 0:
                    raise FileAccessError(f"a worker ended with exit code {worker.exitcode}")
                if worker.exitcode:
                    deaths += 1
                    if deaths > DEATHS * count:
                        raise FileAccessError("workers died in turn, perhaps for want of memory")
                    workers.append(hire(place))
            sleep(POLL_SECONDS)
    finally:
        end_all(workers)


def end_all(workers: Sequence[SpawnProcess]) -> None:
    """End worker processes; those that train save their runs first."""
    for worker in workers:
        worker.terminate()
    for worker in workers:
        worker.join()


class _Signs:
    """Context manager in which signs of life are given for a trial that is trained."""

    def __init__(self, url: str, study: str, key: int) -> None:
        self._end = Event()
        self._thread = Thread(target=self._give, args=(url, study, key), daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *error: object) -> None:
        self._end.set()

    def _give(self, url: str, study: str, key: int) -> None:
        count = 0
        while not self._end.wait(ALIVE_SECONDS):
            count += 1
            with suppress(BpcliError), Storage(url) as storage:  # one that is lost is noticed after the training
                Published.open(storage, study).sign(key, count)


def _serve(place: Place) -> None:
    """Work in a process of its own; the exit code is that of the error."""
    stopped = False

    def stop(number: int, frame: object) -> None:
        nonlocal stopped
        stopped = True

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)
    try:
        work(place, lambda: stopped or (place.leader is not None and os.getppid() != place.leader))
    except BpcliError as error:
        print(f"bpcli: worker {os.getpid()}: {error}", file=sys.stderr, flush=True)
        raise SystemExit(int(error.exit_code)) from None
