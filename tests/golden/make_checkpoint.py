"""Makes checkpoint.safetensors and checkpoint.json: a model of version 0.1.0, and what it says of some penguins.

Run by hand, once, by the version named above; later versions must read the file as it is:

    python tests/golden/make_checkpoint.py
"""

import json
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

import bpcli
from bpcli.cli.main import run

ROOT = Path(__file__).parent.parent.parent
CONFIG = """
data:
  path: penguins.csv
  target: species
  exclude: [year]
  columns: {body_mass_g: {type: numeric, encoder: quantile}, island: {type: categorical, encoder: ordinal}}
  encoders: {numeric: robust}
layers: [{units: 4, activation: gelu}, batch_norm, {units: 3}, layer_norm, {type: dropout, rate: 0.1}]
optimizer: {type: nadam, learning_rate: 0.02}
schedule: reduce_on_plateau
training: {epochs: 6, early_stopping: {patience: 5}}
"""
INPUTS = ["island", "bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g", "sex"]
ROWS = [
    ["Torgersen", 39.1, 18.7, 181, 3750, "male"],
    ["Dream", 46.5, 17.9, 192, 3500, "female"],
    ["Biscoe", 46.1, 13.2, 211, 4500, None],
    ["Atlantis", None, 15.0, 200, None, "female"],
]


def main() -> None:
    assert bpcli.__version__ == "0.1.0"
    here = Path(__file__).parent
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copy(ROOT / "datasets" / "penguins.csv", folder)
        (folder / "golden.yaml").write_text(CONFIG)
        with suppress(SystemExit):
            run(["train", str(folder / "golden.yaml"), "--run-dir", str(folder / "run"), "--quiet"])
        shutil.copy(folder / "run" / "checkpoints" / "last.safetensors", here / "checkpoint.safetensors")
    model = bpcli.load(here / "checkpoint.safetensors")
    rows = [dict(zip(INPUTS, row, strict=True)) for row in ROWS]
    expected = {
        "rows": rows,
        "classes": list(model.classes),
        "predicted": model.predict(rows).tolist(),
        "probabilities": model.predict_probabilities(rows).tolist(),
    }
    (here / "checkpoint.json").write_text(json.dumps(expected, indent=1) + "\n")


if __name__ == "__main__":
    main()
