"""Optuna's loop around scikit-learn's MLP: `python -m benchmarks.peers.optuna_sklearn FOLDER OUTPUT SEED N`.

On one split, N trials of TPE over layers, units, learning rate and penalty, each fitted to three quarters of
FOLDER/train.csv and judged by log loss or squared error on the rest; the best is fitted to all of it. Writes
predictions of FOLDER/test.csv to OUTPUT in bpcli's columns. The last line of output is JSON: CPU seconds of all of
that, without imports and reading.
"""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np

from benchmarks.peers.tabular_peer import Split, write_predictions

VALIDATION = 0.25


def main(folder: str, output: str, seed: int, trials: int) -> float:
    """Search, fit, predict and write; CPU seconds."""
    import optuna
    from sklearn.base import clone
    from sklearn.compose import make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.metrics import log_loss, mean_squared_error
    from sklearn.model_selection import train_test_split
    from sklearn.neural_network import MLPClassifier, MLPRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    warnings.simplefilter("ignore")
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    split = Split(Path(folder))
    started = process_time()
    numeric = [name for name in split.train if name not in split.categorical]
    features = make_column_transformer(
        (make_pipeline(SimpleImputer(strategy="median", add_indicator=True), StandardScaler()), numeric),
        (OneHotEncoder(handle_unknown="ignore", sparse_output=False), split.categorical),
    )
    scale = StandardScaler().fit(np.reshape(split.y, (-1, 1))) if not split.classification else None
    y: Any = split.y if scale is None else scale.transform(np.reshape(split.y, (-1, 1)))[:, 0]
    stratify = y if split.classification and np.unique(y, return_counts=True)[1].min() > 1 else None
    x_train, x_held, y_train, y_held = train_test_split(
        split.train, y, test_size=VALIDATION, random_state=seed, stratify=stratify
    )

    def estimator(trial: Any) -> Any:
        units = [
            trial.suggest_int(f"units{layer}", 16, 256, log=True) for layer in range(trial.suggest_int("layers", 1, 3))
        ]
        kind = MLPClassifier if split.classification else MLPRegressor
        network = kind(
            hidden_layer_sizes=units,
            learning_rate_init=trial.suggest_float("rate", 1e-4, 1e-1, log=True),
            alpha=trial.suggest_float("alpha", 1e-5, 1e-1, log=True),
            random_state=seed,
        )
        return make_pipeline(clone(features), network)

    def objective(trial: Any) -> float:
        fitted = estimator(trial).fit(x_train, y_train)
        if split.classification:
            return float(log_loss(y_held, fitted.predict_proba(x_held), labels=fitted.classes_))
        return float(mean_squared_error(y_held, fitted.predict(x_held)))

    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=seed))
    study.optimize(objective, n_trials=trials)
    best = estimator(study.best_trial).fit(split.train, y)
    if scale is None:
        probabilities = best.predict_proba(split.test)
        write_predictions(Path(output), best.classes_[probabilities.argmax(axis=1)], probabilities, list(best.classes_))
    else:
        predicted = scale.inverse_transform(np.reshape(best.predict(split.test), (-1, 1)))[:, 0]
        write_predictions(Path(output), predicted)
    return process_time() - started


if __name__ == "__main__":
    print(json.dumps({"cpu": main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))}))
