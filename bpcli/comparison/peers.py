"""Peers of a network: other libraries' models with their defaults, fitted to the same training rows."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from bpcli.comparison.peer_rows import PeerRows
from bpcli.errors import UsageError
from bpcli.wording import quoted, suggestion

if TYPE_CHECKING:
    from bpcli.arrays.memory import Array

SEED = 0
"""Seed of the peers' random numbers."""


class Peer(Protocol):
    """A model that is fitted and asked once."""

    @property
    def name(self) -> str:
        """Name on the command line and in tables."""

    def description(self, classes: int) -> str:
        """Estimator, for so many classes or for numbers, and version."""

    def answer(self, train: PeerRows, y: Array, rows: PeerRows, classes: int) -> NDArray[np.float64]:
        """Fit `train` with outcomes y (rows,), and predict `rows`.

        With `classes`, y are codes below it, and the result are probabilities (rows, classes); for 0 classes, y are
        numbers, and so is the result, (rows,).
        """


class LightGbm:
    """Gradient boosting of trees by LightGBM, which takes missing values and categories as such."""

    name = "lightgbm"
    package = "lightgbm"

    def description(self, classes: int) -> str:
        """Estimator and version."""
        return f"LGBM{'Classifier' if classes else 'Regressor'} of lightgbm {version(self.package)}, defaults"

    def answer(self, train: PeerRows, y: Array, rows: PeerRows, classes: int) -> NDArray[np.float64]:
        """Fit and predict."""
        from lightgbm import LGBMClassifier, LGBMRegressor

        # On one thread: where other processes keep the cores busy, small tables took 100 times as long on two.
        estimator = (LGBMClassifier if classes else LGBMRegressor)(random_state=SEED, n_jobs=1, verbose=-1)
        categorical = list(train.categorical) or "auto"
        estimator.fit(train.x, y, sample_weight=train.weight, categorical_feature=categorical)
        return _predicted(estimator, rows.x, classes)


class SklearnMlp:
    """Multilayer perceptron of scikit-learn, on standardized numbers and one-hot categories."""

    name = "scikit-learn"
    package = "sklearn"

    def description(self, classes: int) -> str:
        """Estimator and version."""
        found = version("scikit-learn")
        return f"standardized, one-hot, MLP{'Classifier' if classes else 'Regressor'} of scikit-learn {found}, defaults"

    def answer(self, train: PeerRows, y: Array, rows: PeerRows, classes: int) -> NDArray[np.float64]:
        """Fit and predict; missing numbers are the median, with an indicator, and numeric targets are standardized."""
        from sklearn.compose import ColumnTransformer
        from sklearn.impute import SimpleImputer
        from sklearn.neural_network import MLPClassifier, MLPRegressor
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import OneHotEncoder, StandardScaler

        numeric = [index for index in range(train.x.shape[1]) if index not in {*train.categorical}]
        imputed = SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True)
        categories = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
        features = ColumnTransformer(
            [
                ("numbers", make_pipeline(imputed, StandardScaler()), numeric),
                ("categories", categories, list(train.categorical)),
            ]
        )
        x, asked = features.fit_transform(train.x), features.transform(rows.x)
        weight: dict[str, Any] = {} if train.weight is None else {"sample_weight": train.weight}
        if classes:
            return _predicted(MLPClassifier(random_state=SEED).fit(x, y, **weight), asked, classes)
        center, scale = float(y.mean()), float(y.std()) or 1.0
        network = MLPRegressor(random_state=SEED).fit(x, (y - center) / scale, **weight)
        standardized = _predicted(network, asked, classes)
        return np.add(standardized * scale, center)


PEERS: Mapping[str, LightGbm | SklearnMlp] = {peer.name: peer for peer in (LightGbm(), SklearnMlp())}


def peers_named(names: Sequence[str], known: Mapping[str, LightGbm | SklearnMlp] = PEERS) -> list[Peer]:
    """Peers by their names on the command line, each once.

    Raises UsageError for an unknown name, and for a peer whose package is not installed.
    """
    found: list[Peer] = []
    for name in dict.fromkeys(names):
        if name not in known:
            hint = suggestion(name, known) or f"; available: {', '.join(known)}"
            raise UsageError(f"--with: no peer {quoted(name)}{hint}")
        peer = known[name]
        if find_spec(peer.package) is None:
            raise UsageError(
                f"--with {name} requires the package {peer.package}; install it with "
                "pip install 'backprop-cli[baselines]'"
            )
        found.append(peer)
    return found


def answer_quietly(peer: Peer, train: PeerRows, y: Array, rows: PeerRows, classes: int) -> NDArray[np.float64]:
    """Answer of a peer, without its warnings, such as that training has not converged."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return peer.answer(train, y, rows, classes)


def _predicted(estimator: Any, x: Array, classes: int) -> NDArray[np.float64]:
    """Probabilities of all classes, 0 for those that the estimator has not seen; or numbers."""
    if not classes:
        return np.asarray(estimator.predict(x), np.float64)
    probabilities = np.zeros((len(x), classes))
    probabilities[:, np.asarray(estimator.classes_, np.intp)] = estimator.predict_proba(x)
    return probabilities
