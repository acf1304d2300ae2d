"""Ranks on hosts of a network: bytes cross it, the bits are those of one process, and a link may go down."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from time import monotonic, sleep

import pytest
from commands import Result, bpcli
from ranked_runs import bits, sharded

from bpcli.jobs.training import train

pytest.importorskip("mpi4py")
pytestmark = [
    pytest.mark.exhaustive,
    pytest.mark.skipif(
        os.geteuid() != 0 or shutil.which("ip") is None or not Path(sys.executable).with_name("mpiexec").is_file(),
        reason="network namespaces need root and iproute2, and ranks mpiexec",
    ),
]

HOSTS = 3
NUMBERS = count()
REMOTE_SHELL = """#!/bin/sh
while case $1 in -*) true;; *) false;; esac; do shift; done
number=$((${1##*.} - 1)); shift
exec ip netns exec PREFIX$number unshare --uts sh -c "hostname node$number; $*"
"""
"""What ssh does, for the host whose address ends in its number + 1."""


def ip(*arguments: str) -> str:
    return subprocess.run(["ip", *arguments], check=True, capture_output=True, text=True).stdout


class Network:
    """Hosts that are network namespaces, joined by a bridge."""

    def __init__(self, folder: Path) -> None:
        number = next(NUMBERS)  # names of an earlier network may be in use for a while
        self.prefix, self.folder = f"bp{os.getpid() % 10_000}n{number}", folder
        self.subnet = f"10.{200 + number}.{os.getpid() % 250}"
        self.hosts = folder / "hosts"
        self.hosts.write_text("".join(f"{self.subnet}.{number + 1}\n" for number in range(HOSTS)))
        self.shell = folder / "remote_shell"
        self.shell.write_text(REMOTE_SHELL.replace("PREFIX", f"{self.prefix}h"))
        self.shell.chmod(0o755)

    def up(self) -> None:
        bridge = f"{self.prefix}b"
        ip("link", "add", bridge, "type", "bridge")
        ip("link", "set", bridge, "up")
        for number in range(HOSTS):
            name, wire = f"{self.prefix}h{number}", f"{self.prefix}v{number}"
            ip("netns", "add", name)
            ip("link", "add", wire, "type", "veth", "peer", "name", "e0", "netns", name)
            ip("link", "set", wire, "master", bridge, "up")
            ip("-n", name, "addr", "add", f"{self.subnet}.{number + 1}/24", "dev", "e0")
            ip("-n", name, "link", "set", "e0", "up")
            ip("-n", name, "link", "set", "lo", "up")

    def down(self) -> None:
        for number in range(HOSTS):
            subprocess.run(["ip", "link", "del", f"{self.prefix}v{number}"], check=False, capture_output=True)
            subprocess.run(["ip", "netns", "del", f"{self.prefix}h{number}"], check=False, capture_output=True)
        subprocess.run(["ip", "link", "del", f"{self.prefix}b"], check=False, capture_output=True)

    def link(self, number: int, state: str) -> None:
        ip("-n", f"{self.prefix}h{number}", "link", "set", "e0", state)

    def sent(self, number: int) -> int:
        counter = "/sys/class/net/e0/statistics/tx_bytes"
        return int(ip("netns", "exec", f"{self.prefix}h{number}", "cat", counter))

    def start(self, *arguments: object) -> subprocess.Popen[bytes]:
        command = ["ip", "netns", "exec", f"{self.prefix}h0", sys.executable, "-m", "bpcli", *map(str, arguments)]
        environment = {
            "HYDRA_LAUNCHER": "ssh",
            "HYDRA_LAUNCHER_EXEC": str(self.shell),
            "UCX_TLS": "tcp,self",  # or MPICH would see one machine, and share its memory
        }
        return subprocess.Popen(
            command,
            cwd=self.folder,
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )


def ended(process: subprocess.Popen[bytes]) -> Result:
    out, err = process.communicate(timeout=60)
    return Result(process.returncode, out.decode(), err.decode())


@pytest.fixture
def network(tmp_path: Path) -> Iterator[Network]:
    found = Network(tmp_path)
    try:
        try:
            found.up()
        except subprocess.CalledProcessError as error:
            pytest.skip(f"no network namespaces here: {error.stderr}")
        yield found
    finally:
        found.down()


def test_bytes_cross_the_network_and_the_bits_are_those_of_one_process(tmp_path: Path, network: Network) -> None:
    config = sharded(tmp_path)
    (tmp_path / "wide.json").write_text(config.read_text().replace('"units": 5', '"units": 5000'))
    config = tmp_path / "wide.json"
    run = train(config, run_dir=tmp_path / "alone", threads=1)
    before = [network.sent(number) for number in range(HOSTS)]
    options = ("--ranks", HOSTS, "--hosts", network.hosts, "--run-dir", tmp_path / "run")
    ended(network.start("train", config, *options)).ok()
    gradient, steps = 4 * (run.summary.parameters or 0), 16
    for number in range(HOSTS):
        assert network.sent(number) - before[number] > gradient * steps * (HOSTS - 1) / HOSTS
    assert bits(tmp_path / "run") == bits(tmp_path / "alone")


@pytest.mark.parametrize("number", range(HOSTS))
def test_a_link_that_goes_down_ends_all_and_the_run_resumes(tmp_path: Path, network: Network, number: int) -> None:
    config, run = sharded(tmp_path), tmp_path / "run"
    settings = ("--set", "training.epochs=400")
    options = ("--ranks", HOSTS, "--hosts", network.hosts, "--run-dir", run)
    process = network.start("train", config, *settings, *options, "--set", "training.checkpoint_every.steps=20")
    end = monotonic() + 30
    while not (run / "metrics.jsonl").is_file() and monotonic() < end:
        sleep(0.02)
    network.link(number, "down")
    started = monotonic()
    result = ended(process)
    assert monotonic() - started < 10
    assert result.code == 7
    silent = [number] if number else [1, 2]
    assert any(f"rank {rank} (node{rank}) has not answered for 6 s" in result.err for rank in silent)
    network.link(number, "up")
    train(config, ("training.epochs=400",), run_dir=tmp_path / "alone", threads=1)
    bpcli("train", "--resume", run).ok()
    assert bits(run) == bits(tmp_path / "alone")
