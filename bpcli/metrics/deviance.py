"""Unit deviances of the Tweedie family."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bpcli.metrics.metric import Array


def deviance_names(power: float) -> tuple[str, ...]:
    """Names of the metrics of a loss whose variance is proportional to this power of the mean; none for 0."""
    if not power:
        return ()
    return {1.0: "poisson_deviance", 2.0: "gamma_deviance"}.get(power, "tweedie_deviance"), "d2"


def unit_deviances(true: Array, predicted: Array, power: float) -> NDArray[np.float64]:
    """Unit deviances of values (rows, targets); NaN outside the distribution's domain.

    power: 0 for the squared error, 1 for Poisson, 2 for gamma, between 1 and 2 for compound Poisson-gamma. Dunn and
    Smyth 2005, "Series evaluation of Tweedie exponential dispersion model densities", section 2.
    """
    t, y = np.asarray(true, np.float64), np.asarray(predicted, np.float64)
    if power == 0:
        return np.asarray(np.square(t - y))
    valid = ((t > 0) | ((t == 0) & (power < 2))) & (y > 0)
    with np.errstate(all="ignore"):
        if power == 1:
            # t log(t / y), which is 0 for t = 0.
            unit = np.where(t > 0, t * np.log(np.where(t > 0, t, 1.0) / y), 0.0) - (t - y)
        elif power == 2:
            unit = np.log(y / t) + t / y - 1
        else:
            rise, fall = 2 - power, 1 - power
            unit = t**rise / (fall * rise) - t * y**fall / fall + y**rise / rise
        return np.asarray(np.where(valid, 2 * unit, np.nan))
