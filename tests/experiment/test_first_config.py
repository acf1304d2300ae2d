"""The draft of a config: what it says of the data, and its choices by size."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bpcli.errors import DataError, UsageError
from bpcli.experiment.first_config import draft_config


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
    text = draft_config(write(tmp_path, 1, rows), ["y"], tmp_path / "c.yaml", None).text
    assert f"  batch_size: {batch}\n" in text
    assert f"monitor: validation_loss, patience: {patience}}}\n" in text


def test_without_an_output_the_path_starts_from_the_working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    data = write(tmp_path, 1, 30)
    (tmp_path / "deep").mkdir()
    monkeypatch.chdir(tmp_path / "deep")
    assert "  path: ../data.csv\n" in draft_config(data, ["y"], None, None).text


def test_words_among_numbers_are_proposed_as_missing(tmp_path: Path):
    path = tmp_path / "data.csv"
    path.write_text("x,y\n" + "".join(f"{'n/a' if row % 10 == 3 else row * 0.5},{row * 0.25}\n" for row in range(50)))
    text = draft_config(path, ["y"], tmp_path / "c.yaml", None).text
    assert '  missing: ["", "NA", "N/A", "NaN", "null", "?", "n/a"]    # includes the words found among numbers' in text
    assert "  #   x: numeric, 0 to 24.5, 5 missing\n" in text


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
