"""Numbers at their limits: no warning escapes, nothing that is not finite is kept, and order means nothing."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from checkpoints import forged
from commands import Result, bpcli, bpcli_process
from experiments import write_csv
from networks import members

from bpcli.nn.losses import Loss
from bpcli.nn.optimizers import OptimizerSpec
from bpcli.storage.checkpoint import Checkpoint
from bpcli.storage.run_directory import RunDirectory

ROWS = 60
OPTIMIZERS = [rule().type for rule in members(OptimizerSpec)]
LOSSES = [loss().type for loss in members(Loss)]
CLASSES = {"cross_entropy": ["a", "b", "c"], "binary_cross_entropy": ["no", "yes"], "hinge": ["a", "b", "c"]}
"""Names of the target under the losses that tell classes apart; the others have counts, positive ones for gamma."""


def table(folder: Path, loss: str, scale: float = 1.0) -> Path:
    """Rows of two numbers, of the size `scale`, a name, and a target for a loss."""
    random = np.random.default_rng(0)
    x = random.normal(size=(2, ROWS)) * scale
    target: Any = random.choice(CLASSES[loss], ROWS) if loss in CLASSES else random.poisson(2, ROWS) + (loss == "gamma")
    names = random.choice(["p", "q"], ROWS)
    return write_csv(folder / "t.csv", {"a": x[0], "b": x[1], "name": names, "y": target})


def config(folder: Path, loss: str, **changes: Any) -> Path:
    base: dict[str, Any] = {
        "name": "limits",
        "data": {"path": "t.csv", "target": "y"},
        "layers": [{"units": 6}, {"units": 4, "activation": "tanh"}],
        "loss": loss,
        "training": {"epochs": 12, "batch_size": 16},
    }
    (folder / "c.json").write_text(json.dumps({**base, **changes}))
    return folder / "c.json"


def values_in(document: Any) -> Iterator[float]:
    if isinstance(document, dict):
        for value in document.values():
            yield from values_in(value)
    elif isinstance(document, list):
        for value in document:
            yield from values_in(value)
    elif isinstance(document, float):
        yield document


def require_finite(run: Path) -> None:
    """Everything that a run left behind can be read, and is finite."""
    directory = RunDirectory(run)
    lines = [json.loads(line) for line in directory.metrics.read_text().splitlines()]
    assert all(map(math.isfinite, values_in([*lines, json.loads(directory.summary.read_text())])))
    kept = [path for path in (directory.last, directory.best) if path.exists()]
    for path in kept:
        assert all(np.isfinite(vector).all() for vector in Checkpoint.load(path).vectors.values())
    assert directory.last in kept


def quiet(result: Result, codes: tuple[int, ...] = (0,)) -> Result:
    """A result of which neither NumPy nor Python had to warn; warnings are errors here, and a bug would be code 1."""
    assert result.code in codes, result.err
    assert "Warning" not in result.err
    return result


# A learning rate of a million

PAIRS = [(rule, loss) for rule in OPTIMIZERS for loss in LOSSES]


@pytest.mark.parametrize(
    ("optimizer", "loss"),
    [
        pytest.param(*pair, marks=() if index % 5 == 0 else pytest.mark.exhaustive, id="-".join(pair))
        for index, pair in enumerate(PAIRS)
    ],
)
def test_a_learning_rate_of_a_million_ends_well_or_with_5_and_leaves_what_is_finite(
    tmp_path: Path, optimizer: str, loss: str, record_property: Callable[[str, object], None]
):
    table(tmp_path, loss)
    path = config(tmp_path, loss, optimizer={"type": optimizer, "learning_rate": 1e6})
    quiet(bpcli("train", path, "--run-dir", tmp_path / "run", "-q"), (0, 5))
    require_finite(tmp_path / "run")
    record_property("cases", 1)


@pytest.mark.parametrize("loss", ["mse", "huber", "poisson", "cross_entropy", "binary_cross_entropy"])
def test_descent_at_a_rate_of_a_million_diverges_and_what_is_left_goes_on_at_a_lower_rate(tmp_path: Path, loss: str):
    table(tmp_path, loss)
    wild = {"type": "sgd", "learning_rate": 1e6}
    path, run = config(tmp_path, loss, optimizer=wild, layers=[{"units": 6}, {"units": 6}]), tmp_path / "run"
    result = quiet(bpcli("train", path, "--run-dir", run, "-q"), (5,))
    assert result.err.startswith("error: training diverged in epoch 1, step ")
    assert RunDirectory(run).read_summary().status == "diverged"
    require_finite(run)
    quiet(bpcli("train", "--resume", run, "-q", "--set", "optimizer.learning_rate=0.001"))
    require_finite(run)
    assert [record.epoch for record in RunDirectory(run).records.read()] == list(range(1, 13))


# No warning escapes


LIMITS = {("mse", 1e-320), ("mse", 1e37), ("mse", 1e60), ("cross_entropy", 1e-320), ("poisson", 1e37)}
"""Losses and scales of the default run."""


@pytest.mark.parametrize(
    ("loss", "scale"),
    [
        pytest.param(loss, scale, marks=() if (loss, scale) in LIMITS else pytest.mark.exhaustive)
        for loss in ("mse", "cross_entropy", "poisson")
        for scale in (1e-320, 1e37, 1e60, 1e-300, 1e-38, 1e20)
    ],
)
def test_no_command_warns_of_numbers_at_their_limits(
    tmp_path: Path, loss: str, scale: float, record_property: Callable[[str, object], None]
):
    data = table(tmp_path, loss, scale)
    path, run = config(tmp_path, loss), tmp_path / "run"
    too_large = scale > 1e38
    quiet(bpcli("init", data, "--target", "y", "--output", tmp_path / "new.yaml"))
    for command in (["check", path], ["train", path, "--run-dir", run, "-q"]):
        quiet(bpcli(*command), (3,) if too_large else (0,))
    if not too_large:
        require_finite(run)
        report = quiet(bpcli("evaluate", run, "--json")).json
        assert all(map(math.isfinite, values_in(report)))
        answers = quiet(bpcli("predict", data, "--checkpoint", run)).rows
        assert len(answers) == ROWS
        assert loss in CLASSES or all(math.isfinite(float(row["prediction"])) for row in answers)
        quiet(bpcli("reproduce", run, "-q"))
    record_property("cases", 1)


def test_a_model_does_not_warn_of_numbers_far_from_those_of_its_training(tmp_path: Path):
    table(tmp_path, "cross_entropy")
    run = tmp_path / "run"
    quiet(bpcli("train", config(tmp_path, "cross_entropy"), "--run-dir", run, "-q"))
    data = table(tmp_path, "cross_entropy", 1e37)
    rows = quiet(bpcli("predict", data, "--checkpoint", run, "--probabilities")).rows
    for row in rows:
        chances = [float(row[f"probability_{name}"]) for name in "abc"]
        assert sum(chances) == pytest.approx(1, abs=1e-6)
        assert all(0 <= chance <= 1 for chance in chances)
    assert all(map(math.isfinite, values_in(quiet(bpcli("evaluate", run, "--data", data, "--json")).json)))


@pytest.mark.parametrize(
    "command",
    [
        "reproduce",  # which trains
        *(
            pytest.param(name, marks=pytest.mark.exhaustive)
            for name in ("init", "check", "train", "evaluate", "predict", "schema")
        ),
    ],
)
def test_a_process_whose_warnings_are_errors_ends_well(tmp_path: Path, penguins_run: Path, command: str):
    data = table(tmp_path, "cross_entropy")
    arguments = {
        "init": [data, "--target", "y"],
        "check": [config(tmp_path, "cross_entropy")],
        "train": [config(tmp_path, "cross_entropy"), "-q"],
        "evaluate": [penguins_run],
        "predict": [tmp_path / "p.csv", "--checkpoint", penguins_run],
        "reproduce": [penguins_run, "-q"],
        "schema": [],
    }[command]
    (tmp_path / "p.csv").write_text(
        "island,bill_length_mm,bill_depth_mm,flipper_length_mm,body_mass_g,sex,year\nBiscoe,1e37,,-1e37,0,,2007\n"
    )
    process = bpcli_process(command, *arguments, cwd=tmp_path, environment={"PYTHONWARNINGS": "error"})
    _, err = process.communicate(timeout=60)
    assert process.returncode == 0, err.decode()
    assert b"Warning" not in err


# Probabilities of 0 and 1


def scaled_outputs(run: Path, factor: float) -> Path:
    """The best checkpoint with the weights of its output layer times `factor`."""

    def scale(header: dict[str, Any], tensors: dict[str, Any]) -> None:
        last = max(name for name in tensors if name.endswith(".weight"))
        tensors[last] = (tensors[last] * np.float32(factor)).astype(np.float32)

    path = run.parent / f"scaled-{factor:g}.safetensors"
    path.write_bytes(forged((run / "checkpoints/best.safetensors").read_bytes(), scale))
    return path


@pytest.mark.parametrize("loss", ["cross_entropy", "binary_cross_entropy"])
@pytest.mark.parametrize("factor", [1e5, 1e30])
def test_a_model_that_is_certain_has_finite_metrics(tmp_path: Path, loss: str, factor: float):
    data = table(tmp_path, loss)
    quiet(bpcli("train", config(tmp_path, loss), "--run-dir", tmp_path / "run", "-q"))
    certain = scaled_outputs(tmp_path / "run", factor)
    rows = quiet(bpcli("predict", data, "--checkpoint", certain, "--probabilities")).rows
    chances = {float(row[f"probability_{name}"]) for row in rows for name in CLASSES[loss]}
    assert all(min(chance, 1 - chance) < 1e-100 for chance in chances)
    report = quiet(bpcli("evaluate", certain, "--data", data, "--json")).json
    assert 0 < report["log_loss"] < 800
    assert all(map(math.isfinite, values_in(report)))


# The order of hidden units


@pytest.mark.parametrize("seed", [0, 1, *(pytest.param(seed, marks=pytest.mark.exhaustive) for seed in (2, 3, 4))])
def test_the_order_of_hidden_units_is_not_seen_in_what_a_model_answers(
    tmp_path: Path, seed: int, record_property: Callable[[str, object], None]
):
    layers = [{"units": 9}, {"type": "batch_norm"}, {"units": 7, "activation": "gelu"}, {"type": "layer_norm"}]
    data, run = table(tmp_path, "cross_entropy"), tmp_path / "run"
    quiet(bpcli("train", config(tmp_path, "cross_entropy", layers=layers), "--run-dir", run, "-q"))
    random = np.random.default_rng(seed)
    orders = {0: random.permutation(9), 2: random.permutation(7)}

    def permute(header: dict[str, Any], tensors: dict[str, Any]) -> None:
        for name, tensor in tensors.items():
            layer = int(name.split(".")[1])
            out = orders.get(layer - layer % 2)  # a normalisation follows each hidden layer
            if out is not None:
                tensor = tensor[..., out]
            if name in ("layers.2.weight", "layers.4.weight"):
                tensor = tensor[orders[layer - 2]]
            tensors[name] = np.ascontiguousarray(tensor)

    best = run / "checkpoints/best.safetensors"
    other = tmp_path / "other.safetensors"
    other.write_bytes(forged(best.read_bytes(), permute))
    assert not np.array_equal(Checkpoint.load(other).vectors["params"], Checkpoint.load(best).vectors["params"])
    answers, others = (
        quiet(bpcli("predict", data, "--checkpoint", path, "--probabilities")).rows for path in (best, other)
    )
    # Sums in another order: float64 of some ten terms, seven digits of it written.
    for row, same in zip(answers, others, strict=True):
        assert row["prediction"] == same["prediction"]
        for name in "abc":
            column = f"probability_{name}"
            assert float(row[column]) == pytest.approx(float(same[column]), rel=1e-6)
    record_property("cases", len(answers))
