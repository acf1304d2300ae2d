"""`bpcli predict --explain`: columns that add up to what they explain."""

from __future__ import annotations

import itertools
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from commands import CONFIGS, DATASETS, PENGUINS, Result, bpcli

HEADER, *LINES = PENGUINS.read_text().splitlines()
COLUMNS = ["island", "bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g", "sex"]


def explain(run: Path, data: object, *options: object, stdin: str = "") -> Result:
    return bpcli("predict", data, "--checkpoint", run, "--explain", *options, stdin=stdin)


def sums(rows: list[dict[str, str]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What is explained, baseline and contributions together, and the size of what was summed up."""
    contributions = np.array([[float(v) for k, v in row.items() if k.startswith("contribution_")] for row in rows])
    said, baseline = (np.array([float(row[name]) for row in rows]) for name in ("explained", "baseline"))
    return said, baseline + contributions.sum(axis=1), np.abs(contributions).sum(axis=1) + np.abs(baseline)


def test_predictions_stay_as_they_are_and_each_row_adds_up(penguins_run: Path, concrete_run: Path) -> None:
    for run, data in ((penguins_run, PENGUINS), (concrete_run, DATASETS / "concrete.csv")):
        rows = explain(run, data).ok().rows
        plain = bpcli("predict", data, "--checkpoint", run).ok().rows
        assert [row["prediction"] for row in rows] == [row["prediction"] for row in plain]
        said, total, size = sums(rows)
        assert np.all(np.abs(said - total) <= 1e-14 * (size + np.abs(said)))
        if run == concrete_run:
            assert [row["explained"] for row in rows] == [row["prediction"] for row in rows]


def test_several_targets_have_such_columns_each(tmp_path: Path) -> None:
    bpcli("train", CONFIGS / "textbook.yaml", "--run-dir", tmp_path / "run", "-q", "--set", "training.epochs=3").ok()
    (row,) = explain(tmp_path / "run", DATASETS / "textbook.csv").ok().rows
    assert list(row) == [
        "prediction_o1", "prediction_o2",
        "explained_o1", "baseline_o1", "contribution_i1_to_o1", "contribution_i2_to_o1",
        "explained_o2", "baseline_o2", "contribution_i1_to_o2", "contribution_i2_to_o2",
    ]  # fmt: skip
    for name in ("o1", "o2"):
        parts = [float(row[f"{what}_{name}"]) for what in ("baseline", "contribution_i1_to", "contribution_i2_to")]
        assert sum(parts) == pytest.approx(float(row[f"explained_{name}"]), rel=1e-15)
        assert float(row[f"prediction_{name}"]) == pytest.approx(1 / (1 + np.exp(-float(row[f"explained_{name}"]))))


def test_the_columns_come_last_and_are_named_after_the_inputs(penguins_run: Path) -> None:
    result = explain(penguins_run, PENGUINS, "--probabilities", "--keep", "year,island").ok()
    assert list(result.rows[0]) == [
        "year", "island", "prediction", "probability_Adelie", "probability_Chinstrap", "probability_Gentoo",
        "explained", "baseline", *(f"contribution_{name}" for name in COLUMNS),
    ]  # fmt: skip
    without = bpcli("predict", PENGUINS, "--checkpoint", penguins_run, "--probabilities", "--keep", "year,island").ok()
    assert [list(row.values())[:6] for row in result.rows] == [list(row.values()) for row in without.rows]
    assert "note: explained is the log-odds of the predicted class (mean over the other classes)" in (result.err)


def test_what_is_explained_follows_from_the_probabilities(penguins_run: Path) -> None:
    for row in explain(penguins_run, PENGUINS, "--probabilities").ok().rows:
        logs = {name: np.log(float(row[f"probability_{name}"])) for name in ("Adelie", "Chinstrap", "Gentoo")}
        own = logs.pop(row["prediction"])
        assert float(row["explained"]) == pytest.approx(own - sum(logs.values()) / 2, rel=1e-4)


def test_standard_input_files_and_spreadsheets_are_told_the_same(penguins_run: Path, tmp_path: Path) -> None:
    said = explain(penguins_run, PENGUINS).ok().out
    assert explain(penguins_run, "-", stdin=PENGUINS.read_text()).ok().out == said
    assert explain(penguins_run, PENGUINS, "-o", tmp_path / "out.csv").ok().out == ""
    assert (tmp_path / "out.csv").read_text() == said
    safe = explain(penguins_run, PENGUINS, "--spreadsheet-safe").ok().out
    assert safe == said, "numbers stay as they are, negative ones too"


def test_a_formula_in_the_name_of_a_column_is_none_behind_the_word(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("=1+1,y\n" + "".join(f"{n},{n}.5\n" for n in range(20)))
    (tmp_path / "c.yaml").write_text("data: {path: t.csv, target: y}\ntraining: {epochs: 1}\n")
    bpcli("train", tmp_path / "c.yaml", "--run-dir", tmp_path / "run", "-q").ok()
    result = explain(tmp_path / "run", tmp_path / "t.csv", "--spreadsheet-safe").ok()
    assert result.out.splitlines()[0] == "prediction,explained,baseline,contribution_=1+1"


def test_the_order_of_rows_is_kept_beyond_a_chunk(penguins_run: Path) -> None:
    once = explain(penguins_run, PENGUINS).ok().rows
    text = "\n".join([HEADER, *LINES, *reversed(LINES), *LINES]) + "\n"
    rows = explain(penguins_run, "-", stdin=text).ok().rows
    assert [row["prediction"] for row in rows] == [row["prediction"] for row in [*once, *reversed(once), *once]]
    for row, alone in zip(rows, [*once, *reversed(once), *once], strict=True):
        assert float(row["contribution_island"]) == pytest.approx(float(alone["contribution_island"]), abs=1e-6)


@pytest.mark.parametrize("name", ["explained", "baseline", "contribution_island"])
def test_a_kept_column_of_the_same_name_is_a_usage_error(penguins_run: Path, name: str) -> None:
    result = explain(penguins_run, "-", "--keep", name, stdin=f"{name},{HEADER}\n1,{LINES[0]}\n")
    assert (result.code, result.out) == (2, "")
    assert result.err == (
        f"error: --keep: '{name}': --explain writes a column of that name; output columns must have different names\n"
    )
    kept = bpcli("predict", "-", "--checkpoint", penguins_run, "--keep", name, stdin=f"{name},{HEADER}\n1,{LINES[0]}\n")
    assert kept.ok().rows[0][name] == "1"


def test_no_rows_give_the_header_alone(penguins_run: Path) -> None:
    result = explain(penguins_run, "-", stdin=HEADER + "\n").ok()
    assert (
        result.out == ",".join(["prediction", "explained", "baseline", *(f"contribution_{n}" for n in COLUMNS)]) + "\n"
    )


def test_missing_cells_and_names_never_seen_are_explained_too(penguins_run: Path) -> None:
    result = explain(penguins_run, "-", stdin=f"{HEADER}\n,Atlantis,NA,,?,NaN,null,2007\n").ok()
    said, total, size = sums(result.rows)
    assert abs(said - total) <= 1e-7 * size
    assert "note: column 'island': 1 row with 'Atlantis', not seen in training\n" in result.err


@pytest.mark.parametrize("value", ["1e30", "-1e30"])
def test_a_number_far_from_all_others_is_explained(penguins_run: Path, value: str) -> None:
    cells = LINES[0].split(",")
    text = f"{HEADER}\n{','.join([*cells[:2], value, *cells[3:]])}\n"
    said, total, size = sums(explain(penguins_run, "-", stdin=text).ok().rows)
    assert abs(said - total) <= 1e-6 * size


def test_memory_does_not_grow_with_the_input(penguins_run: Path, tmp_path: Path) -> None:
    def peak(rows: int) -> int:
        path = tmp_path / f"{rows}.csv"
        path.write_text("\n".join([HEADER, *itertools.islice(itertools.cycle(LINES), rows)]) + "\n")
        tracemalloc.start()
        try:
            explain(penguins_run, path, "-o", tmp_path / f"{rows}.out").ok()
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(10)  # what is imported once counts for none
    assert peak(2_200) < 1.2 * peak(1_100)
