"""Optuna's storage of a search: a journal file, or a database that many machines reach."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any, Self, TypeVar

from bpcli.data.database_url import without_password
from bpcli.errors import BpcliError, FileAccessError, UsageError
from bpcli.wording import printable

if TYPE_CHECKING:
    from optuna.storages import BaseStorage

PATIENCE_SECONDS = 60.0
"""Longest time for a storage that is lost to come back."""

PAUSE_SECONDS = 0.5
"""Pause between two tries."""

TABLES_SECONDS = 10.0
"""Longest time that another process may take to create the tables of a database."""

LOCK_SECONDS = 5
"""Age from which the lock of a journal is that of a process that died."""

DRIVERS = {"postgresql": ("psycopg", "sql"), "mysql": ("pymysql", None), "redis": ("redis", None)}
"""Package of each kind of database, and the extra that has it."""

T = TypeVar("T")


def require_optuna() -> None:
    """Raise UsageError if Optuna is not installed."""
    try:
        import optuna  # noqa: F401
    except ImportError as error:
        raise UsageError("bpcli tune requires Optuna; install it with pip install 'backprop-cli[tune]'") from error


@contextmanager
def quiet() -> Iterator[None]:
    """Block in which Optuna neither logs nor warns."""
    from optuna import logging

    before = logging.get_verbosity()
    logging.set_verbosity(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.set_verbosity(before)


class Storage:
    """Storage at a URL, or a journal at a path; a context manager.

    Operations are tried again while it is out of reach.
    """

    def __init__(self, url: str, interrupted: Callable[[], bool] = lambda: False) -> None:
        """Open a storage.

        interrupted: whether to stop trying. Raises UsageError for a URL of another kind, or without its driver;
        FileAccessError if it is out of reach.
        """
        self.shown, self._interrupted = printable(without_password(url)), interrupted
        self._engine: Any = None
        self.inner = self._tried(lambda: self._opened(url), patience=0.0, created=TABLES_SECONDS)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        """Close the connections."""
        if self._engine is not None:
            self._engine.dispose()

    def do(self, action: Callable[[BaseStorage], T]) -> T:
        """Carry out an operation. Raises FileAccessError if the storage stays out of reach."""
        return self._tried(lambda: action(self.inner), PATIENCE_SECONDS)

    def _opened(self, url: str) -> BaseStorage:
        scheme = re.match(r"(\w+)(\+\w+)?://", url)
        kind = {"postgres": "postgresql", "rediss": "redis"}.get(scheme[1], scheme[1]) if scheme else None
        if kind is None:
            return _journal(Path(url))
        if kind in DRIVERS:
            _require_driver(kind)
        if kind == "redis":
            from optuna.storages import JournalStorage
            from optuna.storages.journal import JournalRedisBackend

            return JournalStorage(JournalRedisBackend(url))
        if kind not in ("postgresql", "mysql", "sqlite"):
            raise UsageError(f"--storage: no storage at {kind}://; give a file, or a URL of PostgreSQL, MySQL or Redis")
        from optuna.storages import RDBStorage, get_storage

        driver = {"postgresql": "postgresql+psycopg", "mysql": "mysql+pymysql"}.get(kind, kind)
        address = re.sub(r"^\w+(\+\w+)?://", f"{driver}://", url)
        database = RDBStorage(address, engine_kwargs={"pool_pre_ping": True})
        self._engine = database.engine
        return get_storage(database)

    def _tried(self, action: Callable[[], T], patience: float, created: float = 0.0) -> T:
        """Try until it works. patience, created: seconds for a storage to come back, and to have its tables."""
        begun = monotonic()
        while True:
            try:
                with quiet():
                    return action()
            except BpcliError:
                raise
            except Exception as error:
                if not _is_loss(error):
                    raise
                longest = max(patience, created if _is_created_twice(error) else 0.0)
                if monotonic() >= begun + longest or self._interrupted():
                    raise FileAccessError(f"{self.shown}: out of reach: {_reason(error)}") from error
            sleep(PAUSE_SECONDS)


def _journal(path: Path) -> BaseStorage:
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend, JournalFileSymlinkLock

    lock = JournalFileSymlinkLock(str(path), grace_period=LOCK_SECONDS)
    return JournalStorage(JournalFileBackend(str(path), lock_obj=lock))


def _require_driver(kind: str) -> None:
    package, extra = DRIVERS[kind]
    try:
        __import__(package)
    except ImportError as error:
        what = f"'backprop-cli[{extra}]'" if extra else package
        raise UsageError(f"--storage: {kind} requires {package}; install it with pip install {what}") from error


def _is_loss(error: Exception) -> bool:
    """Whether an error says that the storage is out of reach, rather than that it is used wrongly."""
    from optuna.exceptions import StorageInternalError

    kinds: list[Any] = [OSError, StorageInternalError]
    names = {"DBAPIError", "OperationalError", "InterfaceError", "ConnectionError", "TimeoutError"}
    return isinstance(error, tuple(kinds)) or any(one.__name__ in names for one in type(error).__mro__)


def _is_created_twice(error: Exception) -> bool:
    """Whether an error may come of two processes that create the tables of one database."""
    names = {"IntegrityError", "ProgrammingError", "InternalError"}
    return any(one.__name__ in names for one in type(error).__mro__) or "already exists" in str(error)


def _reason(error: Exception) -> str:
    """First line of the error at the bottom of a chain."""
    while isinstance(error.__cause__, Exception):
        error = error.__cause__
    text = str(getattr(error, "strerror", None) or error).strip() or type(error).__name__
    return printable(text.splitlines()[0])
