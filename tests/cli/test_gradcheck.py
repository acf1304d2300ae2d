"""`bpcli gradcheck`: what it prints, and how it ends."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from commands import CONFIGS, bpcli

from bpcli.checks.finite_difference import Derivative
from bpcli.nn.activations.bounded import Tanh

SMALL = ("--set=layers.0.units=5", "--set=layers.2.units=4")
"""The penguins' network with few units, where any will do."""


@pytest.mark.parametrize(
    "name",
    [
        "textbook",
        "xor",
        "digits",
        "concrete",
        *(pytest.param(n, marks=pytest.mark.exhaustive) for n in ("penguins", "credit", "auto_mpg")),
    ],
)
def test_every_shipped_config_passes(name: str):
    result = bpcli("gradcheck", CONFIGS / f"{name}.yaml", "--json").ok().json
    assert (result["passed"], result["faults"], result["loss"]["passed"]) == (True, [], True)
    arrays = [array for layer in result["layers"] for array in layer["arrays"]]
    assert all(array["worst"]["relative_error"] <= result["tolerance"] for array in arrays)
    if result["method"] == "every parameter":
        assert sum(array["compared"] for array in arrays) == result["parameters"]


def test_parameters_of_layers_within_a_layer_are_listed_with_it():
    inner = "{type: conv, filters: 2, activation: identity}"
    layers = f"layers=[{{type: residual, layers: [{inner}]}}, {{type: conv, filters: 2}}, global_avg_pool]"
    result = bpcli("gradcheck", CONFIGS / "digits_conv.yaml", "--json", "--rows", "4", "--set", layers).ok().json
    assert result["method"] == "every parameter"
    first, second, *_ = result["layers"]
    assert [array["name"] for array in first["arrays"]] == [
        "layers.0.0.weight",
        "layers.0.projection.weight",
        "layers.0.0.bias",
    ]
    assert [array["name"] for array in second["arrays"]] == ["layers.1.weight", "layers.1.bias"]
    for layer in result["layers"]:
        assert sum(array["compared"] for array in layer["arrays"]) == layer["parameters"]


def test_the_text_names_columns_and_classes():
    out = bpcli("gradcheck", CONFIGS / "penguins.yaml", "--rows", "8").ok().out
    assert out.startswith("penguins: gradient of cross_entropy on 8 training rows, 1,059 parameters, float64; compared")
    assert "layer  type                 parameters  compared  relative error  worst" in out
    assert out.endswith("backpropagation agrees with central differences within 1e-06\n")
    assert any(f"→ {species}" in out for species in ("Adelie", "Chinstrap", "Gentoo"))


def test_rows_and_seed_decide_the_result():
    def worst(*options: object) -> list[float]:
        layers = bpcli("gradcheck", CONFIGS / "penguins.yaml", "--json", *SMALL, *options).ok().json["layers"]
        return [array["worst"]["relative_error"] for layer in layers for array in layer["arrays"]]

    assert worst() == worst("--seed", 0) == worst("--rows", 16)
    assert worst() != worst("--seed", 1)
    assert worst() != worst("--rows", 15)


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_a_wrong_derivative_ends_with_6_and_says_where(monkeypatch: pytest.MonkeyPatch, options: list[str]):
    right = Tanh.backward

    def wrong(self: Any, kept: Any, grads: Any, scratch: Any) -> None:
        right(self, kept, grads, scratch)
        grads *= 1.01

    monkeypatch.setattr(Tanh, "backward", wrong)
    result = bpcli("gradcheck", CONFIGS / "penguins.yaml", *SMALL, *options)
    assert result.code == 6
    *_, last = result.err.splitlines()
    error = json.loads(last)["message"] if options else last.removeprefix("error: ")
    assert error.startswith("the gradient of backpropagation is wrong: layers.")
    assert re.search(r"a relative error of 0\.009[89]\d*; the fault is in layer 2 \(tanh\)$", error)
    if options:
        assert [layer["passed"] for layer in result.json["layers"]] == [False, True, False, True]
        assert [layer["alone_passed"] for layer in result.json["layers"]] == [True, True, False, True]
    else:
        verdicts = [line.split("  ")[-1].strip() for line in result.out.splitlines()[5:9]]
        assert verdicts == ["WRONG", "ok", "WRONG, also in isolation", "ok"]


def test_weights_smoothing_penalties_and_every_layer_are_checked_as_training_uses_them():
    options = [
        "--set=layers=[batch_norm, {units: 8, activation: relu}, {type: dropout, rate: 0.3}, layer_norm, scale, "
        "{units: 5}]",
        "--set=loss={type: cross_entropy, label_smoothing: 0.1}",
        "--set=training.class_weights=balanced",
        "--set=training.penalty={l1: 0.01, l2: 0.1}",
        "--set=training.clip.norm=0.001",
    ]
    result = bpcli("gradcheck", CONFIGS / "penguins.yaml", "--json", *options).ok().json
    assert [layer["type"] for layer in result["layers"]] == [
        "batch_norm", "dense", "dropout", "layer_norm", "scale", "dense", "dense",
    ]  # fmt: skip


def test_a_mismatch_has_its_place_in_the_file():
    result = bpcli("gradcheck", CONFIGS / "penguins.yaml", "--set", "data.target=speces")
    assert (result.code, result.out) == (2, "")
    assert "data.target: no column 'speces'" in result.err


def test_where_nothing_can_be_decided_nothing_is_called_right_or_wrong(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(
        "bpcli.checks.gradcheck.check_derivative", lambda *_: Derivative(0.0, 1.0, 1.0, 1e-8, "undecided")
    )
    result = bpcli("gradcheck", CONFIGS / "xor.yaml")
    assert (result.code, result.out.count("undecided\n")) == (6, 2)
    assert "17 comparisons undecided, at a kink: the gradient is between the one-sided slopes\n" in result.out
    assert result.err.endswith(
        "error: layers.0.weight: every comparison is at a kink, where the gradient is undefined; try another --seed, "
        "or more --rows\n"
    )


def test_a_gradient_of_zero_is_not_called_a_check():
    arguments = ("gradcheck", CONFIGS / "penguins.yaml", "--set", "layers=[{units: 4}, batch_norm, {units: 3}]")
    document = bpcli(*arguments, "--rows", "1", "--json").ok().json
    # The value of a single row is its own mean, so batch_norm outputs zeros for any input.
    assert [layer["gradient_is_zero"] for layer in document["layers"]] == [True, False, False, False]
    out = bpcli(*arguments, "--rows", "1").ok().out
    assert out.count("gradient is 0 everywhere: nothing was checked") == 1
    assert out.splitlines()[-1].endswith("; where the gradient is 0, try more --rows or another --seed")
    more = bpcli(*arguments).ok().out
    assert "nothing was checked" not in more
    assert "batch_norm uses the mean and variance of these rows, as in training" in more.splitlines()
    assert "dropout" not in more


def test_where_the_gradient_is_taken_is_said():
    lines = bpcli("gradcheck", CONFIGS / "penguins.yaml", *SMALL, "--rows", "8").ok().out.splitlines()
    assert lines[1] == "at the initial parameters, each array randomly perturbed by 10% of its size"
    assert lines[2] == "dropout uses the first mask of training in every pass"
