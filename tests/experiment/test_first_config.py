"""The draft of a config: what it says of the data, and its choices by size."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pytest

from bpcli.config.loading import load_config
from bpcli.data.spec import DataSpec
from bpcli.errors import DataError, UsageError
from bpcli.experiment.first_config import draft_config
from bpcli.experiment.prepare import prepare


def write(tmp_path: Path, columns: int, rows: int) -> Path:
    path = tmp_path / "data.csv"
    header = ",".join([*(f"x{index}" for index in range(columns)), "y"])
    lines = [",".join([str(row * 0.37)] * columns + [f"{row * 7 % 31 * 0.5}"]) for row in range(rows)]
    path.write_text("\n".join([header, *lines]) + "\n")
    return path


def test_columns_beyond_forty_are_counted(tmp_path: Path):
    text = draft_config(write(tmp_path, 43, 30), ["y"], tmp_path / "c.yaml", None).text
    assert "  #   x39: numeric, 0 to 10.73\n  #   and 3 more\n" in text
    assert "x40" not in text


@pytest.mark.parametrize(("rows", "batch", "patience"), [(100, 32, 20), (20_000, 128, 10), (200_000, 512, 10)])
def test_batches_grow_with_the_rows(tmp_path: Path, rows: int, batch: int, patience: int):
    text = draft_config(write(tmp_path, 1, rows), ["y"], tmp_path / "c.yaml", None, recipe="classic").text
    assert f"  batch_size: {batch}\n" in text
    assert f"monitor: validation_loss, patience: {patience}}}\n" in text


def test_without_an_output_the_path_starts_from_the_working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    data = write(tmp_path, 1, 30)
    (tmp_path / "deep").mkdir()
    monkeypatch.chdir(tmp_path / "deep")
    assert "  path: ../data.csv\n" in draft_config(data, ["y"], None, None).text


def test_words_among_numbers_are_missing_in_their_column(tmp_path: Path):
    path = tmp_path / "data.csv"
    path.write_text("x,y\n" + "".join(f"{'n/a' if row % 10 == 3 else row * 0.5},{row * 0.25}\n" for row in range(50)))
    text = draft_config(path, ["y"], tmp_path / "c.yaml", None).text
    assert "    x: {type: numeric, missing: [n/a]}    # numbers except 'n/a'\n" in text
    assert "  #   x: numeric, 0 to 24.5, 5 missing\n" in text


def test_a_word_among_numbers_stays_a_class_and_a_category_elsewhere(tmp_path: Path):
    path = tmp_path / "data.csv"
    rows = (
        f"{'unknown' if i % 9 == 0 else 20 + i % 50},{('ill', 'well', 'unknown')[i % 3]},{('unknown', 'b')[i % 2]}\n"
        for i in range(90)
    )
    path.write_text("age,status,place\n" + "".join(rows))
    draft = draft_config(path, ["status"], tmp_path / "c.yaml", None)
    assert draft.notes == [
        "'age' read as numbers: numbers except 'unknown'",
        "target 'status': class 'unknown' (30 rows) may mark missing values; if so, set data.columns: {status: {type: "
        "categorical, missing: [unknown]}}, else {status: categorical}",
    ]
    assert "  #   age: numeric, 20 to 69, 10 missing\n" in draft.text
    assert "  #   place: categorical, 2 names\n" in draft.text
    assert "the target has 3 distinct names" in draft.text
    assert "\n  missing:" not in draft.text


def test_a_word_among_zip_codes_is_a_missing_name(tmp_path: Path):
    path = tmp_path / "data.csv"
    path.write_text("zip,y\n" + "".join(f"{'none' if i % 9 == 0 else f'0{i % 7}501'},{i % 2}\n" for i in range(63)))
    assert "  #   zip: categorical, 7 names, 7 missing\n" in draft_config(path, ["y"], tmp_path / "c.yaml", None).text


def test_rows_lost_for_a_missing_target_are_noted(tmp_path: Path):
    path = tmp_path / "data.csv"
    path.write_text(
        "x,y,n\n" + "".join(f"{i},{('a', 'NA', 'b')[i % 3]},{'none' if i % 9 == 0 else i}\n" for i in range(90))
    )
    assert draft_config(path, ["y"], tmp_path / "c.yaml", None).notes[1:3] == [
        "30 rows left out: no value in target 'y'",
        "target: data.missing takes 'NA' in 30 rows for a missing value; to keep a class of that name, set "
        "data.missing without it",
    ]
    assert draft_config(path, ["n"], tmp_path / "c.yaml", None).notes[1:3] == [
        "10 rows left out: no value in target 'n'",
        "target: 'none' in 'n' marks a missing value; for classes, set data.columns: {n: categorical}",
    ]


@pytest.mark.parametrize(
    ("targets", "message"),
    [
        (["id"], "--target 'id': nearly every row is a class of its own"),
        (["x", "id"], "--target: mse requires numbers, but target 'id' holds text such as 'a0'"),
    ],
)
def test_targets_of_which_nothing_can_be_learned_are_refused(tmp_path: Path, targets: list[str], message: str):
    path = tmp_path / "data.csv"
    path.write_text("id,x,z,one\n" + "".join(f"a{row},{row * 0.5},{row * 0.3},same\n" for row in range(30)))
    with pytest.raises(UsageError, match=message):
        draft_config(path, targets, tmp_path / "c.yaml", None)
    with pytest.raises(DataError, match="target 'one' has only 1 class"):
        draft_config(path, ["one"], tmp_path / "c.yaml", None)


def test_a_target_named_twice_counts_once(tmp_path: Path):
    assert "  target: y\n" in draft_config(write(tmp_path, 1, 30), ["y", "y"], tmp_path / "c.yaml", None).text


def test_an_array_is_described_in_one_line(tmp_path: Path):
    images = np.arange(240, dtype=np.uint8).reshape(40, 2, 3)
    path = tmp_path / "images.npz"
    np.savez(path, X=images, y=np.arange(40) % 2)
    text = draft_config(path, [], tmp_path / "c.yaml", None).text
    assert "  #   X: array 2 × 3, uint8, 0 to 239\n  split:" in text
    assert "  target: y\n" in text
    np.savez(path, X=images > 9, y=np.arange(40) % 2)
    assert "  #   X: array 2 × 3, true or false\n" in draft_config(path, [], tmp_path / "c.yaml", None).text
    with pytest.raises(UsageError, match="--target: 'X' is an array of 2 × 3; name positions of it, such as 'X0'"):
        draft_config(path, ["X"], tmp_path / "c.yaml", None)


def test_a_position_of_an_array_can_be_the_target(tmp_path: Path):
    path = tmp_path / "images.npz"
    np.savez(path, X=np.random.default_rng(0).normal(size=(40, 2, 2)), y=np.arange(40))
    text = draft_config(path, ["X3"], tmp_path / "c.yaml", None).text
    assert "  target: X3\n" in text
    assert "  #   X0: numeric, " in text


@pytest.mark.parametrize("cell", ["${}K", "{}:07:00", "{} mi"])
def test_a_column_like_numbers_is_left_out_with_an_example(tmp_path: Path, cell: str):
    path = tmp_path / "data.csv"
    other = "$0.4M" if "$" in cell else "1:00" if ":" in cell else "3 km"
    cells = [other, *(cell.format(100 + i) for i in range(119))]
    path.write_text("v,x,y\n" + "".join(f"{cell},{i % 7},{i % 2}\n" for i, cell in enumerate(cells)))
    (note,) = (note for note in draft_config(path, ["y"], None, None).notes if "'v'" in note)
    assert note.startswith("'v' left out: looks like numbers in a notation that is not read, such as '")


def test_codes_are_left_out_as_names(tmp_path: Path):
    path = tmp_path / "data.csv"
    letters = "ABCDEFGH"
    rows = (f"{1000 + i}{letters[i % 8]}{letters[i % 5]},{i % 7},{i % 2}\n" for i in range(120))
    path.write_text("v,x,y\n" + "".join(rows))
    assert "'v' left out: 120 distinct names in 120 rows, like an identifier or free text" in (
        draft_config(path, ["y"], None, None).notes
    )


def test_numbers_with_a_trailing_minus_are_recognised(tmp_path: Path):
    path = tmp_path / "data.csv"
    path.write_text("v,y\n" + "".join(f"{i}.5{'-' if i % 3 == 0 else ''},{i % 2}\n" for i in range(120)))
    text = draft_config(path, ["y"], None, None).text
    assert "    v: {type: numeric, negative: trailing}    # numbers such as" in text
    assert "  #   v: numeric, -117.5 to 119.5\n" in text


def test_censored_columns_are_listed_with_their_range(tmp_path: Path):
    path = tmp_path / "data.csv"
    path.write_text("v,y\n" + "".join(f"{'<0.5' if i % 5 == 0 else i},{i % 2}\n" for i in range(60)))
    assert "  #   v: censored, 0.5 to 59\n" in draft_config(path, ["y"], None, None).text


def test_a_repeated_header_is_named_by_the_draft_and_by_the_check_of_its_config(tmp_path: Path):
    path = tmp_path / "data.csv"
    rows = [f"{i * 7 % 47},{('a', 'b', 'c')[i % 3]},{('no', 'yes')[i % 2]}" for i in range(60)]
    path.write_text("\n".join(["amount,plan,won", *rows[:20], "amount,plan,won", *rows[20:]]) + "\n")
    draft = draft_config(path, ["won"], tmp_path / "c.yaml", None)
    assert draft.notes[0].startswith("row 21 repeats the header (rows are counted below it); delete that line")
    (tmp_path / "c.yaml").write_text(draft.text)
    warnings = prepare(load_config(tmp_path / "c.yaml").config, tmp_path).warnings
    assert [(one.name, one.text) for one in warnings] == [("repeated_header", draft.notes[0])]


def test_usual_words_for_missing_values_are_written_for_names_and_warned_of_by_the_check_without(tmp_path: Path):
    path = tmp_path / "data.csv"
    rows = (
        f"{i * 7 % 47},{('a', 'b', 'c', '-')[i % 4]},{'n/a' if i % 5 == 0 else ('no', 'yes')[i % 3 % 2]}"
        for i in range(80)
    )
    path.write_text("\n".join(["x,plan,won", *rows]) + "\n")
    draft = draft_config(path, ["won"], tmp_path / "c.yaml", None)
    assert (
        "    won: {type: categorical, missing: [n/a]}    # names except 'n/a', usual for a missing value\n"
        in draft.text
    )
    assert "  #   plan: categorical, 3 names, 20 missing\n" in draft.text
    assert "loss: binary_cross_entropy    # the target has 2 distinct names\n" in draft.text
    assert "16 rows left out: no value in target 'won'" in draft.notes
    (tmp_path / "c.yaml").write_text(draft.text)
    config = load_config(tmp_path / "c.yaml").config
    assert prepare(config, tmp_path).warnings == []
    bare = config.model_copy(update={"data": DataSpec(path="data.csv", target="won"), "loss": None})
    assert [one.name for one in prepare(bare, tmp_path).warnings] == ["missing_class"]


@pytest.mark.parametrize(
    ("paid", "order", "reason"),
    [
        ("%d/%m/%Y", "day_month_year", "every row could also be month_day_year; the order is that of 'sent', 'paid'"),
        ("%m/%d/%Y", "month_day_year", "every row could also be day_month_year"),
    ],
)
def test_ambiguous_dates_follow_the_other_dates_of_the_file_if_these_agree(
    tmp_path: Path, paid: str, order: str, reason: str
):
    days = [date(2023, 1 + i % 12, 1 + i * 7 % 28) for i in range(48)]
    rows = (
        f"{day:%d/%m/%Y},{day.strftime(paid)},0{1 + i % 9}/0{1 + i * 5 % 7}/2023,{i % 5}" for i, day in enumerate(days)
    )
    path = tmp_path / "data.csv"
    path.write_text("\n".join(["sent,paid,due,y", *rows]) + "\n")
    text = draft_config(path, ["y"], tmp_path / "c.yaml", None).text
    (line,) = (line for line in text.splitlines() if line.startswith("    due: "))
    assert f"order: {order}" in line
    assert line.endswith(reason)
