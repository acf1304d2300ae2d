"""From trained members to the model: a linear member beside them, and a blend of forecasts with a naive one."""

from __future__ import annotations

from typing import NamedTuple, get_args

import numpy as np

from bpcli.arrays.memory import Array
from bpcli.experiment.prepared import Prepared
from bpcli.nn.ensemble import inference_of
from bpcli.nn.losses.combination import MEAN_LOGITS
from bpcli.training.blend import FittedBlend, Naive, blended, naive_weights
from bpcli.training.ridge import features_of
from bpcli.training.scoring import outcome_of


class Finished(NamedTuple):
    """Parameters and layer state (members, size) of a model, and the blend that is part of them."""

    params: Array
    layer_state: Array
    blend: FittedBlend | None = None


def finished(prepared: Prepared, params: Array, layer_state: Array) -> Finished:
    """The model of trained members: (members, size) each."""
    forecast = prepared.config.forecast
    blend = prepared.blend
    if blend is None and forecast is not None and forecast.blend == "auto":
        blend = _fitted(prepared, *_with_linear(prepared, params, layer_state))
    if blend is not None and blend.share < 1:
        naive = _naive_weights(prepared)[blend.naive]
        params = blended(prepared.network, params, blend, naive, prepared.linear)
    return Finished(*_with_linear(prepared, params, layer_state), blend)


def _with_linear(prepared: Prepared, params: Array, layer_state: Array) -> tuple[Array, Array]:
    """Members (members, size), followed by the linear one if the ensemble has one."""
    if prepared.linear is None:
        return params, layer_state
    own = prepared.linear.parameters(prepared.network, params.dtype)
    return np.concatenate([params, own[None]]), np.concatenate([layer_state, layer_state[:1]])


def _fitted(prepared: Prepared, params: Array, layer_state: Array) -> FittedBlend | None:
    """Blend that is best on the validation windows; None without such, and if no naive forecast can be part of it."""
    plan, validation = prepared.plan, prepared.plan.validation
    weights = _naive_weights(prepared)
    if validation is None or validation.truth is None or validation.origins is None or not weights:
        return None
    inference = inference_of(plan.network, params, layer_state, plan.loss, np.dtype(np.float64))
    scaled = outcome_of(prepared.preprocessor.target, plan.loss, inference.logits(validation.x)).predicted
    x, origins = features_of(validation), validation.origins
    naive = {name: x @ of for name, of in weights.items()}
    return FittedBlend.fit(scaled, origins.restored(validation.truth), origins, naive)


def _naive_weights(prepared: Prepared) -> dict[Naive, Array]:
    """Weights of the naive forecasts that follow from the features, if the output layer takes these."""
    windows, config, stems = prepared.windows, prepared.config, prepared.network.stems
    passes = config.skip == "linear" or not config.layers
    if windows is None or not passes or stems.trained or prepared.plan.loss.combination is not MEAN_LOGITS:
        return {}
    names: tuple[Naive, ...] = get_args(Naive)
    found = {name: naive_weights(windows, prepared.preprocessor.features, name) for name in names}
    return {name: weights for name, weights in found.items() if weights is not None}
