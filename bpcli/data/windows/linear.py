"""Linear functions of a window: forecasts that are weighted sums of its values, as weights of a network's features."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from bpcli.data.windows.fitted import FittedWindows


Values = NDArray[np.float64]

Naive = Literal["naive", "seasonal naive"]


@dataclass(frozen=True)
class LinearForecasts:
    """Forecasts from the values of a window, as functions of the features of a network.

    A forecast is given by weights (window, horizon) of the values, oldest first, whose sum at each step is 1, so that
    it moves with the level of the series (0 for returns). features: names of the features, in order.
    """

    windows: FittedWindows
    features: Sequence[str]

    @property
    def possible(self) -> bool:
        """Whether the features hold the window, scaled by itself."""
        return self.windows.normalize != "none" and all(
            place is not None or (past == 0 and self.windows.counts_from_last) for past, place in self._places.items()
        )

    def naive(self, name: Naive) -> Values | None:
        """Weights (window, horizon) of a naive forecast; None for seasons that are longer than the window."""
        windows = self.windows
        weights, steps = np.zeros((windows.window, windows.horizon)), np.arange(windows.horizon)
        before = np.zeros_like(steps)
        if name == "seasonal naive":
            if windows.season < 2:
                return None
            before = windows.season * -(-(steps + 1) // windows.season) - (steps + 1)
        elif windows.returns:
            return weights
        if before.max() >= windows.window:
            return None
        weights[windows.window - 1 - before, steps] = 1.0
        return weights

    def all_naive(self) -> dict[Naive, Values]:
        """Weights (features, horizon) of the naive forecasts that are possible."""
        names: tuple[Naive, ...] = get_args(Naive)
        found = {name: self.naive(name) for name in names} if self.possible else {}
        return {
            name: self.of_features(weights)
            for name, weights in found.items()
            if weights is not None and self._reference is not None
        }

    def of_features(self, weights: Values) -> Values:
        """Weights (features, horizon) by which a network gives the scaled forecast, of weights (window, horizon)."""
        assert self._reference is not None
        found = np.zeros((len(self.features), self.windows.horizon))
        for past, place in self._places.items():
            if place is not None:
                found[place] = (weights - self._reference)[self.windows.window - 1 - past]
        return found

    def values(self, x: Values) -> Values:
        """Scaled values (rows, window) of windows with features x (rows, features), oldest first."""
        values = np.zeros((len(x), self.windows.window))
        for past, place in self._places.items():
            if place is not None:
                values[:, self.windows.window - 1 - past] = x[:, place]
        return values

    def ahead(self, values: Values, scaled: Values) -> Values:
        """Coming values (rows, horizon) in the scale of the window's values, of scaled targets."""
        assert self._reference is not None
        coming: Values = scaled + values @ self._reference
        return coming

    @cached_property
    def _places(self) -> dict[int, int | None]:
        """Index of the feature that holds the value so many steps before the origin; None if no feature does."""
        index = {name: place for place, name in enumerate(self.features)}
        return {past: index.get(f"{self.windows.target}{-past:+d}") for past in range(self.windows.window)}

    @cached_property
    def _reference(self) -> Values | None:
        """Weights of what is subtracted from the targets beyond the reference of the window; None if unknown."""
        if self.windows.normalize == "seasonal" and not self.windows.returns:
            return self.naive("seasonal naive")
        return np.zeros((self.windows.window, self.windows.horizon))
