"""Communication between the ranks of a training, by MPI."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, TypeVar

from bpcli.errors import UsageError

Value = TypeVar("Value")

Message = tuple[int, int, Any]
"""Rank of the other side, tag, and the array to send or to receive."""


class Communicator(Protocol):
    """Messages between ranks. Every rank makes the same calls, in the same order. Arrays are contiguous."""

    rank: int
    size: int

    def swap(self, send: Any, receive: Any, peer: int) -> None:
        """Send an array to another rank, and receive one from it."""

    def transfer(self, sends: Sequence[Message], receives: Sequence[Message]) -> None:
        """Send and receive arrays, and wait for all of them."""

    def complete(self, array: Any) -> None:
        """Complete an array with a row for each rank, where each rank has written its own."""

    def complete_slices(self, array: Any, counts: Sequence[int], starts: Sequence[int]) -> None:
        """Complete a vector of which each rank has written `counts` numbers from `starts` on."""

    def broadcast(self, value: Value) -> Value:
        """The value of rank 0."""

    def broadcast_array(self, array: Any) -> None:
        """Overwrite an array by that of rank 0."""

    def gather(self, value: Value) -> list[Value]:
        """Values of all ranks, in all ranks."""


class MpiCommunicator:
    """Communicator of all ranks that an MPI launcher has started."""

    def __init__(self, mpi: Any, world: Any) -> None:
        self._mpi, self._world = mpi, world
        self.rank: int = world.rank
        self.size: int = world.size

    @classmethod
    def world(cls) -> MpiCommunicator:
        """Initialize MPI. Raises UsageError without mpi4py or an MPI library."""
        try:
            import mpi4py

            mpi4py.rc.thread_level = "funneled"  # the watchdog's thread makes no call
            from mpi4py import MPI
        except (ImportError, RuntimeError) as error:
            raise UsageError(f"{missing_mpi(error)}: pip install 'backprop-cli[mpi]'") from error
        return cls(MPI, MPI.COMM_WORLD)

    @property
    def library(self) -> str:
        """Name and version of the MPI library."""
        lines = str(self._mpi.Get_library_version()).replace("\0", "").splitlines()
        return " ".join(lines[0].replace("Version:", "").replace(",", " ").split()) if lines else "MPI"

    @property
    def failure(self) -> type[Exception]:
        """Exception that MPI raises."""
        kind: type[Exception] = self._mpi.Exception
        return kind

    def swap(self, send: Any, receive: Any, peer: int) -> None:
        """Send an array to another rank, and receive one from it."""
        self._world.Sendrecv(send, peer, 0, receive, peer, 0)

    def transfer(self, sends: Sequence[Message], receives: Sequence[Message]) -> None:
        """Send and receive arrays, and wait for all of them."""
        waiting = [self._world.Irecv(array, peer, tag) for peer, tag, array in receives]
        waiting += [self._world.Isend(array, peer, tag) for peer, tag, array in sends]
        self._mpi.Request.Waitall(waiting)

    def complete(self, array: Any) -> None:
        """Complete an array with a row for each rank, where each rank has written its own."""
        self._world.Allgather(self._mpi.IN_PLACE, array)

    def complete_slices(self, array: Any, counts: Sequence[int], starts: Sequence[int]) -> None:
        """Complete a vector of which each rank has written `counts` numbers from `starts` on."""
        self._world.Allgatherv(self._mpi.IN_PLACE, [array, (counts, starts)])

    def broadcast(self, value: Value) -> Value:
        """The value of rank 0."""
        told: Value = self._world.bcast(value, 0)
        return told

    def broadcast_array(self, array: Any) -> None:
        """Overwrite an array by that of rank 0."""
        self._world.Bcast(array, 0)

    def gather(self, value: Value) -> list[Value]:
        """Values of all ranks, in all ranks."""
        found: list[Value] = self._world.allgather(value)
        return found

    def sum_natively(self, array: Any) -> None:
        """Overwrite an array by the sum over ranks, in the order that the MPI library chooses."""
        self._world.Allreduce(self._mpi.IN_PLACE, array)


def missing_mpi(error: Exception) -> str:
    """What a training by several ranks lacks, given the error of importing it."""
    if isinstance(error, ModuleNotFoundError):
        return "training by several ranks needs mpi4py and an MPI library"
    return f"mpi4py finds no MPI library ({str(error).splitlines()[0]})"
