"""A whole job in scikit-learn: `python -m benchmarks.peers.sklearn_job JOB.json`."""

from __future__ import annotations

import json
import sys

import joblib
import numpy as np
from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.impute import SimpleImputer
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

from benchmarks.peers.frames import read
from benchmarks.peers.jobs import Job


def main(path: str) -> None:
    job = Job.load(path)
    frame = read(job).dropna(subset=[job.target])
    x, y = frame.drop(columns=job.target), frame[job.target]
    x.columns = x.columns.astype(str)
    x_train, x_test, y_train, y_test = train_test_split(x, y, test_size=job.test, random_state=job.seed, stratify=y)
    numbers = make_pipeline(
        SimpleImputer(add_indicator=True), StandardScaler(), FunctionTransformer(np.asarray, kw_args={"dtype": "f4"})
    )
    names = OneHotEncoder(handle_unknown="ignore", sparse_output=False, dtype=np.float32)
    # A validation score each epoch and the best parameters kept, as the others do, and never a stop.
    classifier = MLPClassifier(
        job.hidden,
        batch_size=job.batch_size,
        learning_rate_init=job.learning_rate,
        alpha=0.0,
        max_iter=job.epochs,
        early_stopping=True,
        validation_fraction=job.validation / (1 - job.test),
        n_iter_no_change=job.epochs,
        random_state=job.seed,
    )
    model = make_pipeline(
        ColumnTransformer(
            [
                ("numbers", numbers, make_column_selector(dtype_include="number")),
                ("names", names, make_column_selector(dtype_exclude="number")),
            ]
        ),
        classifier,
    )
    model.fit(x_train, y_train)
    joblib.dump(model, job.output)
    print(json.dumps({"accuracy": float(model.score(x_test, y_test)), "epochs": classifier.n_iter_}))


if __name__ == "__main__":
    main(*sys.argv[1:])
