"""`bpcli init`: a config that trains as it is, whatever the data file looks like."""

from __future__ import annotations

import csv
import gzip
import io
import os
import re
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from commands import DATASETS, PENGUINS, Result, bpcli

from bpcli.config.loading import load_config
from bpcli.wording import composed

PENGUINS_CONFIG = """\
# Made by bpcli init from penguins.csv: 344 rows, 8 columns.
name: penguins
seed: 0                       # seed of all random numbers
recipe: tabular@1             # gives every key that is not here; bpcli check says what, and why
data:
  path: penguins.csv
  target: species
  # Inferred kinds; to override one, use `columns`, such as {zip_code: categorical}:
  #   island: categorical, 3 names
  #   bill_length_mm: numeric, 32.1 to 59.6, 2 missing
  #   bill_depth_mm: numeric, 13.1 to 21.5, 2 missing
  #   flipper_length_mm: numeric, 172 to 231, 2 missing
  #   body_mass_g: numeric, 2700 to 6300, 2 missing
  #   sex: categorical, 2 names, 11 missing
  #   year: numeric, 2007 to 2009
  split: {test: 0}    # every row is learned from and scored out of fold; test: 0.15 keeps rows apart
loss: cross_entropy    # the target has 3 distinct names
"""


RECIPE = "recipe: tabular@1             # gives every key that is not here; bpcli check says what, and why\n"

SPLIT = "  split: {test: 0}    # every row is learned from and scored out of fold; test: 0.15 keeps rows apart\n"

LOSS = "loss: cross_entropy    # the target has 3 distinct names\n"

PLAIN = f"""\
layers:                       # the output layer is determined by target and loss
  - {{units: 64, activation: relu}}
  - {{units: 32, activation: relu}}
{LOSS}optimizer: {{type: adam, learning_rate: 0.001}}
training:
  epochs: 200
  batch_size: 32
  early_stopping: {{monitor: validation_loss, patience: 20}}
"""


SHORT = ("training.epochs=2", "ensemble.members=2")
"""Settings to train with where the score does not matter."""


def works(folder: Path, data: Path, *options: str, settings: Sequence[str] = SHORT) -> Result:
    """Init, train, evaluate and predict without a change to the config; what evaluate says."""
    config, run = folder / "made.yaml", folder / "run"
    bpcli("init", data, *options, "-o", config).ok()
    bpcli("train", config, "-q", "--run-dir", run, *(word for setting in settings for word in ("--set", setting))).ok()
    evaluation = bpcli("evaluate", run, "--json").ok()
    predictions = bpcli("predict", data, "--checkpoint", run).ok().rows
    assert len(predictions) >= evaluation.json["rows"] > 0
    return evaluation


def write_csv(path: Path, rows: Sequence[Sequence[object]], delimiter: str = ",") -> Path:
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter).writerows(rows)
    path.write_text(text.getvalue())
    return path


def labelled(rows: int, names: Sequence[str], target: str) -> list[list[object]]:
    """A table of random numbers in columns `names`, and a target that says whether the first is above 0."""
    generator = np.random.default_rng(7)
    x = generator.normal(size=(rows, len(names)))
    return [[*names, target], *([*row, "high" if row[0] > 0 else "low"] for row in x.round(3).tolist())]


def test_the_config_for_penguins_is_this(tmp_path: Path):
    shutil.copy(PENGUINS, tmp_path)
    result = bpcli("init", "penguins.csv", "--target", "species", cwd=tmp_path).ok()
    assert result.out == PENGUINS_CONFIG
    assert result.err == ""
    written = bpcli("init", "penguins.csv", "--target", "species", "-o", "c.yaml", cwd=tmp_path).ok()
    expected = r"note: recipe: tabular@1; 8 networks, about [0-9.]+ s of training on one core, often less\n"
    assert re.fullmatch(expected + "written to c.yaml; train it with: bpcli train c.yaml\n", written.err)
    assert (tmp_path / "c.yaml").read_text() == PENGUINS_CONFIG


def test_classic_writes_out_a_plain_network(tmp_path: Path):
    shutil.copy(PENGUINS, tmp_path)
    result = bpcli("init", "penguins.csv", "--target", "species", "--recipe", "classic", cwd=tmp_path).ok()
    assert result.out == PENGUINS_CONFIG.replace(RECIPE, "").replace(
        SPLIT + LOSS, "  split: {validation: 0.15, test: 0.15}\n" + PLAIN
    )
    assert result.err == ""


def test_a_budget_chooses_the_recipe(tmp_path: Path):
    shutil.copy(PENGUINS, tmp_path)
    long = bpcli("init", "penguins.csv", "--target", "species", "--budget", "2h", cwd=tmp_path).ok()
    short = bpcli("init", "penguins.csv", "--target", "species", "--budget", "0.01s", cwd=tmp_path).ok()
    assert long.out == PENGUINS_CONFIG
    assert "\nrecipe: quick@1 " in short.out
    budget = "training: {epochs: 1, max_time: 0.01}    # seconds: the budget, and the epochs that it allows"
    assert short.out.endswith(f"\n{budget}\n")
    plain = bpcli("init", "penguins.csv", "--target", "species", "--recipe", "classic", "--budget", "1m", cwd=tmp_path)
    assert plain.ok().out.endswith("patience: 20}\n  max_time: 60    # seconds: the budget\n")
    wrong = bpcli("init", "penguins.csv", "--target", "species", "--budget", "soon", cwd=tmp_path)
    assert (wrong.code, wrong.err) == (
        2,
        "error: --budget 'soon': must be a time above 0, such as 30s, 5m or 2h\n",
    )


def test_the_config_goes_to_a_file_whose_path_of_the_data_starts_from_there(tmp_path: Path):
    shutil.copy(PENGUINS, tmp_path)
    (tmp_path / "configs").mkdir()
    result = bpcli("init", "penguins.csv", "--target", "species", "-o", "configs/my.yaml", cwd=tmp_path).ok()
    assert result.out == ""
    assert result.err.endswith("written to configs/my.yaml; train it with: bpcli train configs/my.yaml\n")
    text = (tmp_path / "configs/my.yaml").read_text()
    assert text == PENGUINS_CONFIG.replace("path: penguins.csv", "path: ../penguins.csv")


def test_an_existing_config_is_replaced_by_force_only(tmp_path: Path):
    (tmp_path / "my.yaml").write_text("mine")
    arguments = ("init", PENGUINS, "--target", "species", "-o", tmp_path / "my.yaml")
    result = bpcli(*arguments)
    assert result.code == 8
    assert result.err == f"error: {tmp_path}/my.yaml: already exists; choose another --output, or add --force\n"
    assert (tmp_path / "my.yaml").read_text() == "mine"
    bpcli(*arguments, "--force").ok()
    assert (tmp_path / "my.yaml").read_text().startswith("# Made by bpcli init")


@pytest.mark.parametrize(
    ("data", "target", "metric", "at_least"),
    [
        ("penguins.csv", "species", "accuracy", 0.95),
        *(
            pytest.param(*case, marks=pytest.mark.exhaustive)
            for case in (
                ("auto_mpg.csv", "Miles_per_Gallon", "r2", 0.8),
                ("digits_8x8.npz", None, "accuracy", 0.95),
                ("penguins.csv", "sex", "accuracy", 0.8),
                ("penguins.csv", "body_mass_g", "r2", 0.75),
                ("credit_data.csv", "Status", "accuracy", 0.75),
                ("concrete.csv", "compressive_strength", "r2", 0.8),
                ("concrete.csv", "age", "accuracy", 0.4),
                ("auto_mpg.csv", "Origin", "accuracy", 0.65),
                ("xor.csv", "xor", "accuracy", 0.5),
            )
        ),
    ],
)
def test_shipped_data_trains_to_a_sensible_score(
    tmp_path: Path, data: str, target: str | None, metric: str, at_least: float
):
    options = ("--target", target) if target else ()
    assert works(tmp_path, DATASETS / data, *options, settings=()).json[metric] >= at_least


def test_an_archive_that_brings_its_own_test_rows_keeps_them(tmp_path: Path):
    digits = np.load(DATASETS / "digits_8x8.npz")
    x, y = digits["X"].reshape(-1, 8, 8), digits["y"]
    rows = {"X_train": x[:600], "y_train": y[:600], "X_test": x[600:700], "y_test": y[600:700]}
    np.savez(tmp_path / "digits.npz", **rows)
    evaluation = works(tmp_path, tmp_path / "digits.npz", settings=["training.epochs=6"]).json
    assert (evaluation["rows"], evaluation["data"].startswith("test rows of ")) == (100, True)
    assert evaluation["accuracy"] > 0.5
    assert "split:" not in (tmp_path / "made.yaml").read_text()


AWKWARD = [
    *("no", "yes", "null", "true", "1e5", "0x1F", "012", "-5", ".5", "~", "on", "=", "y", "inf", ".nan"),
    *("with space", "a.b.c", "key: value", "# no comment", "x#y", "- dash", "a,b", 'say "hi"', "it's", "{a}", "[b]"),
    *("&anchor", "*alias", "!tag", "%dir", "@at", "`tick`", "back\\slash", "tab\there", "new\nline", "<<", "?", "|"),
    *("体重", "größe", "🐧", "e\u0301", "\u202eright", "a\u2028b", "a\u00a0b", "a\u0085b", "\x7f", "zero\u200dwidth"),
]


def test_awkward_column_names_are_kept(tmp_path: Path):
    data = write_csv(tmp_path / "data.csv", labelled(60, AWKWARD, "target: #1"))
    evaluation = works(tmp_path, data, "--target", "target: #1")
    assert sorted(evaluation.json["per_class"]) == ["high", "low"]
    assert load_config(tmp_path / "made.yaml").config.data.target == "target: #1"


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=() if index % 12 == 0 else pytest.mark.exhaustive) for index, name in enumerate(AWKWARD)],
)
def test_any_column_name_can_be_the_target_or_left_out(tmp_path: Path, name: str):
    rows = labelled(40, ["x", "z"], name)
    numbered = [[*row, index if index else "row\x1bnumber"] for index, row in enumerate(rows)]
    data = write_csv(tmp_path / "data.csv", numbered)
    works(tmp_path, data, "--target", name)
    spec = load_config(tmp_path / "made.yaml").config.data
    assert (spec.target, spec.exclude) == (composed(name), ("row\x1bnumber",))


@pytest.mark.parametrize(
    "name",
    [
        *("a: b #c.csv", 'it\'s "x".csv', "-x.csv", "a\nb.csv"),
        *(
            pytest.param(name, marks=pytest.mark.exhaustive)
            for name in (
                *("null.csv", "1e5.csv", "with space.csv", "~.csv", "x" * 200 + ".csv", "trailing.dots...csv"),
                *("back\\slash.csv", "\u2028.csv", "no.csv", "体重.csv", ".csv"),
            )
        ),
    ],
)
def test_any_file_name_will_do(tmp_path: Path, name: str):
    works(tmp_path, write_csv(tmp_path / name, labelled(40, ["x"], "y")), "--target", "y")


def test_a_file_name_that_is_not_utf_8_is_refused(tmp_path: Path):
    name = os.fsdecode(b"caf\xe9.csv")
    data = write_csv(tmp_path / name, labelled(40, ["x"], "y"))
    result = bpcli("init", data, "--target", "y", "-o", tmp_path / "made.yaml")
    assert result.code == 2
    assert result.err == "error: caf\\udce9.csv: file names in a config must be UTF-8 text; rename the file\n"


@pytest.mark.parametrize(
    ("name", "delimiter"),
    [
        *(("data.tsv", "\t"), ("data.csv", ";"), ("data", ",")),
        *(pytest.param(name, "\t", marks=pytest.mark.exhaustive) for name in ("data.tab", "data.txt")),
    ],
)
def test_other_delimiters_are_seen(tmp_path: Path, name: str, delimiter: str):
    works(tmp_path, write_csv(tmp_path / name, labelled(40, ["x", "z"], "y"), delimiter), "--target", "y")


def test_gzip_is_seen(tmp_path: Path):
    plain = write_csv(tmp_path / "data.csv", labelled(40, ["x", "z"], "y"))
    (tmp_path / "data.csv.gz").write_bytes(gzip.compress(plain.read_bytes()))
    works(tmp_path, tmp_path / "data.csv.gz", "--target", "y")
    assert "name: data\n" in (tmp_path / "made.yaml").read_text()


def test_a_byte_order_mark_and_windows_line_ends_do_no_harm(tmp_path: Path):
    text = write_csv(tmp_path / "plain.csv", labelled(40, ["x", "z"], "y")).read_text()
    (tmp_path / "data.csv").write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())
    works(tmp_path, tmp_path / "data.csv", "--target", "y")


def test_classes_with_few_rows_all_train(tmp_path: Path):
    rows = labelled(60, ["x"], "y")
    rows[5][-1] = rows[9][-1] = "rare"
    rows[17][-1] = "once"
    works(tmp_path, write_csv(tmp_path / "data.csv", rows), "--target", "y")


@pytest.mark.parametrize(("rows", "classes"), [(4, 2), (19, 2), (30, 15), (50, 25)])
def test_too_few_rows_to_split_all_train(tmp_path: Path, rows: int, classes: int):
    table = [["x", "y"], *([row * 0.7, f"class {row % classes}"] for row in range(rows))]
    evaluation = works(tmp_path, write_csv(tmp_path / "data.csv", table), "--target", "y")
    assert evaluation.json["data"].startswith("train rows of ")
    assert evaluation.json["rows"] == rows


def test_a_target_of_yes_and_no_is_predicted_in_its_own_words(tmp_path: Path):
    rows = [[x, "No" if row == "low" else "YES"] for x, row in labelled(60, ["x"], "y")[1:]]
    data = write_csv(tmp_path / "data.csv", [["x", "y"], *rows])
    assert sorted(works(tmp_path, data, "--target", "y").json["per_class"]) == ["No", "YES"]
    predictions = bpcli("predict", data, "--checkpoint", tmp_path / "run").ok().rows
    assert {row["prediction"] for row in predictions} <= {"No", "YES"}


def rated(tmp_path: Path, ratings: int = 5) -> Path:
    generator = np.random.default_rng(3)
    x = generator.normal(size=80).round(3).tolist()
    rows = [["x", "rating"], *([value, min(max(round(value + 3), 1), ratings)] for value in x)]
    return write_csv(tmp_path / "rated.csv", rows)


def test_whole_numbers_are_guessed_to_be_classes_and_the_reason_is_given(tmp_path: Path):
    text = bpcli("init", rated(tmp_path), "--target", "rating").ok().out
    assert "\nloss: cross_entropy    # the target has 5 distinct integers\n" in text
    assert "  # To predict the number instead of classes: bpcli init … --task regression\n" in text


def test_whole_numbers_can_be_asked_to_be_a_quantity(tmp_path: Path):
    evaluation = works(tmp_path, rated(tmp_path), "--target", "rating", "--task", "regression")
    assert evaluation.json["task"] == "regression"
    assert "\nloss: mse    # requested with --task\n" in (tmp_path / "made.yaml").read_text()


def test_numbers_can_be_asked_to_be_classes(tmp_path: Path):
    rows = [["x", "y"], *([x / 7, x % 3 + 0.5] for x in range(60))]
    options = ("--target", "y", "--task", "classification")
    evaluation = works(tmp_path, write_csv(tmp_path / "data.csv", rows), *options)
    assert list(evaluation.json["per_class"]) == ["0.5", "1.5", "2.5"]


def test_several_targets_are_quantities_or_labels(tmp_path: Path):
    generator = np.random.default_rng(5)
    x = generator.normal(size=(60, 2)).round(3)
    rows = [[*row, int(row[0] > 0), int(row[1] > 0)] for row in x.tolist()]
    data = write_csv(tmp_path / "data.csv", [["a", "b", "p", "q"], *rows])
    (tmp_path / "labels").mkdir()
    labels = works(tmp_path / "labels", data, "--target", "p", "--target", "q").json
    assert (labels["task"], list(labels["per_label"])) == ("multilabel", ["p", "q"])
    numbers = works(tmp_path, data, "--target", "a", "--target", "b").json
    assert (numbers["task"], list(numbers["per_target"])) == ("regression", ["a", "b"])


def test_columns_with_one_1_in_each_row_are_classes(tmp_path: Path):
    table = [[n, n % 7, *(int(n % 3 == k) for k in range(3))] for n in range(60)]
    data = write_csv(tmp_path / "t.csv", [["a", "b", "p", "q", "r"], *table, [1, 1, "", 1, 1]])
    targets = [word for name in "pqr" for word in ("--target", name)]
    made = bpcli("init", data, *targets)
    why = "exactly one of targets 'p', 'q', 'r' is 1 in each row, so they are one target of 3 classes"
    assert f"\nloss: cross_entropy    # {why}; for independent labels set loss: binary_cross_entropy\n" in made.out
    assert f"note: loss: cross_entropy, as {why}" in made.err
    scores = works(tmp_path, data, *targets).json
    assert (scores["task"], scores["names"], scores["rows"]) == ("multiclass", ["p", "q", "r"], 60)


def test_columns_of_no_use_are_left_out_with_the_reason(tmp_path: Path):
    rows = [
        [f"user-{n}@example.org", n + 1, "same", "", "x" if n % 5 == 0 else "", n / 9, "high" if n > 30 else "low"]
        for n in range(80)
    ]
    data = write_csv(tmp_path / "data.csv", [["mail", "id", "same", "empty", "mark", "x", "y"], *rows])
    result = bpcli("init", data, "--target", "y").ok()
    assert result.err.splitlines() == [
        "note: 'mail' left out: 80 distinct names in 80 rows, like an identifier or free text",
        "note: 'id' left out: a row number",
        "note: 'same' left out: constant",
        "note: 'empty' left out: empty",
        "note: 'x': 1 threshold separates the 2 values of target 'y' in every row that has a value; put it in "
        "data.exclude unless it is known before the target",
        "note: data.positive: low; the rarer class, 31 of 80 rows",
    ]
    assert "  positive: low    # the rarer class, 31 of 80 rows; precision, recall and F1 refer to it\n" in result.out
    assert "    - mail    # 80 distinct names in 80 rows, like an identifier or free text\n" in result.out
    assert "  #   mark: categorical, 1 name, 64 missing\n" in result.out
    works(tmp_path, data, "--target", "y")


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("--target", "speces"), 2, "--target: no column 'speces' in 'penguins.csv'; did you mean 'species'?"),
        ((), 2, "--target is missing: name the column to predict, one of 'species', 'island', "),
        (("--target", "sex", "--task", "regression"), 2, "--task regression: target 'sex' holds text, not numbers"),
        (
            ("--target", "body_mass_g", "--target", "bill_depth_mm", "--task", "classification"),
            2,
            "--task classification: several targets must hold only 0 and 1",
        ),
        (("--target", "sex", "--task", "ranking"), 2, "Invalid value for '--task': "),
    ],
)
def test_what_cannot_be_started_is_said(tmp_path: Path, arguments: tuple[str, ...], code: int, message: str):
    shutil.copy(PENGUINS, tmp_path)
    result = bpcli("init", "penguins.csv", *arguments, cwd=tmp_path)
    assert (result.code, result.out) == (code, "")
    assert result.err.startswith(f"error: {message}")
    assert result.err.count("\n") == 1


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("x,y\n1,\n2,NA\n", "data.csv: no row has a value in target 'y'"),
        ("y\n1\n2\n3\n", "data.csv: no input columns left"),
        (
            "same,y\n1,a\n1,b\n",
            "data.csv: no input columns left; 'same' left out: constant",
        ),
        ("x,y\n", "data.csv: no rows below the header"),
        ("x,y\n1,a\n2,a\n", "data.csv: target 'y' has only 1 class; at least two are required"),
        ("", "data.csv: the file is empty; its first line must name the columns"),
    ],
)
def test_data_that_nothing_can_be_learned_from_is_a_data_error(tmp_path: Path, content: str, message: str):
    (tmp_path / "data.csv").write_text(content)
    result = bpcli("init", "data.csv", "--target", "y", cwd=tmp_path)
    assert (result.code, result.out, result.err) == (3, "", f"error: {message}\n")


def test_a_table_of_names_alone_is_told_how_to_read_their_parts(tmp_path: Path):
    rows = [f"Name{row} {'xyz'[row % 3]},{'ab'[row % 2]}" for row in range(60)]
    (tmp_path / "data.csv").write_text("\n".join(["who,y", *rows]) + "\n")
    result = bpcli("init", "data.csv", "--target", "y", cwd=tmp_path)
    hint = "{who: {type: text, characters: [3, 5]}}"
    assert result.code == 3
    assert result.err.endswith(
        f"; to learn from parts of the names, write a config with recipe: text and data.columns: {hint}\n"
    )
    (tmp_path / "c.yaml").write_text(f"recipe: text\ndata: {{path: data.csv, target: y, columns: {hint}}}\n")
    assert bpcli("check", "c.yaml", cwd=tmp_path).ok()


def test_dates_are_inputs_and_are_said(tmp_path: Path):
    rows = [[f"{1 + n % 28:02}/{1 + n % 12:02}/2024", n % 7 + 0.5, n // 2 % 2] for n in range(160)]
    write_csv(tmp_path / "data.csv", [["when", "x", "y"], *rows])
    result = bpcli("init", "data.csv", "--target", "y", cwd=tmp_path).ok()
    assert result.err.splitlines()[0] == "note: 'when' read as dates: 01/01/2024 to 28/12/2024"
    assert (
        "  columns:\n    when: {type: date, order: day_month_year}    # 01/01/2024 to 28/12/2024\n"
        "  # Inferred kinds; to override one, use `columns`, such as {zip_code: categorical}:\n"
        "  #   when: date, 2024-01-01 to 2024-12-28\n"
    ) in result.out
    works(tmp_path, tmp_path / "data.csv", "--target", "y")


def test_a_few_different_dates_are_dates_too(tmp_path: Path):
    result = bpcli("init", DATASETS / "auto_mpg.csv", "--target", "Miles_per_Gallon", "-o", tmp_path / "c.yaml").ok()
    assert "    Year: date    # 1970-01-01 to 1982-01-01\n" in (tmp_path / "c.yaml").read_text()
    assert "note: 'Year' read as dates: 1970-01-01 to 1982-01-01" in result.err.splitlines()


def test_days_and_months_that_nothing_tells_apart_are_said_to_be_so(tmp_path: Path):
    rows = [[f"{1 + n % 12:02}.{1 + n // 12:02}.2024", n % 7 + 0.5] for n in range(144)]
    write_csv(tmp_path / "data.csv", [["when", "y"], *rows])
    result = bpcli("init", "data.csv", "--target", "y", cwd=tmp_path).ok()
    said = "note: 'when' read as dates: 01.01.2024 to 12.12.2024; every row could also be month_day_year\n"
    assert result.err.startswith(said)
    assert "    when: {type: date, order: day_month_year}    # 01.01.2024 to 12.12.2024; every row" in result.out


def test_words_among_dates_are_missing_values(tmp_path: Path):
    rows = [["unknown" if n % 10 == 0 else f"2024-01-{1 + n % 31:02}", n % 7 + 0.5] for n in range(160)]
    write_csv(tmp_path / "data.csv", [["when", "y"], *rows])
    result = bpcli("init", "data.csv", "--target", "y", cwd=tmp_path).ok()
    assert result.err == "note: 'when' read as dates: 2024-01-01 to 2024-01-31; missing: 'unknown'\n"
    assert "    when: {type: date, missing: [unknown]}    # 2024-01-01 to 2024-01-31" in result.out
    assert "  #   when: date, 2024-01-01 to 2024-01-31, 16 missing\n" in result.out
    works(tmp_path, tmp_path / "data.csv", "--target", "y")


def test_a_target_is_no_date(tmp_path: Path):
    write_csv(tmp_path / "data.csv", [["date", "x"], *([20240101 + n % 28, n % 7] for n in range(100))])
    result = bpcli("init", "data.csv", "--target", "date", cwd=tmp_path).ok()
    assert "columns:" not in result.out
    assert "loss: mse" in result.out


def test_numbers_as_people_write_them_are_read_and_said(tmp_path: Path):
    write_csv(tmp_path / "data.csv", [["price", "x", "y"], *([f"{n},5", n % 7 + 0.5, n // 2 % 2] for n in range(80))])
    result = bpcli("init", "data.csv", "--target", "y", cwd=tmp_path).ok()
    assert result.err.splitlines()[0] == "note: 'price' read as numbers: numbers such as '0,5'"
    assert "    price: {type: numeric, decimal: \",\"}    # numbers such as '0,5'\n" in result.out


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ("a|b|c", "; it has 'a', 'b', 'c'"),
        ("a b c", "; it has 'a b c', a single column; separate columns with commas, semicolons or tabs"),
        ("1.5,2,-3", "; it has '1.5', '2', '-3'; is the header line missing?"),
        ("q,b,a", "; it has 'q', 'b', 'a'"),
        ("ye,b", "; did you mean 'ye'?"),
    ],
)
def test_a_target_that_is_no_column_is_answered_by_what_there_is(tmp_path: Path, header: str, words: str):
    (tmp_path / "data.csv").write_text(f"{header}\n")
    result = bpcli("init", "data.csv", "--target", "y", cwd=tmp_path)
    assert (result.code, result.err) == (2, f"error: --target: no column 'y' in 'data.csv'{words}\n")


@pytest.mark.parametrize(
    ("name", "content", "what"),
    [("data.h5", b"\x89HDF\r\n\x1a\n" + bytes(8), "HDF5"), ("data.csv", b"ARROW1\0\0" + bytes(8), "Arrow (Feather)")],
)
def test_a_file_of_another_format_is_answered_by_those_that_are_read(
    tmp_path: Path, name: str, content: bytes, what: str
):
    (tmp_path / name).write_bytes(content)
    result = bpcli("init", name, "--target", "y", cwd=tmp_path)
    words = f"CSV, TSV, JSON lines, NPZ, NPY, Parquet and workbooks are read; this is {what}"
    assert (result.code, result.err) == (3, f"error: {name}: {words}\n")
    assert "no such file" in bpcli("init", f"other-{name}", "--target", "y", cwd=tmp_path).err


def test_a_task_that_there_is_not_is_answered_by_those_that_there_are(tmp_path: Path):
    result = bpcli("init", PENGUINS, "--target", "year", "--task", "regresion", cwd=tmp_path)
    assert (result.code, result.out) == (2, "")
    (line,) = result.err.splitlines()
    assert line.startswith("error: Invalid value for '--task': 'regresion' is not one of ")
    assert "'classification', 'regression'" in line
