"""Initializers of weights. Each fills an array of any shape, given the fan-in and fan-out of a unit.

For a dense layer's matrix (n_in, n_out), fan_in is n_in and fan_out is n_out.
"""

from __future__ import annotations

from math import sqrt
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from bpcli.arrays.memory import Array
from bpcli.spec import BareName, Family, Spec

CONSTANT = 1e-6
"""Smallest standard deviation of a weighted sum that weights are divided by."""

CENTER_ROWS = 5
"""Rows in whose random mean a weighted sum with its bias is 0."""


class GlorotUniform(Spec):
    """Uniform within ±√(6 / (fan_in + fan_out)) (Glorot and Bengio 2010, equation 16)."""

    type: Literal["glorot_uniform"] = "glorot_uniform"

    def fill(self, out: Array, fan_in: int, fan_out: int, generator: np.random.Generator) -> None:
        """Write initial weights to `out`."""
        limit = sqrt(6.0 / (fan_in + fan_out))
        out[:] = generator.uniform(-limit, limit, out.shape)


class GlorotNormal(Spec):
    """Normal with variance 2 / (fan_in + fan_out) (Glorot and Bengio 2010, equation 12)."""

    type: Literal["glorot_normal"] = "glorot_normal"

    def fill(self, out: Array, fan_in: int, fan_out: int, generator: np.random.Generator) -> None:
        """Write initial weights to `out`."""
        out[:] = generator.normal(0.0, sqrt(2.0 / (fan_in + fan_out)), out.shape)


class HeUniform(Spec):
    """Uniform within ±√(6 / fan_in) (He et al. 2015)."""

    type: Literal["he_uniform"] = "he_uniform"

    def fill(self, out: Array, fan_in: int, fan_out: int, generator: np.random.Generator) -> None:
        """Write initial weights to `out`."""
        limit = sqrt(6.0 / fan_in)
        out[:] = generator.uniform(-limit, limit, out.shape)


class HeNormal(Spec):
    """Normal with variance 2 / fan_in (He et al. 2015, equation 10)."""

    type: Literal["he_normal"] = "he_normal"

    def fill(self, out: Array, fan_in: int, fan_out: int, generator: np.random.Generator) -> None:
        """Write initial weights to `out`."""
        out[:] = generator.normal(0.0, sqrt(2.0 / fan_in), out.shape)


class LecunUniform(Spec):
    """Uniform within ±√(3 / fan_in) (LeCun et al. 1998, section 4.6)."""

    type: Literal["lecun_uniform"] = "lecun_uniform"

    def fill(self, out: Array, fan_in: int, fan_out: int, generator: np.random.Generator) -> None:
        """Write initial weights to `out`."""
        limit = sqrt(3.0 / fan_in)
        out[:] = generator.uniform(-limit, limit, out.shape)


class LecunNormal(Spec):
    """Normal with variance 1 / fan_in (LeCun et al. 1998, section 4.6)."""

    type: Literal["lecun_normal"] = "lecun_normal"

    def fill(self, out: Array, fan_in: int, fan_out: int, generator: np.random.Generator) -> None:
        """Write initial weights to `out`."""
        out[:] = generator.normal(0.0, sqrt(1.0 / fan_in), out.shape)


class Orthogonal(Spec):
    """`gain` times a random matrix with orthonormal rows or columns, whichever are fewer (Saxe et al. 2013).

    An array of more than two axes is reshaped to a matrix whose columns are the last axis.
    """

    type: Literal["orthogonal"] = "orthogonal"
    gain: float = Field(default=1.0, gt=0, description="Factor on the orthonormal matrix.")

    def fill(self, out: Array, fan_in: int, fan_out: int, generator: np.random.Generator) -> None:
        """Write initial weights to `out`."""
        matrix = out.reshape(-1, out.shape[-1])
        tall = generator.normal(size=(max(matrix.shape), min(matrix.shape)))
        q, r = np.linalg.qr(tall)
        # The signs of r's diagonal make the distribution uniform (Mezzadri 2007).
        q *= np.sign(np.diag(r))
        matrix[:] = self.gain * (q if len(matrix) >= matrix.shape[1] else q.T)


class Normal(Spec):
    """Normal with mean 0 and standard deviation `std`."""

    type: Literal["normal"] = "normal"
    std: float = Field(default=0.05, gt=0, description="Standard deviation.")

    def fill(self, out: Array, fan_in: int, fan_out: int, generator: np.random.Generator) -> None:
        """Write initial weights to `out`."""
        out[:] = generator.normal(0.0, self.std, out.shape)


class Uniform(Spec):
    """Uniform within ±`limit`."""

    type: Literal["uniform"] = "uniform"
    limit: float = Field(default=0.05, gt=0, description="Largest absolute value.")

    def fill(self, out: Array, fan_in: int, fan_out: int, generator: np.random.Generator) -> None:
        """Write initial weights to `out`."""
        out[:] = generator.uniform(-self.limit, self.limit, out.shape)


class DataStd(Spec):
    """Normal weights, each neuron's divided by the standard deviation of its weighted sum on 500 training rows.

    RealMLP's initialization (Holzmüller et al. 2024, section 3), there called `std` and `he+5`.
    """

    type: Literal["data_std"] = "data_std"
    center: bool = Field(
        default=True,
        description="Whether a bias is minus a random mean of the neuron's weighted sums at 5 rows, instead of 0.",
    )

    def fill(self, out: Array, fan_in: int, fan_out: int, generator: np.random.Generator) -> None:
        """Write weights of variance 1 / fan_in to `out`, as they are before `fit`."""
        out[:] = generator.normal(0.0, sqrt(1.0 / fan_in), out.shape)

    def fit(self, x: Array, weight: Array, bias: Array | None, generator: np.random.Generator) -> None:
        """Scale `weight` (n_in, n_out) for inputs x (rows, n_in), and write `bias` (n_out,) if there is one."""
        sums = x.dot(weight).astype(np.float64)
        deviation = sums.std(axis=0)
        deviation[deviation < CONSTANT] = 1.0
        np.divide(weight, deviation, out=weight, casting="same_kind")
        if bias is not None and self.center:
            size = (CENTER_ROWS, len(deviation))
            shares = generator.exponential(size=size)
            at_rows = np.take_along_axis(sums / deviation, generator.integers(len(x), size=size), axis=0)
            bias[:] = -(at_rows * shares).sum(axis=0) / shares.sum(axis=0)


class Zeros(Spec):
    """All zeros. For teaching: hidden units that start at zero stay identical."""

    type: Literal["zeros"] = "zeros"

    def fill(self, out: Array, fan_in: int, fan_out: int, generator: np.random.Generator) -> None:
        """Write initial weights to `out`."""
        out[:] = 0.0


Initializer = Annotated[
    GlorotUniform
    | GlorotNormal
    | HeUniform
    | HeNormal
    | LecunUniform
    | LecunNormal
    | Orthogonal
    | Normal
    | Uniform
    | DataStd
    | Zeros,
    Family(),
    BareName(),
]

DEFAULTS: dict[str, GlorotUniform | HeNormal | LecunNormal] = {
    "glorot_uniform": GlorotUniform(),
    "he_normal": HeNormal(),
    "lecun_normal": LecunNormal(),
}
"""Initializers that an activation may name as its default."""
