"""Training by ranks, here threads of one process: one result for any number of them, and one end for all."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ranked_runs import bits, sharded
from ranks_in_threads import ThreadCommunicator, in_ranks

from bpcli.errors import BpcliError, DataError, DivergedError, ExistsError, UsageError
from bpcli.jobs.ranks import RankTeam, require_same
from bpcli.jobs.training import Run, train
from bpcli.storage.checkpoint import Checkpoint


def by_ranks(
    ranks: int,
    config: Path | None,
    *settings: str,
    request: Callable[[int, int], int | None] = lambda rank, call: None,
    only: dict[int, tuple[str, ...]] | None = None,
    **given: Any,
) -> list[Run | BpcliError]:
    """Runs of all ranks, or their errors. request: signal that a rank has received by its call number `call`.

    only: settings of single ranks.
    """

    def work(communicator: ThreadCommunicator) -> Run | BpcliError:
        team, calls = RankTeam(communicator, f"node{communicator.rank}"), [0]

        def requested() -> int | None:
            calls[0] += 1
            return request(communicator.rank, calls[0])

        team.request = requested
        own = (only or {}).get(communicator.rank, ())
        try:
            return train(config, (*settings, *own), threads=1, team=team, **given)
        except BpcliError as error:
            return error

    return in_ranks(ranks, work)


@pytest.mark.parametrize("ranks", [2, 3])
@pytest.mark.parametrize(
    "training",
    [
        {},
        {"final": "all_rows"},
        {"early_stopping": {"patience": 1, "min_delta": 10.0}},
        {"checkpoint_every": {"steps": 3}},
    ],
    ids=lambda training: next(iter(training), "plain"),
)
def test_a_run_directory_has_the_same_bits_for_any_number_of_ranks(tmp_path: Path, ranks: int, training: Any) -> None:
    config = sharded(tmp_path, **training)
    train(config, run_dir=tmp_path / "alone", threads=1)
    for run in by_ranks(ranks, config, run_dir=tmp_path / "run"):
        assert isinstance(run, Run)
        assert (run.path, run.status) == (tmp_path / "run", "finished")
    assert bits(tmp_path / "run") == bits(tmp_path / "alone")


@pytest.mark.parametrize("final", [{}, {"final": "all_rows"}], ids=["plain", "final"])
@pytest.mark.parametrize("call", [1, 6, 18])
def test_a_signal_to_any_rank_stops_all_and_any_number_of_ranks_resumes(tmp_path: Path, final: Any, call: int) -> None:
    config, run = sharded(tmp_path, **final), tmp_path / "run"
    train(config, run_dir=tmp_path / "alone", threads=1)
    stopped = by_ranks(3, config, run_dir=run, request=lambda rank, calls: 15 if rank == 2 and calls >= call else None)
    for found in stopped:
        assert isinstance(found, Run)
        assert found.status == ("interrupted" if final or call < 16 else "finished")
    if final or call < 16:
        for found in by_ranks(2, None, resume=run):
            assert isinstance(found, Run)
            assert found.status == "finished"
    assert bits(run) == bits(tmp_path / "alone")


def test_a_finished_run_is_not_trained_again(tmp_path: Path) -> None:
    config = sharded(tmp_path)
    by_ranks(2, config, run_dir=tmp_path / "run")
    before = bits(tmp_path / "run")
    found = by_ranks(4, None, resume=tmp_path / "run")
    assert [run.status for run in found if isinstance(run, Run)] == ["finished"] * 4
    assert bits(tmp_path / "run") == before


def test_divergence_ends_all_ranks(tmp_path: Path) -> None:
    config = sharded(tmp_path)
    found = by_ranks(2, config, "optimizer.type=sgd", "optimizer.learning_rate=1e38", run_dir=tmp_path / "run")
    assert [type(error) for error in found] == [DivergedError, DivergedError]
    assert json.loads((tmp_path / "run/summary.json").read_text())["status"] == "diverged"


def test_errors_of_all_ranks_are_one(tmp_path: Path) -> None:
    config = sharded(tmp_path)
    (tmp_path / "run").mkdir()
    for error in by_ranks(2, config, run_dir=tmp_path / "run"):
        assert isinstance(error, ExistsError)
        assert (
            str(error) == f"{tmp_path / 'run'}: already exists; choose another --run-dir, or continue it with --resume"
        )
    for error in by_ranks(2, config, "data.path=no.csv"):
        assert isinstance(error, DataError)
        assert str(error).endswith("no.csv: no such file")


def test_an_error_of_one_rank_is_that_of_all_and_names_it(tmp_path: Path) -> None:
    config = sharded(tmp_path)
    for error in by_ranks(3, config, only={1: ("data.path=no.csv",)}):
        assert isinstance(error, DataError)
        assert str(error).startswith("rank 1 (node1): ")
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("ranks", "setting", "message"),
    [
        (2, "training.shards=null", "training by ranks needs training.shards in the config"),
        (5, "training.shards=4", "5 ranks are more than training.shards: 4; use 4 or fewer"),
    ],
)
def test_shards_are_required_and_no_fewer_than_ranks(tmp_path: Path, ranks: int, setting: str, message: str) -> None:
    for error in by_ranks(ranks, sharded(tmp_path), setting):
        assert isinstance(error, UsageError)
        assert str(error).startswith(message)


def test_ranks_with_other_data_or_another_config_are_refused_by_name(tmp_path: Path) -> None:
    config = sharded(tmp_path)
    (tmp_path / "u.csv").write_text((tmp_path / "t.csv").read_text().replace("c1", "c2"))
    for error in by_ranks(2, config, only={1: ("data.path=u.csv",)}):
        assert isinstance(error, DataError)
        assert str(error).startswith("rank 1 (node1): its data has the SHA-256 ")
    for error in by_ranks(3, config, only={2: ("seed=3",)}):
        assert isinstance(error, DataError)
        assert str(error).startswith("rank 2 (node2): its resolved config has the SHA-256 ")


@pytest.mark.parametrize("name", ["bpcli", "numpy", "blas", "simd"])
def test_ranks_with_other_software_or_kernels_are_refused_by_name(name: str) -> None:
    same = {"bpcli": "1", "numpy": "2", "blas": "openblas Zen", "simd": "AVX2", "data": "a"}
    require_same(same, same, "rank 1 (a)", "rank 0 (b)")
    with pytest.raises(UsageError, match=rf"rank 1 \(a\) has {name} other, rank 0 \(b\) {same[name]}; the bits would"):
        require_same({**same, name: "other"}, same, "rank 1 (a)", "rank 0 (b)")


@pytest.mark.parametrize("folds", ["false", "true"])
@pytest.mark.parametrize("ranks", [1, 2, 3, 4], ids=["one", "spread", "spread_unequally", "shared"])
def test_members_of_an_ensemble_are_spread_or_share_steps(tmp_path: Path, ranks: int, folds: str) -> None:
    """Four ranks are more than three members, so that all of them compute each step."""
    config = sharded(tmp_path, average={"decay": 0.9})
    settings = ("ensemble.members=3", f"ensemble.folds={folds}")
    train(config, settings, run_dir=tmp_path / "alone", threads=1)
    for run in by_ranks(ranks, config, *settings, run_dir=tmp_path / "run"):
        assert isinstance(run, Run), run
    assert bits(tmp_path / "run") == bits(tmp_path / "alone")


def test_members_that_are_spread_stop_and_resume(tmp_path: Path) -> None:
    config, settings = sharded(tmp_path), ("ensemble.members=4",)
    train(config, settings, run_dir=tmp_path / "alone", threads=1)
    run = tmp_path / "run"
    by_ranks(2, config, *settings, run_dir=run, request=lambda rank, calls: 2 if rank == 1 and calls >= 7 else None)
    by_ranks(4, None, resume=run)
    assert bits(run) == bits(tmp_path / "alone")


def test_a_member_that_diverges_ends_all_ranks(tmp_path: Path) -> None:
    config = sharded(tmp_path)
    settings = ("ensemble.members=2", "optimizer.type=sgd", "optimizer.learning_rate=1e38")
    found = by_ranks(2, config, *settings, run_dir=tmp_path / "run")
    assert [type(error) for error in found] == [DivergedError, DivergedError]
    assert "non-finite" in str(found[0])


def test_progress_and_time_limits_follow_the_clock_of_rank_0(tmp_path: Path) -> None:
    """Clocks of other ranks run differently, and yet all stop at the same step."""
    config = sharded(tmp_path, epochs=1000, max_time=0.2)

    def work(communicator: ThreadCommunicator) -> tuple[str, Any]:
        team = RankTeam(communicator, "node", clock=lambda: 1e6 * communicator.rank)
        run = train(config, run_dir=tmp_path / "run", threads=1, team=team)
        return run.status, run.summary.stop_reason

    assert in_ranks(2, work) == [("finished", "max_time"), ("finished", None)]
    assert np.isfinite(Checkpoint.load(tmp_path / "run/checkpoints/last.safetensors").vectors["params"]).all()
