"""`bpcli evaluate`: what it prints and where, its document, requirements and exit codes."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from commands import PENGUINS, Result, bpcli

from bpcli.jobs.training import train
from bpcli.models.evaluation import evaluate_split
from bpcli.models.model import Model


def test_the_document_has_the_scores_and_what_they_are_of(penguins_run: Path):
    document = bpcli("evaluate", penguins_run, "--split", "validation", "--json").ok().json
    model = Model.load(penguins_run)
    found = evaluate_split(model, "validation")
    assert list(document)[:7] == ["checkpoint", "epoch", "data", "notes", "task", "names", "rows"]
    assert document["checkpoint"] == str(penguins_run / "checkpoints/best.safetensors")
    assert (document["data"], document["epoch"], document["failed"]) == (found.source, model.header.score.epoch, [])
    assert (document["task"], document["names"]) == ("multiclass", ["Adelie", "Chinstrap", "Gentoo"])
    report = json.loads(json.dumps(found.report.to_json()))
    assert {name: document[name] for name in report} == report


def test_a_table_is_printed_for_people(penguins_run: Path):
    result = bpcli("evaluate", penguins_run).ok()
    lines = result.out.splitlines()
    assert re.fullmatch(r"test rows of .*datasets/penguins\.csv, 69 rows, epoch \d+", lines[0])
    assert re.fullmatch(r"accuracy +[01]\.\d{4}", lines[1])
    assert "           precision  recall      f1  support  roc_auc  average_precision" in lines
    assert "true \\ predicted  Adelie  Chinstrap  Gentoo" in lines
    assert result.err == ""


def test_a_checkpoint_file_is_evaluated_like_its_run(penguins_run: Path):
    by_run = bpcli("evaluate", penguins_run).ok().out
    assert bpcli("evaluate", penguins_run / "checkpoints/best.safetensors").ok().out == by_run


def test_a_checkpoint_that_left_its_run_still_finds_its_data(penguins_run: Path, tmp_path: Path):
    shutil.copy(penguins_run / "checkpoints/best.safetensors", tmp_path / "model.safetensors")
    moved = bpcli("evaluate", tmp_path / "model.safetensors", cwd=tmp_path).ok()
    assert moved.out.splitlines()[1:] == bpcli("evaluate", penguins_run).out.splitlines()[1:]


def test_rows_without_a_target_are_left_out_aloud(penguins_run: Path, tmp_path: Path):
    lines = PENGUINS.read_text().splitlines(keepends=True)
    data = tmp_path / "some.csv"
    data.write_text("".join([*lines[:20], lines[21].replace("Adelie", "NA"), lines[22].replace("Adelie", "")]))
    result = bpcli("evaluate", penguins_run, "--data", data, "--json").ok()
    assert result.json["rows"] == 19
    assert result.err == "note: 2 rows left out: no value in the target\n"
    assert result.json["notes"] == ["2 rows left out: no value in the target"]


def test_other_data_that_does_not_fit_is_one_line_and_the_code_3(penguins_run: Path, tmp_path: Path):
    data = tmp_path / "other.csv"
    data.write_text(PENGUINS.read_text().replace("species,", "specie,"))
    result = bpcli("evaluate", penguins_run, "--data", data)
    assert (result.code, result.out) == (3, "")
    assert result.err == f"error: {data}: no column 'species'; did you mean 'specie'?\n"


def own_run(folder: Path, text: str = "data: {path: data.csv, target: species}\ntraining: {epochs: 2}\n") -> Path:
    """A run on a copy of the penguins that may be changed."""
    shutil.copy(PENGUINS, folder / "data.csv")
    (folder / "c.yaml").write_text(text)
    return train(folder / "c.yaml", run_dir=folder / "run").path


def test_changed_data_is_noted(tmp_path: Path):
    run = own_run(tmp_path)
    assert bpcli("evaluate", run).ok().err == ""
    with (tmp_path / "data.csv").open("a") as file:
        file.write("Adelie,Torgersen,39.1,18.7,181.0,3750.0,male,2007\n")
    result = bpcli("evaluate", run, "--json").ok()
    assert result.err.startswith("note: the data file has changed since training")
    assert result.json["notes"][0].startswith("the data file has changed")


def test_data_that_is_gone_is_a_data_error_that_says_what_to_do(tmp_path: Path):
    run = own_run(tmp_path)
    (tmp_path / "data.csv").rename(tmp_path / "moved.csv")
    result = bpcli("evaluate", run)
    assert (result.code, result.out) == (3, "")
    assert result.err == (f"error: {tmp_path}/data.csv: the data of this run no longer exists; give it with --data\n")
    assert bpcli("evaluate", run, "--data", tmp_path / "moved.csv").ok().out.count("344 rows") == 1


def test_a_split_that_the_run_does_not_have_is_a_data_error(tmp_path: Path):
    run = own_run(tmp_path, "data: {path: data.csv, target: species, split: {test: 0}}\ntraining: {epochs: 1}\n")
    result = bpcli("evaluate", run, "--split", "test")
    assert (result.code, result.err) == (3, "error: the run has no test rows; it has 'train', 'validation'\n")
    assert bpcli("evaluate", run).ok().out.startswith("validation rows of ")


def test_a_requirement_that_is_met_adds_its_margin_to_the_metrics(penguins_run: Path):
    with_one = bpcli("evaluate", penguins_run, "--require", "accuracy>=0.5", "--require", " log_loss < 1e1 ").ok()
    plain = bpcli("evaluate", penguins_run).out
    assert with_one.out.startswith(plain)
    header, first, second = with_one.out[len(plain) :].splitlines()[1:]
    assert header.split() == ["required", "value", "margin"]
    assert re.fullmatch(r"accuracy >= 0\.5 +0\.9\d+ +\+0\.4\d+  met", first)
    assert re.fullmatch(r"log_loss < 10 +0\.\d+ +\+9\.9\d*  met", second)


def test_a_requirement_on_a_class_is_met_by_its_margin(penguins_run: Path):
    required = ("Adelie.recall>=0.5", "Gentoo.f1<=0.2", "Adelie.support==30")
    result = bpcli("evaluate", penguins_run, *(part for one in required for part in ("--require", one)), "--json")
    recall, f1, support = result.json["requirements"]
    value = result.json["per_class"]["Adelie"]["recall"]
    assert recall == {
        "name": "Adelie.recall", "operator": ">=", "bound": 0.5, "value": value, "margin": value - 0.5, "met": True,
        "weighted": False, "positive": None,
    }  # fmt: skip
    assert (f1["margin"], f1["met"]) == (pytest.approx(0.2 - result.json["per_class"]["Gentoo"]["f1"]), False)
    assert (support["value"], support["margin"], support["met"]) == (30, 0, True)
    assert result.code == 6
    assert result.json["failed"] == [f"required Gentoo.f1 <= 0.2, but it is {f1['value']:.6g}"]


def test_a_requirement_that_is_not_met_ends_with_6_after_the_metrics(penguins_run: Path):
    arguments = ("evaluate", penguins_run, "--require", "accuracy>=0.5", "--require", "mcc>1", "--require", "rows==3")
    result = bpcli(*arguments)
    assert result.code == 6
    assert re.fullmatch(
        r"error: required mcc > 1, but it is 0\.9\d+\nerror: required rows == 3, but it is 69\n", result.err
    )
    assert result.out.startswith(bpcli("evaluate", penguins_run).out)
    assert re.search(r"^mcc > 1 +0\.9\d+ +-0\.0\d+  not met$", result.out, re.MULTILINE)
    document = bpcli(*arguments, "--json").json
    assert [failure.split(",")[0] for failure in document["failed"]] == ["required mcc > 1", "required rows == 3"]


def failing(run: Path, requirement: str) -> Result:
    result = bpcli("evaluate", run, "--require", requirement)
    assert (result.code, result.err.count("\n")) == (2, 1)
    return result


@pytest.mark.parametrize(
    "requirement",
    [
        *("", "accuracy", "accuracy>=", ">=0.9", "accuracy=>0.9", "accu racy>=1", "accuracy>=0.9 and f1>0.8"),
        *("accuracy>=high", "accuracy>=.", "accuracy>=1.2.3", "accuracy>=0,9", "accuracy>=nan", "accuracy>=1e"),
    ],
)
def test_a_malformed_requirement_is_a_usage_error(penguins_run: Path, requirement: str):
    result = failing(penguins_run, requirement)
    assert result.err.startswith(f"error: --require '{requirement}': expected a metric, a comparison and a number")
    assert result.out == ""


def test_an_unknown_metric_is_a_usage_error_with_the_nearest_name(penguins_run: Path):
    assert failing(penguins_run, "acuracy>=0.9").err == (
        "error: --require: no metric 'acuracy'; did you mean 'accuracy'?\n"
    )
    assert failing(penguins_run, "confusion_matrix>=1").err.startswith(
        "error: --require: no metric 'confusion_matrix'; available: accuracy, "
    )


def test_what_cannot_be_evaluated_is_said(penguins_run: Path, tmp_path: Path):
    nothing = bpcli("evaluate", tmp_path / "nothing")
    assert (nothing.code, nothing.err) == (4, f"error: {tmp_path}/nothing: no such run or checkpoint\n")
    both = bpcli("evaluate", penguins_run, "--data", PENGUINS, "--split", "test")
    assert (both.code, both.err.count("\n")) == (2, 1)
    other = bpcli("evaluate", PENGUINS)
    assert (other.code, other.err.count("\n")) == (4, 1)


def test_class_names_are_shown_with_their_controls_escaped(tmp_path: Path):
    (tmp_path / "data.csv").write_text("x,y\n" + "".join(f"{n},[red]a\n-{n},b\x1b[2J\n" for n in range(30)))
    (tmp_path / "c.yaml").write_text("data: {path: data.csv, target: y}\ntraining: {epochs: 1}\n")
    bpcli("train", tmp_path / "c.yaml", "-q", "--run-dir", tmp_path / "run").ok()
    out = bpcli("evaluate", tmp_path / "run").ok().out
    assert "\x1b" not in out
    assert "[red]a " in out
    assert "b\\x1b[2J " in out


def test_several_files_patterns_and_queries_are_scored_together(penguins_run: Path, tmp_path: Path):
    header, *lines = PENGUINS.read_text().splitlines()
    (tmp_path / "p1.csv").write_text("\n".join([header, *lines[:200]]))
    turned = [",".join(reversed(line.split(","))) for line in (header, *lines[200:])]  # another order of columns
    (tmp_path / "p2.csv").write_text("\n".join(turned))
    with closing(sqlite3.connect(tmp_path / "t.db")) as database:
        database.execute(f"create table t ({header})")
        marks = ", ".join("?" * len(header.split(",")))
        rows = [[None if cell == "NA" else cell for cell in line.split(",")] for line in lines]
        database.executemany(f"insert into t values ({marks})", rows)
        database.commit()
    whole = bpcli("evaluate", penguins_run, "--data", PENGUINS, "--json").ok().json
    together = [
        ("--data", "p?.csv"),
        ("p1.csv", "p2.csv"),
        ("--data", "p1.csv", "p2.csv"),
        ("--data", "sqlite:///t.db", "--query", "select * from t"),
    ]
    for given in together:
        found = bpcli("evaluate", penguins_run, *given, "--json", cwd=tmp_path).ok().json
        assert (found["rows"], found["confusion_matrix"]) == (344, whole["confusion_matrix"])
    assert bpcli("evaluate", penguins_run, "p1.csv", "p2.csv", cwd=tmp_path).ok().out.startswith("p1.csv, p2.csv, 344")
    missing = bpcli("evaluate", penguins_run, "--query", "select 1")
    assert (missing.code, missing.err) == (2, "error: --query needs the URL of a database; give it with --data\n")


def test_each_requirement_that_is_not_met_is_an_error_of_its_own(penguins_run: Path):
    required = ("--require", "accuracy>1", "--require", "log_loss<0", "--require", "accuracy>0.5")
    result = bpcli("evaluate", penguins_run, *required)
    lines = [line.split(":")[0:1] + line.split()[1:3] for line in result.err.splitlines()]
    assert (result.code, lines) == (6, [["error", "required", "accuracy"], ["error", "required", "log_loss"]])
    error = json.loads(bpcli("evaluate", penguins_run, *required, "--json").err)
    assert error["message"].startswith("required accuracy")
    assert [other["message"].split()[1] for other in error["others"]] == ["log_loss"]
