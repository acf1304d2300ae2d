"""Arithmetic of the loss and its gradient for single rows and outputs.

`worked_loss` dispatches on the loss's class; a test asserts that every loss is registered.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import singledispatch
from math import exp, log1p
from typing import ClassVar, Generic, TypeVar

from bpcli.nn.losses import LossBase
from bpcli.nn.losses.classification import BinaryCrossEntropy, CrossEntropy
from bpcli.nn.losses.hinge import Hinge
from bpcli.nn.losses.log_link import Gamma, LogLinkLoss, Poisson, Tweedie
from bpcli.nn.losses.regression import Huber, MeanAbsoluteError, MeanSquaredError, Quantile
from bpcli.tracing.arithmetic import Arithmetic, is_arithmetic
from bpcli.tracing.trace import Trace

L = TypeVar("L", bound=LossBase)

FOLDED = {"softmax": "softmax", "σ": "the sigmoid", "exp": "exp"}
"""Names of links that are part of a loss, by their sign in formulas."""


class WorkedLoss(Generic[L]):
    """Arithmetic of a loss for single outputs (row, k). Every output has its own loss, unless `per_row`.

    The gradient of an output's loss is ŷ - t, unless a subclass overrides `own_slope`.
    """

    per_row: ClassVar[bool] = False

    def __init__(self, loss: L, trace: Trace, shows: Arithmetic) -> None:
        self.loss = loss
        self.error, self.rows, self.outputs, self.shows = trace.error, trace.rows, trace.outputs, shows

    def rule(self) -> list[str]:
        """Formulas of the loss and of its gradient with respect to the logits."""
        error = self.error
        over = ["the rows"] if len(self.rows) > 1 else []
        over += ["the outputs"] if len(self.outputs) > 1 and not self.per_row else []
        mean = f"; L is the mean over {' and '.join(over)}, so this is divided by {self._parts}" if over else ""
        lines = [f"{error.link}, t the target; loss {error.formula}", f"dL/dz = {error.gradient}{mean}"]
        link = error.link.removeprefix("ŷ = ").partition("(")[0]
        if link in FOLDED:
            lines.append(
                f"{FOLDED[link]} is part of the loss: the last layer outputs z, and dL/dz is the gradient through both"
            )
        return lines

    def output_lines(self, row: int, k: int) -> Iterator[str]:
        """Yield lines for one output of a row: prediction, loss if it has its own, and dL/dz."""
        error, fixed = self.error, self.shows.fixed
        t = error.targets[row, k]
        yield f"ŷ = {self.link(float(error.logits[row, k]))} = {fixed(error.predictions[row, k])}"
        made = self.rows[row].targets_made[k]
        yield f"target t = {made} = {fixed(t)}" if is_arithmetic(made) else f"target t = {fixed(t)}: {made}"
        if self.has_units:
            yield f"ŷ in the units of the file = {fixed(self.in_units(row, k))}"
        yield from self.of_output(row, k)
        yield f"dL/dz = {self.slope(row, k)} = {fixed(error.dlogits[row, k])}"

    def row_line(self, row: int) -> str:
        """Line with the loss of a row."""
        weight = self.rows[row].weight
        worked = self.of_row(row, "" if weight == 1.0 else f"{self.shows.short(weight)} · ")
        return f"loss of the row = {worked}{self.shows.fixed(self.error.of_rows[row])}"

    def slope(self, row: int, k: int) -> str:
        """dL/dz of an output: derivative of its loss times the row's weight, over the number of terms in L's mean."""
        weight = self.rows[row].weight
        times = "" if weight == 1.0 else f" · {self.shows.short(weight)}"
        return f"{self.own_slope(row, k)}{times}{'' if self._parts == 1 else f' / {self._parts}'}"

    @property
    def has_units(self) -> bool:
        """Whether the file's units differ from the network's."""
        in_units = self.error.in_units
        return in_units is not None and bool((in_units != self.error.predictions).any())

    def in_units(self, row: int, k: int) -> float:
        """A prediction in the units of the file."""
        return float((self.error.predictions if self.error.in_units is None else self.error.in_units)[row, k])

    # Overridden by losses

    def link(self, z: float) -> str:
        """ŷ from z, written out."""
        return "z"

    def of_output(self, row: int, k: int) -> Iterator[str]:
        """Loss of one output, if it is written out."""
        yield from ()

    def of_row(self, row: int, times: str) -> str:
        """Loss of a row with its weight, written out up to the sign before its value; empty if it is not."""
        return ""

    def own_slope(self, row: int, k: int) -> str:
        """Derivative of one output's loss alone."""
        return self._apart(row, k)

    @property
    def _parts(self) -> int:
        return len(self.rows) * (1 if self.per_row else len(self.outputs))

    def _pair(self, row: int, k: int) -> tuple[float, float]:
        """Prediction and target."""
        return float(self.error.predictions[row, k]), float(self.error.targets[row, k])

    def _sign(self, row: int, k: int) -> int:
        y, t = self._pair(row, k)
        return (y > t) - (y < t)

    def _apart(self, row: int, k: int) -> str:
        y, t = self._pair(row, k)
        return f"({self.shows.short(y)} - {self.shows.factor(t)})"


@singledispatch
def worked_loss(loss: LossBase, trace: Trace, shows: Arithmetic) -> WorkedLoss[LossBase]:
    """Arithmetic of a trace's loss. Raises TypeError for a class that is not registered."""
    raise TypeError(f"no arithmetic is known for {type(loss).__name__}")


@worked_loss.register(MeanSquaredError)
class _MeanSquaredError(WorkedLoss[MeanSquaredError]):
    @property
    def _logistic(self) -> bool:
        return self.loss.link_function == "sigmoid"

    def link(self, z: float) -> str:
        return f"sigmoid({self.shows.short(z)})" if self._logistic else "z"

    def of_output(self, row: int, k: int) -> Iterator[str]:
        y, t = self._pair(row, k)
        yield f"(ŷ - t)² = {self._apart(row, k)}² = {self.shows.fixed((y - t) ** 2)}"

    def of_row(self, row: int, times: str) -> str:
        outputs = len(self.outputs)
        if outputs > 4:
            return f"{times}the mean over the outputs = "
        terms = " + ".join(f"{self._apart(row, k)}²" for k in range(outputs))
        return f"{times}{f'({terms}) / {outputs}' if outputs > 1 else terms} = "

    def own_slope(self, row: int, k: int) -> str:
        y = self.shows.factor(self._pair(row, k)[0])
        return f"2 · {self._apart(row, k)}{f' · {y} · (1 - {y})' if self._logistic else ''}"


@worked_loss.register(MeanAbsoluteError)
class _MeanAbsoluteError(WorkedLoss[MeanAbsoluteError]):
    def own_slope(self, row: int, k: int) -> str:
        return str(self._sign(row, k))


@worked_loss.register(Huber)
class _Huber(WorkedLoss[Huber]):
    def own_slope(self, row: int, k: int) -> str:
        y, t = self._pair(row, k)
        if abs(y - t) > self.loss.delta:
            return f"{'-' if y < t else ''}{self.shows.constant(self.loss.delta)}"
        return self._apart(row, k)


@worked_loss.register(Quantile)
class _Quantile(WorkedLoss[Quantile]):
    def own_slope(self, row: int, k: int) -> str:
        q = self.shows.constant(self.loss.quantile)
        return {1: f"(1 - {q})", -1: f"-{q}", 0: f"(0.5 - {q})"}[self._sign(row, k)]


class _LogLink(WorkedLoss[LogLinkLoss]):
    def link(self, z: float) -> str:
        return f"exp({self.shows.short(z)})"


@worked_loss.register(Poisson)
class _Poisson(_LogLink):
    pass


@worked_loss.register(Gamma)
class _Gamma(_LogLink):
    def own_slope(self, row: int, k: int) -> str:
        z, t = float(self.error.logits[row, k]), float(self.error.targets[row, k])
        return f"(1 - {self.shows.factor(t)} · exp({self.shows.short(-z)}))"


@worked_loss.register(Tweedie)
class _Tweedie(_LogLink):
    def own_slope(self, row: int, k: int) -> str:
        z, t = float(self.error.logits[row, k]), float(self.error.targets[row, k])
        power, factor = self.loss.variance_power, self.shows.factor
        rise, fall = self.shows.constant(2.0 - power), self.shows.constant(1.0 - power)
        return f"(exp({rise} · {factor(z)}) - {factor(t)} · exp({fall} · {factor(z)}))"


@worked_loss.register(BinaryCrossEntropy)
class _BinaryCrossEntropy(WorkedLoss[BinaryCrossEntropy]):
    def link(self, z: float) -> str:
        return f"sigmoid({self.shows.short(z)})"

    def of_output(self, row: int, k: int) -> Iterator[str]:
        z, t = float(self.error.logits[row, k]), float(self.error.targets[row, k])
        short, factor = self.shows.short, self.shows.factor
        value = max(z, 0.0) + log1p(exp(-abs(z))) - t * z
        yield "-t log ŷ - (1 - t) log(1 - ŷ) = log(1 + exp(z)) - t · z"
        yield f"= log(1 + exp({short(z)})) - {factor(t)} · {factor(z)} = {self.shows.fixed(value)}"


@worked_loss.register(CrossEntropy)
class _CrossEntropy(WorkedLoss[CrossEntropy]):
    per_row = True

    def link(self, z: float) -> str:
        return f"exp({self.shows.short(z)}) / Σ exp(z)"

    def of_row(self, row: int, times: str) -> str:
        targets = self.error.targets[row].tolist()
        if self.loss.label_smoothing or not max(targets) == sum(targets) == 1.0:
            return ""
        true = targets.index(1.0)
        worked = f"-log({self.shows.short(self.error.predictions[row, true])})"
        return f"{times}-log ŷ of {self.outputs[true]} = {times}{worked} = "

    def own_slope(self, row: int, k: int) -> str:
        if not self.loss.label_smoothing:
            return self._apart(row, k)
        y, t = self._pair(row, k)
        short, smoothing = self.shows.short, self.shows.constant(self.loss.label_smoothing)
        return f"({short(y)} - ((1 - {smoothing}) · {short(t)} + {smoothing} / {len(self.outputs)}))"


@worked_loss.register(Hinge)
class _Hinge(WorkedLoss[Hinge]):
    per_row = True

    def own_slope(self, row: int, k: int) -> str:
        if len(self.outputs) == 1:
            y, t = self._pair(row, k)
            s = 1 if t else -1
            return str(-s) if s * y < 1 else "0"
        targets = self.error.targets[row].tolist()
        margins = [z + 1.0 - t for z, t in zip(self.error.predictions[row].tolist(), targets, strict=True)]
        share = 1.0 / margins.count(max(margins)) if margins[k] == max(margins) else 0.0
        return f"({self.shows.short(share)} - {self.shows.short(targets[k])})"
