"""Searches through a storage: the same trials whoever trains them, and whatever dies in between."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from commands import bpcli, bpcli_process
from postgres import Server, programs, running
from studies import search, table, weights

from bpcli.errors import BpcliError
from bpcli.tuning import joining, shared, storage
from bpcli.tuning.publication import Published
from bpcli.tuning.storage import Storage

LONG = {"training": {"epochs": 300, "batch_size": 8}}


@pytest.fixture(scope="session")
def database() -> Iterator[Server]:
    """A PostgreSQL server, which tests may stop if they start it again."""
    folder = programs()
    if folder is None:
        pytest.skip("no PostgreSQL server here (apt-get install postgresql)")
    before = os.environ.get("PGPASSWORD")
    os.environ["PGPASSWORD"] = "secret"
    with running(folder) as found:
        yield found
    os.environ.pop("PGPASSWORD") if before is None else os.environ.update(PGPASSWORD=before)


OTHERS = [pytest.param(name, marks=pytest.mark.exhaustive) for name in ("journal", "sqlite")]
"""Storages whose loss and return other tests show, or that no one shares."""


@pytest.fixture(params=["postgresql", *OTHERS])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """URL of a storage of each kind that is here."""
    if request.param == "postgresql":
        return str(request.getfixturevalue("database").url)
    return str(tmp_path / "journal.log") if request.param == "journal" else f"sqlite:///{tmp_path}/s.db"


def until(condition: Callable[[], Any], seconds: float = 120.0) -> None:
    """Wait until a condition holds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


def plain(config: Path) -> list[dict[str, Any]]:
    """Trials of a search in this process."""
    bpcli("tune", config, "--run-dir", config.parent / "plain", "-q").ok()
    return table(config.parent / "plain")


def ended(process: subprocess.Popen[bytes]) -> None:
    """Wait for a process that ends well."""
    _, err = process.communicate(timeout=150)
    assert process.returncode == 0, err.decode()


def test_workers_of_two_commands_find_what_one_process_finds(tmp_path: Path, url: str) -> None:
    config = search(tmp_path / "here", {"trials": 9, "halving": {"first_epochs": 2}})
    wanted = plain(config)
    name = f"study-{tmp_path.parent.name}-{tmp_path.name}"
    leader = bpcli_process("tune", config, "--run-dir", "study", "--storage", url, "--study", name, "-q", cwd=tmp_path)
    until(lambda: _is_open(url, name) or leader.poll() is not None)
    joined = bpcli_process("tune", "--join", "--storage", url, "--study", name, cwd=tmp_path)
    ended(leader)
    ended(joined)
    assert table(tmp_path / "study") == wanted
    assert weights(tmp_path / "study" / "best") == weights(config.parent / "plain" / "best")
    again = bpcli_process("tune", "--join", "--storage", url, "--study", name, cwd=tmp_path)
    ended(again)  # there is nothing left to do


def test_two_processes_may_open_a_new_database_at_once(database: Server) -> None:
    import psycopg

    with psycopg.connect(database.url, autocommit=True) as connection:
        connection.execute("create database fresh")
    url, ready = database.url.replace("/postgres?", "/fresh?"), threading.Barrier(4)

    def opened(_: int) -> int:
        ready.wait()
        with Storage(url) as one:
            return len(one.do(lambda inner: inner.get_all_studies()))

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(opened, range(4))) == [0] * 4


def _is_open(url: str, name: str) -> bool:
    try:
        with Storage(url) as storage:
            return "platform" in Published.open(storage, name).attributes
    except BpcliError:
        return False


def test_trials_of_killed_workers_are_done_again(tmp_path: Path) -> None:
    config = search(tmp_path / "here", {"trials": 4}, LONG)
    wanted = plain(config)
    journal = tmp_path / "j.log"
    arguments = ["--storage", journal, "--workers", 2, "-q"]
    leader = bpcli_process("tune", config, "--run-dir", "study", *arguments, cwd=tmp_path)
    until(lambda: list((tmp_path / "study").glob("trials/*/metrics.jsonl")))
    for child in _workers(leader.pid)[:1]:
        os.kill(child, signal.SIGKILL)
    ended(leader)
    assert table(tmp_path / "study") == wanted


def test_a_killed_leader_is_followed_by_another(tmp_path: Path) -> None:
    config = search(tmp_path / "here", {"trials": 6}, LONG)
    wanted = plain(config)
    journal = tmp_path / "j.log"
    leader = bpcli_process("tune", config, "--run-dir", "study", "--storage", journal, "-q", cwd=tmp_path)
    until(lambda: list((tmp_path / "study").glob("trials/*/metrics.jsonl")))
    leader.kill()
    leader.communicate()
    ended(bpcli_process("tune", "--resume", "study", "--storage", journal, "-q", cwd=tmp_path))
    assert table(tmp_path / "study") == wanted


def _workers(process: int) -> list[int]:
    path = Path(f"/proc/{process}/task/{process}/children")
    children = [int(number) for number in path.read_text().split()]
    return [one for one in children if "spawn_main" in Path(f"/proc/{one}/cmdline").read_text()]


def test_a_database_that_comes_back_is_waited_for(tmp_path: Path, database: Server) -> None:
    config = search(tmp_path / "here", {"trials": 4}, LONG)
    wanted = plain(config)
    arguments = ["--storage", database.url, "--study", f"back-{tmp_path.parent.name}", "-q"]
    leader = bpcli_process("tune", config, "--run-dir", "study", *arguments, cwd=tmp_path)
    until(lambda: list((tmp_path / "study").glob("trials/*/metrics.jsonl")))
    database.stop()
    time.sleep(1)
    database.start()
    ended(leader)
    assert table(tmp_path / "study") == wanted


def test_a_lost_database_ends_a_search_that_can_go_on(
    tmp_path: Path, database: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = search(tmp_path / "here", {"trials": 4})
    wanted = plain(config)
    arguments = ["--storage", database.url, "--study", f"lost-{tmp_path.parent.name}", "-q"]
    monkeypatch.setattr(storage, "PATIENCE_SECONDS", 1.0)
    monkeypatch.setattr(joining, "hire", _nobody)
    monkeypatch.setattr(shared, "hire", _nobody)
    stopped = []

    def stop_once(*_: object) -> None:
        if not stopped:
            stopped.append(True)
            database.stop()

    monkeypatch.setattr(shared, "sleep", stop_once)
    result = bpcli("tune", config, "--run-dir", tmp_path / "study", *arguments)
    database.start()
    assert result.code == 7
    assert "out of reach" in result.err
    assert "secret" not in result.err
    monkeypatch.undo()
    os.environ["PGPASSWORD"] = "secret"
    bpcli("tune", "--resume", tmp_path / "study", "-q").ok()  # here, without the database
    assert table(tmp_path / "study") == wanted


class _Nobody:
    """A worker that does nothing."""

    pid = exitcode = None

    def is_alive(self) -> bool:
        return True

    def terminate(self) -> None:
        return

    def join(self) -> None:
        return


def _nobody(place: object) -> Any:
    return _Nobody()


def test_a_storage_out_of_reach_is_one_line(tmp_path: Path) -> None:
    config = search(tmp_path)
    result = bpcli(
        "tune", config, "--run-dir", tmp_path / "a", "--storage", "postgresql://me:word@/x?host=/nowhere", "-q"
    )
    assert result.code == 7
    assert len(result.err.splitlines()) == 1
    assert "word@" not in result.err
    assert bpcli("tune", config, "--run-dir", tmp_path / "b", "--storage", "http://here", "-q").code == 2
    assert bpcli("tune", config, "--run-dir", tmp_path / "c", "--storage", tmp_path / "no" / "j.log", "-q").code == 7


def test_who_cannot_join_is_told_why(tmp_path: Path) -> None:
    config = search(tmp_path / "here")
    bpcli("tune", config, "--run-dir", tmp_path / "study", "-q").ok()
    journal = tmp_path / "study" / "optuna.log"
    assert "no search there" in bpcli("tune", "--join", "--storage", journal).err
    assert "there is 'study'" in bpcli("tune", "--join", "--storage", journal, "--study", "other").err
    published = Published.open(Storage(str(journal)), "study")
    published.set("over", False)
    published.set("data", "0" * 64)
    result = bpcli("tune", "--join", "--storage", journal)
    assert result.code == 2
    assert "the data is not that of the search" in result.err
    published.set("platform", {**joining.platform(), "numpy": "1.0"})
    assert "numpy is" in bpcli("tune", "--join", "--storage", journal).err
    assert "no such journal" in bpcli("tune", "--join", "--storage", tmp_path / "none.log").err
    assert bpcli("tune", "--join").code == bpcli("tune", config, "--join", "--storage", journal).code == 2


def test_data_that_lies_elsewhere_is_named(tmp_path: Path) -> None:
    config = search(tmp_path / "here", {"trials": 4})
    wanted, journal = plain(config), tmp_path / "j.log"
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "copy.csv").write_text((tmp_path / "here" / "t.csv").read_text())
    leader = bpcli_process("tune", config, "--run-dir", "study", "--storage", journal, "-q", cwd=tmp_path)
    until(lambda: _is_open(str(journal), "study"))
    there = ["--set", f"data.path={tmp_path}/there/copy.csv"]
    joined = bpcli_process("tune", "--join", "--storage", journal, *there, cwd=tmp_path)
    ended(leader)
    ended(joined)
    assert table(tmp_path / "study") == wanted


def test_the_journal_of_a_search_holds_its_trials(tmp_path: Path) -> None:
    import optuna

    config = search(tmp_path, {"trials": 8, "halving": {"first_epochs": 2}})
    bpcli("tune", config, "--run-dir", tmp_path / "study", "-q").ok()
    path = tmp_path / "study" / "optuna.log"
    journal = optuna.storages.JournalStorage(optuna.storages.journal.JournalFileBackend(str(path)))
    study = optuna.load_study(study_name="study", storage=journal)
    trials = table(tmp_path / "study")
    states = {"complete": "COMPLETE", "stopped": "PRUNED", "failed": "FAIL"}
    assert [trial.state.name for trial in study.trials] == [states[trial["state"]] for trial in trials]
    assert [trial.params for trial in study.trials] == [trial["values"] for trial in trials]
    assert study.best_value == min(trial["score"] for trial in trials if trial["state"] == "complete")
    assert study.metric_names == ["validation_loss"]
    path.write_text(path.read_text()[:-20])  # a damaged one is written anew
    bpcli("tune", "--resume", tmp_path / "study", "-q").ok()
    journal = optuna.storages.JournalStorage(optuna.storages.journal.JournalFileBackend(str(path)))
    assert len(optuna.load_study(study_name="study", storage=journal).trials) == 8


def test_optunas_dashboard_shows_the_journal(tmp_path: Path) -> None:
    dashboard = pytest.importorskip("optuna_dashboard")
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    bpcli("tune", search(tmp_path), "--run-dir", tmp_path / "study", "-q").ok()
    app = dashboard.wsgi(JournalStorage(JournalFileBackend(str(tmp_path / "study" / "optuna.log"))))

    def get(path: str, query: str = "") -> Any:
        said: list[str] = []
        environment = {
            "REQUEST_METHOD": "GET",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "SERVER_NAME": "here",
            "SERVER_PORT": "80",
            "wsgi.input": io.BytesIO(),
            "wsgi.url_scheme": "http",
        }
        body = b"".join(app(environment, lambda status, headers, *_: said.append(status)))
        assert said == ["200 OK"]
        return json.loads(body)

    [summary] = get("/api/studies")["study_summaries"]
    assert summary["study_name"] == "study"
    detail = get(f"/api/studies/{summary['study_id']}", "after=0")
    assert [trial["number"] for trial in detail["trials"]] == list(range(6))
    assert [trial["values"] for trial in detail["trials"]] == [[one["score"]] for one in table(tmp_path / "study")]
