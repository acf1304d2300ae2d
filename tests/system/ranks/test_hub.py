"""Watchdog: a rank that dies, falls silent or fails is noticed, and the others end."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event
from time import monotonic, sleep

import pytest

from bpcli.errors import FileAccessError
from bpcli.system.ranks.addresses import machine, own_addresses
from bpcli.system.ranks.hub import Hub, Loss
from bpcli.system.ranks.link import Link

BEAT, SILENT = 0.2, 1.0
"""Seconds between beats, and of silence after which a side is lost."""


class Rank:
    """A rank with a link, which remembers what it is told."""

    def __init__(self, hub: Hub, number: int) -> None:
        self.signals: list[int] = []
        self.ends: list[int] = []
        self.losses: list[str] = []
        self.ended = Event()
        self.link = Link(
            hub.address,
            number,
            "here",
            self.signals.append,
            self.losses.append,
            self.end,
            silent_seconds=SILENT,
            beat_seconds=BEAT,
        )
        self.link.training()

    def end(self, code: int) -> None:
        self.ends.append(code)
        self.ended.set()

    def die(self) -> None:
        """Close the connection, as the operating system does."""
        self.link.close()


@contextmanager
def watched(size: int, by: str = "launcher", everywhere: bool = False) -> Iterator[tuple[Hub, list[Rank]]]:
    hub = Hub(size, by, everywhere=everywhere, silent_seconds=SILENT, beat_seconds=BEAT)
    ranks = [Rank(hub, number) for number in range(size)]
    try:
        yield hub, ranks
    finally:
        for rank in ranks:
            rank.link.close()
        hub.close()


def eventually(holds: Callable[[], object], seconds: float = 8.0) -> bool:
    end = monotonic() + seconds
    while not holds() and monotonic() < end:
        sleep(0.01)
    return bool(holds())


@pytest.mark.parametrize("everywhere", [False, True])
def test_a_rank_that_dies_is_named_and_the_others_can_be_ended(everywhere: bool) -> None:
    with watched(3, everywhere=everywhere) as (hub, ranks):
        ranks[2].die()
        assert eventually(lambda: hub.outcome.lost is not None)
        assert hub.outcome.lost == Loss(2, "here", "died")
        assert hub.outcome.lost.shown == "rank 2 (here) died"
        hub.end_all(7)
        assert ranks[0].ended.wait(8)
        assert ranks[1].ended.wait(8)
        assert ranks[0].ends == ranks[1].ends == [7]


def test_a_rank_that_falls_silent_is_named() -> None:
    """A stopped process, or a link that is down: the connection stays open."""
    hub = Hub(1, "launcher", everywhere=False, silent_seconds=SILENT, beat_seconds=BEAT)
    address, port, token = hub.address.rsplit(":", 2)
    with socket.create_connection((address, int(port))) as mute:
        mute.sendall(json.dumps({"token": token, "rank": 0, "host": "far"}).encode() + b"\n")
        mute.sendall(b'{"training": 1}\n')
        assert eventually(lambda: hub.outcome.joined == {0})
        assert hub.outcome.lost is None
        assert eventually(lambda: hub.outcome.lost is not None)
    assert hub.outcome.lost == Loss(0, "far", f"has not answered for {SILENT:g} s")
    hub.close()


def test_a_rank_may_be_silent_for_longer_before_training_begins() -> None:
    hub = Hub(1, "launcher", everywhere=False, silent_seconds=0.2, preparing_seconds=1.0, beat_seconds=BEAT)
    address, port, token = hub.address.rsplit(":", 2)
    with socket.create_connection((address, int(port))) as mute:
        mute.sendall(json.dumps({"token": token, "rank": 0, "host": "far"}).encode() + b"\n")
        sleep(0.6)
        assert hub.outcome.lost is None
        assert eventually(lambda: hub.outcome.lost is not None)
    assert hub.outcome.lost == Loss(0, "far", "has not answered for 1 s")
    hub.close()


def test_ranks_that_beat_and_end_are_not_lost() -> None:
    with watched(2) as (hub, ranks):
        sleep(SILENT + 0.5)
        ranks[0].link.send(run="runs/x")
        ranks[0].link.done(0)
        ranks[1].link.done(0)
        assert eventually(lambda: hub.outcome.codes == {0: 0, 1: 0})
        assert hub.outcome.run == "runs/x"
        assert hub.outcome.lost is None
        assert hub.missing() == []
        assert ranks[0].ends == ranks[1].ends == []


def test_a_rank_that_fails_has_printed_why_and_is_not_lost() -> None:
    with watched(2) as (hub, ranks):
        ranks[1].link.failed(3)
        assert eventually(lambda: hub.outcome.failed == 3)
        ranks[1].die()
        sleep(0.1)
        assert hub.outcome.lost is None


def test_a_hub_that_closes_has_read_what_ranks_have_sent() -> None:
    for _ in range(20):
        hub = Hub(1, "launcher", everywhere=False, silent_seconds=SILENT, beat_seconds=BEAT)
        rank = Rank(hub, 0)
        rank.link.done(3)
        hub.close()
        rank.link.close()
        assert hub.outcome.codes == {0: 3}


def test_a_signal_is_passed_on_to_all_ranks() -> None:
    with watched(2) as (hub, ranks):
        hub.send_signal(15)
        assert eventually(lambda: [rank.signals for rank in ranks] == [[15], [15]])


def test_without_the_process_that_started_them_ranks_save_and_stop() -> None:
    with watched(2) as (hub, ranks):
        hub.close()
        assert eventually(lambda: [rank.signals for rank in ranks] == [[15], [15]])
        assert ranks[0].ends == []


def test_without_rank_0_the_other_ranks_end() -> None:
    with watched(2, by="rank") as (hub, ranks):
        hub.close()
        assert ranks[1].ended.wait(8)
        assert ranks[1].losses == ["died"]
        assert ranks[1].ends == [7]


def test_strangers_are_not_admitted() -> None:
    hub = Hub(2, "launcher", everywhere=False)
    address, port, token = hub.address.rsplit(":", 2)
    with pytest.raises(FileAccessError, match=r"rank 1 \(there\) cannot connect to the watchdog"):
        Link(f"{address}:{port}:{'0' * len(token)}", 1, "there", lambda _: None, lambda _: None)
    for content in (b"GET / HTTP/1.1\n\n", b"[]\n", b'{"rank": 0}\n', b"\xff\n"):
        with socket.create_connection((address, int(port))) as connection:
            connection.sendall(content)
            connection.settimeout(8)
            assert connection.recv(1) == b""
    assert hub.outcome.joined == set()
    hub.close()


def test_ranks_that_never_start_are_named() -> None:
    hub = Hub(2, "launcher", everywhere=False, join_seconds=0.1, beat_seconds=BEAT)
    assert eventually(lambda: hub.outcome.lost is not None)
    assert hub.outcome.lost == Loss(0, "unknown host", "has not started within 0.1 s")
    hub.close()


def test_a_machine_has_addresses_and_is_itself() -> None:
    assert own_addresses()[0] == "127.0.0.1"
    assert machine() == machine()
