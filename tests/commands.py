"""Running the command line as a person does: in this process with its streams caught, or in one of its own."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

from bpcli.cli.main import run
from bpcli.jobs.side_by_side import child_command
from bpcli.jobs.variants import Variant

ROOT = Path(__file__).parent.parent
CONFIGS = ROOT / "configs"
DATASETS = ROOT / "datasets"
PENGUINS = DATASETS / "penguins.csv"


@dataclass(frozen=True)
class Result:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def last(self) -> str:
        """The last line of stdout."""
        return self.out.splitlines()[-1]

    @property
    def json(self) -> Any:
        """Stdout as one JSON document."""
        return json.loads(self.out)

    @property
    def rows(self) -> list[dict[str, str]]:
        """Stdout as CSV."""
        return list(csv.DictReader(io.StringIO(self.out)))

    def ok(self) -> Result:
        """This, known to have ended well."""
        assert self.code == 0, self.err
        return self


class _BinaryStream(io.TextIOWrapper):
    """A text stream over bytes, as the process's own are."""

    def __init__(self, content: bytes = b"") -> None:
        super().__init__(io.BytesIO(content), encoding="utf-8", newline="", write_through=True)

    def text(self) -> str:
        return self.buffer.getvalue().decode()  # type: ignore[attr-defined]


def bpcli(*arguments: object, stdin: str | bytes = "", cwd: Path | None = None) -> Result:
    """Run a command in this process."""
    given = stdin.encode() if isinstance(stdin, str) else stdin
    out, err = _BinaryStream(), _BinaryStream()
    code = 0
    with (
        contextlib.chdir(cwd or Path.cwd()),
        mock.patch.multiple(sys, stdin=_BinaryStream(given), stdout=out, stderr=err),
    ):
        try:
            run([str(argument) for argument in arguments])
        except SystemExit as stop:
            code = stop.code if isinstance(stop.code, int) else 0
    return Result(code, out.text(), err.text())


@contextlib.contextmanager
def series_in_process() -> Iterator[list[int]]:
    """Runs of a series are trained one by one in this process. The list is of how many were to run at once."""
    found: list[int] = []

    def one_by_one(
        commands: Mapping[Variant, Sequence[str]],
        at_once: int,
        stop: Callable[[], int | None],
        say: Callable[[Variant, str], None],
        killed: Callable[[Variant, int], None],
    ) -> dict[Variant, int]:
        found.append(at_once)
        codes = {}
        for variant, command in commands.items():
            assert command == child_command(command[3:])
            result = bpcli(*command[3:])
            for line in result.err.splitlines():
                say(variant, line)
            codes[variant] = result.code
        return codes

    with mock.patch("bpcli.jobs.side_by_side.train_side_by_side", one_by_one):
        yield found


def bpcli_process(
    *arguments: object, cwd: Path, environment: Mapping[str, str] | None = None
) -> subprocess.Popen[bytes]:
    """Start a command in a process of its own, with pipes to it."""
    command: Sequence[str] = [sys.executable, "-m", "bpcli", *map(str, arguments)]
    return subprocess.Popen(
        command,
        cwd=cwd,
        env={**os.environ, **(environment or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def python(code: str, *, cwd: Path, environment: Mapping[str, str] | None = None) -> str:
    """What a Python program prints."""
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=cwd,
        env={**os.environ, **(environment or {})},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout
