"""The errors that a user can cause, and the exit code of each."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum
from typing import ClassVar, NamedTuple


class ExitCode(IntEnum):
    """What the process says to the shell; 128+n stands for a stop by signal n."""

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
    """Something the user can mend: each message is one line that says where, what, and what to do."""

    exit_code: ClassVar[ExitCode] = ExitCode.BUG

    def __init__(self, *messages: str) -> None:
        super().__init__("\n".join(messages))
        self.messages = messages


class UsageError(BpcliError):
    """A command line that cannot be carried out."""

    exit_code = ExitCode.CONFIG


class ConfigError(BpcliError):
    """One or more things wrong with a config; all of them are reported at once."""

    exit_code = ExitCode.CONFIG


class BlasError(BpcliError):
    """An environment in which products of matrices would crash the process."""

    exit_code = ExitCode.CONFIG


class Mismatch(NamedTuple):
    """One thing in a config that does not fit its data; `path` leads to a value, or with `at_key` to the key itself."""

    path: tuple[str | int, ...]
    what: str
    at_key: bool = False

    def __str__(self) -> str:
        return f"{'.'.join(map(str, self.path))}: {self.what}"


class MismatchError(ConfigError):
    """A config and its data that do not fit together."""

    def __init__(self, *mismatches: Mismatch) -> None:
        super().__init__(*map(str, mismatches))
        self.mismatches = mismatches


class DataError(BpcliError):
    """A data file that cannot be read, or that does not hold what the config or the model needs."""

    exit_code = ExitCode.DATA


@contextmanager
def errors_in(where: str) -> Iterator[None]:
    """Within the block, a DataError gets the place of the data, which it does not know, in front."""
    try:
        yield
    except DataError as error:
        raise DataError(f"{where}: {error}") from error


class DataWarningsError(DataError):
    """Warnings about the data that a strict command takes for errors; all of them are reported at once."""


class CheckpointError(BpcliError):
    """A checkpoint that is missing, damaged, or not one that this version can read."""

    exit_code = ExitCode.CHECKPOINT


class DivergedError(BpcliError):
    """Training whose loss stopped being a finite number."""

    exit_code = ExitCode.DIVERGED


class RequirementError(BpcliError):
    """What was required of a model, or of its training, and not met."""

    exit_code = ExitCode.REQUIREMENT


class GradientError(BpcliError):
    """A gradient of backpropagation's that differences do not confirm."""

    exit_code = ExitCode.REQUIREMENT


class FileAccessError(BpcliError):
    """A file that the operating system would not read or write: disk full, read-only, no permission."""

    exit_code = ExitCode.IO


class ExistsError(BpcliError):
    """A run directory or output file that exists already, or is in use."""

    exit_code = ExitCode.EXISTS


class MemoryLimitError(BpcliError):
    """Work refused because it would need more memory than there is."""

    exit_code = ExitCode.MEMORY
