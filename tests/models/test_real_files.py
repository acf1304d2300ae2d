"""Numbers and statements about small files as people have them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import Result, bpcli

FILES = Path(__file__).parent.parent / "data" / "real_files"


def train(folder: Path, data: dict[str, Any], *arguments: object, **config: Any) -> Result:
    """Train on files of FILES, in the run directory `folder / "run"`."""
    paths = {key: str(FILES / data[key]) for key in ("path", "train", "validation", "test") if key in data}
    config_file = folder / "config.yaml"
    config_file.write_text(json.dumps({"data": {**data, **paths}, **config}))
    return bpcli("train", config_file, "--run-dir", folder / "run", *arguments)


def predictions(folder: Path, name: str) -> tuple[list[str], str]:
    """Predictions of the run for a file of FILES, and what is said about it."""
    found = bpcli("predict", FILES / name, "--checkpoint", folder / "run").ok()
    return [row["prediction"] for row in found.rows], found.err


@pytest.mark.parametrize(("name", "column"), [("91_constant", "store"), ("99_empty", "sensor_b")])
def test_a_column_constant_or_empty_in_training_carries_nothing(name: str, column: str, tmp_path: Path) -> None:
    train(tmp_path, {"path": f"{name}_in_training.csv", "target": "sales"}, training={"epochs": 40}).ok()
    found, said = predictions(tmp_path, f"{name}_new.csv")
    np.testing.assert_allclose(np.array(found, float), [100, 115, 130, 145, 160, 175], atol=4)
    note = f"column '{column}' was constant in training, so it carries nothing: 4 other values ignored"
    assert said.count(note) == 1


def test_rows_of_weight_0_are_as_if_they_were_not_there(tmp_path: Path) -> None:
    models = []
    for name in ("clean", "zero_weight_garbage"):
        folder = tmp_path / name
        folder.mkdir()
        data = {"train": f"98_train_{name}.csv", "test": "98_test.csv", "target": "y", "weight": "w"}
        done = train(folder, {**data, "split": {"validation": 0}}, training={"epochs": 5}).ok()
        assert ("10 rows left out: weight 0 in 'w'" in done.err) == (name != "clean")
        models.append(predictions(folder, "98_test.csv")[0])
    assert models[0] == models[1]
