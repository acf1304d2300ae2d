"""A table in pandas to arrays for a network: split, impute, scale, one-hot, all fitted on the training rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.peers.jobs import Job

Arrays = tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]
"""x, float32 of shape (rows, features), and y, the class of each row."""


@dataclass(frozen=True)
class Fitted:
    """What prediction needs to know of the training rows."""

    mean: pd.Series
    std: pd.Series
    categories: dict[str, list[str]]
    with_gaps: list[str]

    @classmethod
    def fit(cls, frame: pd.DataFrame) -> Fitted:
        """Means, standard deviations, categories, and the columns that have gaps, which get an indicator."""
        numeric = frame.select_dtypes("number")
        names = [name for name in frame if name not in numeric]
        categories = {name: sorted(frame[name].dropna().unique()) for name in names}
        std = numeric.std(ddof=0).replace(0.0, 1.0)
        return cls(numeric.mean(), std, categories, [name for name in frame if frame[name].isna().any()])

    def apply(self, frame: pd.DataFrame) -> np.ndarray[Any, Any]:
        """The features of some rows."""
        numeric = ((frame[self.mean.index] - self.mean) / self.std).fillna(0.0)
        parts = [numeric.to_numpy(np.float32), frame[self.with_gaps].isna().to_numpy(np.float32)]
        for name, categories in self.categories.items():
            # A missing or unknown name has the code -1, for which the last row, of zeros, stands.
            codes = pd.Categorical(frame[name], categories=categories).codes
            parts.append(np.eye(len(categories) + 1, len(categories), dtype=np.float32)[codes])
        return np.concatenate(parts, axis=1)


def read(job: Job) -> pd.DataFrame:
    """The table; of an NPZ file, the pixels X and the classes y."""
    if job.data.endswith(".npz"):
        with np.load(job.data) as arrays:
            return pd.DataFrame(arrays["X"]).assign(**{job.target: arrays["y"]})
    return pd.read_csv(job.data).drop(columns=list(job.exclude))


def load(job: Job) -> tuple[Fitted, list[Any], dict[str, Arrays]]:
    """What was fitted, the classes, and the arrays of training, validation and test rows, split within each class."""
    frame = read(job).dropna(subset=[job.target])
    test = frame.groupby(job.target).sample(frac=job.test, random_state=job.seed)
    rest = frame.drop(test.index)
    share = job.validation / (1 - job.test)
    validation = rest.groupby(job.target).sample(frac=share, random_state=job.seed)
    train = rest.drop(validation.index)
    classes = sorted(train[job.target].unique())
    fitted = Fitted.fit(train.drop(columns=job.target))
    parts = {"train": train, "validation": validation, "test": test}
    arrays = {
        name: (
            fitted.apply(part.drop(columns=job.target)),
            pd.Categorical(part[job.target], categories=classes).codes.astype(np.int64),
        )
        for name, part in parts.items()
    }
    return fitted, classes, arrays
