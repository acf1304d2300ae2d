"""Fits of linear members whose time and memory would have no bound."""

from __future__ import annotations

import numpy as np
import pytest
from experiments import plan
from forecasts import config

from bpcli.config.experiment import ExperimentConfig
from bpcli.errors import MemoryLimitError, MismatchError
from bpcli.experiment.trainable import require_trainable
from bpcli.nn.losses.regression import MeanSquaredError
from bpcli.training.ridge import MOST_FEATURES

LINEAR = ExperimentConfig.model_validate(config(ensemble={"members": 1, "linear": True}))


def require(features: int, rows: int) -> None:
    network = plan(np.zeros((1, features)), np.zeros((1, 1)), layers=()).network
    require_trainable(network, LINEAR, rows, MeanSquaredError())


def test_a_fit_of_too_many_features_is_refused() -> None:
    require(MOST_FEATURES, 10)
    with pytest.raises(MismatchError, match=r"ensemble.linear: 4,001 features are too many .* beyond 4,000; omit it"):
        require(MOST_FEATURES + 1, 10)


def test_a_fit_beyond_the_memory_is_refused() -> None:
    with pytest.raises(MemoryLimitError, match=r"ensemble.linear: its fit needs .* omit it, or use fewer rows"):
        require(1_000, 10**12)
