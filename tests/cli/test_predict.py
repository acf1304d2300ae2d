"""`bpcli predict`: CSV in, CSV out, row for row."""

from __future__ import annotations

import gzip
import itertools
import json
import shutil
import subprocess
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from commands import CONFIGS, DATASETS, PENGUINS, Result, bpcli, bpcli_process

FULL = Path("/dev/full")
HEADER, *LINES = PENGUINS.read_text().splitlines()


def predict(run: Path, data: object, *options: object, stdin: str = "") -> Result:
    return bpcli("predict", data, "--checkpoint", run, *options, stdin=stdin)


def from_text(run: Path, text: str, *options: object) -> Result:
    return predict(run, "-", *options, stdin=text)


@pytest.fixture(scope="session")
def answers(penguins_run: Path) -> list[str]:
    """The prediction and the probabilities of each penguin, as text."""
    return predict(penguins_run, PENGUINS, "--probabilities").ok().out.splitlines()[1:]


def test_there_is_a_prediction_for_each_row_and_a_word_on_stderr(penguins_run: Path):
    result = predict(penguins_run, PENGUINS).ok()
    species = [line.split(",")[0] for line in LINES]
    assert result.out.splitlines()[0] == "prediction"
    right = [row["prediction"] == name for row, name in zip(result.rows, species, strict=True)]
    assert np.mean(right) > 0.97
    assert result.err.startswith("344 rows predicted by "), "the excluded year is no news"


def test_the_order_of_rows_is_kept(penguins_run: Path, answers: list[str]):
    text = "\n".join([HEADER, *reversed(LINES)]) + "\n"
    assert from_text(penguins_run, text, "--probabilities").ok().out.splitlines()[1:] == answers[::-1]


def test_standard_input_gives_the_same_as_a_file(penguins_run: Path):
    assert from_text(penguins_run, PENGUINS.read_text()).ok().out == predict(penguins_run, PENGUINS).out


def test_probabilities_sum_to_1_and_agree_with_the_prediction(penguins_run: Path):
    rows = predict(penguins_run, PENGUINS, "--probabilities").ok().rows
    names = ["Adelie", "Chinstrap", "Gentoo"]
    assert list(rows[0]) == ["prediction", *(f"probability_{name}" for name in names)]
    chances = np.array([[float(row[f"probability_{name}"]) for name in names] for row in rows])
    np.testing.assert_allclose(chances.sum(axis=1), 1, rtol=0, atol=1e-15)
    assert [names[best] for best in chances.argmax(axis=1)] == [row["prediction"] for row in rows]


def test_a_row_gives_the_same_bits_alone_and_among_others(penguins_run: Path, answers: list[str]):
    for index in range(0, len(LINES), 23):
        alone = from_text(penguins_run, f"{HEADER}\n{LINES[index]}\n", "--probabilities").ok()
        assert alone.out.splitlines()[1] == answers[index]


def test_a_quantity_gives_the_same_bits_alone_and_among_others(concrete_run: Path):
    header, *lines = (DATASETS / "concrete.csv").read_text().splitlines()
    among = predict(concrete_run, DATASETS / "concrete.csv").ok().out.splitlines()[1:]
    for index in range(0, len(lines), 67):
        assert from_text(concrete_run, f"{header}\n{lines[index]}\n").ok().out.splitlines()[1] == among[index]


def test_rows_beyond_a_chunk_give_the_same_bits(penguins_run: Path, answers: list[str]):
    result = from_text(penguins_run, "\n".join([HEADER, *(LINES * 30)]) + "\n", "--probabilities").ok()
    assert result.out.splitlines()[1:] == answers * 30


def columns_of(text: str, names: list[str]) -> str:
    lines = [line.split(",") for line in text.splitlines()]
    places = [lines[0].index(name) for name in names]
    return "".join(",".join(line[place] for place in places) + "\n" for line in lines)


def test_the_target_is_not_needed_and_columns_may_stand_in_any_order(penguins_run: Path):
    names = ["sex", "body_mass_g", "island", "flipper_length_mm", "bill_depth_mm", "bill_length_mm"]
    result = from_text(penguins_run, columns_of(PENGUINS.read_text(), names)).ok()
    assert result.out == predict(penguins_run, PENGUINS).out
    assert result.err.startswith("344 rows predicted by ")


def test_columns_too_many_are_ignored_with_a_word(penguins_run: Path):
    text = "\n".join([f"{HEADER},colour,ta\x1bg", *(f"{line},red,9" for line in LINES)])
    result = from_text(penguins_run, text).ok()
    assert result.out == predict(penguins_run, PENGUINS).out
    assert result.err.startswith("note: columns ignored, since the model does not use them: 'colour', 'ta\\x1bg'\n")


def test_a_missing_column_is_named_with_the_nearest(penguins_run: Path):
    result = from_text(penguins_run, PENGUINS.read_text().replace("flipper_length_mm", "flipper_length"))
    assert (result.code, result.out) == (3, "")
    assert result.err == "error: standard input: no column 'flipper_length_mm'; did you mean 'flipper_length'?\n"


def test_a_cell_of_the_wrong_type_is_named_with_its_line(penguins_run: Path, tmp_path: Path):
    lines = [HEADER, *LINES]
    lines[40] = lines[40].replace(lines[40].split(",")[2], "long")
    (tmp_path / "bad.csv").write_text("\n".join(lines))
    result = predict(penguins_run, tmp_path / "bad.csv")
    assert result.code == 3
    assert result.err == f"error: {tmp_path}/bad.csv: line 41: column 'bill_length_mm': 'long' is not a finite number\n"


def test_a_ragged_row_is_named_with_its_line(penguins_run: Path):
    result = from_text(penguins_run, f"{HEADER}\n{LINES[0]}\n{LINES[1]},extra\n")
    assert (result.code, result.err) == (3, "error: standard input: line 3: 9 fields, but the header has 8 columns\n")


def test_categories_never_seen_are_counted_aloud(penguins_run: Path):
    text = "\n".join([HEADER, *LINES[:50]]).replace("Torgersen", "Atlant\x1bis")
    result = from_text(penguins_run, text + "\n").ok()
    count = text.count("Atlant")
    assert f"note: column 'island': {count} rows with 'Atlant\\x1bis', not seen in training\n" in result.err
    assert len(result.rows) == 50


def test_numbers_far_outside_of_those_in_training_are_counted_aloud(penguins_run: Path):
    """As of lengths in cm, or in m: the model's answer for them is no more than a guess."""

    def notes(*lengths: float) -> str:
        lines = [f",Biscoe,40,18,{length},4000,male,2007" for length in lengths]
        return from_text(penguins_run, "\n".join([HEADER, *lines, ""])).ok().err

    assert "outside" not in notes(150)
    far = "note: column 'flipper_length_mm': 2 values far outside 172 to 231, the training range\n"
    assert far in notes(19.5, 1.9)


def test_missing_values_are_no_news_where_training_rows_had_them(penguins_run: Path):
    result = from_text(penguins_run, f"{HEADER}\n,Biscoe,NA,,?,NaN,null,2007\n").ok()
    assert [line for line in result.err.splitlines() if "missing" in line] == []
    assert len(result.rows) == 1


def test_missing_values_that_training_never_had_are_counted_aloud(concrete_run: Path):
    header, line = (DATASETS / "concrete.csv").read_text().splitlines()[:2]
    cells = line.split(",")
    result = from_text(concrete_run, "\n".join([header, ",".join(["", *cells[1:]]), line])).ok()
    assert "note: column 'cement': 1 value missing, although training had none; imputed\n" in result.err


@pytest.mark.parametrize("options", [(), ("--probabilities",), ("--keep", "island,year")])
def test_no_rows_give_the_header_alone(penguins_run: Path, options: tuple[str, ...]):
    with_rows = predict(penguins_run, PENGUINS, *options).out.splitlines()[0]
    result = from_text(penguins_run, HEADER + "\n", *options).ok()
    assert result.out == with_rows + "\n"
    assert "0 rows predicted by " in result.err


def test_input_columns_can_be_kept_just_as_they_stand(penguins_run: Path):
    text = f'id,{HEADER}\n007,{LINES[0]}\nNA,{LINES[1]}\n"a,""b""",{LINES[2]}\n 1e3 ,{LINES[3]}\n'
    result = from_text(penguins_run, text, "--keep", "id,island,species").ok()
    assert [list(row.values())[:3] for row in result.rows] == [
        ["007", "Torgersen", "Adelie"],
        ["NA", "Torgersen", "Adelie"],
        ['a,"b"', "Torgersen", "Adelie"],
        [" 1e3 ", "Torgersen", "Adelie"],
    ]
    assert list(result.rows[0]) == ["id", "island", "species", "prediction"]


def test_inputs_are_kept_just_as_they_stand_and_change_no_answer(penguins_run: Path):
    spellings = {
        "181.0": "0181",
        "186.0": "1.86e2",
        "195.0": '"9007199254740993"',
        "Torgersen": " Torgersen ",
        "male": "NA",
    }
    text = "\n".join([HEADER, *LINES[:30]]) + "\n"
    for plain, other in spellings.items():
        assert f",{plain}," in text
        text = text.replace(f",{plain},", f",{other},")
    written = [line.split(",") for line in text.replace('"', "").splitlines()[1:]]
    result = from_text(penguins_run, text, "--keep", "flipper_length_mm,island,sex").ok()
    assert [row["flipper_length_mm"] for row in result.rows] == [cells[4] for cells in written]
    assert [row["island"] for row in result.rows] == [cells[1] for cells in written]
    assert [row["sex"] for row in result.rows] == [cells[6] for cells in written]
    without = from_text(penguins_run, text).ok()
    assert [row["prediction"] for row in result.rows] == [row["prediction"] for row in without.rows]
    assert result.err == without.err


def test_a_kept_input_that_does_not_fit_is_named_with_its_row(penguins_run: Path):
    lines = [HEADER, *(LINES * 30)]
    lines[9001] = ",".join(["x", *LINES[0].split(",")[1:4], "long", *LINES[0].split(",")[5:]])
    result = from_text(penguins_run, "\n".join(lines) + "\n", "--keep", "flipper_length_mm")
    assert result.code == 3
    assert result.err == "error: standard input: row 9,001: column 'flipper_length_mm': 'long' is not a finite number\n"


def test_a_column_to_keep_that_is_not_there_is_a_data_error(penguins_run: Path):
    result = from_text(penguins_run, PENGUINS.read_text(), "--keep", "yaer")
    assert (result.code, result.out) == (3, "")
    assert result.err == "error: standard input: no column 'yaer'; did you mean 'year'?\n"


def test_the_output_file_holds_what_stdout_would(penguins_run: Path, tmp_path: Path):
    result = predict(penguins_run, PENGUINS, "-o", tmp_path / "out.csv").ok()
    assert result.out == ""
    assert (tmp_path / "out.csv").read_text() == predict(penguins_run, PENGUINS).out
    assert [path.name for path in tmp_path.iterdir()] == ["out.csv"]


def test_an_existing_output_is_replaced_by_force_only(penguins_run: Path, tmp_path: Path):
    path = tmp_path / "out.csv"
    path.write_text("mine")
    result = predict(penguins_run, PENGUINS, "--output", path)
    assert (result.code, path.read_text()) == (8, "mine")
    assert result.err == f"error: {path}: already exists; choose another --output, or add --force\n"
    predict(penguins_run, PENGUINS, "--output", path, "--force").ok()
    assert path.read_text().startswith("prediction\n")


def test_an_error_halfway_leaves_no_output_and_keeps_an_old_one(penguins_run: Path, tmp_path: Path):
    bad = tmp_path / "bad.csv"
    bad.write_text("\n".join([HEADER, *(LINES * 30), "x,y"]))
    assert predict(penguins_run, bad, "-o", tmp_path / "out.csv").code == 3
    assert [path.name for path in tmp_path.iterdir()] == ["bad.csv"]
    (tmp_path / "out.csv").write_text("mine")
    assert predict(penguins_run, bad, "-o", tmp_path / "out.csv", "--force").code == 3
    assert (tmp_path / "out.csv").read_text() == "mine"


@pytest.mark.parametrize("name", ["in.csv", "./sub/../in.csv", "link.csv"])
def test_the_input_is_never_the_output(penguins_run: Path, tmp_path: Path, name: str):
    shutil.copy(PENGUINS, tmp_path / "in.csv")
    (tmp_path / "sub").mkdir()
    (tmp_path / "link.csv").symlink_to(tmp_path / "in.csv")
    result = bpcli("predict", "in.csv", "--checkpoint", penguins_run, "-o", name, "--force", cwd=tmp_path)
    assert result.code == 2
    assert "the input file itself; choose another name" in result.err
    assert (tmp_path / "in.csv").read_text() == PENGUINS.read_text()


def test_compressed_and_tab_separated_input_is_read(penguins_run: Path, tmp_path: Path):
    expected = predict(penguins_run, PENGUINS).out
    (tmp_path / "p.csv.gz").write_bytes(gzip.compress(PENGUINS.read_bytes()))
    (tmp_path / "p.tsv").write_text(PENGUINS.read_text().replace(",", "\t"))
    assert predict(penguins_run, tmp_path / "p.csv.gz").ok().out == expected
    assert predict(penguins_run, tmp_path / "p.tsv").ok().out == expected


def test_arrays_are_read_too(tmp_path: Path):
    run, data = tmp_path / "run", DATASETS / "digits_8x8.npz"
    bpcli("train", CONFIGS / "digits.yaml", "-q", "--run-dir", run, "--set", "training.epochs=5").ok()
    with np.load(data) as arrays:
        x, y = arrays["X"], arrays["y"]
    rows = predict(run, data).ok().rows
    assert np.mean([row["prediction"] == str(digit) for row, digit in zip(rows, y, strict=True)]) > 0.9
    np.savez(tmp_path / "without.npz", X=x[:10])
    assert predict(run, tmp_path / "without.npz").ok().rows == rows[:10]


def test_several_quantities_have_a_column_each(tmp_path: Path):
    config = tmp_path / "c.yaml"
    config.write_text(f"data: {{path: {PENGUINS}, target: [bill_length_mm, body_mass_g]}}\ntraining: {{epochs: 30}}\n")
    bpcli("train", config, "-q", "--run-dir", tmp_path / "run").ok()
    rows = predict(tmp_path / "run", PENGUINS).ok().rows
    assert list(rows[0]) == ["prediction_bill_length_mm", "prediction_body_mass_g"]
    assert abs(np.mean([float(row["prediction_bill_length_mm"]) for row in rows]) - 43.9) < 2
    assert abs(np.mean([float(row["prediction_body_mass_g"]) for row in rows]) - 4202) < 200
    result = predict(tmp_path / "run", PENGUINS, "--probabilities")
    assert (result.code, result.err) == (2, "error: --probabilities: a model with loss 'mse' gives none\n")


def test_labels_have_a_column_each_of_0_and_1(tmp_path: Path):
    lines = "".join(f"{x},{int(x > 10)},{int(x % 20 > 9)}\n" for x in range(80))
    (tmp_path / "data.csv").write_text("x,big,late\n" + lines)
    (tmp_path / "c.yaml").write_text("data: {path: data.csv, target: [big, late]}\ntraining: {epochs: 30}\n")
    bpcli("train", tmp_path / "c.yaml", "-q", "--run-dir", tmp_path / "run").ok()
    rows = predict(tmp_path / "run", tmp_path / "data.csv", "--probabilities").ok().rows
    assert list(rows[0]) == ["prediction_big", "prediction_late", "probability_big", "probability_late"]
    for row in rows:
        for name in ("big", "late"):
            assert row[f"prediction_{name}"] == str(int(float(row[f"probability_{name}"]) > 0.5))


def test_the_newest_finished_run_is_the_default(tmp_path: Path):
    train = ("train", CONFIGS / "penguins.yaml", "-q", "--set", "training.epochs=1")
    for name in ("z_first", "a_second"):
        bpcli(*train, "--run-dir", f"runs/{name}", cwd=tmp_path).ok()
    result = bpcli("predict", PENGUINS, cwd=tmp_path).ok()
    assert result.err.splitlines() == [
        "the newest finished run that fits the file: runs/a_second, which predicts 'species'",
        "344 rows predicted by runs/a_second/checkpoints/best.safetensors, epoch 1",
    ]


def runs_of(folder: Path, **sources: Path) -> None:
    """Copies of runs, each finished a day after the one before."""
    for day, (name, source) in enumerate(sources.items(), 1):
        shutil.copytree(source, folder / "runs" / name)
        summary = folder / "runs" / name / "summary.json"
        summary.write_text(json.dumps({**json.loads(summary.read_text()), "finished_at": f"2026-01-{day:02}"}))


def test_the_newest_run_whose_columns_the_file_has_is_taken(penguins_run: Path, concrete_run: Path, tmp_path: Path):
    runs_of(tmp_path, older=penguins_run, old=penguins_run, new=concrete_run)
    result = bpcli("predict", PENGUINS, cwd=tmp_path).ok()
    assert result.out == predict(penguins_run, PENGUINS).out
    assert result.err.startswith("the newest finished run that fits the file: runs/old, which predicts 'species'\n")
    (tmp_path / "runs").rename(tmp_path / "kept")
    assert bpcli("predict", PENGUINS, "--runs-dir", "kept", cwd=tmp_path).ok().out == result.out
    assert bpcli("predict", PENGUINS, cwd=tmp_path).code == 4


def test_a_file_that_fits_no_run_is_a_usage_error_that_names_what_the_nearest_needs(
    penguins_run: Path, concrete_run: Path, tmp_path: Path
):
    runs_of(tmp_path, old=penguins_run, new=concrete_run)
    (tmp_path / "in.csv").write_text(PENGUINS.read_text().replace(",sex", ",gender").replace("island", "place"))
    result = bpcli("predict", "in.csv", "-o", "out.csv", cwd=tmp_path)
    assert (result.code, result.out) == (2, "")
    assert result.err == (
        "error: in.csv: fits no finished run in runs; for the nearest, runs/old, it lacks 'island', 'sex'\n"
    )
    assert not (tmp_path / "out.csv").exists()
    missing = bpcli("predict", "none.csv", cwd=tmp_path)
    assert (missing.code, missing.err) == (3, "error: none.csv: no such file\n")
    piped = bpcli("predict", "-", stdin=PENGUINS.read_text(), cwd=tmp_path)
    assert piped.code == 3
    assert "standard input: no columns 'cement'" in piped.err


def test_runs_of_different_targets_that_fit_are_left_to_the_user(penguins_run: Path, tmp_path: Path):
    config = tmp_path / "c.yaml"
    config.write_text(f"data: {{path: {PENGUINS}, target: body_mass_g}}\ntraining: {{epochs: 1}}\n")
    bpcli("train", config, "-q", "--run-dir", tmp_path / "mass").ok()
    runs_of(tmp_path, old=penguins_run, new=tmp_path / "mass")
    result = bpcli("predict", PENGUINS, cwd=tmp_path)
    assert (result.code, result.out) == (2, "")
    assert result.err == (
        f"error: {PENGUINS}: fits runs of different targets: runs/new ('body_mass_g'), runs/old ('species'); "
        "choose one, such as --checkpoint runs/new\n"
    )
    names = ["island", "bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g", "sex"]
    (tmp_path / "in.csv").write_text(columns_of(PENGUINS.read_text(), names))
    found = bpcli("predict", "in.csv", cwd=tmp_path).ok()
    assert found.out == predict(penguins_run, PENGUINS).out, "the other run needs the species"


def test_a_damaged_run_is_passed_over(penguins_run: Path, tmp_path: Path):
    runs_of(tmp_path, old=penguins_run, new=penguins_run)
    (tmp_path / "runs/new/checkpoints/best.safetensors").write_bytes(b"damaged, but long enough")
    assert "that fits the file: runs/old," in bpcli("predict", PENGUINS, cwd=tmp_path).ok().err
    shutil.rmtree(tmp_path / "runs/old")
    assert bpcli("predict", PENGUINS, cwd=tmp_path).code == 4


@pytest.mark.parametrize(
    ("options", "name", "why"),
    [
        (("--keep", "island,year,island"), "island", "named twice"),
        (("--keep", "island", "--keep", "island"), "island", "named twice"),
        (("--keep", "prediction"), "prediction", "the predictions have that name"),
        (
            ("--keep", "probability_Gentoo", "--probabilities"),
            "probability_Gentoo",
            "the predictions have that name",
        ),
    ],
)
def test_no_two_columns_of_the_output_have_one_name(
    penguins_run: Path, tmp_path: Path, options: tuple[str, ...], name: str, why: str
):
    text = "\n".join([f"{HEADER},prediction,probability_Gentoo", *(f"{line},1,1" for line in LINES)])
    result = from_text(penguins_run, text, *options, "-o", tmp_path / "out.csv")
    assert (result.code, result.out) == (2, "")
    assert result.err == f"error: --keep: '{name}': {why}; output columns must have different names\n"
    assert list(tmp_path.iterdir()) == []


def test_a_column_of_the_input_is_called_as_one_of_the_output_where_that_is_not_there(penguins_run: Path):
    text = "\n".join([f"{HEADER},probability_Gentoo", *(f"{line},1" for line in LINES)])
    assert list(from_text(penguins_run, text, "--keep", "probability_Gentoo").ok().rows[0]) == [
        "probability_Gentoo",
        "prediction",
    ]


def test_columns_that_a_file_has_are_listed_in_its_order(penguins_run: Path):
    names = ["z", "year", "a", "island", "m"]
    result = from_text(penguins_run, ",".join(names) + "\n" + ",".join(["1"] * 5) + "\n")
    assert result.code == 3
    assert result.err.endswith("'sex'; it has 'z', 'year', 'a', 'island', 'm'\n")


def test_a_folder_that_is_not_there_is_named_before_anything_is_predicted(penguins_run: Path, tmp_path: Path):
    result = bpcli("predict", PENGUINS, "--checkpoint", penguins_run, "-o", "no/such/out.csv", cwd=tmp_path)
    assert (result.code, result.out) == (7, "")
    assert result.err == "error: no/such/out.csv: folder 'no/such' does not exist; create it first\n"


def test_without_a_run_there_is_a_checkpoint_error(tmp_path: Path):
    result = bpcli("predict", PENGUINS, cwd=tmp_path)
    assert (result.code, result.out) == (4, "")
    assert result.err == "error: runs: no finished run; train one first, or name one with --checkpoint\n"


def test_numbers_have_all_their_digits_and_no_more(concrete_run: Path):
    rows = predict(concrete_run, DATASETS / "concrete.csv").ok().rows
    texts = [row["prediction"] for row in rows]
    assert all(repr(float(text)) == text for text in texts)


def with_bill(value: str) -> str:
    cells = LINES[0].split(",")
    return f"{HEADER}\n{','.join([*cells[:2], value, *cells[3:]])}\n"


@pytest.mark.parametrize("value", ["1e30", "-1e30"])
def test_a_number_far_from_all_others_is_answered(penguins_run: Path, value: str):
    row = from_text(penguins_run, with_bill(value), "--probabilities").ok().rows[0]
    chances = {name: float(row[f"probability_{name}"]) for name in ("Adelie", "Chinstrap", "Gentoo")}
    assert sum(chances.values()) == pytest.approx(1)
    assert max(chances, key=lambda name: chances[name]) == row["prediction"]


@pytest.mark.parametrize("value", ["1e300", "-1e300"])
def test_a_number_too_large_to_compute_with_is_a_data_error(penguins_run: Path, value: str):
    result = from_text(penguins_run, with_bill(value))
    assert (result.code, result.out, result.err.count("\n")) == (3, "", 1)
    assert result.err.startswith("error: standard input: row 1: column 'bill_length_mm': ")


def test_rows_before_one_that_cannot_be_answered_are_answered(penguins_run: Path, answers: list[str]):
    lines = [HEADER, *LINES * 30]
    lines[9001] = with_bill("1e300").splitlines()[1]
    result = from_text(penguins_run, "\n".join(lines), "--probabilities")
    assert (result.code, result.out.splitlines()[1:]) == (3, (answers * 30)[:9000])
    assert result.err.startswith("error: standard input: row 9,001: column 'bill_length_mm': ")


def test_memory_does_not_grow_with_the_input(penguins_run: Path, tmp_path: Path):
    def peak(rows: int) -> int:
        path = tmp_path / f"{rows}.csv"
        path.write_text("\n".join([HEADER, *itertools.islice(itertools.cycle(LINES), rows)]) + "\n")
        tracemalloc.start()
        try:
            predict(penguins_run, path, "-o", tmp_path / f"{rows}.out").ok()
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(100)  # what is imported once counts for none
    assert peak(120_000) < 1.1 * peak(90_000) < 30_000_000


def test_a_reader_who_leaves_is_no_error(penguins_run: Path, tmp_path: Path):
    path = tmp_path / "long.csv"
    path.write_text("\n".join([HEADER, *(LINES * 100)]))
    process = bpcli_process("predict", path, "--checkpoint", penguins_run, cwd=tmp_path)
    assert process.stdout is not None
    assert process.stderr is not None
    assert process.stdout.readline() == b"prediction\n"
    process.stdout.close()
    err = process.stderr.read()
    assert (process.wait(timeout=60), err) == (141, b"")
    process.stderr.close()


def test_a_pipe_feeds_it(penguins_run: Path, tmp_path: Path):
    with PENGUINS.open("rb") as file:
        done = subprocess.run(
            [sys.executable, "-m", "bpcli", "predict", "-", "--checkpoint", str(penguins_run)],
            cwd=tmp_path,
            stdin=file,
            capture_output=True,
            check=True,
        )
    assert done.stdout.decode() == predict(penguins_run, PENGUINS).out


@pytest.mark.exhaustive  # tests/reliability/test_disk.py does so by default
@pytest.mark.skipif(not FULL.exists(), reason="no such device")
def test_a_full_disk_is_an_io_error(penguins_run: Path, tmp_path: Path):
    with FULL.open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "bpcli", "predict", str(PENGUINS), "--checkpoint", str(penguins_run)],
            cwd=tmp_path,
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert done.returncode == 7
    assert done.stderr.decode().splitlines()[-1] == "error: No space left on device"


def test_a_dash_is_standard_output(penguins_run: Path, tmp_path: Path):
    given = bpcli("predict", PENGUINS, "--checkpoint", penguins_run, "-o", "-", cwd=tmp_path).ok()
    assert len(given.rows) == 344
    assert list(tmp_path.iterdir()) == []
