"""Inspection of hidden neurons: their drivers, class separation, and dead, constant or duplicate ones."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bpcli.arrays.memory import Array
from bpcli.data.table import Table
from bpcli.frozen import dataclass
from bpcli.inspection.drivers import Drivers
from bpcli.inspection.sampling import LEAST_ROWS, MOST_MULTIPLICATIONS, evenly_spaced
from bpcli.inspection.track import Track, untracked
from bpcli.models.model import Model
from bpcli.nn.activations import Activation
from bpcli.nn.losses import LossScratch

MOST_ROWS = 2_000
"""Maximum number of rows evaluated, evenly spaced."""

DRIVERS, EXCITING = 3, 3
"""Numbers of driving features and of exciting rows listed per neuron."""

OF_IMAGES, LEAST_IMAGES = 1.5e10, 15
"""Maximum number of multiplications for the losses without each filter, and minimum number of images."""

ALIKE = 0.999
"""Minimum correlation at which two neurons of a layer count as duplicates."""


@dataclass(frozen=True)
class ExcitingRow:
    """Row with a high output of a neuron: its target, and its values in the columns that drive the neuron.

    file: the picture's, if it is one of several in a folder.
    """

    row: int
    output: float
    target: list[str]
    cells: dict[str, str]
    file: str | None = None


@dataclass(frozen=True)
class Neuron:
    """Hidden neuron, or filter of a convolution by its mean over the positions, evaluated on `rows` rows.

    drivers: features, or regions of images, with their correlation to the output, strongest first. excited_by: rows
    with the highest output. by_class: mean output for each class. separation: share of the output's variance between
    classes, η² (for numeric targets, the squared correlation with the first). loss_without: increase of the mean loss
    when the output is replaced by its mean, on `loss_rows` rows, fewer for a large network.
    """

    layer: int
    place: int
    mean: float
    deviation: float
    state: str
    drivers: list[tuple[str, float]]
    excited_by: list[ExcitingRow]
    by_class: dict[str, float]
    separation: float
    loss_without: float
    rows: int
    loss_rows: int


def inspect_neurons(
    model: Model,
    table: Table,
    numbers: NDArray[np.intp],
    files: Sequence[str] | None = None,
    track: Track = untracked,
) -> list[Neuron]:
    """Inspect every neuron of the hidden dense layers on the rows of a table with targets.

    numbers: row numbers for display, (rows,). files: names of the rows' pictures, (rows,), if they have any.
    """
    rows = evenly_spaced(table.rows, MOST_ROWS)
    chosen = table.take(rows)
    dataset, _ = model.preprocessor.apply(chosen, model.dtype)
    x = model.inference.features(dataset.x).reshape(len(rows), -1)
    truth = model.target.truth(dataset.y)
    network = model.inference.network
    drivers = Drivers(model, x)
    cells = _Cells(model, table, numbers, files, drivers)
    found: list[Neuron] = []
    with model.threads.single():
        losses = _Losses(model, dataset.targets(network.n_out))
        for layer, y in zip(network.layers[:-1], model.inference.outputs(x), strict=False):
            if layer.units is not None:
                outputs = y.reshape(len(y), -1, layer.n_units)
                y = outputs[:, 0] if outputs.shape[1] == 1 else outputs.mean(axis=1)
                states, correlations = _states(layer.units, y), _correlations(drivers.values, y)
                driving = [_strongest(correlations[:, place]) for place in range(layer.n_units)]
                exciting = [np.argsort(-values, kind="stable")[:EXCITING] for values in y.T]
                found += [
                    Neuron(
                        layer=layer.index,
                        place=place,
                        mean=float(values.mean()),
                        deviation=float(values.std()),
                        state=states[place],
                        drivers=[(drivers.names[index], float(correlations[index, place])) for index in driving[place]],
                        excited_by=cells.of(rows[exciting[place]], values[exciting[place]], driving[place]),
                        by_class=_by_class(model, values, truth),
                        separation=_separation(model, values, truth),
                        loss_without=losses.without(layer.index, place, outputs),
                        rows=len(rows),
                        loss_rows=losses.rows,
                    )
                    for place, values in track(list(enumerate(y.T)), f"neurons of layer {layer.index}")
                ]
    return found


class _Cells:
    """Values of some rows of a table, as text."""

    def __init__(
        self,
        model: Model,
        table: Table,
        numbers: NDArray[np.intp],
        files: Sequence[str] | None,
        drivers: Drivers,
    ) -> None:
        self._table, self._numbers, self._files, self._drivers = table, numbers, files, drivers
        self._targets = model.preprocessor.target.names

    def of(self, rows: NDArray[np.intp], outputs: Array, drivers: list[int]) -> list[ExcitingRow]:
        """Describe rows, given their outputs of a neuron, by their values in the columns of `drivers`."""
        some = self._table.take(rows)
        targets = {name: some[name].labels() for name in self._targets}
        cells = self._drivers.cells(some, drivers)
        return [
            ExcitingRow(
                int(self._numbers[row]),
                float(output),
                [targets[name][place] for name in self._targets],
                {name: values[place] for name, values in cells.items()},
                None if self._files is None else self._files[row],
            )
            for place, (row, output) in enumerate(zip(rows, outputs, strict=True))
        ]


class _Losses:
    """Mean loss of evenly spaced rows, with a neuron's output unchanged or replaced by its mean."""

    def __init__(self, model: Model, targets: Array) -> None:
        self._model = model
        most, least = (OF_IMAGES, LEAST_IMAGES) if model.inference.takes_images else (MOST_MULTIPLICATIONS, LEAST_ROWS)
        self._places = evenly_spaced(len(targets), most / max(_multiplications(model), 1), least)
        self.rows = len(self._places)
        self._targets = targets[self._places].astype(np.float64)
        self._scratch = LossScratch(self.rows, targets.shape[1], np.dtype(np.float64))
        self._gradient = np.empty(self._targets.shape)
        self._before: dict[int, float] = {}

    def without(self, layer: int, place: int, outputs: Array) -> float:
        """Increase of the mean loss when a neuron's outputs are their mean. `outputs` is (rows, positions, units)."""
        held = outputs[self._places]
        flat = held.reshape(len(held), -1)
        if layer not in self._before:
            self._before[layer] = self._mean(layer, flat)
        held[:, :, place] = outputs[:, :, place].mean()
        return self._mean(layer, flat) - self._before[layer]

    def _mean(self, layer: int, outputs: Array) -> float:
        logits = self._model.inference.continued(layer, outputs)
        with np.errstate(all="ignore"):
            total = self._model.loss.value_and_gradient(logits, self._targets, None, self._gradient, self._scratch)
        return total / len(outputs)


def _multiplications(model: Model) -> int:
    """Multiplications per row: for each neuron, a pass through the layers after it."""
    found = weights = 0
    for layer in reversed(model.inference.network.layers):
        found += layer.n_units * weights
        weights += max(layer.multiplications, sum(slot.size for slot in layer.parameters()))
    return found


def _states(activation: Activation, y: Array) -> list[str]:
    """State of each neuron: dead, constant, saturated, duplicate of an earlier neuron, or empty."""
    alike = _correlations(y, y)
    dead, saturated = activation.dead(y), activation.saturated(y)
    states = []
    for place in range(y.shape[1]):
        values = y[:, place]
        twin = next((other for other in range(place) if alike[other, place] >= ALIKE), None)
        if dead is not None and dead[place]:
            states.append("dead")
        elif not np.ptp(values):
            states.append("constant")
        elif saturated is not None and saturated[place]:
            states.append("saturated")
        else:
            states.append("" if twin is None else f"as neuron {twin}")
    return states


def _correlations(a: Array, b: Array) -> NDArray[np.float64]:
    """Pearson correlation of each column of `a` with each of `b`; 0 if one of them is constant."""

    def standardized(values: Array) -> NDArray[np.float64]:
        centered = values - values.mean(axis=0)
        norms = np.sqrt((centered * centered).sum(axis=0))
        found: NDArray[np.float64] = np.divide(centered, norms, out=np.zeros_like(centered), where=norms > 1e-12)
        return found

    product: NDArray[np.float64] = standardized(np.asarray(a, np.float64)).T @ standardized(np.asarray(b, np.float64))
    return product


def _strongest(correlations: Array) -> list[int]:
    order = np.argsort(-np.abs(correlations), kind="stable")[:DRIVERS]
    return [int(index) for index in order if correlations[index] != 0.0]


def _by_class(model: Model, values: Array, truth: Array) -> dict[str, float]:
    if not model.target.class_names:
        return {}
    return {
        name: float(values[truth == index].mean()) for index, name in enumerate(model.classes) if (truth == index).any()
    }


def _separation(model: Model, values: Array, truth: Array) -> float:
    total = float(((values - values.mean()) ** 2).sum())
    if total <= 1e-12 * len(values):
        return 0.0
    if not model.target.class_names:
        first = truth if truth.ndim == 1 else truth[:, 0]
        return float(_correlations(values[:, None], first[:, None])[0, 0] ** 2)
    means = [
        (np.count_nonzero(of), values[of].mean()) for index in range(len(model.classes)) if (of := truth == index).any()
    ]
    return float(sum(count * (mean - values.mean()) ** 2 for count, mean in means)) / total
