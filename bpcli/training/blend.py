"""Blend of a model's forecasts with exponential smoothing and a naive forecast, within the model's own parameters."""

from __future__ import annotations

from collections.abc import Mapping
from math import exp
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from bpcli.arrays.memory import Array
from bpcli.data.windows.linear import Naive
from bpcli.nn.network import Network, layer_name
from bpcli.spec import Spec
from bpcli.training.ridge import Ridge

if TYPE_CHECKING:
    from bpcli.data.origins import Origins

Values = NDArray[np.float64]

TRIED = tuple(place / 10 for place in range(11))
"""Shares that are tried on the validation windows."""

SMOOTHING, SMOOTHING_MORE, FEW_WINDOWS = 0.2, 0.6, 40
"""Usual share of smoothing after many training windows, what is added after none, and the number of windows after which
a third of that is left."""

NAIVE = 0.1
"""Usual share of the naive forecast."""

SMOOTHING_WINDOWS, NAIVE_WINDOWS = 50, 20
"""Numbers of validation windows that count as much as the usual share of smoothing, and of the naive forecast."""


class FittedBlend(Spec):
    """Forecast that is partly the model's, partly one by exponential smoothing, and partly a naive one."""

    naive: Naive
    model: float = Field(ge=0, le=1, description="Share of the model.")
    smoothing: float = Field(
        ge=0, le=1, description="Share of exponential smoothing. The rest is the naive forecast's."
    )

    @property
    def line(self) -> str:
        """The parts, in words; empty if the model's is all of it."""
        parts = {
            "the model's": self.model,
            "that of exponential smoothing": self.smoothing,
            f"the {self.naive} one": 1 - self.model - self.smoothing,
        }
        shown = [f"{share:.0%} {name}" for name, share in parts.items() if round(share, 2) > 0]
        if len(shown) == 1 and self.model > 0:
            return ""
        return f"a forecast is {' + '.join(shown)}, in shares that the validation windows favor"

    @classmethod
    def fit(
        cls,
        model: Values,
        smoothing: Values | None,
        naive: Mapping[Naive, Values],
        true: Values,
        origins: Origins,
        trained: int,
        validated: bool = True,
    ) -> FittedBlend:
        """Blend of scaled forecasts (windows, horizon).

        The shares are between usual ones and those with the least mean absolute error on the windows at hand, the
        nearer to these the more windows there are. Of the naive forecasts, the better one is taken.

        smoothing: None without. true: coming values in their units. origins: those of the windows. trained: number of
        training windows. validated: whether the windows are validation windows; if not, the shares are the usual ones.
        """

        def error(forecast: Values) -> float:
            return float(np.abs(origins.restored(forecast) - true).mean())

        def between(usual: float, best: float, worth: int) -> float:
            known = len(true) if validated else 0
            return (known * best + worth * usual) / (known + worth)

        def best_share(of: Values, beside: Values) -> float:
            return min(TRIED, key=lambda share: error(share * of + (1 - share) * beside))

        first = min(naive, key=lambda name: error(naive[name]))
        smoothed = 0.0
        if smoothing is not None:
            usual = SMOOTHING + SMOOTHING_MORE * exp(-trained / FEW_WINDOWS)
            smoothed = between(usual, best_share(smoothing, model), SMOOTHING_WINDOWS)
            model = smoothed * smoothing + (1 - smoothed) * model
        rest = between(NAIVE, best_share(naive[first], model), NAIVE_WINDOWS)
        return cls(naive=first, model=(1 - rest) * (1 - smoothed), smoothing=(1 - rest) * smoothed)


def blended(network: Network, params: Array, share: float, added: Values, ridge: Ridge | None) -> Array:
    """Parameters (members, size) of trained members whose mean with a linear member's forecast is a blend.

    share: part of the mean forecast that stays. added: weights (features, horizon) of the rest of the forecast. The
    output layer takes the features last.
    """
    params = params.copy()
    members = len(params)
    total = members + (ridge is not None)
    views = network.layout.views(params)
    output = layer_name(network.layers[-1])
    weight, bias = (views[f"{output}.{name}"].reshape(members, -1, network.n_out) for name in ("weight", "bias"))
    weight *= params.dtype.type(share)
    bias *= params.dtype.type(share)
    rest, constant = total / members * added, np.zeros(network.n_out)
    if ridge is not None:
        rest = rest - (1 - share) / members * ridge.weights
        constant = -(1 - share) / members * ridge.bias
    weight[:, -len(added) :] += rest.astype(params.dtype)
    bias += constant.astype(params.dtype)
    return params
