"""`bpcli compare`: what it prints and where, its document, its page, and its exit codes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from commands import CONFIGS, DATASETS, PENGUINS, Result, bpcli
from comparison_runs import by
from pages import tables

from bpcli.comparison.compare import OF_THESE_MODELS


def train(path: Path, *settings: str, config: Path = CONFIGS / "penguins.yaml") -> Path:
    options = [part for setting in settings for part in ("--set", setting)]
    bpcli("train", config, "--quiet", "--run-dir", path, "--set", "training.epochs=15", *options).ok()
    return path


@pytest.fixture(scope="module")
def penguins(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A good run and one that hardly learned."""
    folder = tmp_path_factory.mktemp("penguins")
    train(folder / "good")
    train(folder / "poor", "optimizer.learning_rate=1e-6")
    return folder


def compare(folder: Path, *runs: str, options: tuple[object, ...] = ()) -> Result:
    return bpcli("compare", *(folder / run for run in runs), *options)


def test_the_scores_are_those_of_evaluate_on_the_test_rows(penguins: Path) -> None:
    document = compare(penguins, "good", "poor", options=("--json",)).ok().json
    assert document["rows"]["count"] == 69
    assert document["rows"]["source"].endswith(str(Path("datasets") / (DATASETS / "penguins.csv").name))
    for name in ("good", "poor"):
        evaluated = bpcli("evaluate", penguins / name, "--json").ok().json
        assert document["scores"][name] == {key: evaluated[key] for key in document["scores"][name]}
    (entry,) = document["differences"]
    assert entry["better"] == "good"
    assert entry["p"] < 1e-6
    groups = entry["disagreement"]
    assert [group["name"] for group in groups] == ["Adelie", "Chinstrap", "Gentoo"]
    assert sum(group["rows"] for group in groups) == 69
    for name in ("good", "poor"):
        assert sum(group["right_by"][name] for group in groups) == entry["right_by"][name]
    assert all(sum(group["right_by"].values()) <= group["different"] <= group["rows"] for group in groups)


def test_the_tables_and_the_verdict_are_printed_and_what_it_is_about_is_a_note(compared_runs: Path) -> None:
    result = compare(compared_runs, "right", "wrong").ok()
    assert result.err == f"note: {OF_THESE_MODELS}\n"
    lines = result.out.splitlines()
    assert [line.split()[0] for line in lines if line.endswith(("right  wrong", "right   wrong"))][:1] == ["config"]
    (entry,) = compare(compared_runs, "right", "wrong", options=("--json",)).json["differences"]
    head = lines.index(f"wrong less right: accuracy -{abs(entry['difference']):.4f}")
    low, high = (abs(entry["interval"][end]) for end in ("low", "high"))
    assert lines[head + 1] == f"  95% interval from -{low:.4f} to -{high:.4f}"
    alone = entry["right_by"]["right"]
    assert lines[head + 2] == f"  rows predicted correctly: {alone} only by right, 0 only by wrong"
    assert lines[head + 3] == f"  McNemar, exact: p = {entry['p']:.4g}"
    assert lines[head + 4] == f"  {entry['verdict']}"
    assert any(line.startswith("wrong less right: log_loss +") for line in lines)
    assert any(line.startswith("test rows of ") and line.endswith(", 30 rows") for line in lines)
    assert any(line.split() == ["accuracy", "1.0000", f"{1 - abs(entry['difference']):.4f}"] for line in lines)


def test_several_runs_have_corrected_p_values(compared_runs: Path) -> None:
    shown = compare(compared_runs, "right", "wrong", "both").ok().out
    assert "corrected by Holm's method, over 2 tests of accuracy" in shown


def test_identical_models_have_a_line_and_no_tests(compared_runs: Path, tmp_path: Path) -> None:
    again = by(tmp_path, "again", 4, 0)
    shown = bpcli("compare", compared_runs / "right", again).ok().out
    assert shown.splitlines()[-1] == "again and right are the same model: weights are identical"
    assert "interval" not in shown
    shutil.copy(compared_runs / "t.csv", tmp_path)
    copies = [shutil.copytree(compared_runs / "right", tmp_path / name) for name in ("one", "two")]
    assert bpcli("compare", *copies).ok().out.startswith("the configs are the same\n")


def test_notes_go_to_stderr_and_into_the_document(penguins: Path, tmp_path: Path) -> None:
    train(tmp_path / "longer", "training.epochs=16")
    told = "trained for different numbers of epochs: 'good' 15, 'longer' 16"
    result = bpcli("compare", penguins / "good", tmp_path / "longer", "--json").ok()
    assert result.err == f"note: {told}\n"
    assert result.json["notes"] == [told]


def test_the_document_is_plain_json(compared_runs: Path) -> None:
    document: dict[str, Any] = compare(compared_runs / "numbers", "exact", "short", options=("--json",)).ok().json
    assert json.loads(json.dumps(document, allow_nan=False)) == document
    (entry,) = document["differences"]
    assert (entry["metric"], entry["better"]) == ("rmse", "exact")
    assert "right_by" not in entry


def test_other_rows_are_given_by_an_option(penguins: Path, tmp_path: Path) -> None:
    lines = PENGUINS.read_text().splitlines()
    (tmp_path / "new.csv").write_text("\n".join(lines[:41]) + "\n")
    document = compare(penguins, "good", "poor", options=("--data", tmp_path / "new.csv", "--json")).ok().json
    assert document["rows"] == {"source": str(tmp_path / "new.csv"), "count": 40}
    result = compare(penguins, "good", "poor", options=("--data", PENGUINS))
    assert (result.code, result.out, result.err.count("\n")) == (3, "", 1)
    assert "'good' was trained on rows of this file" in result.err


def test_what_cannot_be_compared_is_one_line_and_a_code(compared_runs: Path) -> None:
    for arguments, code, message in [
        (("right",), 2, "give two or more runs"),
        (("right", "right"), 2, "given twice"),
        (("right", "nothing"), 4, "nothing: no such run"),
        (
            ("right", "numbers/exact"),
            3,
            "'right' and 'exact' cannot be compared: their tasks are binary and regression",
        ),
    ]:
        result = compare(compared_runs, *arguments)
        assert (result.code, result.out, result.err.count("\n")) == (code, "", 1)
        assert message in result.err
        assert result.err.startswith("error: ")


def test_a_page_follows_the_conventions_of_outputs(compared_runs: Path, tmp_path: Path) -> None:
    path = tmp_path / "c.html"
    arguments = ("compare", compared_runs / "right", compared_runs / "wrong", "--html", path)
    assert bpcli(*arguments).ok().out == f"{path}\n"
    html = path.read_text()
    assert html.startswith("<!doctype html>")
    assert tables(html)["Scores"][0] == ["metric", "right", "wrong"]
    assert compare(compared_runs, "right", "wrong", options=("--html", "-")).ok().out == html
    path.write_text("mine")
    refused = bpcli(*arguments)
    assert (refused.code, refused.out) == (8, "")
    assert "choose another --html, or add --force" in refused.err
    assert path.read_text() == "mine"
    bpcli(*arguments, "--force").ok()
    assert path.read_text() == html
    assert bpcli(*arguments, "--json").code == 2


def test_a_run_that_is_worse_ends_with_6_after_everything_is_printed(compared_runs: Path) -> None:
    result = compare(compared_runs, "right", "wrong", options=("--require", "not worse", "--require", "f1 not worse"))
    assert result.code == 6
    assert result.err.splitlines()[-1] == (
        "error: required accuracy not worse, but wrong against right is shown to be worse; "
        "required f1 not worse, but wrong against right is shown to be worse"
    )
    assert result.out.startswith(compare(compared_runs, "right", "wrong").out)
    header, first, second = result.out.splitlines()[-3:]
    assert header.split() == ["run", "required", "difference", "interval", "verdict"]
    assert (first.startswith("wrong  accuracy not worse"), first.endswith("not met  shown to be worse")) == (True, True)
    assert second.startswith("wrong  f1 not worse")
    reverse = compare(compared_runs, "wrong", "right", options=("--require", "not worse by 0", "--json")).ok()
    (outcome,) = reverse.json["requirements"]
    assert (outcome["run"], outcome["against"], outcome["met"]) == ("right", "wrong", True)
    assert outcome["verdict"] == "shown not to be worse by more than 0"
    (entry,) = reverse.json["differences"]
    assert (outcome["interval"], outcome["difference"]) == (entry["interval"], entry["difference"])


def test_requirements_are_checked_on_every_run_and_in_the_page(compared_runs: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    options = ("--require", "not worse", "--html", page)
    result = compare(compared_runs, "right", "both", "wrong", options=options)
    assert result.code == 6
    assert "but wrong against right is shown to be worse" in result.err
    required = tables(page.read_text())["Requirements"]
    assert [row[0] for row in required] == ["run", "both", "wrong"]


def test_a_requirement_that_is_none_is_refused_before_the_runs_are_scored(compared_runs: Path) -> None:
    wrong = compare(compared_runs, "right", "wrong", options=("--require", "accuracy>=0.9"))
    assert (wrong.code, wrong.out) == (2, "")
    assert wrong.err.endswith("for bounds such as accuracy>=0.95 use bpcli evaluate\n")
    unknown = compare(compared_runs, "right", "wrong", options=("--require", "f2 not worse"))
    assert (unknown.code, unknown.out) == (2, "")
    assert unknown.err.startswith("error: --require: no metric 'f2' of all runs")


def test_a_peer_is_printed_beside_the_run_and_in_the_document(penguins: Path) -> None:
    pytest.importorskip("lightgbm", reason="the extra baselines is not installed")
    result = compare(penguins, "good", options=("--with", "lightgbm")).ok()
    assert "the configs are the same" not in result.out
    assert "\nlightgbm: LGBMClassifier of lightgbm " in result.out
    assert "fitted to the first run's 206 training rows in " in result.out
    assert "lightgbm less good: accuracy " in result.out
    document = compare(penguins, "good", options=("--with", "lightgbm", "--json")).ok().json
    assert [peer["label"] for peer in document["peers"]] == ["lightgbm"]
    assert document["scores"]["lightgbm"]["accuracy"] > 0.9


def test_an_unknown_peer_ends_with_2_before_anything_is_read(tmp_path: Path) -> None:
    result = compare(tmp_path, "nothing-there", options=("--with", "xgboots"))
    assert (result.code, result.out) == (2, "")
    assert result.err == "error: --with: no peer 'xgboots'; available: lightgbm, scikit-learn\n"
