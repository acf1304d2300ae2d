"""`bpcli compare`: the same rows for all, none of them trained on, and a verdict that is true."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import CONFIGS, DATASETS, PENGUINS, bpcli
from pages import drawn, tables

from bpcli.comparison.disagreement import disagreement
from bpcli.comparison.document import AnswerDisagreement, NumberDisagreement
from bpcli.comparison.score_differences import differences
from bpcli.documents.scores import ScoreReport
from bpcli.metrics import report
from bpcli.storage.run_directory import RunDirectory
from bpcli.training.scoring import Answers
from bpcli.wording import plain


def train(path: Path, *settings: str, config: Path = CONFIGS / "penguins.yaml") -> Path:
    options = [part for setting in settings for part in ("--set", setting)]
    bpcli("train", config, "--quiet", "--run-dir", path, "--set", "training.epochs=15", *options).ok()
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A good run, one that hardly learned, one on fewer columns, one with another seed, and regression twice."""
    folder = tmp_path_factory.mktemp("runs")
    train(folder / "good")
    train(folder / "poor", "optimizer.learning_rate=1e-6")
    train(folder / "narrow", "data.exclude=[year, island, sex]", "layers=[{units: 8}]")
    train(folder / "other_seed", "seed=1")
    train(folder / "concrete", config=CONFIGS / "concrete.yaml")
    train(folder / "concrete2", "layers=[]", config=CONFIGS / "concrete.yaml")
    return folder


def compare(folder: Path, *runs: str, options: tuple[object, ...] = ()) -> dict[str, Any]:
    document: dict[str, Any] = bpcli("compare", *(folder / run for run in runs), "--json", *options).ok().json
    return document


def predictions(run: Path) -> list[str]:
    return [row["prediction"] for row in bpcli("predict", PENGUINS, "--checkpoint", run).ok().rows]


def test_all_runs_are_asked_the_test_rows_of_the_first(folder: Path):
    document = compare(folder, "good", "poor", "narrow")
    assert document["rows"]["count"] == 69
    for name in ("good", "poor", "narrow"):
        assert document["scores"][name] == {
            key: value
            for key, value in bpcli("evaluate", folder / name, "--json").ok().json.items()
            if key in document["scores"][name]
        }


def test_the_rows_that_one_run_alone_has_right_are_counted_as_by_hand(folder: Path):
    from bpcli.config import load_config
    from bpcli.data.examples.selection import select_examples
    from bpcli.data.files.source import open_source

    loaded = load_config(CONFIGS / "penguins.yaml")
    rows = select_examples(
        open_source(loaded.config.data, loaded.folder), loaded.config.data, 0, loaded.config.loss
    ).split.test
    true = np.array([line.split(",")[0] for line in PENGUINS.read_text().splitlines()[1:]])
    good, poor = (np.array(predictions(folder / name))[rows] == true[rows] for name in ("good", "poor"))
    (entry,) = compare(folder, "good", "poor")["differences"]
    assert entry["right_by"] == {"good": int((good & ~poor).sum()), "poor": int((poor & ~good).sum())}
    assert entry["difference"] == pytest.approx(poor.mean() - good.mean(), abs=1e-12)


def test_a_difference_beyond_chance_is_called_one(folder: Path):
    (entry,) = compare(folder, "good", "poor")["differences"]
    assert entry["test"] == "McNemar, exact"
    assert entry["p"] < 1e-6
    assert entry["interval"]["high"] < 0
    assert (entry["interval"]["resamples"], entry["interval"]["confidence"]) == (10_000, 0.95)
    assert entry["better"] == "good"
    assert entry["verdict"] == "good is significantly better in accuracy on these 69 rows"
    assert compare(folder, "poor", "good")["differences"][0]["better"] == "good"


def test_a_difference_that_chance_explains_is_not_called_equal(folder: Path, tmp_path: Path):
    train(tmp_path / "longer", "training.epochs=16")
    (entry,) = bpcli("compare", folder / "good", tmp_path / "longer", "--json").ok().json["differences"]
    assert entry["p"] > 0.1
    assert entry["better"] is None
    assert entry["verdict"] == "no difference in accuracy: both give the same answer for every row"


def test_of_quantities_less_error_is_better(folder: Path):
    document = compare(folder, "concrete", "concrete2")
    (entry,) = document["differences"]
    assert (entry["metric"], entry["test"], entry["better"]) == ("rmse", "paired bootstrap", "concrete")
    assert entry["difference"] == document["scores"]["concrete2"]["rmse"] - document["scores"]["concrete"]["rmse"]
    assert 0 < entry["interval"]["low"] < entry["difference"] < entry["interval"]["high"]
    assert "right_by" not in entry


def test_p_values_of_several_runs_are_corrected(folder: Path):
    entries = compare(folder, "good", "poor", "narrow")["differences"]
    least, greatest = sorted(entries, key=lambda entry: entry["p"])
    assert least["p_corrected"] == pytest.approx(2 * least["p"])
    assert greatest["p_corrected"] == greatest["p"]
    assert [entry["against"] for entry in entries] == ["good", "good"]
    shown = bpcli("compare", *(folder / name for name in ("good", "poor", "narrow"))).ok().out
    assert "corrected by Holm's method, over 2 tests of accuracy" in shown


def test_correction_can_turn_a_verdict():
    # 6 rows that one model alone has right: p = 1/32, significant by itself, but not as one of two.
    true = np.zeros(60, np.intp)
    base = np.array([1] * 6 + [0] * 54)
    answers = [
        Answers(true, guess, report("binary", true, guess, None, ["no", "yes"])) for guess in (base, true, base.copy())
    ]
    ((alone, _),) = differences(["a", "b"], answers[:2], "binary", 0)
    assert (alone.p, alone.p_corrected, alone.better) == (1 / 32, 1 / 32, "b")
    (first, _), (second, _) = differences(["a", "b", "c"], answers, "binary", 0)
    assert (first.p, first.p_corrected, first.better) == (1 / 32, 1 / 16, None)
    assert (second.p, second.interval.low, second.interval.high) == (1, 0, 0)


def always_no(probabilities: list[float]) -> Answers:
    """Answers of a model that says `no` to each of 60 rows, the last 12 of which are `yes`."""
    true = np.array([0] * 48 + [1] * 12)
    shares = np.stack([1 - np.array(probabilities), np.array(probabilities)], axis=1)
    guess = np.zeros(60, np.intp)
    return Answers(true, guess, report("binary", true, guess, shares, ["no", "yes"]), shares)


def test_probabilities_are_compared_where_all_answers_are_alike():
    knows, knows_not = always_no([0.05] * 48 + [0.45] * 12), always_no([0.45] * 48 + [0.05] * 12)
    assert (knows.report.scores["roc_auc"], knows_not.report.scores["roc_auc"]) == (1, 0)
    ((entry, found),) = differences(["a", "b"], [knows_not, knows], "binary", 0)
    assert (entry.better, entry.difference, entry.p) == (None, 0, 1)
    assert entry.verdict == "no difference in accuracy: both give the same answer for every row"
    assert found is not None
    by_hand = (48 * np.log(0.95) + 12 * np.log(0.45)) - (48 * np.log(0.55) + 12 * np.log(0.05))
    assert found.difference == pytest.approx(-by_hand / 60, rel=1e-9)
    assert found.interval.low < found.difference < found.interval.high < 0
    assert found.verdict == "b is significantly better in log_loss on these 60 rows"


def test_of_several_runs_each_verdict_names_both_and_each_metric_is_corrected_by_itself():
    answers = [always_no([0.45] * 48 + [0.05] * 12), always_no([0.05] * 48 + [0.45] * 12), always_no([0.3] * 60)]
    found = differences(["a", "b", "c"], answers, "binary", 0)
    assert [entry.verdict for entry, _ in found] == [
        f"no difference in accuracy: {run} and a give the same answer for every row" for run in "bc"
    ]
    assert [log_loss.verdict for _, log_loss in found] == [
        f"{run} is significantly better than a in log_loss on these 60 rows" for run in "bc"
    ]
    assert [entry.p_corrected for entry, _ in found] == [1, 1]
    p = [log_loss.p for _, log_loss in found]
    assert min(log_loss.p_corrected for _, log_loss in found) == pytest.approx(2 * min(p))
    ((_, same),) = differences(["a", "b"], [answers[0], answers[0]], "binary", 0)
    assert same.verdict == "no difference in log_loss: both give the same probabilities for every row"


def test_a_loss_without_probabilities_is_compared_by_answers_alone():
    one = always_no([0.2] * 60)
    ((entry, log_loss),) = differences(["a", "b"], [one, replace(one, probabilities=None)], "binary", 0)
    assert (entry.metric, log_loss) == ("accuracy", None)


def test_different_numbers_of_epochs_are_told(folder: Path, tmp_path: Path):
    train(tmp_path / "longer", "training.epochs=16")
    result = bpcli("compare", folder / "good", tmp_path / "longer").ok()
    told = "trained for different numbers of epochs: 'good' 15, 'longer' 16"
    assert f"note: {told}\n" in result.err
    html = bpcli("compare", folder / "good", tmp_path / "longer", "--html", "-").ok().out
    assert "<p>Trained for different numbers of epochs: &#x27;good&#x27; 15, &#x27;longer&#x27; 16.</p>" in html
    assert "<code>bpcli train --seeds</code>" in html
    assert "epochs" not in bpcli("compare", folder / "good", folder / "poor").ok().err


def test_configs_are_compared_key_by_key(folder: Path):
    values = {entry["key"]: entry["values"] for entry in compare(folder, "good", "narrow")["config"]}
    assert values["data.exclude"] == {"good": ["year"], "narrow": ["year", "island", "sex"]}
    assert values["layers.0.units"] == {"good": 32, "narrow": 8}
    assert values["layers.2.units"] == {"good": 16}
    assert "optimizer.learning_rate" not in values


def test_where_runs_and_data_stand_is_no_difference_of_configs(folder: Path, tmp_path: Path):
    train(tmp_path / "much/deeper/run")
    document = bpcli("compare", folder / "good", tmp_path / "much/deeper/run", "--json").ok().json
    assert document["config"] == []
    assert document["differences"][0]["p"] == 1
    assert "the configs are the same" in bpcli("compare", folder / "good", tmp_path / "much/deeper/run").ok().out


def test_curves_are_those_of_the_runs(folder: Path):
    for run in compare(folder, "good", "poor")["runs"]:
        directory = RunDirectory(folder / run["label"])
        assert run["curve"] == [json.loads(line) for line in directory.metrics.read_text().splitlines()]
        assert run["best"] == json.loads(directory.summary.read_text())["best"]
        assert len(run["curve"]) == run["epochs"] == 15


def test_a_table_is_printed_for_people(folder: Path):
    result = bpcli("compare", folder / "good", folder / "poor").ok()
    lines = result.out.splitlines()
    assert lines[0].split() == ["config", "good", "poor"]
    assert lines[1].split() == ["optimizer.learning_rate", "0.003", "1e-06"]
    assert any(line.split()[:2] == ["best", "validation_loss"] for line in lines)
    assert any(line.startswith("test rows of ") and line.endswith("penguins.csv, 69 rows") for line in lines)
    verdicts = [line for line in lines if "is significantly better" in line]
    assert verdicts == [
        f"  good is significantly better in {metric} on these 69 rows" for metric in ("accuracy", "log_loss")
    ]
    assert result.err.startswith("note: this compares these trained models")


def test_test_rows_that_another_run_was_trained_on_are_refused(folder: Path):
    result = bpcli("compare", folder / "good", folder / "other_seed")
    assert (result.code, result.out) == (3, "")
    assert result.err.startswith("error: of the 69 test rows of 'good', ")
    assert (
        " are training rows of 'other_seed', as their seeds or splits differ; give rows that no run has seen"
        in result.err
    )


def test_test_rows_by_which_another_run_was_chosen_are_refused(tmp_path: Path):
    header, *rows = PENGUINS.read_text().splitlines()
    parts = [("test", "validation"), ("validation", "test"), ("train", "train"), ("train", "train")]
    lines = [f"{row},{p},{q}" for row, (p, q) in zip(rows, parts * 86, strict=True)]
    (tmp_path / "both.csv").write_text("\n".join([f"{header},p,q", *lines]) + "\n")
    for name, other in ("pq", "qp"):
        settings = (f"data.exclude=[year, {other}]", f"data.split={{column: {name}}}")
        train(tmp_path / name, f"data.path={tmp_path}/both.csv", *settings)
    result = bpcli("compare", tmp_path / "p", tmp_path / "q")
    assert (result.code, result.out) == (3, "")
    assert "of the 86 test rows of 'p', 86 are validation rows of 'q'" in result.err


def test_other_rows_can_be_given(folder: Path, tmp_path: Path):
    lines = PENGUINS.read_text().splitlines()
    (tmp_path / "new.csv").write_text("\n".join(lines[:41]) + "\n")
    document = compare(folder, "good", "other_seed", options=("--data", tmp_path / "new.csv"))
    assert document["rows"] == {"source": str(tmp_path / "new.csv"), "count": 40}
    for name in ("good", "other_seed"):
        expected = bpcli("evaluate", folder / name, "--data", tmp_path / "new.csv", "--json").ok().json
        assert document["scores"][name]["accuracy"] == expected["accuracy"]
    assert "cannot tell whether runs were trained on rows" in document["notes"][0]


def test_a_file_that_a_run_was_trained_on_is_refused_under_any_name(folder: Path, tmp_path: Path):
    shutil.copy(PENGUINS, tmp_path / "copy.csv")
    for path in (PENGUINS, tmp_path / "copy.csv"):
        result = bpcli("compare", folder / "good", folder / "other_seed", "--data", path)
        assert (result.code, result.out) == (3, "")
        assert "'good' was trained on rows of this file; give rows that no run has seen" in result.err


def test_data_that_changed_since_training_is_refused(tmp_path: Path):
    shutil.copy(PENGUINS, tmp_path / "data.csv")
    for seed in ("a", "b"):
        train(tmp_path / seed, f"data.path={tmp_path}/data.csv", f"name={seed}")
    lines = PENGUINS.read_text().splitlines()
    (tmp_path / "data.csv").write_text("\n".join([lines[0], *reversed(lines[1:])]) + "\n")
    result = bpcli("compare", tmp_path / "a", tmp_path / "b")
    assert result.code == 3
    assert result.err.startswith("error: 'a': its data file has changed since")


def test_runs_of_other_data_are_refused(folder: Path, tmp_path: Path):
    lines = PENGUINS.read_text().splitlines()
    (tmp_path / "less.csv").write_text("\n".join(lines[:-1]) + "\n")
    train(tmp_path / "less", f"data.path={tmp_path}/less.csv")
    result = bpcli("compare", folder / "good", tmp_path / "less")
    assert result.code == 3
    assert result.err.startswith("error: 'less' was trained on different data than 'good'")


def test_runs_of_other_targets_are_refused(folder: Path, tmp_path: Path):
    result = bpcli("compare", folder / "good", folder / "concrete")
    assert (result.code, result.out) == (3, "")
    assert result.err == (
        "error: 'good' and 'concrete' cannot be compared: they predict 'species' and 'compressive_strength'\n"
    )
    lines = [line for line in PENGUINS.read_text().splitlines() if not line.startswith("Gentoo")]
    (tmp_path / "two.csv").write_text("\n".join(lines) + "\n")
    train(tmp_path / "two", f"data.path={tmp_path}/two.csv")
    assert "their tasks are multiclass and binary" in bpcli("compare", folder / "good", tmp_path / "two").err


def test_what_cannot_be_compared_is_said(folder: Path, tmp_path: Path):
    for arguments, code, message in [
        (("good",), 2, "give two or more runs"),
        (("good", "good"), 2, "given twice"),
        (("good", "nothing"), 4, "nothing: no such run"),
        (("good", "poor/../good"), 2, "given twice"),
    ]:
        result = bpcli("compare", *(folder / name for name in arguments))
        assert (result.code, result.out, result.err.count("\n")) == (code, "", 1)
        assert message in result.err


def test_a_damaged_run_is_named(folder: Path, tmp_path: Path):
    shutil.copytree(folder / "poor", tmp_path / "damaged")
    with (tmp_path / "damaged/metrics.jsonl").open("a") as file:
        file.write('{"epoch": 16, "validation_loss": NaN}\n')
    curve = bpcli("compare", folder / "good", tmp_path / "damaged", "--json").ok().json["runs"][1]["curve"]
    assert [record["epoch"] for record in curve] == list(range(1, 17))
    assert curve[-1]["validation_loss"] is None
    (tmp_path / "damaged/summary.json").write_text("{}")
    result = bpcli("compare", folder / "good", tmp_path / "damaged")
    assert (result.code, result.err) == (
        4,
        f"error: {tmp_path}/damaged: damaged: its summary.json is invalid\n",
    )


def test_runs_without_test_rows_need_others(tmp_path: Path):
    for name in "ab":
        train(tmp_path / name, "data.split={validation: 0.2, test: 0}", f"name={name}")
    result = bpcli("compare", tmp_path / "a", tmp_path / "b")
    assert (result.code, result.err) == (3, "error: 'a' has no test rows; give other rows with --data\n")


def test_runs_of_the_same_name_are_told_apart_by_their_folders(folder: Path, tmp_path: Path):
    train(tmp_path / "good", "optimizer.learning_rate=0.01")
    document = bpcli("compare", folder / "good", tmp_path / "good", "--json").ok().json
    assert [run["label"] for run in document["runs"]] == [str(folder / "good"), str(tmp_path / "good")]


def test_missing_targets_are_left_out_of_a_given_file(folder: Path, tmp_path: Path):
    lines = PENGUINS.read_text().splitlines()
    (tmp_path / "new.csv").write_text("\n".join([*lines[:11], "," + lines[11].partition(",")[2]]) + "\n")
    document = compare(folder, "good", "poor", options=("--data", tmp_path / "new.csv"))
    assert document["rows"]["count"] == 10
    assert document["notes"][1] == "1 row left out: no value in the target"


def test_the_document_is_plain_json(folder: Path):
    document = compare(folder, "concrete", "concrete2")
    assert json.loads(json.dumps(document, allow_nan=False)) == document
    assert document["rows"]["source"].endswith(str(Path("datasets") / (DATASETS / "concrete.csv").name))


@pytest.fixture(scope="module")
def page(folder: Path) -> str:
    """Three runs as a page."""
    return bpcli("compare", *(folder / name for name in ("good", "poor", "narrow")), "--html", "-").ok().out


def test_the_page_asks_nothing_of_elsewhere_and_is_small(page: str):
    assert re.findall(r'(?:src|href|action)="([^"]*)"', page) == ["data:,"]
    assert not re.search(r"url\(|@import|fetch\(|https?:", page)
    assert len(page.encode()) < 500_000


def test_the_numbers_of_the_page_are_those_of_the_document(folder: Path, page: str):
    document = compare(folder, "good", "poor", "narrow")
    found, charts = tables(page), drawn(page)
    rows = {row[0]: row[1:] for row in found["Scores"]}
    assert rows.pop("metric") == ["good", "poor", "narrow"]
    for name, cells in rows.items():
        values = [document["scores"][run][name.replace(" ", "_")] for run in ("good", "poor", "narrow")]
        assert [float(cell.removeprefix("★ ")) for cell in cells] == [
            pytest.approx(v, rel=1e-3, abs=5e-5) for v in values
        ]
        best = min(values) if name in ("log loss", "brier") else max(values)
        assert [cell.startswith("★") for cell in cells] == [value == best for value in values]
    for entry, row, interval in zip(
        document["differences"], found["Tests of accuracy"][1:], charts["Difference in accuracy"], strict=True
    ):
        numbers = [entry["difference"], entry["interval"]["low"], entry["interval"]["high"]]
        assert [float(cell) for cell in row[1:4]] == [pytest.approx(value, abs=5e-5) for value in numbers]
        assert row[4] == "McNemar, exact"
        assert [float(cell) for cell in row[5:]] == [pytest.approx(entry[p], rel=1e-3) for p in ("p", "p_corrected")]
        assert interval["name"] == row[0] == f"{entry['run']} less good"
        ends = [point[3] for point in interval["points"]]
        assert ends == [pytest.approx(numbers[place], rel=1e-5) for place in (1, 0, 2)]
    assert found["Differences"][1:] == [
        [entry["key"], *(plain(entry["values"].get(run, "-")) for run in ("good", "poor", "narrow"))]
        for entry in document["config"]
    ]


def test_the_curves_of_all_runs_stand_in_one_chart(folder: Path, page: str):
    charts = drawn(page)
    for title, key in [
        ("Train loss", "train_loss"),
        ("Validation loss", "validation_loss"),
        ("Validation accuracy", "validation_accuracy"),
    ]:
        assert [series["name"] for series in charts[title]] == ["good", "poor", "narrow"]
        for series in charts[title]:
            records = RunDirectory(folder / series["name"]).read_metrics()
            expected = [(record.epoch, pytest.approx(record.values[key], rel=1e-5)) for record in records]
            assert [tuple(point[2:]) for point in series["points"]] == expected


def test_where_runs_disagree_is_counted_class_by_class(folder: Path, page: str):
    (entry,) = compare(folder, "good", "poor")["differences"]
    groups = entry["disagreement"]
    assert [group["name"] for group in groups] == ["Adelie", "Chinstrap", "Gentoo"]
    assert sum(group["rows"] for group in groups) == 69
    for name in ("good", "poor"):
        assert sum(group["right_by"][name] for group in groups) == entry["right_by"][name]
    assert all(sum(group["right_by"].values()) <= group["different"] <= group["rows"] for group in groups)
    assert tables(page)["poor and good"][1:] == [
        [group["name"], *map(str, (group["rows"], group["different"], *group["right_by"].values()))] for group in groups
    ]


def test_of_quantities_the_nearer_answers_are_counted(folder: Path):
    document = compare(folder, "concrete", "concrete2")
    (group,) = document["differences"][0]["disagreement"]
    assert group["name"] == "compressive_strength"
    assert group["nearer"]["concrete"] + group["nearer"]["concrete2"] == group["rows"] == document["rows"]["count"]
    assert group["nearer"]["concrete"] > group["nearer"]["concrete2"]
    assert 0 < group["mean_distance"] < group["greatest_distance"]
    html = bpcli("compare", folder / "concrete", folder / "concrete2", "--html", "-").ok().out
    assert tables(html)["concrete2 and concrete"][1][0] == "compressive_strength"


def test_disagreements_of_labels_and_numbers_are_those_counted_by_hand():
    def answers(true: Any, guess: Any) -> Answers:
        return Answers(np.array(true), np.array(guess), ScoreReport(len(true), {}))

    true, one, two = [[1, 0], [1, 1], [0, 0]], [[1, 0], [0, 1], [0, 1]], [[1, 1], [1, 1], [0, 0]]
    assert disagreement(("a", "b"), ["x", "y"], "multilabel", answers(true, one), answers(true, two)) == [
        AnswerDisagreement("x", rows=3, different=1, right_by={"a": 0, "b": 1}),
        AnswerDisagreement("y", rows=3, different=2, right_by={"a": 1, "b": 1}),
    ]
    first, other = (
        answers([[1.0], [2.0], [3.0]], [[1.0], [2.5], [5.0]]),
        answers([[1.0], [2.0], [3.0]], [[2.0], [2.0], [1.0]]),
    )
    (found,) = disagreement(("a", "b"), ["x"], "regression", first, other)
    assert found == NumberDisagreement(
        "x", rows=3, different=3, mean_distance=5.5 / 3, greatest_distance=4.0, nearer={"a": 1, "b": 1}
    )


def test_identical_models_are_called_that(folder: Path, tmp_path: Path):
    train(tmp_path / "again")
    (entry,) = bpcli("compare", folder / "good", tmp_path / "again", "--json").ok().json["differences"]
    assert (entry["same_model"], entry["verdict"]) == (True, "the same model: weights are identical")
    shown = bpcli("compare", folder / "good", tmp_path / "again").ok().out
    assert shown.splitlines()[-1] == "again and good are the same model: weights are identical"
    assert "interval" not in shown
    html = bpcli("compare", folder / "good", tmp_path / "again", "--html", "-").ok().out
    assert "<p>Runs again and good are the same model: weights are identical.</p>" in html
    assert not [title for title in tables(html) if title.startswith("Tests")]
    assert "★ 0" not in html


def test_the_same_weights_behind_other_preprocessing_are_another_model(folder: Path, tmp_path: Path):
    from bpcli.comparison.contestants import are_same
    from bpcli.models.model import Model

    train(tmp_path / "again")
    good, again = Model.load(folder / "good"), Model.load(tmp_path / "again")
    assert are_same(good, again)
    assert not are_same(good, Model.load(folder / "other_seed"))
    inputs = good.preprocessor.inputs
    other = good.preprocessor.model_copy(update={"inputs": (inputs[1], inputs[0], *inputs[2:])})
    assert not are_same(good, replace(again, preprocessor=other))


def test_a_page_follows_the_conventions_of_outputs(folder: Path, tmp_path: Path):
    path = tmp_path / "c.html"
    arguments = ("compare", folder / "good", folder / "poor", "--html", path)
    assert bpcli(*arguments).ok().out == f"{path}\n"
    path.write_text("mine")
    refused = bpcli(*arguments)
    assert (refused.code, refused.out) == (8, "")
    assert "already exists; choose another --html, or add --force" in refused.err
    assert path.read_text() == "mine"
    bpcli(*arguments, "--force").ok()
    assert path.read_text().startswith("<!doctype html>")
    assert bpcli(*arguments, "--json").code == 2


def test_names_of_the_users_are_shown_on_the_page_and_not_obeyed(folder: Path, tmp_path: Path):
    hostile = tmp_path / "<img src=x>\x1b[2J"
    shutil.copytree(folder / "poor", hostile)
    html = bpcli("compare", folder / "good", hostile, "--html", "-").ok().out
    assert "<img" not in html
    assert "\x1b" not in html
    assert "&lt;img src=x&gt;\\x1b[2J" in html


def test_a_copy_of_one_of_several_training_files_is_refused(tmp_path: Path):
    header, *lines = PENGUINS.read_text().splitlines()
    for name, rows in (("train", lines[::2]), ("test", lines[1::2])):
        (tmp_path / f"{name}.csv").write_text("\n".join([header, *rows]) + "\n")
    for name in "ab":
        settings = (f"data.train={tmp_path}/train.csv", f"data.test={tmp_path}/test.csv", "data.path=null")
        train(tmp_path / name, *settings, "data.split={validation: 0.2}", f"name={name}")
    for name, code in (("train", 3), ("test", 0)):
        shutil.copy(tmp_path / f"{name}.csv", tmp_path / "copy.csv")
        assert bpcli("compare", tmp_path / "a", tmp_path / "b", "--data", tmp_path / "copy.csv").code == code
