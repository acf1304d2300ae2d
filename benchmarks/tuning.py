"""Searches: 30 trials of `bpcli tune` beside the recipe without a search, and beside Optuna around scikit-learn's MLP.

Eight tables of the benchmark tables, none of which the recipes' space was chosen on (concrete, crx, pima and segment
were): three quarters of the rows are searched and learned from, the others are the test rows, on one thread. Scores are
log loss of classes and RMSE of numbers on the test rows. recipe: `bpcli init` unedited and `bpcli train`. tune:
`bpcli init --tune` and `bpcli tune`, the best config's model. quick, halving: the same with `--recipe quick` and
`halving: {first_epochs: 4}`. Optuna, scikit-learn: TPE over layers, units, learning rate and penalty, each trial judged
by a quarter of the rows that were learned from, the best fitted to all. CPU seconds are of whole commands of bpcli,
start and reading included, and of the peer's loop alone.

The second table is what halving costs and gains: the same 27 trials at random of the recipe quick, which do not stop
early by themselves, all to the end and with halving.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from argparse import Namespace
from collections.abc import Sequence
from math import exp, log
from pathlib import Path
from statistics import fmean
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.harness import Failed, listed, run_child, table
from benchmarks.tables import CACHE, split_of
from benchmarks.tabular.scores import score

TABLES = ("attrition", "cells", "diabetes", "hpc", "sacramento", "saratoga", "splice", "vowel")
TRIALS = 30
HALVING = "tune.halving={first_epochs: 4, factor: 3}"


def run(quick: bool, chosen: Namespace) -> str:
    """The tables in Markdown."""
    cache = chosen.cache or Path(os.environ.get(CACHE) or Path.home() / ".cache" / "bpcli-benchmarks")
    names = chosen.tables or (TABLES[-1:] if quick else TABLES)
    rows, halved, notes = [], [], []
    for name in names:
        folder = split_of(cache, name, 0, chosen.peers)
        try:
            rows.append((name, _scores(folder, chosen, 3 if quick else TRIALS)))
            halved.append((name, _halving(folder, chosen.bpcli)))
        except Failed as reason:
            notes.append(f"{name}: {reason}")
        print(name, rows[-1:], halved[-1:], file=sys.stderr, flush=True)
    return "\n\n".join([_searches(rows), _halvings(halved)]) + listed(notes)


Scored = tuple[float, float]
"""Score on the test rows, and CPU seconds."""


def _scores(folder: Path, chosen: Namespace, trials: int) -> dict[str, Scored]:
    with TemporaryDirectory() as scratch:
        place = Path(scratch)
        found = {
            "recipe": _bpcli(folder, place / "recipe", chosen.bpcli, "train"),
            "tune": _bpcli(folder, place / "tune", chosen.bpcli, "tune", trials),
            "quick, halving": _bpcli(folder, place / "quick", chosen.bpcli, "tune", trials, "quick", HALVING),
        }
        output = place / "predictions.csv"
        child = [chosen.peers, "-m", "benchmarks.peers.optuna_sklearn", str(folder), str(output), "0", str(trials)]
        done = run_child(child, 1, pinned=False)
        found["Optuna, scikit-learn"] = _scored(folder, output), done.result["cpu"]
    return found


def _bpcli(
    folder: Path, place: Path, python: str, command: str, trials: int = 0, recipe: str = "tabular", *settings: str
) -> Scored:
    """Score and CPU seconds of bpcli's commands, without `init`."""
    bpcli = [python, "-P", "-m", "bpcli"]
    config, output = f"{place}.yaml", f"{place}.csv"
    options = ["--tune"] if command == "tune" else []
    begin = [str(folder / "train.csv"), "--target", "y", "--output", config, "--no-cache", "--recipe", recipe]
    run_child([*bpcli, "init", *begin, *options], 1, pinned=False)
    work = [config, "--run-dir", str(place), "--threads", "1", "--no-cache", "--quiet"]
    work += ["--trials", str(trials)] if trials else []
    work += [part for setting in settings for part in ("--set", setting)]
    trained = run_child([*bpcli, command, *work], 1, pinned=False)
    ask = [str(folder / "test.csv"), "--checkpoint", str(place), "--output", output]
    ask += ["--probabilities"] if _classes(folder) else []
    predicted = run_child([*bpcli, "predict", *ask], 1, pinned=False)
    return _scored(folder, Path(output)), trained.cpu + predicted.cpu


def _halving(folder: Path, python: str) -> tuple[float, float]:
    """Share of the epochs, and the winner's validation loss in relation to that without halving."""
    bpcli = [python, "-P", "-m", "bpcli"]
    found: list[tuple[int, float]] = []
    with TemporaryDirectory() as scratch:
        place = Path(scratch)
        begin = [str(folder / "train.csv"), "--target", "y", "--output", str(place / "c.yaml"), "--no-cache"]
        run_child([*bpcli, "init", *begin, "--recipe", "quick", "--tune"], 1, pinned=False)
        for settings in ([], ["--set", HALVING]):
            study = place / f"study{len(settings)}"
            work = [str(place / "c.yaml"), "--run-dir", str(study), "--threads", "1", "--no-cache", "--quiet"]
            plain = ["--trials", "27"]
            for setting in ("tune.sampler=random", "tune.at_once=9", "training.early_stopping=null"):
                plain += ["--set", setting]
            run_child([*bpcli, "tune", *work, *plain, *settings], 1, pinned=False)
            trials: list[dict[str, Any]] = [
                json.loads(line) for line in (study / "trials.jsonl").read_text().splitlines()
            ]
            best = min(trial["score"] for trial in trials if trial["state"] == "complete")
            found.append((sum(trial["epochs"] for trial in trials), best))
            shutil.rmtree(study)
    (epochs, loss), (fewer, halved) = found
    return fewer / epochs, halved / loss


def _scored(folder: Path, output: Path) -> float:
    scores = score(folder / "test.csv", output, _classes(folder))
    return scores["log_loss"] if "log_loss" in scores else scores["rmse"]


def _classes(folder: Path) -> Sequence[str]:
    classes: list[str] = json.loads((folder / "table.json").read_text())["classes"]
    return classes


def _searches(rows: Sequence[tuple[str, dict[str, Scored]]]) -> str:
    if not rows:
        return ""
    names = list(rows[0][1])
    head = ["table", *(part for name in names for part in (name, "CPU s"))]
    cells = [
        [name, *(text for value, cpu in found.values() for text in (f"{value:.4g}", f"{cpu:.0f}"))]
        for name, found in rows
    ]
    parts = [table(head, cells)]
    pairs = [("tune", "recipe"), ("tune", names[-1]), ("quick, halving", names[-1]), ("recipe", names[-1])]
    summary = []
    for one, other in pairs:
        logs = [log(found[one][0] / found[other][0]) for _, found in rows]
        times = [log(found[one][1] / found[other][1]) for _, found in rows]
        wins = sum(value < 0 for value in logs)
        means = [f"{exp(fmean(values)):.3f}" for values in (logs, times)]
        summary.append([f"{one} / {other}", *means, f"{wins} of {len(rows)}"])
    parts.append(table(["geometric means", "score", "CPU", "better"], summary))
    return "\n\n".join(parts)


def _halvings(rows: Sequence[tuple[str, tuple[float, float]]]) -> str:
    if not rows:
        return ""
    cells = [[name, f"{share:.1%}", f"{loss - 1:+.2%}"] for name, (share, loss) in rows]
    mean = [fmean(values) for values in zip(*(found for _, found in rows), strict=True)]
    cells.append(["mean", f"{mean[0]:.1%}", f"{mean[1] - 1:+.2%}"])
    return table(["table", "epochs, of all", "winner's validation loss"], cells)
