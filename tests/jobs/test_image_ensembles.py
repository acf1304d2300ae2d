"""Runs of ensembles of convolutional networks, from their checkpoints to the commands that explain them."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import bpcli as bpcli_command
from small_runs import partly_trained, trained

import bpcli
from bpcli.jobs.reproduction import Reproduction
from bpcli.storage.checkpoint import Checkpoint
from bpcli.storage.run_directory import RunDirectory
from bpcli.training.stepping import Stepping

MEMBERS = 3
FOLDED = f"ensemble={{members: {MEMBERS}, folds: true}}"
ROWS = 45
CONFIG: dict[str, Any] = {
    "name": "images",
    "data": {"path": "t.npz", "split": {"test": 0.2}},
    "input": {"shape": [6, 6, 1]},
    "augment": {"shift": 1},
    "layers": [{"type": "conv", "filters": 4}, {"type": "max_pool"}, {"type": "dropout", "rate": 0.1}, {"units": 6}],
    "optimizer": {"type": "adam", "learning_rate": 0.02},
    "training": {"epochs": 4, "batch_size": 8},
}
NORMED = "layers=[{type: conv, filters: 4}, {type: batch_norm}, {type: residual, layers: [{type: conv, filters: 4}]}]"


def images() -> tuple[Any, Any]:
    """Images whose class is the quadrant that is bright."""
    generator = np.random.default_rng(0)
    classes = np.arange(ROWS) % 3
    x = generator.normal(size=(ROWS, 6, 6))
    for image, place in zip(x, classes, strict=True):
        image[3 * (place // 2) :, 3 * (place % 2) :][:3, :3] += 2.0
    return x[..., None], classes


def experiment(folder: Path) -> Path:
    x, classes = images()
    folder.mkdir(exist_ok=True)
    np.savez(folder / "t.npz", X=x, y=classes)
    (folder / "c.json").write_text(json.dumps(CONFIG))
    return folder


def vectors(run: Path, file: str = "last") -> dict[str, Any]:
    return dict(Checkpoint.load(getattr(RunDirectory(run), file)).vectors)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run on folds, not to be changed."""
    return trained(experiment(tmp_path_factory.mktemp("whole") / "images"), FOLDED)


WAYS = [
    pytest.param([], Stepping(), id="serial"),
    pytest.param([NORMED], Stepping(), id="serial, with norms"),
    pytest.param([], Stepping("sharded", 2), id="sharded"),
    pytest.param([], Stepping("compiled", 2), id="compiled"),
]


@pytest.mark.parametrize(("settings", "stepping"), WAYS)
def test_the_first_member_is_the_run_without_an_ensemble(
    tmp_path: Path, settings: list[str], stepping: Stepping
) -> None:
    if stepping.compiled:
        pytest.importorskip("numba")
    never = 10**6
    one = partly_trained(experiment(tmp_path / "one"), never, *settings, stepping=stepping)
    members = "ensemble.members=3"
    three = partly_trained(experiment(tmp_path / "three"), never, *settings, members, stepping=stepping)
    alone, together = vectors(one), vectors(three)
    for name, vector in alone.items():
        if not name.startswith("best"):
            assert np.array_equal(vector.reshape(-1), together[name][0]), name
    assert len({member.tobytes() for member in together["params"]}) == 3


@pytest.mark.parametrize(("settings", "stepping"), WAYS)
@pytest.mark.parametrize("calls", [1, 3, 8])
def test_a_resumed_run_ends_with_the_same_bits(
    tmp_path: Path, settings: list[str], stepping: Stepping, calls: int
) -> None:
    if stepping.compiled:
        pytest.importorskip("numba")
    for name in ("straight", "stopped"):
        partly_trained(
            experiment(tmp_path / name), 10**6 if name == "straight" else calls, FOLDED, *settings, stepping=stepping
        )
    partly_trained(tmp_path / "stopped", 10**6, stepping=stepping)
    straight, stopped = (RunDirectory(tmp_path / name / "run") for name in ("straight", "stopped"))
    for file in ("best", "last"):
        before, now = vectors(straight.path, file), vectors(stopped.path, file)
        assert all(np.array_equal(before[name], now[name]) for name in before)
    assert straight.out_of_fold.read_bytes() == stopped.out_of_fold.read_bytes()


def test_the_run_is_reproduced(whole: Path) -> None:
    reproduction = Reproduction(RunDirectory(whole))
    list(reproduction.run())
    assert reproduction.identical


def test_answers_are_the_mean_of_the_members(whole: Path) -> None:
    model, (x, _) = bpcli.load(whole), images()
    of_members = [model.of_member(member).predict_probabilities({"X": x}) for member in range(MEMBERS)]
    np.testing.assert_allclose(model.predict_probabilities({"X": x}), np.mean(of_members, axis=0), rtol=1e-5)
    assert len({one.tobytes() for one in of_members}) == MEMBERS


def test_each_training_row_is_predicted_by_the_member_that_does_not_train_on_it(whole: Path) -> None:
    model, (x, _) = bpcli.load(whole), images()
    with RunDirectory(whole).out_of_fold.open(newline="") as file:
        lines = list(csv.DictReader(file))
    assert len(lines) == json.loads((whole / "summary.json").read_text())["rows"]["train"] == 36
    assert {line["fold"] for line in lines} == {"0", "1", "2"}
    for line in lines:
        row = x[int(line["row"]) - 1]
        (probabilities,) = model.of_member(int(line["fold"])).predict_probabilities({"X": row[None]})
        assert float(line["probability_1"]) == pytest.approx(probabilities[1], rel=1e-5)


def test_curves_have_every_member(whole: Path) -> None:
    for line in (whole / "metrics.jsonl").read_text().splitlines():
        record = json.loads(line)
        assert len(set(record["validation_loss_members"])) == MEMBERS
        assert record["validation_loss"] == pytest.approx(np.mean(record["validation_loss_members"]))


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (("evaluate", "{run}"), "test rows of"),
        (("inspect", "{run}"), "3 networks of"),
        (("inspect", "{run}", "--member", "2"), "integrated gradients"),
        (("predict", "{folder}/t.npz", "--run", "{run}", "--explain"), "contribution_X0"),
        (("trace", "{run}", "--member", "1"), "a training step"),
        (("gradcheck", "{folder}/c.json", "--set", FOLDED), "backpropagation agrees"),
        (("report", "{run}", "--output", "{folder}/report.html"), "report.html"),
        (("check", "{folder}/c.json", "--set", FOLDED), "3 networks of"),
    ],
    ids=lambda one: one[0] if isinstance(one, tuple) else "",
)
def test_commands_take_the_run(whole: Path, command: tuple[str, ...], said: str) -> None:
    result = bpcli_command(
        *(part.format(run=whole, folder=whole.parent) if "{" in part and part != FOLDED else part for part in command)
    ).ok()
    assert said in result.out + result.err
