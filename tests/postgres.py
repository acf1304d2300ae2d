"""A PostgreSQL server of the tests' own, in a temporary folder, without a network."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

USER = "nobody"
"""Who runs the server where root runs the tests: PostgreSQL refuses root."""


def programs() -> Path | None:
    """The folder of initdb and pg_ctl; None where PostgreSQL is not installed."""
    if (found := shutil.which("initdb")) is not None:
        return Path(found).resolve().parent
    return next((path.parent for path in sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))), None)


@dataclass
class Server:
    """A server that runs. url: of its database, which asks the user `tester` for the password `secret`."""

    url: str
    stop: Callable[[], None]
    start: Callable[[], None]


@contextmanager
def server(folder: Path) -> Iterator[str]:
    """Run a server; the URL of its database."""
    with running(folder) as found:
        yield found.url


@contextmanager
def running(folder: Path) -> Iterator[Server]:
    """Run a server that can be stopped and started again."""
    with tempfile.TemporaryDirectory(prefix="pg", dir="/tmp") as name:  # a socket's path must be short
        home = Path(name)
        user = USER if os.getuid() == 0 else None
        if user is not None:
            shutil.chown(home, user)
        (home / "password").write_text("secret")
        (home / "password").chmod(0o644)

        def run(program: str, *arguments: str) -> None:
            environment = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}
            command = [folder / program, "-D", home / "data", *arguments]
            subprocess.run(command, check=True, capture_output=True, user=user, env=environment, cwd="/", timeout=120)

        def start() -> None:
            options = f"-c unix_socket_directories={home} -c listen_addresses= -c fsync=off"
            run("pg_ctl", "-o", options, "-l", str(home / "log"), "-w", "start")

        def stop() -> None:
            run("pg_ctl", "-m", "immediate", "-w", "stop")

        password = ["--auth=scram-sha-256", f"--pwfile={home / 'password'}"]
        run("initdb", "-U", "tester", "--encoding=UTF8", "--no-sync", *password)
        start()
        try:
            yield Server(f"postgresql://tester@/postgres?host={home}", stop, start)
        finally:
            with suppress(subprocess.CalledProcessError):  # one that is stopped
                stop()
