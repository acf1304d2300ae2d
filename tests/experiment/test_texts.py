"""Texts beside other columns, from the config to predictions of new rows and what the network makes of words."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from commands import bpcli
from experiments import after, prepared, reports, snapshot

import bpcli as package
from bpcli.checks.gradcheck import check_gradient
from bpcli.errors import MismatchError
from bpcli.experiment.prepared import Prepared
from bpcli.inspection import attributions as module
from bpcli.inspection.attributions import attributions
from bpcli.models.model import Model
from bpcli.models.narrowed import few_rows, narrowed

ROWS = 160
GOOD, BAD, OTHER = (
    ["great", "love it", "works"],
    ["broken", "not good", "waste"],
    ["the", "box", "came", "today", "and"],
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """reviews.csv: the label follows from the words and the score; and run, a model of both."""
    folder = tmp_path_factory.mktemp("reviews")
    generator, lines = np.random.default_rng(0), [["review", "score", "shop", "label"]]
    for place in range(ROWS):
        good = place % 2
        words = [*generator.choice(OTHER, 4), str(generator.choice(GOOD if good else BAD)), *generator.choice(OTHER, 2)]
        score = generator.normal(good - 0.5, 1)
        lines.append([" ".join(words), f"{score:.3f}", ["north", "south"][place // 2 % 2], ["bad", "good"][good]])
    with (folder / "reviews.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows(lines)
    (folder / "config.yaml").write_text(yaml.safe_dump(config()))
    bpcli("train", folder / "config.yaml", "--run-dir", folder / "run", "--quiet").ok()
    return folder


def config(**text: Any) -> dict[str, Any]:
    return {
        "data": {
            "path": "reviews.csv",
            "target": "label",
            "columns": {"review": {"type": "text", **text}, "shop": {"type": "categorical", "encoder": "embedding"}},
            "split": {"test": 0.25, "validation": 0.2},
        },
        "layers": [{"units": 8}],
        "training": {"epochs": 20, "batch_size": 16},
        "optimizer": {"type": "adam", "learning_rate": 0.02},
    }


def of_reviews(folder: Path, **given: Any) -> Prepared:
    return prepared(folder, **{**config(**given.pop("text", {})), **given})


@pytest.mark.parametrize("text", [{}, {"embedding": 4}, {"characters": [2, 4]}, {"hashing": 64}, {"ngrams": 1}])
def test_backpropagation_through_texts_agrees_with_differences(folder: Path, text: dict[str, Any]) -> None:
    assert check_gradient(of_reviews(folder, text=text, dtype="float64").plan, 16, 0).passed


def test_the_network_learns_words_and_numbers_together(folder: Path) -> None:
    report = bpcli("evaluate", folder / "run", "--json").ok().json
    assert report["accuracy"] >= 0.95


@pytest.mark.parametrize("text", [{}, {"embedding": 4}])
def test_training_that_is_interrupted_and_resumed_ends_in_the_same_bits(folder: Path, text: dict[str, Any]) -> None:
    of = of_reviews(folder, text=text)
    whole, broken = of.plan.new_state(), of.plan.new_state()
    reports(of.plan, whole)
    reports(of.plan, broken, after(calls=12))
    assert broken.counters.step > 0
    reports(of.plan, broken)
    assert snapshot(broken) == snapshot(whole)


def test_a_word_of_other_rows_than_those_of_training_has_no_weight(folder: Path) -> None:
    of = of_reviews(folder)
    (text,) = of.preprocessor.texts
    assert of.examples is None
    with (folder / "reviews.csv").open() as stream:
        rows = [row["review"].split() for row in csv.DictReader(stream)]
    assert {*text.terms} < {" ".join(row[at : at + n]) for row in rows for n in (1, 2) for at in range(len(row))}
    assert text.rows == of.plan.train.rows


def test_rows_have_the_same_bits_asked_alone_and_together(folder: Path) -> None:
    model = Model.load(folder / "run")
    with (folder / "reviews.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    columns = {name: np.array([row[name] for row in rows]) for name in ("review", "shop")}
    columns |= {"score": np.array([float(row["score"]) for row in rows])}
    together = model.predict_probabilities(columns)
    alone = [model.predict_probabilities({k: v[at : at + 1] for k, v in columns.items()})[0] for at in range(20)]
    assert np.array_equal(together[:20], alone)


def test_texts_without_a_known_word_get_an_answer_and_are_counted(folder: Path, tmp_path: Path) -> None:
    texts = ["", "   ", "NA", "zyx wvu", "great " * 3000, "great"]
    rows = "".join(f'"{text}",0,north\n' for text in texts)
    (tmp_path / "new.csv").write_text(f"review,score,shop\n{rows}")
    found = bpcli("predict", tmp_path / "new.csv", "--run", folder / "run", "--probabilities").ok()
    assert len(found.rows) == len(texts)
    empty, *others = [row["probability_good"] for row in found.rows]
    assert others[:3] == [empty] * 3
    assert others[3] != empty
    assert "column 'review': 3 texts without a word\n" in found.err
    assert "column 'review': 1 text without a word that training had: treated as empty\n" in found.err
    assert "column 'review': 1 text longer than 2,000 tokens (max_tokens): the rest is not read\n" in found.err


def test_contributions_of_terms_add_up_to_that_of_the_column(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole, table = Model.load(folder / "run"), of_reviews_table(folder)
    found = attributions(whole, table)
    (terms,) = found.terms
    column = found.columns.index("review")
    sums = np.zeros((table.rows, 1))
    np.add.at(sums, terms.rows, terms.contributions)
    np.testing.assert_allclose(sums, found.contributions[:, :, column], atol=1e-9)
    np.testing.assert_allclose(found.baseline + found.contributions.sum(axis=2), found.explained, atol=1e-9)
    monkeypatch.setattr(module, "MOST_NUMBERS", 500)  # many blocks, each with the terms of its own rows
    in_blocks = attributions(whole, table)
    np.testing.assert_allclose(in_blocks.contributions, found.contributions, atol=1e-9)
    assert in_blocks.terms[0].strongest(0, 3)[5][0][0] == terms.strongest(0, 3)[5][0][0]


def of_reviews_table(folder: Path) -> Any:
    from bpcli.models.evaluation import split_rows

    return split_rows(Model.load(folder / "run"), None).table


def test_a_model_with_the_terms_of_some_rows_answers_them_in_the_same_bits(folder: Path) -> None:
    model, table = Model.load(folder / "run"), of_reviews_table(folder)
    some = table.take(np.arange(3))
    small = narrowed(model, some)
    assert small.inference.width < model.inference.width
    assert np.array_equal(small.outcome(some)[0].probabilities, model.outcome(some)[0].probabilities)
    assert len(few_rows(model, table, most=100)) < table.rows


def test_explained_predictions_name_terms(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "new.csv").write_text("review,score,shop\nthe box is broken,0,north\n,0,north\n")
    found = bpcli("predict", tmp_path / "new.csv", "--run", folder / "run", "--explain").ok()
    first, second = found.rows
    assert first["terms_review"].startswith("broken (")
    assert second["terms_review"] == ""
    assert "note: row 1 of review, contributions by term: broken (+" in found.err


def test_explanations_are_valid_csv_and_json_whatever_the_terms_are(tmp_path: Path) -> None:
    texts = ['good, "really" 5%', 'bad; "so" bad'] * 10
    with (tmp_path / "reviews.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows([["review", "label"], *([text, text[0]] for text in texts)])
    data = {"path": "reviews.csv", "target": "label", "columns": {"review": "text"}, "accept": ["repeated_texts"]}
    (tmp_path / "config.yaml").write_text(yaml.safe_dump({"recipe": "text", "data": data}))
    bpcli("train", tmp_path / "config.yaml", "--run-dir", tmp_path / "run", "--quiet").ok()
    predict = ["predict", tmp_path / "reviews.csv", "--run", tmp_path / "run", "--explain"]
    rows = bpcli(*predict).ok().rows
    objects = [json.loads(line) for line in bpcli(*predict, "--jsonl").ok().out.splitlines()]
    assert len(rows) == len(objects) == 20
    assert {*rows[0]} == {*objects[0]} == {"prediction", "explained", "baseline", "contribution_review", "terms_review"}
    terms = objects[0]["terms_review"]
    assert {"good ,", ', "'} <= {one["term"] for one in terms}
    assert rows[0]["terms_review"] == "; ".join(f"{one['term']} ({one['contribution']:.4g})" for one in terms)


def test_python_explains_as_the_command_does(folder: Path, tmp_path: Path) -> None:
    rows = [
        {"review": "the box is broken", "score": 0.0, "shop": "north"},
        {"review": "great", "score": 1, "shop": "x"},
    ]
    (tmp_path / "new.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    command = bpcli("predict", tmp_path / "new.jsonl", "--run", folder / "run", "--explain", "--jsonl").ok().out
    found = package.explain(package.load(folder / "run"), rows)
    assert found.columns == ("review", "score", "shop")
    for place, line in enumerate(map(json.loads, command.splitlines())):
        assert [line[f"contribution_{name}"] for name in found.columns] == found.contributions[place, 0].tolist()
        assert (line["explained"], line["baseline"]) == (found.explained[place, 0], found.baseline[place, 0])
        strongest = found.terms[0].strongest(0, 10)[place]
        assert [(one["term"], one["contribution"]) for one in line["terms_review"]] == strongest


def test_inspections_rank_terms_and_say_what_they_speak_for(folder: Path) -> None:
    shown = bpcli("inspect", folder / "run").ok().out
    assert "review: terms by the mean size of their contribution" in shown
    document = bpcli("inspect", folder / "run", "--json").ok().json
    (terms,) = document["terms"]
    towards = {one["term"]: one["towards"] for one in terms["terms"]}
    assert {towards[word] for word in GOOD if word in towards} == {"good"}
    assert {towards[word] for word in BAD if word in towards} == {"bad"}
    assert all(one["contribution"] > 0 for one in terms["terms"][:3])
    assert {one["column"] for one in document["importance"]["columns"]} == {"review", "score", "shop"}
    assert "terms" not in bpcli("inspect", folder / "run", "--column", "score", "--json").ok().json


@pytest.mark.parametrize("count", [2, 5])
def test_terms_contribute_to_each_of_several_targets(tmp_path: Path, count: int) -> None:
    generator, names = np.random.default_rng(0), [f"y{place}" for place in range(count)]
    lines = [["review", *names]]
    for _ in range(120):
        words = generator.choice(["big", "small", "red", "blue"], 4).tolist()
        lines.append(
            [" ".join(words), *(words.count("big") - words.count("small"), *[words.count("red")] * (count - 1))]
        )
    with (tmp_path / "t.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows(lines)
    data = {"path": "t.csv", "target": names, "columns": {"review": {"type": "text", "ngrams": 1}}}
    (tmp_path / "config.yaml").write_text(yaml.safe_dump({"recipe": "text", "data": data}))
    bpcli("train", tmp_path / "config.yaml", "--run-dir", tmp_path / "run", "--quiet").ok()
    terms = bpcli("inspect", tmp_path / "run", "--json").ok().json["terms"][0]["terms"]
    of_big = next(one for one in terms if one["term"] == "big")
    assert [*of_big["by_target"]] == names
    assert of_big["by_target"]["y0"] > 0 > of_big["by_target"]["y1"]  # a big one leaves less room for red ones
    assert of_big["contribution"] == pytest.approx(np.mean([*of_big["by_target"].values()]))
    shown = bpcli("inspect", tmp_path / "run").ok().out
    assert ("contribution to y1" in shown) == (count == 2)
    assert (f"mean over the rows with the term and the {count} targets" in " ".join(shown.split())) == (count == 5)


def test_reports_have_the_terms(folder: Path, tmp_path: Path) -> None:
    bpcli("report", folder / "run", "--output", tmp_path / "report.html").ok()
    assert "Terms of review" in (tmp_path / "report.html").read_text()


@pytest.mark.parametrize("embedding", [None, 3])
def test_a_traced_step_shows_the_terms_of_its_rows(folder: Path, tmp_path: Path, embedding: int | None) -> None:
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config(embedding=embedding)))
    path = ["--set", f"data.path={folder / 'reviews.csv'}"]
    text = bpcli("trace", tmp_path / "config.yaml", "--row", "1", *path).ok().out
    with (folder / "reviews.csv").open() as stream:
        word = next(csv.DictReader(stream))["review"].split()[0]
    assert f"review: {word}" in text or f"\n{word} " in text
    if embedding is None:
        assert "scaled to a row of length 1" in text
    document = bpcli("trace", tmp_path / "config.yaml", "--row", "1", "--json", *path).ok().json
    assert document["loss"]["after"] < document["loss"]["before"]
    bpcli("trace", tmp_path / "config.yaml", "--row", "1", "--html", tmp_path / "step.html", *path).ok()


def test_a_traced_step_shows_terms_beside_bins(folder: Path, tmp_path: Path) -> None:
    data = config()["data"] | {"path": str(folder / "reviews.csv"), "encoders": {"numeric": "piecewise_linear"}}
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config() | {"data": data}))
    with (folder / "reviews.csv").open() as stream:
        words = {*max(csv.DictReader(stream), key=lambda row: float(row["score"]))["review"].split()}
    with (folder / "reviews.csv").open() as stream:
        scores = [float(row["score"]) for row in csv.DictReader(stream)]
    row = str(1 + scores.index(max(scores)))  # past every bin
    text = bpcli("trace", tmp_path / "config.yaml", "--row", row).ok().out
    inputs = text[: text.index("FORWARD")]
    assert inputs.count("past the bin") == 15
    assert all(f"review: {word} " in inputs for word in words)
    bpcli("trace", tmp_path / "config.yaml", "--row", row, "--html", tmp_path / "step.html").ok()
    assert "review: " in (tmp_path / "step.html").read_text()


def test_a_traced_step_is_that_of_training(folder: Path) -> None:
    """The step on the words of the rows alone changes them as the step on the whole vocabulary does."""
    of = of_reviews(folder, training={"epochs": 1, "batch_size": "full"})
    assert of.plan.steps_per_epoch == 1
    from bpcli.arrays.layout import Layout

    text = of.plan.train.x.tokens_by_name()["review"]
    columns = text.columns_used()
    layout: Layout = of.network.layout
    vector = np.arange(layout.size, dtype=np.float64)
    slots = [slot for slot in layout.slots if slot.sparse]
    assert [slot.sparse[0].last - slot.sparse[0].first for slot in slots] == [text.size]
    narrow = layout.narrowed(vector, layout, {"review": columns})
    assert np.array_equal(narrow, vector)  # training rows have every term of the vocabulary


@pytest.mark.parametrize(
    ("given", "place", "what"),
    [
        ({"optimizer": {"type": "rmsprop"}}, "optimizer", "rmsprop changes weights of words"),
        ({"optimizer": {"type": "sgd", "momentum": 0.9}}, "optimizer", "sgd with momentum changes weights"),
        ({"ensemble": {"members": 2}}, "ensemble.members", "use one network"),
        ({"training": {"average": {"decay": 0.9}}}, "training.average", "delete it"),
        ({"training": {"penalty": {"l2": 0.1}}}, "training.penalty.l2", "adamw's weight_decay"),
        ({"layers": ["batch_norm", {"units": 4}]}, "layers.0", "begin with a dense layer"),
        ({"layers": [{"units": 4, "initializer": "data_std"}]}, "layers.0.initializer", "needs numbers"),
    ],
)
def test_what_would_change_all_words_in_every_step_is_an_error(
    folder: Path, given: dict[str, Any], place: str, what: str
) -> None:
    with pytest.raises(MismatchError) as error:
        of_reviews(folder, **given)
    (mismatch,) = error.value.mismatches
    assert ".".join(map(str, mismatch.path)) == place
    assert what in mismatch.what


def test_columns_of_numbers_are_no_texts_and_texts_need_words(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,y\n" + ",1\n,0\n" * 20)
    with pytest.raises(MismatchError, match="no training row has a text"):
        prepared(tmp_path, data={"path": "t.csv", "target": "y", "columns": {"a": "text"}}, layers=[])
    with pytest.raises(MismatchError, match="no word in enough training rows; lower min_count"):
        of_reviews(folder, text={"min_count": 500})


def test_texts_that_are_in_two_splits_are_warned_of(tmp_path: Path) -> None:
    lines = [f'"the same words {place // 4}",{place},{place % 2}' for place in range(80)]
    (tmp_path / "t.csv").write_text("\n".join(["text,number,y", *lines, ""]))
    data: dict[str, Any] = {"path": "t.csv", "target": "y", "columns": {"text": "text"}, "split": {"test": 0.3}}
    of = prepared(tmp_path, data=data, layers=[])
    (warning,) = [one for one in of.warnings if one.name == "repeated_texts"]
    assert "test rows have a text of the training set" in warning.text
    assert "data.group: text" in warning.text
    grouped = prepared(tmp_path, data={**data, "group": "text", "split": {"test": 0.3}}, layers=[])
    assert not [one for one in grouped.warnings if one.name == "repeated_texts"]
    assert [text.name for text in grouped.preprocessor.texts] == ["text"]  # the remedy does not take the texts away


def test_a_recipe_of_numbers_and_categories_refuses_texts(folder: Path) -> None:
    for recipe in ("tabular", "quick", "linear"):
        with pytest.raises(MismatchError, match="use recipe: text"):
            prepared(folder, recipe=recipe, data=config()["data"])


def test_training_from_a_model_takes_no_other_options_of_texts(folder: Path) -> None:
    for option in ("ngrams: 3", "hashing: 64", "max_tokens: 50"):
        change = f"data.columns.review={{type: text, {option}}}"
        found = bpcli("train", folder / "config.yaml", "--from", folder / "run", "--set", change)
        assert found.code == 2
        assert f"column 'review': {option.partition(':')[0]} " in found.err


def test_training_from_a_model_counts_the_words_that_it_does_not_know(folder: Path) -> None:
    rows = (folder / "reviews.csv").read_text().replace("box", "parcel").replace("today", "late")
    (folder / "later.csv").write_text(rows)
    train = ["train", folder / "config.yaml", "--from", folder / "run", "--run-dir"]
    found = bpcli(*train, folder / "later", "--set", "data.path=later.csv").ok()
    assert (
        "note: column 'review': 2 words of the training rows without a weight, as the earlier training did not have "
        "them: "
    ) in found.err
    assert {"'parcel'", "'late'"} <= {*re.findall("'[a-z]+'", found.err)}
    assert "without a weight" not in bpcli(*train, folder / "again").ok().err


def test_training_from_a_model_on_another_table_names_the_column_that_is_missing(folder: Path) -> None:
    lines = ["shop,score,label", *(f"{'ab'[row % 3 > 1]},{row % 7},{'xy'[row % 2]}" for row in range(60))]
    (folder / "other.csv").write_text("\n".join(lines) + "\n")
    data = {"path": "other.csv", "target": "label", "columns": {"shop": config()["data"]["columns"]["shop"]}}
    (folder / "other.yaml").write_text(yaml.safe_dump(config() | {"data": data}))
    found = bpcli("train", folder / "other.yaml", "--from", folder / "run")
    assert found.code == 2
    assert "data: column 'review' is missing, but an input of" in found.err


@pytest.mark.parametrize("cells", [["3.5", "12", "7,1"], ["!?", "...", "?"]], ids=["numbers", "signs"])
def test_texts_without_a_letter_are_noted(tmp_path: Path, cells: list[str]) -> None:
    with (tmp_path / "t.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows([["review", "label"], *([cells[row % 3], "ab"[row % 2]] for row in range(60))])
    of = {"data": {"path": "t.csv", "target": "label", "columns": {"review": "text"}}, "recipe": "text"}
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(of))
    note = (
        "note: column 'review': declared as text, but no cell has a letter: its words are digits and signs; should it "
        "be numeric or categorical?\n"
    )
    assert note in bpcli("check", tmp_path / "config.yaml").err
    (tmp_path / "t.csv").write_text((tmp_path / "t.csv").read_text().replace(cells[0], f"{cells[0]} so"))
    assert "no cell has a letter" not in bpcli("check", tmp_path / "config.yaml").err


def test_a_sentence_is_no_path_of_a_picture(folder: Path) -> None:
    change = "data.columns.review=image"
    rows = (folder / "reviews.csv").read_text().replace("box", "box" * 100)
    (folder / "long.csv").write_text(rows)
    path = "data.path=long.csv"
    found = bpcli("check", folder / "config.yaml", "--set", change, "--set", path, cwd=folder)
    assert found.code == 3
    assert "column 'review'" in found.err
    assert "is no file" in found.err
    assert len(found.err) < 400


def test_options_of_a_text_are_checked(folder: Path) -> None:
    for text, what in (
        ({"characters": [4, 2]}, "[shortest, longest], not [4, 2]"),
        ({"min_count": 0}, "at least 1"),
        ({"ngrams": 9}, "5"),
        ({"term_weight": "bm25"}, "tfidf"),
        ({"hashing": 2**31}, "4194304"),
        ({"hashing": 100, "min_count": 3}, "hashing keeps every term"),
    ):
        (folder / "wrong.yaml").write_text(json.dumps(config(**text)))
        found = bpcli("check", folder / "wrong.yaml")
        assert found.code == 2
        assert "data.columns.review" in found.err
        assert what in found.err
