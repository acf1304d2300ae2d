"""Errors that users can cause, and their exit codes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import IntEnum
from typing import ClassVar, NamedTuple


class ExitCode(IntEnum):
    """Exit codes of the process; 128+n stands for termination by signal n."""

    OK = 0
    BUG = 1
    CONFIG = 2
    DATA = 3
    CHECKPOINT = 4
    DIVERGED = 5
    REQUIREMENT = 6
    IO = 7
    EXISTS = 8
    MEMORY = 9


class BpcliError(Exception):
    """An error that the user can fix. Each message is one line: where, what, and what to do."""

    exit_code: ClassVar[ExitCode] = ExitCode.BUG

    def __init__(self, *messages: str) -> None:
        super().__init__("\n".join(messages))
        self.messages = messages
        self.names: Sequence[str] = ()
        """Names of the messages, if they are warnings treated as errors."""


class UsageError(BpcliError):
    """Invalid command line."""

    exit_code = ExitCode.CONFIG


class ArgumentsError(UsageError):
    """A command without an argument that it needs. The entry point adds where its help is."""


class ConfigError(BpcliError):
    """One or more problems in a config, all reported at once."""

    exit_code = ExitCode.CONFIG


class BlasError(BpcliError):
    """An environment in which matrix products would crash the process."""

    exit_code = ExitCode.CONFIG


class Mismatch(NamedTuple):
    """One mismatch of a config and its data, at the value at `path`, or with `at_key` at its key."""

    path: tuple[str | int, ...]
    what: str
    at_key: bool = False

    def __str__(self) -> str:
        return f"{'.'.join(map(str, self.path))}: {self.what}"


class MismatchError(ConfigError):
    """A config that does not match its data."""

    def __init__(self, *mismatches: Mismatch) -> None:
        super().__init__(*map(str, mismatches))
        self.mismatches = mismatches


class DataError(BpcliError):
    """A data file that cannot be read, or lacks what the config or the model needs."""

    exit_code = ExitCode.DATA


@contextmanager
def errors_in(where: str) -> Iterator[None]:
    """Context manager that prefixes DataErrors with the location of the data."""
    try:
        yield
    except DataError as error:
        raise DataError(*(f"{where}: {message}" for message in error.messages)) from error


class DataWarningsError(DataError):
    """Data warnings that a strict command treats as errors, all reported at once, with their names."""

    def __init__(self, *messages: str, names: Sequence[str]) -> None:
        super().__init__(*messages)
        self.names = names


class CheckpointError(BpcliError):
    """A checkpoint that is missing, damaged, or of an unsupported version."""

    exit_code = ExitCode.CHECKPOINT


class DivergedError(BpcliError):
    """Training with a loss or parameter that is not finite."""

    exit_code = ExitCode.DIVERGED


class RequirementError(BpcliError):
    """A requirement on a model, or on its training, that was not met."""

    exit_code = ExitCode.REQUIREMENT


class GradientError(BpcliError):
    """A gradient computed by backpropagation that differs from finite differences."""

    exit_code = ExitCode.REQUIREMENT


class FileAccessError(BpcliError):
    """A file that the operating system refuses to read or write: disk full, read-only, no permission."""

    exit_code = ExitCode.IO


class ExistsError(BpcliError):
    """A run directory or output file that already exists or is in use."""

    exit_code = ExitCode.EXISTS


class MemoryLimitError(BpcliError):
    """Work refused because it needs more memory than is available."""

    exit_code = ExitCode.MEMORY
