"""`bpcli inspect`: what it prints fits a screen and is what the document holds; it narrows to what is asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from commands import Result, bpcli
from planted import trained

from bpcli.cli.inspect_text import curve
from bpcli.inspection.attributions import attributions
from bpcli.inspection.dependence import partial_dependence
from bpcli.inspection.importance import permutation_importance
from bpcli.models.evaluation import split_rows
from bpcli.models.model import Model


def inspect(run: Path, *options: object) -> Result:
    return bpcli("inspect", run, *options)


@pytest.fixture(scope="module")
def document(penguins_run: Path) -> dict[str, Any]:
    found: dict[str, Any] = inspect(penguins_run, "--json").ok().json
    return found


def table_below(out: str, heading: str) -> list[list[str]]:
    """The cells of the lines from the one that begins with `heading` to the next empty one."""
    lines = out.splitlines()
    first = next(index for index, line in enumerate(lines) if line.startswith(heading))
    return [line.split() for line in [*lines, ""][first : [*lines, ""].index("", first)]]


def test_the_network_is_shown_as_check_shows_it(penguins_run: Path, document: dict[str, Any]) -> None:
    out = inspect(penguins_run).ok().out
    checked = bpcli("check", Path(__file__).parents[2] / "configs" / "penguins.yaml", "--json").ok().json
    assert document["network"]["layers"] == checked["layers"]
    assert document["network"]["target"] == checked["target"]
    assert document["network"]["parameters"] == checked["parameters"] == 1059
    assert "target  species, multiclass: Adelie, Chinstrap, Gentoo" in out.splitlines()
    assert ["0", "dense", "relu", "14", "→", "32", "480"] in table_below(out, "layer")
    assert "1,059 parameters" in out.splitlines()


def test_columns_have_both_importances_in_one_table(penguins_run: Path, document: dict[str, Any]) -> None:
    model = Model.load(penguins_run)
    table = split_rows(model, None).table
    permuted = {one.column: one for one in permutation_importance(model, table).columns}
    added = attributions(model, table)
    contributions = dict(zip(added.columns, added.importance, strict=True))
    for one in document["importance"]["columns"]:
        assert one["importance"] == permuted[one["column"]].importance
        assert one["contribution"] == pytest.approx(contributions[one["column"]], rel=1e-12)
    assert document["contributions"]["meaning"] == added.meaning
    header, *rows = table_below(inspect(penguins_run).ok().out, "column             encoding")
    assert header == ["column", "encoding", "inputs", "permutation", "95%", "interval", "integrated", "gradients"]
    first = document["importance"]["columns"][0]
    assert rows[0][0] == first["column"] == "bill_length_mm"
    assert rows[0][-1] == f"{first['contribution']:.4f}"
    assert rows[0][3:7] == [f"{first['importance']:.4f}", f"{first['low']:.4f}", "to", f"{first['high']:.4f}"]
    assert rows[0][7].strip("█▓░") == ""


def test_the_words_above_a_table_say_what_its_columns_mean(penguins_run: Path) -> None:
    out = inspect(penguins_run).ok().out
    assert len(out.splitlines()) <= 50
    out = " ".join(out.split())
    for words in (
        "permutation: how much worse with a column's values shuffled (mean of 5)",
        "bar: █ low, ▓ value, ░ high end",
        "integrated gradients: mean |contribution| to the answer",
        "numbers with 2 inputs: the value and a missing indicator",
        "; numbers and dates at quantiles, all but numbers with extremes named; of: the output that changes most;",
        "missing: at a missing cell; --column NAME shows all values",
        "loss without (ablation): increase",
        "separation (η²): share",
    ):
        assert words in out
    assert "the answer is the log-odds of the predicted class" in out


def test_columns_are_ranked_by_the_score_that_is_named(penguins_run: Path, document: dict[str, Any]) -> None:
    assert (document["importance"]["metric"], document["importance"]["loss"]) == ("loss", "cross_entropy")
    assert "loss (cross_entropy) 0." in inspect(penguins_run).ok().out
    named = inspect(penguins_run, "--importance", "f1_macro", "--json").ok().json["importance"]
    assert (named["metric"], named["score"]) == ("f1_macro", pytest.approx(0.98, abs=0.02))
    wrong = inspect(penguins_run, "--importance", "roc")
    assert (wrong.code, wrong.out) == (2, "")
    assert wrong.err.startswith("error: --importance: no metric 'roc' for this model; did you mean 'roc_auc'?")


def test_the_document_has_the_dependence_of_every_column(penguins_run: Path, document: dict[str, Any]) -> None:
    model = Model.load(penguins_run)
    ranked = [one["column"] for one in document["importance"]["columns"]]
    found = partial_dependence(model, split_rows(model, None).table, ranked)
    assert sorted(ranked) == sorted(model.preprocessor.input_kinds)
    assert [one["column"] for one in document["dependence"]["columns"]] == ranked
    for one, expected in zip(document["dependence"]["columns"], found.columns, strict=True):
        assert one["values"] == expected.values
        assert one["answers"] == expected.answers
        assert one["missing"] == expected.missing


def test_a_column_is_shown_with_all_of_its_values(penguins_run: Path, document: dict[str, Any]) -> None:
    out = inspect(penguins_run, "--column", "island,bill_depth_mm").ok().out
    island = next(one for one in document["dependence"]["columns"] if one["column"] == "island")
    header, *rows = table_below(out, "island: ")[1:]
    assert header == ["value", "Adelie", "Chinstrap", "Gentoo"]
    assert rows[0] == ["Biscoe", *(f"{island['answers'][name][0]:.4f}" for name in header[1:])]
    means = [mean for name in header[1:] for mean in island["answers"][name]]
    assert rows[3] == [curve(island["answers"][name], min(means), max(means)) for name in header[1:]]
    assert "bill_depth_mm: mean probability over 69 rows" in out
    assert "hidden neurons" not in out
    assert "layer" not in out
    narrowed = inspect(penguins_run, "--column", "island", "--column", "sex", "--json").ok().json
    assert [one["column"] for one in narrowed["dependence"]["columns"]] == ["island", "sex"]
    assert sorted(one["column"] for one in narrowed["importance"]["columns"]) == ["island", "sex"]
    assert "neurons" not in narrowed


def test_a_neuron_is_shown_with_all_that_is_known_of_it(penguins_run: Path, document: dict[str, Any]) -> None:
    out = inspect(penguins_run, "--neuron", "2.10").ok().out
    neuron = next(one for one in document["neurons"] if (one["layer"], one["place"]) == (2, 10))
    assert "layer 2, neuron 10" in out
    for name, mean in neuron["by_class"].items():
        assert any(line.split() == [name, f"{mean:.4f}"] for line in out.splitlines())
    header, *rows = table_below(out, "  row")
    columns = list(neuron["excited_by"][0]["cells"])
    assert header == ["row", "output", "species", *columns]
    assert [row[0] for row in rows] == [str(one["row"]) for one in neuron["excited_by"]]
    assert [row[2] for row in rows] == [one["target"][0] for one in neuron["excited_by"]]
    assert "permutation" not in out
    assert [one["place"] for one in inspect(penguins_run, "--neuron", "2.10", "--json").ok().json["neurons"]] == [10]


def test_the_table_of_neurons_has_as_many_lines_as_asked_for(penguins_run: Path) -> None:
    whole = inspect(penguins_run).ok().out
    assert len(table_below(whole, "neuron  loss without")) == 1 + 10 + 1
    assert "and 38 more; --neurons N lists N, --json lists all" in whole
    every = table_below(inspect(penguins_run, "--neurons", "100").ok().out, "neuron  loss without")
    assert len({row[0] for row in every if row[0][0].isdigit() and "." in row[0]}) == 48
    second = table_below(inspect(penguins_run, "--layer", "2", "--neurons", "100").ok().out, "neuron  loss without")
    assert {row[0] for row in second[1:17]} == {f"2.{place}" for place in range(16)}
    assert len(inspect(penguins_run, "--layer", "2", "--json").ok().json["neurons"]) == 16
    assert "and 48 more" in inspect(penguins_run, "--neurons", "0").ok().out


THERE = "layer 0 has 32 neurons, from 0.0; layer 2 has 16 neurons, from 2.0"


@pytest.mark.parametrize(
    ("options", "error"),
    [
        (["--column", "iland"], "the model has no input column 'iland'; did you mean 'island'?"),
        (["--column", "species"], "the model has no input column 'species'; it takes 'island', "),
        (["--layer", "1"], f"--layer 1: no hidden layer of neurons; {THERE}"),
        (["--neuron", "0.32"], f"--neuron '0.32': no such hidden neuron; {THERE}"),
        (["--neuron", "3.0"], f"--neuron '3.0': no such hidden neuron; {THERE}"),
        (["--neuron", "fir\x1bst"], f"--neuron 'fir\\x1bst': no such hidden neuron; {THERE}"),
        (["--neurons", "-1"], "Invalid value for '--neurons'"),
    ],
)
def test_what_is_not_there_is_one_line_and_the_code_2(penguins_run: Path, options: list[str], error: str) -> None:
    result = inspect(penguins_run, *options)
    assert (result.code, result.out, result.err.count("\n")) == (2, "", 1)
    assert result.err.startswith(f"error: {error}")


def test_without_hidden_layers_there_is_no_neuron_to_ask_for(tmp_path: Path) -> None:
    columns = {"a": [1, 2, 3, 4], "y": [1.5, 2, 3, 4]}
    run = trained(tmp_path, "[]", "{layers.0.weight: [[1]], layers.0.bias: [0]}", columns)
    result = inspect(run, "--neuron", "0.0")
    assert (result.code, result.err) == (
        2,
        "error: --neuron '0.0': no such hidden neuron; the network has no hidden layer\n",
    )
    assert "hidden neurons" not in inspect(run).ok().out
