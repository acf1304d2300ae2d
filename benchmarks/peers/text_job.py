"""One contender on texts: `python -m benchmarks.peers.text_job CONTENDER FOLDER`, where FOLDER is of `text_data`."""

from __future__ import annotations

import csv
import json
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from time import process_time
from typing import NamedTuple

import numpy as np

LEAST = 1e-15
"""Least probability, as scikit-learn's log loss has it."""


class Outcome(NamedTuple):
    """Seconds of CPU time, and scores of the test rows."""

    cpu: float
    accuracy: float
    log_loss: float


def read(folder: Path, part: str) -> tuple[list[str], list[str]]:
    """Labels and texts."""
    with (folder / f"{part}.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return [row["label"] for row in rows], [row["text"] for row in rows]


def scored(cpu: float, probabilities: np.ndarray, classes: Sequence[str], labels: Sequence[str]) -> Outcome:
    """Scores of probabilities (rows, classes)."""
    truth = np.array([classes.index(label) for label in labels])
    hit = np.maximum(probabilities[np.arange(len(truth)), truth], LEAST)
    accuracy = np.mean(probabilities.argmax(axis=1) == truth)
    return Outcome(cpu, float(accuracy), float(-np.log(hit).mean()))


def of_bpcli(folder: Path) -> Outcome:
    """`recipe: text`, from the files to the run directory."""
    import bpcli

    data = {"train": "train.csv", "test": "test.csv", "target": "label", "columns": {"text": "text"}}
    config = folder / "config.yaml"
    config.write_text(json.dumps({"recipe": "text", "data": data}))
    import bpcli.jobs.training  # outside of the time: reading, fitting and writing are measured

    started = process_time()
    bpcli.train(config, run_dir=folder / "run", cache=False, threads=1)
    cpu = process_time() - started
    test = json.loads((folder / "run" / "summary.json").read_text())["test"]
    return Outcome(cpu, test["accuracy"], test["log_loss"])


def of_scikit_learn(folder: Path) -> Outcome:
    """TF-IDF and logistic regression."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    (labels, texts), (truth, asked) = read(folder, "train"), read(folder, "test")
    started = process_time()
    vectorizer = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)
    model = LogisticRegression(C=10, max_iter=1_000).fit(vectorizer.fit_transform(texts), labels)
    cpu = process_time() - started
    return scored(cpu, model.predict_proba(vectorizer.transform(asked)), model.classes_.tolist(), truth)


def of_fasttext(folder: Path) -> Outcome:
    """fastText, whose own predict fails with NumPy 2."""
    import fasttext

    (labels, texts), (truth, asked) = read(folder, "train"), read(folder, "test")
    file = folder / "fasttext.txt"
    started = process_time()
    file.write_text("".join(f"__label__{label} {_tokens(text)}\n" for label, text in zip(labels, texts, strict=True)))
    model = fasttext.train_supervised(
        str(file), lr=0.5, epoch=25, wordNgrams=2, dim=16, bucket=200_000, thread=1, verbose=0
    )
    cpu = process_time() - started
    classes = sorted(set(labels))
    probabilities = np.zeros((len(asked), len(classes)))
    for row, text in enumerate(asked):
        for probability, label in model.f.predict(_tokens(text) + "\n", len(classes), 0.0, "strict"):
            probabilities[row, classes.index(label.removeprefix("__label__"))] = probability
    return scored(cpu, probabilities, classes, truth)


def _tokens(text: str) -> str:
    return " ".join(re.findall(r"\w+(?:'\w+)*|[^\w\s]", text.lower()))


CONTENDERS: dict[str, Callable[[Path], Outcome]] = {
    "bpcli": of_bpcli,
    "scikit-learn": of_scikit_learn,
    "fastText": of_fasttext,
}


def main(contender: str, folder: str) -> None:
    print(json.dumps(CONTENDERS[contender](Path(folder))._asdict()))


if __name__ == "__main__":
    main(*sys.argv[1:])
