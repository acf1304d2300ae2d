"""Ridge regression in closed form, as a member of an ensemble whose network has a linear way through."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from bpcli.arrays.expansion import Intake
from bpcli.arrays.fields import numbers
from bpcli.arrays.memory import Array
from bpcli.data.batches import Dataset
from bpcli.nn.ensemble import EnsembleInference
from bpcli.nn.inference import Inference
from bpcli.nn.network import Network, layer_name
from bpcli.spec import Sequence, Spec
from bpcli.training.ensemble import EnsembleSpec

PENALTIES = tuple(10.0**power for power in range(-3, 5))
"""Penalties of the squared weights that are tried, in the sum of squared errors."""

MOST_FEATURES = 4_000
"""Most features of a fit, whose time grows with their third power."""

USUAL_PENALTY = 1.0
"""Penalty without validation rows."""

COMPARED_FEATURES = 1_024
"""Number of features above which a ridge regression is no more than asked for: its cost grows with their cube."""


class FittedRidge(Spec):
    """Ridge regression in a checkpoint, beside whose forecasts those of the model are scored."""

    weights: Sequence[Sequence[float]] = Field(description="A row for each feature, a column for each output.")
    bias: Sequence[float]

    def logits(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Logits (rows, outputs) of features x (rows, features)."""
        weights, bias = np.array(self.weights, np.float64), np.array(self.bias, np.float64)
        logits: NDArray[np.float64] = x @ weights.reshape(-1, len(bias)) + bias
        return logits


@dataclass(frozen=True)
class Ridge:
    """Logits of features x (rows, features): x @ weights + bias, of weights (features, outputs)."""

    weights: NDArray[np.float64]
    bias: NDArray[np.float64]
    penalty: float

    @staticmethod
    def bytes_needed(rows: int, features: int) -> int:
        """Bytes of a fit: the features twice, and their products with each other, eigenvectors and a workspace."""
        return 8 * (2 * rows * features + 3 * features**2)

    @classmethod
    def fit(cls, train: Dataset, outputs: int, validation: Dataset | None, penalty: float | None = None) -> Ridge:
        """Fit to training rows (Hoerl and Kennard 1970).

        Without a given penalty it is the one of PENALTIES whose mean absolute error on the validation rows is least, in
        the units of the data.
        """
        x, y = features_of(train), train.targets(outputs).astype(np.float64)
        center, constant = x.mean(axis=0), y.mean(axis=0)
        x -= center
        values, vectors = np.linalg.eigh(x.T @ x)
        turned = vectors.T @ (x.T @ (y - constant))
        values = np.maximum(values, 0.0)

        def of(penalty: float) -> Ridge:
            weights = vectors @ (turned / (values + penalty)[:, None])
            return cls(weights, constant - center @ weights, penalty)

        if penalty is not None or validation is None:
            return of(USUAL_PENALTY if penalty is None else penalty)
        held, true = features_of(validation), validation.targets(outputs).astype(np.float64)
        spread = 1.0 if validation.origins is None else validation.origins.spread
        found = [of(one) for one in PENALTIES]
        errors = [float(np.mean(np.abs(one.logits(held) - true) * spread)) for one in found]
        return found[int(np.argmin(errors))]

    def logits(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Logits (rows, outputs)."""
        return x @ self.weights + self.bias

    @property
    def fitted(self) -> FittedRidge:
        """The same as a checkpoint holds it."""
        return FittedRidge(weights=tuple(map(tuple, self.weights.tolist())), bias=tuple(self.bias.tolist()))

    def parameters(self, network: Network, dtype: np.dtype[np.floating]) -> Array:
        """Parameters (layout.size,) of a network that gives these logits; its output layer takes x last."""
        vector = np.zeros(network.layout.size, dtype)
        views = network.layout.views(vector)
        output = layer_name(network.layers[-1])
        views[f"{output}.weight"][-len(self.weights) :] = self.weights
        views[f"{output}.bias"][:] = self.bias
        return vector


def features_of(dataset: Dataset) -> NDArray[np.float64]:
    """Features (rows, features) of all rows, in float64, as the network has them."""
    intake = Intake(dataset.x.signature)
    (taken,) = intake.whole(dataset.x, dataset.x.dtype)
    return numbers(taken).reshape(dataset.rows, -1).astype(np.float64)


def linear_member(spec: EnsembleSpec | None, inference: Inference) -> Inference | None:
    """Linear member of an ensemble, which is the last; None if it has none."""
    if spec is None or not spec.linear or not isinstance(inference, EnsembleInference):
        return None
    return inference.members[-1]


def ridge_logits(
    spec: EnsembleSpec | None, inference: Inference, ridge: Ridge | FittedRidge | None, dataset: Dataset
) -> Array | None:
    """Logits (rows, outputs) of the linear member, or else of the ridge regression beside the model; None without."""
    linear = linear_member(spec, inference)
    if linear is not None:
        return linear.logits(dataset.x)
    return None if ridge is None else ridge.logits(features_of(dataset))
