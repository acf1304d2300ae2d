"""A peer on one split, with its own defaults: `python -m benchmarks.peers.tabular_peer PEER FOLDER OUTPUT SEED`.

Fits on FOLDER/train.csv and writes predictions of FOLDER/test.csv to OUTPUT in bpcli's columns. The last line of
output is JSON: CPU seconds of fitting and predicting, without imports and reading, and the peer's version.
"""

from __future__ import annotations

import json
import sys
import warnings
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np
import pandas as pd

THREADS = 1


class Split:
    """The training and test rows of a table."""

    def __init__(self, folder: Path) -> None:
        self.table: dict[str, Any] = json.loads((folder / "table.json").read_text())
        text = dict.fromkeys(self.table["categorical"], "string")
        kinds = text | ({"y": "string"} if self.classification else {})
        frames = [
            pd.read_csv(folder / name, dtype=kinds, keep_default_na=False, na_values=[""])
            for name in ("train.csv", "test.csv")
        ]
        for frame in frames:
            for name in [*text, *(["y"] if self.classification else [])]:
                frame[name] = frame[name].astype("object").where(frame[name].notna(), np.nan)
        self.train, self.test = frames
        self.y = self.train.pop("y").to_numpy()
        self.test = self.test.drop(columns="y")

    @property
    def classification(self) -> bool:
        """Whether the target is a class."""
        return bool(self.table["classification"])

    @property
    def categorical(self) -> list[str]:
        """Names of the columns of texts."""
        return list(self.table["categorical"])


def sklearn_mlp(split: Split, seed: int) -> Any:
    """Standardised numbers, one-hot categories, standardised numeric target."""
    from sklearn.compose import TransformedTargetRegressor, make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.neural_network import MLPClassifier, MLPRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    numeric = [name for name in split.train if name not in split.categorical]
    features = make_column_transformer(
        (make_pipeline(SimpleImputer(strategy="median", add_indicator=True), StandardScaler()), numeric),
        (OneHotEncoder(handle_unknown="ignore", sparse_output=False), split.categorical),
    )
    if split.classification:
        return make_pipeline(features, MLPClassifier(random_state=seed))
    network = TransformedTargetRegressor(MLPRegressor(random_state=seed), transformer=StandardScaler())
    return make_pipeline(features, network)


def lightgbm(split: Split, seed: int) -> Any:
    """Categories as pandas categories of the training rows."""
    from lightgbm import LGBMClassifier, LGBMRegressor

    for name in split.categorical:
        kind = pd.CategoricalDtype(sorted(split.train[name].dropna().unique()))
        split.train[name], split.test[name] = split.train[name].astype(kind), split.test[name].astype(kind)
    split.train.columns = split.test.columns = [f"x{index}" for index in range(split.train.shape[1])]
    return (LGBMClassifier if split.classification else LGBMRegressor)(random_state=seed, n_jobs=THREADS, verbose=-1)


def catboost(split: Split, seed: int) -> Any:
    """Categories by name, a missing one as a name of its own."""
    from catboost import CatBoostClassifier, CatBoostRegressor

    for frame in (split.train, split.test):
        frame[split.categorical] = frame[split.categorical].fillna("missing").astype(str)
    kind = CatBoostClassifier if split.classification else CatBoostRegressor
    return kind(
        random_seed=seed,
        thread_count=THREADS,
        cat_features=split.categorical,
        verbose=False,
        allow_writing_files=False,
    )


def pytabkit(name: str) -> Callable[[Split, int], Any]:
    """RealMLP and TabM by the defaults that pytabkit gives them."""

    def make(split: Split, seed: int) -> Any:
        from pytabkit.models.sklearn import sklearn_interfaces

        for frame in (split.train, split.test):
            for column in split.categorical:
                frame[column] = frame[column].astype("category")
        kind = getattr(sklearn_interfaces, f"{name}_{'Classifier' if split.classification else 'Regressor'}")
        return kind(random_state=seed, n_threads=THREADS, device="cpu")

    return make


PEERS: dict[str, tuple[str, Callable[[Split, int], Any]]] = {
    "scikit-learn": ("scikit-learn", sklearn_mlp),
    "LightGBM": ("lightgbm", lightgbm),
    "CatBoost": ("catboost", catboost),
    "RealMLP-TD": ("pytabkit", pytabkit("RealMLP_TD")),
    "RealMLP-TD-S": ("pytabkit", pytabkit("RealMLP_TD_S")),
    "TabM": ("pytabkit", pytabkit("TabM_D")),
}
"""Distribution and estimator of each."""


def write_predictions(path: Path, predicted: Any, probabilities: Any = None, classes: Any = ()) -> None:
    """Write predictions in bpcli's columns; of classes, with their probabilities (rows, classes)."""
    columns = {f"probability_{name}": probabilities[:, index] for index, name in enumerate(classes)}
    pd.DataFrame({"prediction": predicted, **columns}).to_csv(path, index=False)


def main(peer: str, folder: str, output: str, seed: int) -> None:
    """Fit, predict, write."""
    warnings.filterwarnings("ignore")
    split = Split(Path(folder))
    distribution, make = PEERS[peer]
    estimator = make(split, seed)
    started = process_time()
    estimator.fit(split.train, split.y)
    predicted: tuple[Any, ...]
    if split.classification:
        probabilities = np.asarray(estimator.predict_proba(split.test))
        predicted = (estimator.classes_[probabilities.argmax(axis=1)], probabilities, estimator.classes_)
    else:
        predicted = (np.asarray(estimator.predict(split.test)).ravel(),)
    seconds = process_time() - started
    write_predictions(Path(output), *predicted)
    print(json.dumps({"cpu": seconds, "version": version(distribution)}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]))
