"""From trained members to the model: a linear member beside them, and the parts of forecasts that are not learned."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from bpcli.arrays.memory import Array
from bpcli.data.batches import Dataset
from bpcli.experiment.prepared import Prepared

if TYPE_CHECKING:
    from bpcli.data.windows.linear import Naive
    from bpcli.training.blend import FittedBlend


class Finished(NamedTuple):
    """Parameters and layer state (members, size) of a model, and the blend that is part of them."""

    params: Array
    layer_state: Array
    blend: FittedBlend | None = None


class Beside(NamedTuple):
    """Forecasts beside those of the networks, as weights (features, horizon) of the features."""

    naive: dict[Naive, Array]
    smoothing: Array | None


def finished(prepared: Prepared, params: Array, layer_state: Array) -> Finished:
    """The model of trained members: (members, size) each."""
    blend, beside = prepared.blend, _beside(prepared)
    if beside is not None:
        from bpcli.training.blend import blended

        if blend is None:
            blend = _fitted(prepared, beside, *_with_linear(prepared, params, layer_state))
        added = (1 - blend.model - blend.smoothing) * beside.naive[blend.naive]
        if beside.smoothing is not None:
            added = added + blend.smoothing * beside.smoothing
        params = blended(prepared.network, params, blend.model, added, prepared.linear)
    return Finished(*_with_linear(prepared, params, layer_state), blend)


def _with_linear(prepared: Prepared, params: Array, layer_state: Array) -> tuple[Array, Array]:
    """Members (members, size), followed by the linear one if the ensemble has one."""
    if prepared.linear is None:
        return params, layer_state
    own = prepared.linear.parameters(prepared.network, params.dtype)
    return np.concatenate([params, own[None]]), np.concatenate([layer_state, layer_state[:1]])


def _beside(prepared: Prepared) -> Beside | None:
    """Forecasts that are part of the model; None if the config wants none, or if no output layer takes the window."""
    forecast, windows, config = prepared.config.forecast, prepared.windows, prepared.config
    if forecast is None or forecast.blend == "none" or windows is None:
        return None
    from bpcli.data.windows.linear import LinearForecasts
    from bpcli.nn.losses.combination import MEAN_LOGITS
    from bpcli.training.ridge import features_of
    from bpcli.training.smoothing import fit_smoothing

    passes = config.skip == "linear" or not config.layers
    if not passes or prepared.network.stems.trained or prepared.plan.loss.combination is not MEAN_LOGITS:
        return None
    linear = LinearForecasts(windows, prepared.preprocessor.features)
    naive, smoothing = linear.all_naive(), None
    if not naive:
        return None
    if not windows.returns:
        train = prepared.plan.train
        values = linear.values(features_of(train))
        coming = linear.ahead(values, _targets(train))
        smoothing = linear.of_features(fit_smoothing(values, coming, windows.season))
    return Beside(naive, smoothing)


def _fitted(prepared: Prepared, beside: Beside, params: Array, layer_state: Array) -> FittedBlend:
    """Blend in shares that the validation windows favor; without such, in the usual shares."""
    from bpcli.nn.ensemble import inference_of
    from bpcli.training.blend import FittedBlend
    from bpcli.training.ridge import features_of
    from bpcli.training.scoring import outcome_of

    plan = prepared.plan
    dataset = plan.train if plan.validation is None else plan.validation
    assert dataset.origins is not None
    inference = inference_of(plan.network, params, layer_state, plan.loss, np.dtype(np.float64))
    model = outcome_of(prepared.preprocessor.target, plan.loss, inference.logits(dataset.x)).predicted
    x = features_of(dataset)
    return FittedBlend.fit(
        model,
        None if beside.smoothing is None else x @ beside.smoothing,
        {name: x @ weights for name, weights in beside.naive.items()},
        dataset.origins.restored(_targets(dataset)),
        dataset.origins,
        trained=plan.train.rows,
        validated=plan.validation is not None,
    )


def _targets(dataset: Dataset) -> Array:
    """Scaled coming values (rows, horizon)."""
    return (dataset.y if dataset.truth is None else dataset.truth).astype(np.float64)
