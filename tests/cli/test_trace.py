"""`bpcli trace`: which rows, how much of it is shown, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from commands import CONFIGS, bpcli


def test_a_run_goes_on_from_its_last_checkpoint_and_is_left_as_it_is(penguins_run: Path):
    def content() -> dict[str, bytes]:
        return {str(path): path.read_bytes() for path in penguins_run.rglob("*") if path.is_file()}

    before = content()
    document = bpcli("trace", penguins_run, "--row", 3, "--json").ok().json
    epochs = json.loads((penguins_run / "summary.json").read_text())["epochs"]
    assert document["source"].endswith("checkpoints/last.safetensors")
    assert document["epoch"] == epochs
    assert document["update"]["number"] > epochs
    assert set(document["layers"][0]["parameters"]["bias"]["optimizer"]) == {"m", "v"}
    assert any(document["layers"][0]["parameters"]["bias"]["optimizer"]["m"]["before"])
    assert content() == before


def test_after_the_last_epoch_the_step_is_one_more_at_its_learning_rate(concrete_run: Path):
    result = bpcli("trace", concrete_run, "--json").ok()
    assert result.json["epoch"] == 20
    note = "training is complete after 20 epochs: this is an additional step, at the initial learning rate of the last"
    assert f"note: {note} epoch\n" in result.err
    assert result.json["update"]["learning_rate"] > 0


def test_a_row_that_does_not_train_is_said_to_be_none():
    split = {row: bpcli("trace", CONFIGS / "penguins.yaml", "--row", row, "--json").ok() for row in range(1, 9)}
    held_out = {row: result for row, result in split.items() if result.json["rows"][0]["split"] != "train"}
    assert held_out
    for row, result in held_out.items():
        part = result.json["rows"][0]["split"]
        assert f"note: row {row} is a {part} row, which training never uses; this step trains on it\n" in result.err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--row", 0], "--row 0: the data has rows 1 to 344, counted without the header"),
        (["--row", 345], "--row 345: the data has rows 1 to 344, counted without the header"),
        (["--neuron", 1], "--neuron '1': must be a layer and a place in it, such as 0.12"),
        (["--neuron", "2.x"], "--neuron '2.x': layer 2 has neurons 0 to 15"),
        (["--neuron", "two.1"], "--neuron 'two.1': must be a layer and a place in it, such as 0.12"),
        (["--layer", 0, "--neuron", "2.1"], "--neuron '2.1': must be a layer and a place in it, such as 0.12"),
        (["--layer", 4], "--layer 4: the network has layers 0 to 3"),
        (["--layer", -1], "--layer -1: the network has layers 0 to 3"),
        (["--layer", 2, "--neuron", 16], "--neuron '16': layer 2 has neurons 0 to 15"),
    ],
)
def test_what_is_not_there_is_refused(options: list[object], message: str):
    result = bpcli("trace", CONFIGS / "penguins.yaml", *options)
    assert (result.code, result.out) == (2, "")
    assert result.err.endswith(f"error: {message}\n")


def test_a_row_without_a_target_is_refused():
    result = bpcli("trace", CONFIGS / "auto_mpg.yaml", "--row", 11)
    assert result.code == 2
    assert result.err.endswith("error: --row 11: not in any split: no target, or weight 0; choose another row\n")


def test_a_row_after_a_fold_in_time_is_refused():
    settings = ["data.split={order: time, fold: 1/4}", "data.target=Horsepower"]
    result = bpcli(
        "trace", CONFIGS / "auto_mpg.yaml", "--row", 400, *(part for one in settings for part in ("--set", one))
    )
    assert result.code == 2
    why = "no target, weight 0, or after the fold in time"
    assert result.err.endswith(f"error: --row 400: not in any split: {why}; choose another row\n")


def test_a_checkpoint_file_is_refused_with_advice(penguins_run: Path):
    result = bpcli("trace", penguins_run / "checkpoints" / "best.safetensors")
    assert result.code == 2
    assert "give the run directory; a step is taken from its last checkpoint" in result.err


def test_a_step_that_diverges_is_one_error_with_5():
    result = bpcli("trace", CONFIGS / "concrete.yaml", "--set", "optimizer={type: sgd, learning_rate: 1e38}")
    assert (result.code, result.out) == (5, "")
    assert result.err.endswith("error: non-finite values after the step; lower optimizer.learning_rate\n")


def test_batch_norm_of_one_row_is_remarked_on():
    options = ["--set", "layers=[batch_norm, {units: 3}]"]
    assert (
        "note: batch_norm subtracts a single row's own mean" in bpcli("trace", CONFIGS / "xor.yaml", *options).ok().err
    )
    several = bpcli("trace", CONFIGS / "xor.yaml", "--row=1", "--row=2", *options).ok()
    assert "batch_norm subtracts" not in several.err
    assert "variance" in several.out


# How much is shown


def test_wide_layers_are_narrowed_to_the_largest_errors():
    out = bpcli("trace", CONFIGS / "digits.yaml").ok().out
    assert len(out.splitlines()) < 300
    assert max(map(len, out.splitlines())) < 200
    assert (
        "\nwide layers show only the neurons with the largest |dL/dz| (see BACKWARD); "
        "select others with --layer and --neuron, or print everything with --json\n"
    ) in out
    assert "\nand 120 neurons with smaller |dL/dz|\n" in out


def test_a_layer_and_a_neuron_narrow_the_text():
    out = bpcli("trace", CONFIGS / "penguins.yaml", "--row", 3, "--layer", 2, "--neuron", 5).ok().out
    assert bpcli("trace", CONFIGS / "penguins.yaml", "--row", 3, "--neuron", "2.5").ok().out == out
    assert "layer 2: dense, tanh" in out
    assert "layer 0" not in out
    shown = [line.split()[0] for line in out.splitlines() if line.startswith("layers.")]
    names = [*(f"layers.2.weight[{i}," for i in range(32)), "layers.2.bias[5]"]
    assert shown == names * 2
    terms = [line for line in out.splitlines() if line.lstrip()[:2].strip().isdigit() and " neuron " in line]
    assert len(terms) == 32


def test_the_json_document_has_all_numbers_whatever_is_narrowed():
    whole = bpcli("trace", CONFIGS / "digits.yaml", "--row", 1, "--json").ok().json
    narrowed = bpcli("trace", CONFIGS / "digits.yaml", "--row", 1, "--json", "--layer", 2, "--neuron", 5).ok().json
    assert whole == narrowed
    weight = whole["layers"][0]["parameters"]["weight"]
    assert [len(weight[key]) for key in ("before", "gradient", "applied", "step", "after")] == [64] * 5
    assert {len(row) for row in weight["before"]} == {128}


def test_names_from_the_data_are_made_printable(tmp_path: Path):
    (tmp_path / "t.csv").write_text("a\x1b[2J,kind\n1,x\n2,y\x1b[31m\n3,x\n4,y\x1b[31m\n")
    (tmp_path / "t.yaml").write_text("data:\n  path: t.csv\n  target: kind\n  split: {validation: 0, test: 0}\n")
    out = bpcli("trace", tmp_path / "t.yaml").ok().out
    assert "\x1b" not in out
    assert "a\\x1b[2J" in out


def test_a_learner_is_told_nothing_that_the_step_does_not_need():
    result = bpcli("trace", CONFIGS / "textbook.yaml").ok()
    assert result.err == ""
    assert "UPDATE  sgd\np ← p - lr · g\nstep 1 of the optimizer, learning rate lr = 0.5\n" in result.out
    assert "layer 0: dense, sigmoid   f(z) = 1 / (1 + exp(-z))\n" in result.out
    assert "; L is the mean over the outputs, so this is divided by 2\n" in result.out
    momentum = bpcli("trace", CONFIGS / "textbook.yaml", "--set", "optimizer.momentum=0.9").ok().out
    assert "UPDATE  sgd (momentum 0.9)\nv ← μ · v + g\np ← p - lr · v\nμ = 0.9\n" in momentum


# A page


def test_a_page_is_written_where_it_is_asked_for(tmp_path: Path):
    page = tmp_path / "step.html"
    assert bpcli("trace", CONFIGS / "textbook.yaml", "--html", page).ok().out == f"{page}\n"
    assert bpcli("trace", CONFIGS / "textbook.yaml", "--html", "-").ok().out == page.read_text()


def test_a_page_that_exists_is_replaced_only_by_force(tmp_path: Path):
    page = tmp_path / "step.html"
    page.write_text("mine")
    refused = bpcli("trace", CONFIGS / "textbook.yaml", "--html", page)
    assert (refused.code, refused.out) == (8, "")
    assert refused.err == f"error: {page}: already exists; choose another --html, or add --force\n"
    assert page.read_text() == "mine"
    bpcli("trace", CONFIGS / "textbook.yaml", "--html", page, "--force").ok()
    assert page.read_text().startswith("<!doctype html>")


def test_a_page_and_json_at_once_are_refused(tmp_path: Path):
    refused = bpcli("trace", CONFIGS / "textbook.yaml", "--html", tmp_path / "t.html", "--json")
    assert refused.code == 2
    expected = {
        "code": 2,
        "place": None,
        "message": "--json and --html exclude each other; the page contains all numbers",
    }
    assert json.loads(refused.err) == expected
    assert not (tmp_path / "t.html").exists()


def test_a_run_has_a_page_of_its_next_step(penguins_run: Path):
    page = bpcli("trace", penguins_run, "--row=3", "--html", "-").ok().out
    assert "checkpoints/last.safetensors, after " in page
