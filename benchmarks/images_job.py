"""A whole job on images: from typing the command to a saved and evaluated network of convolutions.

`bpcli train` with the shipped configs digits_conv (1,797 images of 8 × 8) and fashion_conv (2,000 of 28 × 28; one of
the four), in NumPy and with the extra `fast` after its compilation, and a script in PyTorch with the same network,
epochs and batches (`benchmarks/peers/torch_images_job.py`). bpcli also fits baselines, computes scores of training and
writes its run directory. Initial weights and the rows of each part differ. CPU time is that of the whole process on one
thread, which other programs on the machine change less than wall time. Accuracy is that of the test rows.
"""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from benchmarks.harness import BPCLI, PYTHON, ROOT, figure, in_turn, installed, listed, module, ratio, run_child, table

CONTENDERS = {"bpcli": "numpy", "bpcli[fast]": "numba", "PyTorch": "torch"}
CONFIGS = ("digits_conv", "fashion_conv")
WITHOUT_NUMBA = "import sys; sys.modules['numba'] = None; from bpcli.__main__ import run; sys.exit(run())"


class Outcome(NamedTuple):
    """Of one process."""

    cpu: float
    seconds: float
    megabytes: float
    accuracy: float


def measure(contender: str, name: str) -> Outcome:
    """Do a job once."""
    config = ROOT / "configs" / f"{name}.yaml"
    with TemporaryDirectory() as scratch:
        if contender == "PyTorch":
            done = run_child(module("peers.torch_images_job", str(config), str(Path(scratch) / "model.pt")), 1)
            accuracy = done.result["accuracy"]
        else:
            done = run_child(bpcli_train(contender, config, Path(scratch)), 1)
            accuracy = json.loads(done.output)["test"]["accuracy"]
    return Outcome(done.cpu, done.seconds, done.megabytes, accuracy)


def bpcli_train(contender: str, config: Path, folder: Path) -> list[str]:
    """The command that does a job with bpcli."""
    program = [BPCLI] if contender == "bpcli[fast]" else [PYTHON, "-c", WITHOUT_NUMBA]
    options = ["--set", "ensemble=null", "--run-dir", str(folder / "run"), "--no-cache", "--json"]
    return [*program, "train", str(config), *options]


def run(quick: bool) -> str:
    """The table in Markdown."""
    names, notes = installed(CONTENDERS)
    rows = []
    for config in CONFIGS:
        contenders = {name: partial(measure, name, config) for name in names}
        values, failures = in_turn(config, contenders, repeats=1 if quick else 3)
        notes += failures
        own = [outcome.cpu for outcome in values.get("bpcli", [])]
        for name, outcomes in values.items():
            cpu = [outcome.cpu for outcome in outcomes]
            rows.append(
                [
                    *(config, name, figure(cpu), ratio(cpu, own)),
                    figure([outcome.seconds for outcome in outcomes]),
                    figure([outcome.megabytes for outcome in outcomes]),
                    f"{outcomes[0].accuracy:.3f}",
                ]
            )
    return table(["job", "", "CPU s", "ratio", "wall s", "peak MB", "accuracy"], rows) + listed(notes)
