"""Optimizers: each is its spec, the coefficients of a step, and a kernel that works on any stretch of the vectors.

`kernel(p, g, slots, scratch, c)` writes the new parameters to `p` and the new moments to `slots`; `g` is the
gradient, `scratch` two arrays of the same length to write to, `c` the step's coefficients, plain floats. One driver
runs it over blocks that fit a core's cache.
"""

from __future__ import annotations

from math import sqrt
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field, model_validator

from bpcli.nn.arrays import Array
from bpcli.spec import BareName, Spec

BLOCK = 65_536
"""Numbers a kernel works on at once. Smaller blocks cost more calls, larger ones fall out of the cache."""

Coefficients = tuple[float, ...]
Arrays = tuple[Array, ...]


class OptimizerBase(Spec):
    """What every optimizer says of itself beside its maths."""

    learning_rate: float

    @property
    def slots(self) -> dict[str, float]:
        """The vectors it remembers, each as long as the parameters, with their initial value."""
        return {}

    @property
    def decay(self) -> float:
        """How much of each weight a step takes away, as a multiple of the learning rate."""
        return 0.0

    def accumulate(self, step: int, product: float) -> float:
        """A number carried from step to step, 1 before the first; only nadam has a use for it."""
        return product

    def coefficients(self, step: int, learning_rate: float, product: float) -> Coefficients:
        """What the kernel needs in step `step`, counted from 1; `product` is what `accumulate` gave."""
        raise NotImplementedError

    @staticmethod
    def kernel(p: Array, g: Array, slots: Arrays, scratch: Arrays, c: Coefficients) -> None:
        """One update of a stretch of the parameters."""
        raise NotImplementedError


class Sgd(OptimizerBase):
    """p ← p - lr g; with momentum v ← μ v + g and p ← p - lr v, or p - lr (g + μ v) for Nesterov's.

    Sutskever et al. 2013 in the form where the learning rate stands outside of v.
    """

    type: Literal["sgd"] = "sgd"
    learning_rate: float = Field(default=0.01, gt=0, description="Step size.")
    momentum: float = Field(default=0.0, ge=0, lt=1, description="μ: how much of the last step is kept.")
    nesterov: bool = Field(default=False, description="Look ahead along the momentum.")

    @model_validator(mode="after")
    def _momentum_to_look_along(self) -> Sgd:
        if self.nesterov and not self.momentum:
            raise ValueError("nesterov needs a momentum above 0")
        return self

    @property
    def slots(self) -> dict[str, float]:
        """A velocity where there is momentum."""
        return {"v": 0.0} if self.momentum else {}

    def coefficients(self, step: int, learning_rate: float, product: float) -> Coefficients:
        """Learning rate, momentum, and 1.0 for Nesterov's form."""
        return (learning_rate, self.momentum, float(self.nesterov))

    @staticmethod
    def kernel(p: Array, g: Array, slots: Arrays, scratch: Arrays, c: Coefficients) -> None:
        """One update."""
        lr, mu, nesterov = c
        (delta, _) = scratch
        if not slots:
            np.multiply(g, lr, out=delta)
        else:
            (v,) = slots
            np.multiply(v, mu, out=v)
            np.add(v, g, out=v)
            if nesterov:
                np.multiply(v, mu, out=delta)
                np.add(delta, g, out=delta)
                np.multiply(delta, lr, out=delta)
            else:
                np.multiply(v, lr, out=delta)
        np.subtract(p, delta, out=p)


class Rprop(OptimizerBase):
    """Step sizes that grow while the gradient's sign stays and shrink when it changes; its size plays no part.

    iRprop- (Igel and Hüsken 2000): after a change of sign the gradient counts as 0. Meant for `batch_size: full`.
    """

    type: Literal["rprop"] = "rprop"
    learning_rate: float = Field(default=0.01, gt=0, description="First step size.")
    increase: float = Field(default=1.2, gt=1, description="Factor where the sign stays.")
    decrease: float = Field(default=0.5, gt=0, lt=1, description="Factor where the sign changes.")
    smallest: float = Field(default=1e-6, gt=0, description="Step sizes go no lower.")
    largest: float = Field(default=50.0, gt=0, description="Step sizes go no higher.")

    @model_validator(mode="after")
    def _ordered(self) -> Rprop:
        if self.smallest > self.largest:
            raise ValueError("smallest must not be above largest")
        return self

    @property
    def slots(self) -> dict[str, float]:
        """The sign of the gradient before, and each parameter's step size."""
        return {"g": 0.0, "size": self.learning_rate}

    def coefficients(self, step: int, learning_rate: float, product: float) -> Coefficients:
        """The schedule scales the steps that are taken, not those that are remembered."""
        return (
            learning_rate / self.learning_rate,
            # factor = middle + half · sign + bend · sign², which is 1 at 0, `increase` at +1, `decrease` at -1
            (self.increase - self.decrease) / 2.0,
            (self.increase + self.decrease) / 2.0 - 1.0,
            self.smallest,
            self.largest,
        )

    @staticmethod
    def kernel(p: Array, g: Array, slots: Arrays, scratch: Arrays, c: Coefficients) -> None:
        """One update."""
        scale, half, bend, smallest, largest = c
        before, size = slots
        sign, factor = scratch
        np.sign(g, out=sign)
        np.multiply(sign, before, out=before)  # +1 kept, -1 changed, 0 neither
        np.multiply(before, bend, out=factor)
        np.add(factor, half, out=factor)
        np.multiply(factor, before, out=factor)
        np.add(factor, 1.0, out=factor)
        np.multiply(size, factor, out=size)
        np.maximum(size, smallest, out=size)
        np.minimum(size, largest, out=size)
        np.minimum(before, 0.0, out=before)
        np.add(before, 1.0, out=before)  # 0 where the sign changed, else 1
        np.multiply(sign, before, out=sign)
        np.copyto(before, sign)
        np.multiply(sign, size, out=sign)
        np.multiply(sign, scale, out=sign)
        np.subtract(p, sign, out=p)


class Adagrad(OptimizerBase):
    """s ← s + g²; p ← p - lr g / (√s + ε) (Duchi et al. 2011)."""

    type: Literal["adagrad"] = "adagrad"
    learning_rate: float = Field(default=0.01, gt=0, description="Step size.")
    epsilon: float = Field(default=1e-10, gt=0, description="Added to the root.")

    @property
    def slots(self) -> dict[str, float]:
        """The sum of squares."""
        return {"s": 0.0}

    def coefficients(self, step: int, learning_rate: float, product: float) -> Coefficients:
        """Learning rate and ε."""
        return (learning_rate, self.epsilon)

    @staticmethod
    def kernel(p: Array, g: Array, slots: Arrays, scratch: Arrays, c: Coefficients) -> None:
        """One update."""
        lr, epsilon = c
        (s,) = slots
        (delta, _) = scratch
        np.multiply(g, g, out=delta)
        np.add(s, delta, out=s)
        np.sqrt(s, out=delta)
        np.add(delta, epsilon, out=delta)
        np.divide(g, delta, out=delta)
        np.multiply(delta, lr, out=delta)
        np.subtract(p, delta, out=p)


class Rmsprop(OptimizerBase):
    """s ← ρ s + (1 - ρ) g²; p ← p - lr g / (√s + ε) (Tieleman and Hinton 2012, lecture 6.5)."""

    type: Literal["rmsprop"] = "rmsprop"
    learning_rate: float = Field(default=0.001, gt=0, description="Step size.")
    rho: float = Field(default=0.9, ge=0, lt=1, description="Decay of the mean of squares.")
    epsilon: float = Field(default=1e-8, gt=0, description="Added to the root.")

    @property
    def slots(self) -> dict[str, float]:
        """The mean of squares."""
        return {"s": 0.0}

    def coefficients(self, step: int, learning_rate: float, product: float) -> Coefficients:
        """Learning rate, ρ, ε."""
        return (learning_rate, self.rho, self.epsilon)

    @staticmethod
    def kernel(p: Array, g: Array, slots: Arrays, scratch: Arrays, c: Coefficients) -> None:
        """One update."""
        lr, rho, epsilon = c
        (s,) = slots
        (delta, _) = scratch
        np.multiply(g, g, out=delta)
        np.multiply(delta, 1.0 - rho, out=delta)
        np.multiply(s, rho, out=s)
        np.add(s, delta, out=s)
        np.sqrt(s, out=delta)
        np.add(delta, epsilon, out=delta)
        np.divide(g, delta, out=delta)
        np.multiply(delta, lr, out=delta)
        np.subtract(p, delta, out=p)


class Adadelta(OptimizerBase):
    """s ← ρ s + (1 - ρ) g²; d = g √(u + ε) / √(s + ε); u ← ρ u + (1 - ρ) d²; p ← p - lr d (Zeiler 2012)."""

    type: Literal["adadelta"] = "adadelta"
    learning_rate: float = Field(default=1.0, gt=0, description="Factor on the steps; 1 is the paper's.")
    rho: float = Field(default=0.9, ge=0, lt=1, description="Decay of both means of squares.")
    epsilon: float = Field(default=1e-6, gt=0, description="Added under both roots.")

    @property
    def slots(self) -> dict[str, float]:
        """The means of squared gradients and of squared steps."""
        return {"s": 0.0, "u": 0.0}

    def coefficients(self, step: int, learning_rate: float, product: float) -> Coefficients:
        """Learning rate, ρ, ε."""
        return (learning_rate, self.rho, self.epsilon)

    @staticmethod
    def kernel(p: Array, g: Array, slots: Arrays, scratch: Arrays, c: Coefficients) -> None:
        """One update."""
        lr, rho, epsilon = c
        s, u = slots
        d, t = scratch
        np.multiply(g, g, out=t)
        np.multiply(t, 1.0 - rho, out=t)
        np.multiply(s, rho, out=s)
        np.add(s, t, out=s)
        np.add(u, epsilon, out=d)
        np.add(s, epsilon, out=t)
        np.divide(d, t, out=d)
        np.sqrt(d, out=d)
        np.multiply(d, g, out=d)
        np.multiply(d, d, out=t)
        np.multiply(t, 1.0 - rho, out=t)
        np.multiply(u, rho, out=u)
        np.add(u, t, out=u)
        np.multiply(d, lr, out=d)
        np.subtract(p, d, out=p)


class AdamBase(OptimizerBase):
    """The moments of Adam (Kingma and Ba 2015, algorithm 1), kept as m/(1 - β1) and v/(1 - β2).

    So each moment costs one pass less: M ← β1 M + g, V ← β2 V + g². The step lr m̂ / (√v̂ + ε) becomes
    a M / (√V + e) with r = √((1 - β2) / (1 - β2^t)), a = lr (1 - β1) / (1 - β1^t) / r and e = ε / r.
    """

    learning_rate: float = Field(default=0.001, gt=0, description="Step size.")
    beta1: float = Field(default=0.9, ge=0, lt=1, description="Decay of the mean of gradients.")
    beta2: float = Field(default=0.999, ge=0, lt=1, description="Decay of the mean of squared gradients.")
    epsilon: float = Field(default=1e-8, gt=0, description="Added to the root.")

    @property
    def slots(self) -> dict[str, float]:
        """Both moments."""
        return {"m": 0.0, "v": 0.0}

    def coefficients(self, step: int, learning_rate: float, product: float) -> Coefficients:
        """β1, β2, a and e."""
        r = sqrt((1.0 - self.beta2) / (1.0 - self.beta2**step))
        a = learning_rate * (1.0 - self.beta1) / (1.0 - self.beta1**step) / r
        return (self.beta1, self.beta2, a, self.epsilon / r)

    @staticmethod
    def kernel(p: Array, g: Array, slots: Arrays, scratch: Arrays, c: Coefficients) -> None:
        """One update; with a third slot, the largest V so far takes V's place (Reddi et al. 2018)."""
        beta1, beta2, a, e = c
        m, v = slots[:2]
        (t, _) = scratch
        np.multiply(m, beta1, out=m)
        np.add(m, g, out=m)
        np.multiply(g, g, out=t)
        np.multiply(v, beta2, out=v)
        np.add(v, t, out=v)
        if len(slots) == 3:
            v = np.maximum(slots[2], v, out=slots[2])
        np.sqrt(v, out=t)
        np.add(t, e, out=t)
        np.divide(m, t, out=t)
        np.multiply(t, a, out=t)
        np.subtract(p, t, out=p)


class Adam(AdamBase):
    """Adam (Kingma and Ba 2015), with `amsgrad` on request (Reddi et al. 2018)."""

    type: Literal["adam"] = "adam"
    amsgrad: bool = Field(default=False, description="Divide by the largest second moment so far.")

    @property
    def slots(self) -> dict[str, float]:
        """Both moments, and the largest second one for amsgrad."""
        return {"m": 0.0, "v": 0.0, "v_max": 0.0} if self.amsgrad else {"m": 0.0, "v": 0.0}


class Adamw(AdamBase):
    """Adam, with weights that shrink by lr · weight_decay at each step beside it (Loshchilov and Hutter 2019)."""

    type: Literal["adamw"] = "adamw"
    weight_decay: float = Field(default=0.01, ge=0, description="Shrinks weights, not biases.")

    @property
    def decay(self) -> float:
        """The weight decay."""
        return self.weight_decay


class Nadam(AdamBase):
    """Adam with Nesterov's momentum, whose coefficients μ rise from 0.48 to nearly β1 (Dozat 2016)."""

    type: Literal["nadam"] = "nadam"
    learning_rate: float = Field(default=0.002, gt=0, description="Step size.")
    momentum_decay: float = Field(default=0.004, ge=0, description="How fast the momentum coefficient rises.")

    def momentum(self, step: int) -> float:
        """μ of a step, counted from 1: β1 (1 - 0.96^(step · momentum_decay) / 2)."""
        return self.beta1 * (1.0 - 0.5 * float(0.96 ** (step * self.momentum_decay)))

    def accumulate(self, step: int, product: float) -> float:
        """The product of all μ so far."""
        return product * self.momentum(step)

    def coefficients(self, step: int, learning_rate: float, product: float) -> Coefficients:
        """β1, β2, the factors of M and of g, and e.

        The step is lr (μ' m / (1 - Πμ μ') + (1 - μ) g / (1 - Πμ)) / (√v̂ + ε), with μ' the coefficient to come.
        """
        r = sqrt((1.0 - self.beta2) / (1.0 - self.beta2**step))
        ahead = self.momentum(step + 1)
        of_m = learning_rate * ahead * (1.0 - self.beta1) / (1.0 - product * ahead) / r
        of_g = learning_rate * (1.0 - self.momentum(step)) / (1.0 - product) / r
        return (self.beta1, self.beta2, of_m, of_g, self.epsilon / r)

    @staticmethod
    def kernel(p: Array, g: Array, slots: Arrays, scratch: Arrays, c: Coefficients) -> None:
        """One update."""
        beta1, beta2, of_m, of_g, e = c
        m, v = slots
        d, t = scratch
        np.multiply(m, beta1, out=m)
        np.add(m, g, out=m)
        np.multiply(g, g, out=t)
        np.multiply(v, beta2, out=v)
        np.add(v, t, out=v)
        np.multiply(m, of_m, out=d)
        np.multiply(g, of_g, out=t)
        np.add(d, t, out=d)
        np.sqrt(v, out=t)
        np.add(t, e, out=t)
        np.divide(d, t, out=d)
        np.subtract(p, d, out=p)


class Optimizer:
    """A rule at work on one parameter vector of `size` numbers, the first `weights` of which may decay.

    A checkpoint holds its `steps`, `product` and `slots`.
    """

    def __init__(self, rule: OptimizerBase, size: int, weights: int, dtype: np.dtype[Any]) -> None:
        self.rule = rule
        self.steps = 0
        self.product = 1.0
        self.slots = {name: np.full(size, value, dtype) for name, value in rule.slots.items()}
        self._weights = weights
        self._scratch = tuple(np.empty(min(size, BLOCK), dtype) for _ in range(2))

    def update(self, grads: Array, learning_rate: float, out: Array) -> None:
        """Take one step: `out`, the parameters, shape (size,), from their gradient of the same shape."""
        rule = self.rule
        self.steps += 1
        self.product = rule.accumulate(self.steps, self.product)
        c = rule.coefficients(self.steps, learning_rate, self.product)
        if rule.decay:
            decayed = out[: self._weights]
            np.multiply(decayed, 1.0 - learning_rate * rule.decay, out=decayed)
        slots = tuple(self.slots.values())
        if len(out) <= BLOCK:
            rule.kernel(out, grads, slots, self._scratch, c)
            return
        for start in range(0, len(out), BLOCK):
            part = slice(start, start + BLOCK)
            p = out[part]
            scratch = tuple(array[: len(p)] for array in self._scratch)
            rule.kernel(p, grads[part], tuple(slot[part] for slot in slots), scratch, c)


OptimizerSpec = Annotated[
    Sgd | Rprop | Adagrad | Rmsprop | Adadelta | Adam | Adamw | Nadam,
    Field(discriminator="type"),
    BareName(),
]
