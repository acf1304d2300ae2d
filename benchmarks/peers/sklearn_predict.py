"""Predictions from CSV to CSV by a saved pipeline: `python -m benchmarks.peers.sklearn_predict MODEL IN OUT ROWS`.

ROWS at a time, or 0 for all of them at once.
"""

from __future__ import annotations

import sys

import joblib
import pandas as pd


def main(model: str, data: str, output: str, rows: str) -> None:
    pipeline = joblib.load(model)
    frames = pd.read_csv(data, chunksize=int(rows)) if int(rows) else [pd.read_csv(data)]
    for index, frame in enumerate(frames):
        predictions = pd.DataFrame({"prediction": pipeline.predict(frame)})
        predictions.to_csv(output, index=False, header=index == 0, mode="w" if index == 0 else "a")


if __name__ == "__main__":
    main(*sys.argv[1:])
