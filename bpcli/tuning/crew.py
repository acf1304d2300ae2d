"""Workers of a search: processes that train, and this process if there is only one."""

from __future__ import annotations

import os
import signal
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from bpcli.errors import BpcliError, FileAccessError
from bpcli.system.files import path_from_here
from bpcli.tuning.space import Values
from bpcli.tuning.training import Trained, Trainer, Training
from bpcli.tuning.trial import Trial
from bpcli.wording import printable

if TYPE_CHECKING:
    from multiprocessing.context import SpawnProcess

POLL_SECONDS = 0.1
"""Longest time before workers are told to stop."""

TRIES = 3
"""Number of workers that one training may take with it before the search stops."""

Done = tuple[int, Trained]
"""Place of a training in the list, and what it came to."""


class Crew(ABC):
    """Those who train. A context manager, at whose end no process is left."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        """End all processes."""
        return

    def announce(self, asked: Mapping[int, Values]) -> None:
        """Take note of the trials, by number, that are trained next."""
        return

    @abstractmethod
    def train(self, trainings: Sequence[Training], interrupted: Callable[[], bool]) -> Iterator[Done]:
        """Train all, yielding each as it is done; once interrupted, those that are under way end early."""

    def conclude(self, trials: Sequence[Trial]) -> None:
        """Take note of trials that are over."""
        return


class Alone(Crew):
    """This process, one training after another."""

    def __init__(self, trainer: Callable[[], Trainer]) -> None:
        """trainer: function that opens one, when the first training begins."""
        self._open = trainer
        self._trainer: Trainer | None = None

    def train(self, trainings: Sequence[Training], interrupted: Callable[[], bool]) -> Iterator[Done]:
        """Train all."""
        for place, training in enumerate(trainings):
            if interrupted():
                return
            self._trainer = self._trainer or self._open()
            yield place, self._trainer.train(training, interrupted)


class _Worker(NamedTuple):
    process: SpawnProcess
    connection: Connection[Any, Any]


class Processes(Crew):
    """Processes that train side by side. One that dies is replaced, and its training continued by another."""

    def __init__(self, count: int, config: Path, folder: Path, cache: bool, threads: int) -> None:
        self._folder, self._arguments = folder, (str(config), str(folder), cache, threads)
        self._idle: list[_Worker] = []
        self._hired: list[_Worker] = []
        self._count = count

    def __exit__(self, *error: object) -> None:
        """End all processes; those that train save their runs first."""
        for worker in self._hired:
            worker.connection.close()
        for worker in self._hired:
            worker.process.terminate()
        for worker in self._hired:
            worker.process.join()

    def train(self, trainings: Sequence[Training], interrupted: Callable[[], bool]) -> Iterator[Done]:
        """Train all. Raises the first error of a worker that is not one of a training."""
        waiting = list(range(len(trainings)))[::-1]
        tries = [0] * len(trainings)
        busy: dict[Any, tuple[_Worker, int]] = {}
        told = False
        while busy or (waiting and not interrupted()):
            while waiting and len(busy) < self._count and not interrupted():
                worker, place = self._hire(), waiting.pop()
                tries[place] += 1
                with suppress(OSError):  # of a worker that has died since, which the next wait finds
                    worker.connection.send(trainings[place])
                busy[worker.connection] = worker, place
            if interrupted() and not told:
                told = True
                for worker, _ in busy.values():
                    worker.process.terminate()
            for connection in wait(list(busy), POLL_SECONDS):
                worker, place = busy.pop(connection)
                answer = self._answer(worker)
                if isinstance(answer, BpcliError):
                    raise answer
                gone = answer is None or (answer.interrupted and not interrupted())
                if gone and tries[place] < TRIES:
                    waiting.append(place)
                elif gone:
                    run = printable(path_from_here(self._folder / trainings[place].name))
                    why = f"{TRIES} workers died in turn (exit code {worker.process.exitcode})"
                    raise FileAccessError(f"{run}: {why}, perhaps for want of memory; continue with --resume")
                else:
                    assert answer is not None
                    yield place, answer

    def _answer(self, worker: _Worker) -> Trained | BpcliError | None:
        """What a worker sends; None if it died. One that ends or is asked to stop is not hired again."""
        answer: Trained | BpcliError | None
        try:
            answer = worker.connection.recv()
        except (EOFError, ConnectionError):
            answer = None
        if isinstance(answer, Trained) and not answer.interrupted:
            self._idle.append(worker)
        else:
            self._hired.remove(worker)
            worker.connection.close()
            worker.process.join()
        return answer

    def _hire(self) -> _Worker:
        """An idle worker, or a new one."""
        if self._idle:
            return self._idle.pop()
        context = get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=serve, args=(theirs, os.getpid(), *self._arguments), daemon=True)
        process.start()
        theirs.close()
        worker = _Worker(process, ours)
        self._hired.append(worker)
        return worker


def serve(connection: Connection[Any, Any], leader: int, config: str, folder: str, cache: bool, threads: int) -> None:
    """Train what the leader sends, until it closes the connection or ends."""
    stopped = False

    def stop(number: int, frame: object) -> None:
        nonlocal stopped
        stopped = True

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)

    def interrupted() -> bool:
        return stopped or os.getppid() != leader

    try:
        trainer = Trainer(Path(config), Path(folder), cache, threads)
        for training in _received(connection, interrupted):
            connection.send(trainer.train(training, interrupted))
            if interrupted():
                return
    except BpcliError as error:
        with suppress(OSError):
            connection.send(error)
    except OSError as error:
        with suppress(OSError):
            connection.send(FileAccessError(f"{error.filename or 'a worker'}: {error.strerror or error}"))


def _received(connection: Connection[Any, Any], interrupted: Callable[[], bool]) -> Iterable[Training]:
    while not interrupted():
        try:
            if connection.poll(POLL_SECONDS):
                yield connection.recv()
        except (EOFError, ConnectionError):
            return
