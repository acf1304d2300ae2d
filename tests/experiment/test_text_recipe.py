"""The recipe `text`: what it chooses for texts alone, and beside other columns; and its time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from commands import bpcli

from bpcli.config.experiment import ExperimentConfig
from bpcli.errors import MismatchError, UsageError
from bpcli.experiment.first_config import draft_config
from bpcli.experiment.prepare import prepare
from bpcli.experiment.prepared import Prepared
from bpcli.experiment.recipes.facts import DataFacts
from bpcli.experiment.recipes.texts_1 import of_text_rows, of_texts

WORDS = ("the", "plot", "of", "this", "film", "was", "thin", "and", "a", "little", "too", "long", "but", "its", "end")


def texts(folder: Path, rows: int = 60, words: int = 8, classes: int = 2, others: bool = False) -> Path:
    """A table with a text, a class, a number, and with `others` a number and a name too."""
    generator = np.random.default_rng(0)
    lines = ["text,y,z" + (",price,shop" if others else "")]
    for row in range(rows):
        chosen = [WORDS[place] for place in generator.integers(0, len(WORDS), words)]
        line = f"{' '.join(chosen)} {row},class{row % classes},{row / 7:.3f}"
        lines.append(line + (f",{row * 37 % 101},{'abc'[row % 3]}" if others else ""))
    (folder / "t.csv").write_text("\n".join(lines) + "\n")
    return folder / "t.csv"


def prepared(folder: Path, target: str = "y", **config: Any) -> Prepared:
    other = "z" if target == "y" else "y"
    data = {
        "path": "t.csv",
        "target": target,
        "exclude": [other],
        "columns": {"text": "text"},
        **config.pop("data", {}),
    }
    return prepare(ExperimentConfig.model_validate({"recipe": "text", "data": data, **config}), folder)


def chosen(of: Prepared) -> dict[str, Any]:
    assert all(one.reason for one in of.recipe)
    return {one.key: one.value for one in of.recipe if not one.overridden}


def shape(of: Prepared) -> list[Any]:
    return [getattr(layer, "n_out", None) if layer.type == "dense" else layer.type for layer in of.network.layers]


@pytest.mark.parametrize(
    ("table", "layers", "rate"),
    [
        ({}, [1], 0.02),
        ({"classes": 3}, [3], 0.02),
        ({"classes": 12, "rows": 120}, [64, "dropout", 12], 0.007),
        ({"words": 400}, [32, "dropout", 1], 0.01),
        ({"others": True}, [128, "dropout", 1], 0.01),
    ],
    ids=["two classes", "three classes", "many classes", "long texts", "other columns"],
)
def test_the_network_follows_from_classes_length_and_other_columns(
    tmp_path: Path, table: dict[str, Any], layers: list[Any], rate: float
) -> None:
    texts(tmp_path, **table)
    of = prepared(tmp_path)
    assert shape(of) == layers
    assert chosen(of)["optimizer"] == {"type": "adam", "learning_rate": rate}
    assert of.config.recipe == "text@1"


def test_numbers_are_predicted_by_a_linear_model_within_the_range_of_training(tmp_path: Path) -> None:
    texts(tmp_path)
    of = prepared(tmp_path, "z")
    assert (shape(of), chosen(of)["data.target_range"]) == ([1], "training")


@pytest.mark.parametrize(("rows", "epochs"), [(60, 40), (1_250, 20), (3_000, 10)])
def test_few_rows_have_more_epochs(tmp_path: Path, rows: int, epochs: int) -> None:
    texts(tmp_path, rows)
    of = prepared(tmp_path, data={"split": {"test": 0}})
    assert chosen(of)["training.epochs"] == epochs


@pytest.mark.parametrize(
    ("rows", "outcomes", "epochs"), [(10_000, 20, 10), (10_001, 20, 5), (50_000, 2, 10), (50_001, 2, 5)]
)
def test_many_rows_have_fewer_epochs(rows: int, outcomes: int, epochs: int) -> None:
    facts = DataFacts(rows, True, 0, 0, arrays=False, validated=False, texts=1, characters=80, outcomes=outcomes)
    assert next(one.value for one in of_texts(facts) if one.key == "training.epochs") == epochs


@pytest.mark.parametrize(
    ("rows", "outcomes", "rate", "batch_size"),
    [(2_499, 2, 0.02, 64), (2_500, 2, 0.04, 128), (2_500, 3, 0.02, 64), (2_500, 0, 0.02, 64), (2_500, 10, 0.007, 64)],
)
def test_two_classes_of_enough_rows_have_larger_batches(rows: int, outcomes: int, rate: float, batch_size: int) -> None:
    facts = DataFacts(rows, outcomes > 0, 0, 0, arrays=False, validated=False, texts=1, outcomes=outcomes)
    values = {one.key: one.value for one in of_texts(facts)}
    assert (values["optimizer"]["learning_rate"], values["training.batch_size"]) == (rate, batch_size)


def test_few_rows_are_all_trained_on_and_a_tenth_of_many_validates(tmp_path: Path) -> None:
    texts(tmp_path, 100)
    of = prepared(tmp_path)
    assert (of.rows, "training.early_stopping" in chosen(of)) == ({"train": 85, "validation": 0, "test": 15}, False)
    own = prepared(tmp_path, data={"split": {"validation": 0.2}})
    assert (own.rows["validation"], chosen(own)["training.early_stopping"]) == (20, {"patience": 3})
    (choice,) = of_text_rows(100_000, own_validation=False)
    assert (choice.key, choice.value) == ("data.split.validation", 0.1)


def test_a_column_with_a_vector_for_each_term_may_have_other_layers(tmp_path: Path) -> None:
    texts(tmp_path)
    columns = {"text": {"type": "text", "embedding": 4, "term_weight": "mean"}}
    of = prepared(tmp_path, data={"columns": columns}, layers=["batch_norm", {"units": 3}])
    assert [layer.type for layer in of.network.layers] == ["batch_norm", "dense", "dense"]


def test_without_texts_it_is_an_error_that_says_what_to_declare(tmp_path: Path) -> None:
    texts(tmp_path, others=True)
    with pytest.raises(MismatchError, match=r"recipe: text is for texts, and the data has none: declare a column of"):
        prepared(tmp_path, data={"columns": {}, "exclude": ["z", "text"]})
    (tmp_path / "n.csv").write_text("a,y\n" + "".join(f"{row * 7 % 11},{row % 2}\n" for row in range(40)))
    with pytest.raises(UsageError, match="--recipe text: no column is recognised as texts; write a config"):
        draft_config(tmp_path / "n.csv", ["y"], None, None, recipe="text")


@pytest.mark.parametrize("recipe", ["tabular", "text"])
def test_init_writes_it_with_the_reason_and_the_time(tmp_path: Path, recipe: Any) -> None:
    draft = draft_config(texts(tmp_path, others=True), ["y"], tmp_path / "c.yaml", None, recipe=recipe)
    config = yaml.safe_load(draft.text)
    assert (config["recipe"], config["data"]["columns"]) == ("text@1", {"text": "text"})
    assert "    text: text    # 60 distinct in 60 rows, of 8 words in the mean\n" in draft.text
    assert "  #   text: text, 60 distinct\n" in draft.text
    assert "'text' read as texts: 60 distinct in 60 rows, of 8 words in the mean" in draft.notes
    assert draft.expected.startswith("recipe: text@1; one network, about ")


def test_init_gives_a_budget_fewer_epochs(tmp_path: Path) -> None:
    draft = draft_config(texts(tmp_path, 2_000), ["y"], None, None, budget=0.05)
    assert yaml.safe_load(draft.text)["training"]["epochs"] < 10


def test_a_config_of_init_trains_as_it_is(tmp_path: Path) -> None:
    texts(tmp_path, 200, others=True)
    bpcli("init", "t.csv", "--target", "y", "-o", "c.yaml", cwd=tmp_path).ok()
    bpcli("train", "c.yaml", "--run-dir", "run", cwd=tmp_path).ok()
    shown = bpcli("check", "c.yaml", cwd=tmp_path).ok().out
    assert "the network does not" not in shown
    assert "words and columns bear on each other" in shown


def test_training_names_texts_that_are_not_declared(tmp_path: Path) -> None:
    texts(tmp_path)
    config = {"data": {"path": "t.csv", "target": "y", "exclude": ["z"]}, "layers": []}
    notes = prepare(ExperimentConfig.model_validate(config), tmp_path).notes
    (said,) = [note for note in notes if "texts" in note]
    assert said == (
        "column 'text': texts, 42 distinct in 42 rows, of 8 words in the mean, read as categories; to read their "
        "words, set data.columns: {text: text}"
    )
    config["data"]["columns"] = {"text": "categorical"}
    assert not any("texts" in note for note in prepare(ExperimentConfig.model_validate(config), tmp_path).notes)


def test_messages_that_come_again_and_again_are_texts(tmp_path: Path) -> None:
    lines = [f"claim prize {row % 230} now or call us,{row % 2}" for row in range(1000)]
    (tmp_path / "chat.csv").write_text("\n".join(["message,y", *lines, ""]))
    draft = draft_config(tmp_path / "chat.csv", ["y"], tmp_path / "c.yaml", None)
    assert yaml.safe_load(draft.text)["data"]["columns"] == {"message": "text"}


def test_init_says_that_a_recipe_of_numbers_is_replaced(tmp_path: Path) -> None:
    draft = draft_config(texts(tmp_path, others=True), ["y"], tmp_path / "c.yaml", None, recipe="quick")
    assert yaml.safe_load(draft.text)["recipe"] == "text@1"
    assert "--recipe quick is for numbers and categories: the config has recipe text" in draft.notes


def test_few_rows_are_not_learned_by_heart_beside_other_columns() -> None:
    def epochs(rows: int, numeric: int) -> Any:
        facts = DataFacts(rows, True, numeric, 0, arrays=False, validated=False, texts=1, characters=80, outcomes=2)
        return next(one.value for one in of_texts(facts) if one.path == ("training", "epochs"))

    assert [epochs(rows, numeric=2) for rows in (100, 400, 680, 2000)] == [20, 20, 11, 10]
    assert [epochs(rows, numeric=0) for rows in (100, 680, 2500)] == [40, 36, 10]
