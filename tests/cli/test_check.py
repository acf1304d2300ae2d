"""`bpcli check`: what would be trained, and every way in which config and data do not fit together."""

from __future__ import annotations

import json
from html import unescape
from pathlib import Path

import numpy as np
import pytest
from commands import CONFIGS, bpcli
from experiments import write_csv

HEAD = "data:\n  path: small.csv\n"
"""Two lines that every config here begins with."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """30 rows of two species, of which the second has 2, with a number and a constant."""
    rows = [f"{'Gentoo' if n in (3, 20) else 'Adelie'},{n}.5,{n % 7},x,{n % 2}" for n in range(30)]
    (tmp_path / "small.csv").write_text("species,mass,age,same,flag\n" + "\n".join(rows) + "\n")
    return tmp_path


MISMATCHES = {
    "target that is no column": (
        "  target: speces\n",
        "3:11: data.target: no column 'speces' in 'small.csv'; did you mean 'species'?",
    ),
    "one target of several": (
        "  target: [flag, flug]\n",
        "3:18: data.target.1: no column 'flug' in 'small.csv'; did you mean 'flag'?",
    ),
    "target without a name": (
        "  exclude: []\n",
        "2:3: data: target is missing: name the column to predict, one of 'species', 'mass', 'age', 'same', 'flag'",
    ),
    "target twice": ("  target: [mass, mass]\n", "3:11: data.target: a column is named twice"),
    "excluded column": (
        "  target: species\n  exclude:\n    - age\n    - xyzzy\n",
        "6:7: data.exclude.1: no column 'xyzzy' in 'small.csv'; it has 'species', 'mass', 'age', 'same', 'flag'",
    ),
    "column with a kind": (
        "  target: species\n  columns: {Mass: numeric}\n",
        "4:13: data.columns.Mass: no column 'Mass' in 'small.csv'; did you mean 'mass'?",
    ),
    "weight": (
        "  target: species\n  weight: wight\n",
        "4:11: data.weight: no column 'wight' in 'small.csv'; it has 'species', 'mass', 'age', 'same', 'flag'",
    ),
    "weight that is the target": (
        "  target: mass\n  weight: mass\n",
        "3:11: data.target: column 'mass' cannot be the target and have another role",
    ),
    "split column of other words": (
        "  target: species\n  split: {column: same}\n",
        "4:19: data.split.column: column 'same' holds 'x'; its cells must be train, validation or test",
    ),
    "no inputs": (
        "  target: species\n  exclude: [mass, age, same, flag]\n",
        "2:3: data: no input columns left",
    ),
    "regression of names": (
        "  target: species\nloss: mse\n",
        "4:7: loss: mse requires numbers, but target 'species' holds text such as 'Adelie'; "
        "use cross_entropy, or omit loss",
    ),
    "classes of fractions": (
        "  target: mass\nloss: cross_entropy\n",
        "4:7: loss: cross_entropy requires classes, but target 'mass' holds 30 different numbers with fractions; "
        "use mse, or omit loss",
    ),
    "two classes of seven": (
        "  target: age\nloss: binary_cross_entropy\n",
        "4:7: loss: binary_cross_entropy requires two classes, but target 'age' has 7; use cross_entropy, or omit loss",
    ),
    "classes of several columns": (
        "  target: [mass, age]\nloss: cross_entropy\n",
        "4:7: loss: cross_entropy takes one target column, not 2; for labels of 0 and 1 use binary_cross_entropy, "
        "for quantities mse",
    ),
    "scaled classes": (
        "  target: species\n  target_encoder: standard\n",
        "4:19: data.target_encoder: class targets of binary_cross_entropy are not scaled; omit it",
    ),
    "counts below zero": (
        "  target: mass\n  target_encoder: min_max\nloss: poisson\n",
        "4:19: data.target_encoder: poisson requires an unscaled target; use none, or omit it",
    ),
    "metric of another task": (
        "  target: species\ntraining:\n  early_stopping: {monitor: validation_rmse}\n",
        "5:29: training.early_stopping.monitor: no metric 'rmse' for a binary target; available: loss, accuracy, ",
    ),
    "misspelt metric": (
        "  target: species\ntraining: {goal: {metric: acuracy, value: 1}}\n",
        "4:27: training.goal.metric: no metric 'acuracy' for a binary target; did you mean 'accuracy'?",
    ),
    "monitor that is none": (
        "  target: species\ntraining: {early_stopping: {monitor: accuracy}}\n",
        "4:38: training.early_stopping.monitor: must be train_loss, validation_loss, or validation_ and "
        "the name of a metric",
    ),
    "monitor without validation rows": (
        "  target: species\n  split: {validation: 0}\ntraining: {early_stopping: {}}\n",
        "5:28: training.early_stopping.monitor: there are no validation rows; set data.split.validation, "
        "or monitor train_loss",
    ),
    "weight of an unknown class": (
        "  target: species\ntraining: {class_weights: {Gento: 2}}\n",
        "4:28: training.class_weights.Gento: the target has no class 'Gento'; did you mean 'Gentoo'?",
    ),
    "class weights without classes": (
        "  target: mass\ntraining: {class_weights: balanced}\n",
        "4:27: training.class_weights: a regression target has no classes to weight; omit it",
    ),
    "class too rare to stratify": (
        "  target: species\n  split: {stratify: true}\n",
        "4:21: data.split.stratify: class 'Gentoo' has 2 rows, too few for 3 splits; "
        "set it to false, or drop that class",
    ),
    "strata of numbers": (
        "  target: mass\n  split: {stratify: true}\n",
        "4:21: data.split.stratify: stratification requires a target of classes",
    ),
    "share of no row": (
        "  target: mass\n  split: {order: time, test: 0.01}\n",
        "4:30: data.split.test: a share of 0.01 of 30 rows is less than one row; raise it, or set it to 0 for no test "
        "rows",
    ),
}


@pytest.mark.parametrize("command", ["check", "train"])
@pytest.mark.parametrize(("text", "problem"), MISMATCHES.values(), ids=MISMATCHES.keys())
def test_what_does_not_fit_is_named_with_its_place(folder: Path, command: str, text: str, problem: str):
    (folder / "c.yaml").write_text(HEAD + text)
    result = bpcli(command, "c.yaml", cwd=folder)
    assert result.err.startswith(f"error: c.yaml:{problem}")
    assert (result.code, result.out, result.err.count("\n")) == (2, "", 1)
    assert sorted(path.name for path in folder.iterdir()) == ["c.yaml", "small.csv"]


def test_a_mismatch_in_an_override_names_the_override(folder: Path):
    (folder / "c.yaml").write_text(HEAD + "  target: species\n")
    result = bpcli("check", "c.yaml", "--set", "data.target=weight", cwd=folder)
    assert result.code == 2
    assert result.err.startswith("error: --set data.target: no column 'weight' in 'small.csv'; ")


def test_data_that_is_not_there_is_a_data_error(folder: Path):
    (folder / "c.yaml").write_text("data: {path: smal.csv, target: species}\n")
    result = bpcli("check", "c.yaml", cwd=folder)
    assert (result.code, result.out) == (3, "")
    assert result.err == "error: smal.csv: no such file; did you mean 'small.csv'?\n"


def test_what_would_be_trained_is_printed(tmp_path: Path):
    result = bpcli("check", CONFIGS / "penguins.yaml", cwd=tmp_path).ok()
    lines = result.out.splitlines()
    assert lines[:3] == [
        "rows    206 train, 69 validation, 69 test",
        "target  species, multiclass: Adelie, Chinstrap, Gentoo",
        "loss    cross_entropy",
    ]
    # Inputs: 3 islands; 4 measurements and 2 sexes, each with an indicator: 3 + 4 · 2 + 3 = 14.
    assert "island             categorical  one_hot        3        0" in lines
    assert "sex                categorical  one_hot        3       11" in lines
    # 14 · 32 + 32, 32 · 16 + 16, 16 · 3 + 3.
    assert [line.split() for line in lines if "→" in line] == [
        ["0", "dense", "relu", "14", "→", "32", "480"],
        ["1", "dropout", "32", "→", "32", "0"],
        ["2", "dense", "tanh", "32", "→", "16", "528"],
        ["3", "dense", "identity", "16", "→", "3", "51"],
    ]
    assert lines[-2].startswith("1,059 parameters; 7 steps per epoch of 32 rows; ")
    assert lines[-1] == "ready to train"


def test_json_is_one_document_of_the_same(tmp_path: Path):
    document = bpcli("check", CONFIGS / "penguins.yaml", "--json", cwd=tmp_path).ok().json
    assert document["rows"] == {"train": 206, "validation": 69, "test": 69}
    assert document["target"] == {
        "names": ["species"],
        "task": "multiclass",
        "classes": ["Adelie", "Chinstrap", "Gentoo"],
        "positive": None,
    }
    assert [layer["parameters"] for layer in document["layers"]] == [480, 0, 528, 51]
    assert document["parameters"] == 1059
    assert sum(column["inputs"] for column in document["columns"]) == 14
    # Eight numbers in float32, two codes of a byte, aligned, and a class in a byte; Adam keeps 2 vectors beside 4.
    assert document["memory_bytes"]["data"] == 344 * (
        9 * 4 + 1
    )  # eight numbers and two codes of a byte, aligned; a class
    assert document["memory_bytes"]["parameters"] == 6 * 1059 * 4


@pytest.mark.parametrize("config", sorted(path.name for path in CONFIGS.glob("*.yaml")))
def test_every_shipped_config_is_ready_to_train_and_nothing_is_made_of_it(tmp_path: Path, config: str):
    result = bpcli("check", CONFIGS / config, cwd=tmp_path).ok()
    assert result.last == "ready to train"
    assert list(tmp_path.iterdir()) == []


def test_names_from_the_data_are_shown_with_their_controls_escaped(tmp_path: Path):
    rows = "".join(f"{n},[red]a[/red]\n{n},b\x1b[2J\n" for n in range(10))
    (tmp_path / "evil.csv").write_text("x\x1b]0;owned\x07,[bold]y\n" + rows)
    config = {"data": {"path": "evil.csv", "target": "[bold]y"}}
    (tmp_path / "c.yaml").write_text(json.dumps(config))
    result = bpcli("check", "c.yaml", cwd=tmp_path).ok()
    assert "\x1b" not in result.out + result.err
    assert "\x07" not in result.out + result.err
    assert "x\\x1b]0;owned\\x07" in result.out
    assert "target  [bold]y, binary: [red]a[/red], b\\x1b[2J" in result.out


LEAKING = "species,mass,code,id\n" + "".join(
    f"{'Gentoo' if n % 2 else 'Adelie'},{n % 7}.5,{n % 2},{n}\n" for n in range(60)
)
WARNINGS = (
    "column 'code': each of its 2 values occurs with only one value of target 'species'; put it in data.exclude unless "
    "it is known before the target",
    "column 'id': counts the rows from 0 to 59, like an identifier; put it in data.exclude, or in data.columns if it "
    "is intended",
)


NAMES = ("target_copy", "identifier")


@pytest.fixture
def leaking(tmp_path: Path) -> Path:
    """A folder with a column that gives the target away, and one that numbers the rows."""
    (tmp_path / "small.csv").write_text(LEAKING)
    (tmp_path / "c.yaml").write_text(f"{HEAD}  target: species\ntraining: {{epochs: 1}}\n")
    return tmp_path


def warnings_in(err: str) -> list[str]:
    return [line.removeprefix("warning: ") for line in err.splitlines() if line.startswith("warning: ")]


@pytest.mark.parametrize("command", ["check", "train"])
def test_leaks_are_warned_of(leaking: Path, command: str):
    named = [f"{text} [{name}]" for text, name in zip(WARNINGS, NAMES, strict=True)]
    assert warnings_in(bpcli(command, "c.yaml", cwd=leaking).ok().err) == named


def test_warnings_are_part_of_the_json(leaking: Path):
    document = bpcli("check", "c.yaml", "--json", cwd=leaking).ok().json
    assert document["warnings"] == [*WARNINGS]
    assert document["data_warnings"] == [
        {"name": name, "column": column, "message": text, "accepted": False}
        for text, name, column in zip(WARNINGS, NAMES, ("code", "id"), strict=True)
    ]


def test_warnings_are_kept_with_the_run_and_said_again_where_its_rows_are_judged(leaking: Path):
    bpcli("train", "c.yaml", "-q", "--run-dir", "r", cwd=leaking).ok()
    assert json.loads((leaking / "r/summary.json").read_text())["warnings"] == [*WARNINGS]
    again = [f"note: warning during training: {warning}" for warning in WARNINGS]
    evaluated = bpcli("evaluate", "r", cwd=leaking).ok().err.splitlines()
    assert [line for line in evaluated if "warning during" in line] == again
    assert "warning during" not in bpcli("evaluate", "r", "--data", "small.csv", cwd=leaking).ok().err
    page = unescape(bpcli("report", "r", "-o", "-", cwd=leaking).ok().out)
    assert all(f"<p>Warning: {warning}.</p>" in page for warning in WARNINGS)


@pytest.mark.parametrize("command", ["check", "train"])
def test_warnings_of_one_kind_are_counted_beyond_the_third_and_kept_in_full(tmp_path: Path, command: str):
    truth = np.arange(60) % 2
    write_csv(tmp_path / "t.csv", {**{f"x{n}": truth + n + 1 for n in range(108)}, "y": truth})
    (tmp_path / "c.yaml").write_text("data: {path: t.csv, target: y}\ntraining: {epochs: 1}\n")
    said = bpcli(command, "c.yaml", *(["--run-dir", "run"] if command == "train" else []), cwd=tmp_path).ok().err
    about = [line for line in warnings_in(said) if "duplicate" not in line]
    assert [line.partition(":")[0] for line in about] == [
        "column 'x0'",
        "column 'x1'",
        "column 'x2'",
        "and 105 more like these",
    ]
    if command == "train":
        kept = json.loads((tmp_path / "run" / "summary.json").read_text())["warnings"]
        assert sum(line.startswith("column ") for line in kept) == 108
        assert "and 105 more like these" in bpcli("evaluate", "run", cwd=tmp_path).ok().err
        bpcli("report", "run", cwd=tmp_path).ok()
        page = (tmp_path / "run" / "report.html").read_text()
        assert "nd 105 more like these" in page
        assert "&#x27;x3&#x27;: " not in page


@pytest.mark.parametrize("damage", [None, 5, "x", {}, [5], [None]])
def test_a_summary_without_such_warnings_is_no_trouble(leaking: Path, damage: object):
    bpcli("train", "c.yaml", "-q", "--run-dir", "r", cwd=leaking).ok()
    summary = json.loads((leaking / "r/summary.json").read_text())
    (leaking / "r/summary.json").write_text(json.dumps({**summary, "warnings": damage}))
    assert "warning during" not in bpcli("evaluate", "r", cwd=leaking).ok().err
    assert "Warning" not in bpcli("report", "r", "-o", "-", cwd=leaking).ok().out


def test_a_quiet_training_does_not_warn(leaking: Path):
    assert bpcli("train", "c.yaml", "-q", cwd=leaking).ok().err == ""


@pytest.mark.parametrize("arguments", [["check"], ["check", "--json"], ["train"], ["train", "--quiet"]])
def test_strict_takes_all_warnings_for_errors_of_the_data(leaking: Path, arguments: list[str]):
    command, *options = arguments
    result = bpcli(command, "c.yaml", "--strict", *options, cwd=leaking)
    assert (result.code, result.out) == (3, "")
    if "--json" in options:
        first, *others = WARNINGS
        error = json.loads(result.err.splitlines()[-1])
        assert ": ".join(filter(None, (error["place"], error["message"]))) == first
        assert [": ".join(filter(None, (other["place"], other["message"]))) for other in error["others"]] == others
        assert [error["name"], *(other["name"] for other in error["others"])] == [*NAMES]
    else:
        errors = [line for line in result.err.splitlines() if line.startswith("error: ")]
        assert errors == [f"error: {text} [{name}]" for text, name in zip(WARNINGS, NAMES, strict=True)]
    assert sorted(path.name for path in leaking.iterdir()) == ["c.yaml", "small.csv"]


@pytest.mark.parametrize("command", ["check", "train"])
def test_accepted_warnings_are_said_in_short_and_no_errors(leaking: Path, command: str):
    accept = ("--set", "data.accept=[target_copy: code, identifier]")
    result = bpcli(command, "c.yaml", "--strict", *accept, cwd=leaking).ok()
    assert warnings_in(result.err) == []
    if command == "check":
        assert [line for line in result.err.splitlines() if "accept" in line] == [
            "note: accepted: target_copy of column 'code'",
            "note: accepted: identifier",
        ]
    some = bpcli(command, "c.yaml", "--strict", "--set", "data.accept=[target_copy]", cwd=leaking)
    assert some.code == 3
    assert some.err.count("error: ") == 1
    assert "error: column 'id': " in some.err


def test_accepted_warnings_are_marked_in_the_documents(leaking: Path):
    accept = ("--set", "data.accept=[identifier]")
    bpcli("train", "c.yaml", "-q", "--run-dir", "r", *accept, cwd=leaking).ok()
    for document in (
        json.loads((leaking / "r/summary.json").read_text()),
        bpcli("check", "c.yaml", "--json", *accept, cwd=leaking).ok().json,
    ):
        assert document["warnings"] == [WARNINGS[0]]
        assert [(one["name"], one["accepted"]) for one in document["data_warnings"]] == [
            ("target_copy", False),
            ("identifier", True),
        ]


def test_warnings_that_are_accepted_but_not_there_are_said_softly(leaking: Path):
    accept = ("--set", "data.accept=[target_copy: mass, unseen_class, target_copy, identifier]")
    said = bpcli("check", "c.yaml", "--strict", *accept, cwd=leaking).ok().err.splitlines()
    assert [line for line in said if "no warning" in line] == [
        "note: data.accept: no warning target_copy of column 'mass'; remove this entry",
        "note: data.accept: no warning unseen_class; remove this entry",
    ]


def test_the_name_of_no_warning_is_an_error_with_the_nearest_name(leaking: Path):
    for entry, name in (("identifer", "identifier"), ("target_copi: code", "target_copy")):
        result = bpcli("check", "c.yaml", "--set", f"data.accept=[{entry}]", cwd=leaking)
        assert result.code == 2
        assert result.err.rstrip().endswith(f"; did you mean '{name}'?")


def test_a_run_whose_warnings_are_accepted_later_resumes(leaking: Path):
    bpcli("train", "c.yaml", "-q", "--run-dir", "r", cwd=leaking).ok()
    more = ("--set", "data.accept=[target_copy, identifier]", "--set", "training.epochs=2", "--strict")
    assert "epoch 2/2" in bpcli("train", "--resume", "r", *more, cwd=leaking).ok().err


@pytest.mark.parametrize("command", [["check"], ["train", "--set", "training.epochs=1"]], ids=lambda words: words[0])
def test_strict_has_nothing_against_clean_data(tmp_path: Path, command: list[str]):
    result = bpcli(*command, CONFIGS / "penguins.yaml", "--strict", cwd=tmp_path).ok()
    assert warnings_in(result.err) == []
