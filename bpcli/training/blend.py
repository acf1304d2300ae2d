"""Blend of a model's forecasts with a naive one, within the model's own parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from bpcli.arrays.memory import Array
from bpcli.nn.network import Network, layer_name
from bpcli.spec import Spec
from bpcli.training.ridge import Ridge

if TYPE_CHECKING:
    from bpcli.data.origins import Origins
    from bpcli.data.windows.fitted import FittedWindows

Values = NDArray[np.float64]

Naive = Literal["naive", "seasonal naive"]

SHARES = tuple(place / 10 for place in range(10, -1, -1))
"""Shares of the model that are tried."""


class FittedBlend(Spec):
    """Forecast that is partly the model's and partly a naive one."""

    naive: Naive
    share: float = Field(ge=0, le=1, description="Share of the model.")

    @property
    def line(self) -> str:
        """The parts, in words; empty if the model's is all of it."""
        if self.share == 1:
            return ""
        return (
            f"a forecast is {self.share:.0%} of the model's and {1 - self.share:.0%} of the {self.naive} one, as was "
            "best on the validation windows"
        )

    @classmethod
    def fit(cls, scaled: Values, true: Values, origins: Origins, naive: Mapping[Naive, Values]) -> FittedBlend | None:
        """Blend with the least mean absolute error on validation windows, all (windows, horizon).

        scaled: forecasts of the model. true: coming values in their units. naive: scaled naive forecasts; of them, the
        better one is taken. None without any.
        """

        def error(forecast: Values) -> float:
            return float(np.abs(origins.restored(forecast) - true).mean())

        if not naive:
            return None
        best = min(naive, key=lambda name: error(naive[name]))
        errors = [error(share * scaled + (1 - share) * naive[best]) for share in SHARES]
        return cls(naive=best, share=SHARES[int(np.argmin(errors))])


def naive_weights(windows: FittedWindows, features: Sequence[str], naive: Naive) -> Values | None:
    """Weights (features, horizon) by which a naive forecast follows from the features of a window.

    None if it does not: of seasons that are longer than the window.
    """
    weights, places = np.zeros((len(features), windows.horizon)), {name: place for place, name in enumerate(features)}
    if windows.normalize == "none" or (naive == "seasonal naive" and windows.season < 2):
        return None

    def add(step: int, past: int, sign: float) -> bool:
        """Add the scaled value `past` steps before the origin; whether it is a feature, or 0."""
        name = f"{windows.target}{-past:+d}"
        if name in places:
            weights[places[name], step] += sign
        return name in places or (past == 0 and windows.counts_from_last)

    found = []
    for step in range(windows.horizon):
        season = windows.season
        before = season * -(-(step + 1) // season) - (step + 1) if season > 1 else 0
        if not (windows.returns and naive == "naive"):
            found.append(add(step, before if naive == "seasonal naive" else 0, 1.0))
        if windows.normalize == "seasonal" and not windows.returns:
            found.append(add(step, before, -1.0))
    return weights if all(found) else None


def blended(network: Network, params: Array, blend: FittedBlend, naive: Values, ridge: Ridge | None) -> Array:
    """Parameters (members, size) of trained members whose mean with a linear member's forecast is the blend.

    naive: weights (features, horizon) of the naive forecast. The output layer takes the features last.
    """
    params = params.copy()
    members, share = len(params), blend.share
    total = members + (ridge is not None)
    views = network.layout.views(params)
    output = layer_name(network.layers[-1])
    weight, bias = (views[f"{output}.{name}"].reshape(members, -1, network.n_out) for name in ("weight", "bias"))
    weight *= params.dtype.type(share)
    bias *= params.dtype.type(share)
    added, constant = (1 - share) * total / members * naive, np.zeros(network.n_out)
    if ridge is not None:
        added = added - (1 - share) / members * ridge.weights
        constant = -(1 - share) / members * ridge.bias
    weight[:, -len(naive) :] += added.astype(params.dtype)
    bias += constant.astype(params.dtype)
    return params
