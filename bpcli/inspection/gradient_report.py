"""Document of a gradient check, rendered on the terminal and by `--json`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite

from bpcli.checks.finite_difference import TOLERANCE, Verdict
from bpcli.checks.gradcheck import ArrayCheck, GradientCheck
from bpcli.experiment.prepared import Prepared
from bpcli.models.feature_names import Names
from bpcli.nn.named_layers import layer_of, named_layers
from bpcli.spec import type_name


@dataclass(frozen=True)
class WorstComparison:
    """Worst comparison of an array, at a parameter or along a direction, for which `parameter` is the array's name.

    of: description of the parameter. Numbers are None if not finite.
    """

    parameter: str
    of: str | None
    backpropagation: float | None
    differences: float | None
    relative_error: float | None
    step: float


@dataclass(frozen=True)
class CheckedArray:
    """Parameter array, with its numbers of comparisons, of those with a smaller step, and of undecided ones."""

    name: str
    compared: int
    smaller_steps: int
    undecided: int
    verdict: Verdict
    worst: WorstComparison

    @property
    def badness(self) -> tuple[bool, float]:
        """Sort key: the worst array is greatest."""
        error = self.worst.relative_error
        return self.verdict == "differs", float("inf") if error is None else error


@dataclass(frozen=True)
class CheckedLayer:
    """Check of a layer, identified by its index, or of a trained stem, identified by its name.

    alone_passed: whether its backward pass is correct in isolation.
    """

    index: int | str
    type: str
    activation: str | None
    parameters: int
    passed: bool
    alone_passed: bool
    gradient_is_zero: bool
    arrays: Sequence[CheckedArray]


@dataclass(frozen=True)
class CheckedLoss:
    """Check of the loss in isolation."""

    type: str
    passed: bool


@dataclass(frozen=True)
class GradientReport:
    """Result of a gradient check, by layer."""

    name: str
    rows: int
    parameters: int
    method: str
    tolerance: float
    passed: bool
    layers: Sequence[CheckedLayer]
    loss: CheckedLoss
    faults: Sequence[int | str]
    notes: Sequence[str]

    @property
    def arrays(self) -> list[CheckedArray]:
        """Arrays of all layers."""
        return [array for layer in self.layers for array in layer.arrays]

    @classmethod
    def of(cls, prepared: Prepared, checked: GradientCheck) -> GradientReport:
        """Build the report of a prepared experiment's gradient check."""
        layers = []
        every = named_layers(prepared.network)
        for named in every:
            layer = named.layer.summary()
            arrays = [array for array in checked.arrays if layer_of(every, array.name) is named]
            alone = named.key not in checked.faults
            layers.append(
                CheckedLayer(
                    index=named.key,
                    type=layer.type,
                    activation=layer.activation,
                    parameters=layer.parameters,
                    passed=alone and all(array.passed for array in arrays),
                    alone_passed=alone,
                    gradient_is_zero=bool(arrays) and all(array.flat and array.passed for array in arrays),
                    arrays=[_array(prepared, array) for array in arrays],
                )
            )
        return cls(
            name=prepared.config.name,
            rows=checked.rows,
            parameters=prepared.network.layout.size,
            method="every parameter" if checked.every else "random directions",
            tolerance=TOLERANCE,
            passed=checked.passed,
            layers=layers,
            loss=CheckedLoss(type_name(prepared.plan.loss), "loss" not in checked.faults),
            faults=checked.faults,
            notes=prepared.notes,
        )


def _array(prepared: Prepared, array: ArrayCheck) -> CheckedArray:
    derivative, name, of = array.worst.derivative, array.name, None
    if array.worst.of_one:
        names = Names.of(prepared.network, prepared.preprocessor)
        name, of = names.parameter(prepared.network, array.worst.start)
    return CheckedArray(
        name=array.name,
        compared=array.compared,
        smaller_steps=array.finer,
        undecided=array.undecided,
        verdict=array.verdict,
        worst=WorstComparison(
            parameter=name,
            of=of,
            backpropagation=_finite(derivative.claimed),
            differences=_finite(derivative.measured),
            relative_error=_finite(derivative.error),
            step=derivative.step,
        ),
    )


def _finite(value: float) -> float | None:
    return value if isfinite(value) else None
