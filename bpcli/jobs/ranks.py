"""Training by several ranks: what they agree on, and the part of those that do not write the run directory."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from hashlib import sha256
from time import perf_counter
from typing import Any, Generic, TypeVar

from bpcli.errors import BpcliError, DataError, UsageError
from bpcli.experiment.prepared import Prepared
from bpcli.jobs.rank_rules import require_shards
from bpcli.jobs.team import Drive, Team
from bpcli.system.environment import environment
from bpcli.system.ranks.communicator import Communicator
from bpcli.system.ranks.link import Link
from bpcli.training.loop import Clock, train
from bpcli.training.plan import TrainingPlan
from bpcli.training.state import TrainingState
from bpcli.training.steps.tree_exchange import TreeExchange

Value = TypeVar("Value")
Passing = TypeVar("Passing", bound=Communicator)

DECISIVE = ("bpcli", "numpy", "blas", "simd")
"""Parts of the environment that determine bits, and so must be equal in all ranks."""


class RankTeam(Team, Generic[Passing]):
    """Team of the ranks of a communicator."""

    def __init__(self, communicator: Passing, host: str, clock: Clock = perf_counter) -> None:
        self.rank, self.size = communicator.rank, communicator.size
        self.communicator, self._clock = communicator, clock
        self.hosts = communicator.gather(host)
        self.request: Callable[[], int | None] = lambda: None
        """Signal that this process has received."""
        self.told: int | None = None
        """Signal that this process has been told of."""
        self.signal: int | None = None
        """Signal at which all ranks have agreed to stop."""
        self.agreed: BpcliError | None = None
        """Last error that all ranks have raised together."""
        self.run: str | None = None
        """The run directory, once there is one."""
        self.link: Link | None = None
        self._now = 0.0

    def called(self, rank: int) -> str:
        """Name of a rank in messages: `rank 2 (node-b)`."""
        return f"rank {rank} ({self.hosts[rank]})"

    def wanted(self) -> tuple[float, int]:
        """Time of this rank's clock, and the signal that it has received, or 0."""
        return self._clock(), self.told or self.request() or 0

    def be_told(self, signal: int) -> None:
        """Stop all ranks after the current step, as if this process had received a signal."""
        self.told = signal

    def began(self, run: str) -> None:
        """Remember the run directory, and tell the watchdog of it."""
        self.run = run
        if self.link is not None:
            self.link.training(**({"run": run} if self.rank == 0 else {}))

    def agree(self, now: float, signal: int) -> None:
        """Take over the time of rank 0, and a signal of any rank."""
        self._now, self.signal = now, signal or self.signal

    def tell(self, decide: Callable[[], Value]) -> Value:
        """Result of `decide` in rank 0. Raises in all ranks the BpcliError that it raises."""
        outcome: tuple[Value | None, _Raised | None] = None, None
        if self.rank == 0:
            try:
                outcome = decide(), None
            except BpcliError as error:
                outcome = None, _Raised.of(error)
        value, raised = self.communicator.broadcast(outcome)
        if raised is not None:
            self._raise(raised)
        return value  # type: ignore[return-value]

    def together(self, work: Callable[[], Value]) -> Value:
        """Result of `work`, done by each rank. Raises in all of them the error of the first rank that has one."""
        value, raised = None, None
        try:
            value = work()
        except BpcliError as error:
            raised = _Raised.of(error)
        found = self.communicator.gather(raised)
        first = next((rank for rank, of_rank in enumerate(found) if of_rank is not None), None)
        if first is not None:
            of_first = found[first]
            assert of_first is not None
            alike = all(of_rank == of_first for of_rank in found)
            self._raise(of_first if alike else of_first.said_by(self.called(first)))
        return value  # type: ignore[return-value]

    def share(self, state: TrainingState) -> None:
        """Overwrite a state by that of rank 0."""
        for vector in state.vectors().values():
            self.communicator.broadcast_array(vector)
        scalars = state.counters, state.optimizer.steps, dict(state.optimizer.numbers)
        state.counters, state.optimizer.steps, numbers = self.communicator.broadcast(scalars)
        state.optimizer.numbers.update(numbers)

    def drive(self, plan: TrainingPlan, interrupted: Callable[[], bool], clock: Clock) -> Drive:
        """Drive of a plan's training, with the clock of rank 0 as of the last step, and the signals of all ranks."""
        assert plan.spec.shards is not None
        self._clock = clock
        self._now = self.tell(clock)
        return Drive(TreeExchange(self.communicator, plan.spec.shards, self), self._stopped, self._clock_of_all)

    def _stopped(self) -> bool:
        return self.signal is not None

    def _clock_of_all(self) -> float:
        return self._now

    def _raise(self, raised: _Raised) -> None:
        self.agreed = raised.error()
        raise self.agreed

    def require_alike(self, prepared: Prepared) -> None:
        """Raise in all ranks unless they have the same software, kernels, config and data, and as many shards as ranks.

        Raises:
            UsageError: the config has no shards, or fewer than there are ranks; or software or kernels differ.
            DataError: data or config differ.
        """
        self.together(lambda: require_shards(prepared.config.training.shards, self.size))
        config = sha256(prepared.config.model_dump_json().encode()).hexdigest()
        mine = {**identity(), "data": prepared.digest, "config": config}
        found = self.communicator.gather(mine)

        def require() -> None:
            for rank, of_rank in enumerate(found):
                require_same(of_rank, found[0], self.called(rank), self.called(0))

        self.together(require)


class _Raised(tuple[type[BpcliError], tuple[str, ...], tuple[str, ...]]):
    """Error of a rank as a message to the others: its class, its lines, and their names."""

    __slots__ = ()

    @classmethod
    def of(cls, error: BpcliError) -> _Raised:
        return cls((type(error), tuple(error.messages), tuple(error.names)))

    def said_by(self, rank: str) -> _Raised:
        kind, messages, names = self
        return _Raised((kind, tuple(f"{rank}: {message}" for message in messages), names))

    def error(self) -> BpcliError:
        """The error, as it was raised."""
        kind, messages, names = self
        error = kind.__new__(kind)
        BpcliError.__init__(error, *messages)
        error.names = names
        return error


def identity() -> dict[str, str]:
    """What determines bits besides config and data."""
    found = environment(compiled=False)
    return {name: found[name] for name in DECISIVE}


def require_same(found: Mapping[str, str], first: Mapping[str, str], rank: str, first_rank: str) -> None:
    """Raise UsageError or DataError, which names both ranks, for the first difference between two ranks."""
    for name, value in found.items():
        if value == first[name]:
            continue
        if name in DECISIVE:
            raise UsageError(f"{rank} has {name} {value}, {first_rank} {first[name]}; the bits would differ")
        what = "data has" if name == "data" else "resolved config has"
        raise DataError(f"{rank}: its {what} the SHA-256 {value[:16]}…, not {first[name][:16]}… as in {first_rank}")


def follow(prepared: Prepared, team: Team, threads: int | None = None) -> str:
    """Train as a rank other than 0, making the calls of rank 0's `Runner`. Returns the status of the run.

    Raises DivergedError.
    """
    if team.tell(_decide) and _trained(prepared, team, threads):
        followed = team.tell(_decide)
        if followed is not None:
            assert prepared.final is not None
            _follow_training(replace(prepared.final.plan, followed=followed), team, threads)
    status: str = team.tell(_decide)
    return status


def _trained(prepared: Prepared, team: Team, threads: int | None) -> bool:
    """Follow the first training. Whether it has reached its end."""
    _follow_training(prepared.plan, team, threads)
    finishes: bool = team.tell(_decide)
    return finishes


def _follow_training(plan: TrainingPlan, team: Team, threads: int | None) -> None:
    state = plan.new_state()
    team.share(state)
    drive = team.drive(plan, lambda: False, perf_counter)
    for _ in train(plan, state, drive.interrupted, threads, exchange=drive.exchange, clock=drive.clock):
        pass


def _decide() -> Any:
    """Decision of rank 0, which other ranks do not make."""
    raise RuntimeError("only rank 0 decides")
