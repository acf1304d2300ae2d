"""One training step on chosen rows, with every number on the way, taken by the code that trains.

The step is `SerialSteps`' own, on a batch of those rows; the network is wrapped so that it keeps what passes through.
What comes of it is one document of plain data, which text, JSON and pages are made of.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import isfinite
from typing import Any

import numpy as np

from bpcli.arrays.layout import Slot
from bpcli.arrays.memory import Array
from bpcli.arrays.rows import DenseRows
from bpcli.data.batches import Batch, Dataset
from bpcli.data.table import PARTS
from bpcli.errors import DivergedError, UsageError
from bpcli.experiment.prepare import Prepared
from bpcli.models.feature_names import Names
from bpcli.nn.activations import Activation
from bpcli.nn.layers import DenseLayer, Layer, Position
from bpcli.nn.losses import LossScratch
from bpcli.nn.network import Bound, Network
from bpcli.nn.recording import LayerRecord, recorded
from bpcli.randomness import Stream
from bpcli.tracing.encodings import inputs_made, targets_made
from bpcli.tracing.optimizers import Rule, rule_of
from bpcli.training import TrainingPlan, TrainingState
from bpcli.training.gradient_rules import GradientRules
from bpcli.training.objective import Objective
from bpcli.training.steps.serial import SerialSteps
from bpcli.wording import counted

Document = dict[str, Any]

Moments = dict[str, dict[str, Bound]]
"""Before and after the step: the parameters and the optimizer's slots by name."""


@dataclass(frozen=True)
class ChosenRows:
    """Rows of the data as the network takes them, and as they stand in the file."""

    batch: Batch
    described: list[Document]
    notes: list[str]


def choose_rows(prepared: Prepared, numbers: Sequence[int]) -> ChosenRows:
    """Rows by their numbers in the data, counted from 1 through all of its files; without any, the first to train on.

    Raises:
        UsageError: there is no such row, or it has no target.
    """
    plan, selection = prepared.plan, prepared.examples
    assert selection is not None, "the examples were not kept"
    table, notes = selection.table, []
    described, xs, ys, weights = [], [], [], []
    for number in numbers or [int(selection.split.train[0]) + 1]:
        if not 1 <= number <= table.rows:
            raise UsageError(f"--row {number}: the data has rows 1 to {table.rows:,}, counted without the header")
        found = [(part, np.flatnonzero(selection.split.part(part) == number - 1)) for part in PARTS]
        place = next(((part, at) for part, at in found if len(at)), None)
        if place is None:
            raise UsageError(f"--row {number}: it is in no split, as it has no value in the target; choose another")
        part, at = place
        dataset = prepared.datasets[part]
        xs.append(dataset.x.reader(1, plan.dtype).take(at))
        ys.append(dataset.targets(plan.network.n_out).reader(1, plan.dtype).take(at))
        weights.append(1.0 if part != "train" or dataset.weight is None else float(dataset.weight[at[0]]))
        if part != "train":
            notes.append(f"row {number} is a {part} row, which training never sees; here it is trained on")
        row = table.take(np.array([number - 1]))
        described.append(
            {
                "row": number,
                "split": part,
                "columns": {name: row[name].labels()[0] for name in selection.inputs},
                "target": {name: row[name].labels()[0] for name in selection.targets},
                "inputs_made": inputs_made(prepared.preprocessor, row),
                "targets_made": targets_made(prepared.preprocessor, row, plan.network.n_out),
                "weight": weights[-1],
            }
        )
    weight = None if plan.train.weight is None else np.array(weights, plan.dtype)
    return ChosenRows((np.concatenate(xs), np.concatenate(ys), weight), described, notes)


class _Step(SerialSteps):
    """One step on a batch, at the learning rate that the whole run has at that point."""

    def __init__(self, run: TrainingPlan, network: Network, batch: Batch, state: TrainingState) -> None:
        x, y, weight = batch
        spec = run.spec.model_copy(update={"batch_size": "full"})
        super().__init__(replace(run, network=network, spec=spec, train=Dataset(DenseRows(x), y, weight)), state)
        self._run = run

    def rate(self, epoch: int, step: int) -> float:
        return self._run.learning_rate(epoch, step, self.state.counters.plateau.factor)

    def take(self, epoch: int, step: int) -> Array:
        """Take it, and give the gradient that the optimizer was given."""
        (batch,) = self.batches.epoch(np.arange(self.batches.size))
        self.position.epoch, self.position.step = epoch, step
        with np.errstate(all="ignore"):
            self._step(batch, epoch, step)
        return self.grads


def trace_step(prepared: Prepared, state: TrainingState, rows: ChosenRows) -> Document:
    """Take the step that follows on `state`, which it changes, and give all numbers of it.

    The document: `rows`, `inputs` and `outputs` by name, `layers` (each with forward, backward and parameters, arrays
    of (rows, width) or in the parameter's shape), `error`, `update`, and `loss` before and after. A parameter has its
    `gradient` of the data's loss, what was `applied` after penalties and bounds, under `optimizer` the moments in the
    scale of the optimizer's paper (m and v of Adam are those of Kingma and Ba), and under `terms` what `equations` of
    the update give on the way, such as m̂ and v̂.

    Raises:
        DivergedError: a number is not finite.
    """
    plan, loss = prepared.plan, prepared.plan.loss
    epochs, done = state.counters.epoch, state.counters.epoch >= plan.spec.epochs
    epoch, step = (plan.spec.epochs - 1, 0) if done else (epochs, state.counters.step)
    position = Position(Stream(plan.seed, "dropout"), epoch, step)
    objective = Objective(plan.network, loss, plan.spec, rows.batch, state.layer_state, position)
    before = {name: vector.copy() for name, vector in _vectors(state).items()}
    loss_before = objective.value(state.params)
    if not isfinite(loss_before):
        raise DivergedError("the loss of these rows is not a finite number")
    network, records = recorded(plan.network)
    steps = _Step(plan, network, rows.batch, state)
    applied = steps.take(epoch, step)
    loss_after = objective.value(state.params)
    if not isfinite(loss_after) or not all(np.isfinite(vector).all() for vector in _vectors(state).values()):
        raise DivergedError("the step leaves numbers that are not finite; lower optimizer.learning_rate")
    names = Names.of(plan.network, prepared.preprocessor)
    views: Moments = {
        when: {name: plan.network.bind(vector) for name, vector in vectors.items()}
        for when, vectors in (("before", before), ("after", _vectors(state)))
    }
    given = plan.network.bind(applied)
    rule = rule_of(plan.optimizer, state.optimizer, steps.learning_rate)
    norm = _norm(plan, records, before["params"])
    bound = plan.spec.clip.norm
    notes = list(rows.notes)
    if done:
        notes.append(
            f"all {counted(plan.spec.epochs, 'epoch')} are done: this step is one more, "
            "at the learning rate that the last epoch began with"
        )
    if len(rows.described) == 1 and any(layer.type == "batch_norm" for layer in plan.network.layers):
        notes.append("batch_norm takes from a single row its own mean, which leaves 0; give several rows")
    return {
        "name": prepared.config.name,
        "dtype": prepared.config.dtype,
        "epoch": epochs,
        "step": step,
        "rows": rows.described,
        "inputs": list(names.inputs),
        "outputs": list(names.outputs[-1]),
        "layers": [
            {
                **_layer(layer, record, names),
                "parameters": {
                    slot.name: _parameter(slot, layer.index, record, given, views, rule) for slot in layer.parameters()
                },
            }
            for layer, record in zip(plan.network.layers, records, strict=True)
        ],
        "error": _error(prepared, records[-1], rows.batch, objective, before["params"]),
        "update": {
            "optimizer": plan.optimizer.model_dump(mode="json", by_alias=True),
            "equations": [list(equation) for equation in rule.equations],
            "decayed": None if rule.decayed is None else list(rule.decayed),
            "constants": dict(rule.constants),
            "learning_rate": steps.learning_rate,
            "number": state.optimizer.steps,
            "penalty": plan.spec.penalty.model_dump(mode="json"),
            "clip": plan.spec.clip.model_dump(mode="json"),
            "gradient_norm": norm,
            "clip_factor": 1.0 if bound is None or norm <= bound else bound / norm,
        },
        "loss": {"before": loss_before, "after": loss_after},
        "notes": notes,
    }


def _vectors(state: TrainingState) -> dict[str, Array]:
    return {"params": state.params, **state.optimizer.slots}


def _layer(layer: Layer, record: LayerRecord, names: Names) -> Document:
    """What went forward through a layer, and what came back."""
    forward = {"x": record.x, "z": record.z, "y": record.y, **record.kept}
    backward = {"dy": record.dy, "slope": record.slope, "dz": record.dz}
    activation = layer.activation if isinstance(layer, DenseLayer) else None
    return {
        "index": layer.index,
        "type": layer.type,
        "options": {name: value for name, value in vars(layer).items() if isinstance(value, float)},
        "formula": layer.formula.format(**vars(layer)),
        "gradient": layer.gradient,
        "activation": None if activation is None else _activation(activation),
        "inputs": list(names.into(layer.index)),
        "outputs": list(names.outputs[layer.index]),
        "forward": {name: array.tolist() for name, array in forward.items() if array is not None},
        "backward": {name: array.tolist() for name, array in backward.items() if array is not None},
    }


def _activation(activation: Activation) -> Document:
    options = activation.model_dump(mode="json")
    formulas = {name: getattr(activation, name).format(**options) for name in ("formula", "derivative")}
    return {**options, **formulas}


def _norm(plan: TrainingPlan, records: Sequence[LayerRecord], params: Array) -> float:
    """The norm of the whole gradient with its penalties, before it is bounded by that norm."""
    grads = np.empty_like(params)
    for bound, record in zip(plan.network.bind(grads), records, strict=True):
        for name, gradient in record.grads.items():
            np.copyto(bound[name], gradient)
    spec = plan.spec.model_copy(update={"clip": plan.spec.clip.model_copy(update={"norm": None})})
    GradientRules(spec, plan.network.layout.weights).apply(0, len(grads), params, grads, np.empty_like(params))
    return float(np.linalg.norm(grads.astype(np.float64)))


def _parameter(slot: Slot, index: int, record: LayerRecord, given: Bound, views: Moments, rule: Rule) -> Document:
    """A parameter array before and after the step, and what led from one to the other.

    Moments are in the scale of the optimizer's paper, which for Adam's is not that of the vectors it keeps.
    """
    name = slot.name
    moments = {
        shown: {when: views[when][kept][index][name].astype(np.float64) * by for when in ("before", "after")}
        for shown, (kept, by) in rule.slots.items()
    }
    g = given[index][name].astype(np.float64)
    terms = rule.terms(
        g,
        before={shown: of["before"] for shown, of in moments.items()},
        after={shown: of["after"] for shown, of in moments.items()},
    )
    before, after = views["before"]["params"][index][name], views["after"]["params"][index][name]
    return {
        "before": before.tolist(),
        "gradient": record.grads[name].tolist(),
        "applied": g.tolist(),
        "is_weight": slot.weight,
        "step": (after.astype(np.float64) - before).tolist(),
        "after": after.tolist(),
        "optimizer": {shown: {when: array.tolist() for when, array in of.items()} for shown, of in moments.items()},
        "terms": {term: array.tolist() for term, array in terms.items()},
    }


def _error(prepared: Prepared, last: LayerRecord, batch: Batch, objective: Objective, params: Array) -> Document:
    """From logits to the loss and its gradient; `in_units` are the predictions of numbers as the file has them."""
    loss, target, logits, (_, y, weight) = prepared.plan.loss, prepared.preprocessor.target, last.y, batch
    predictions, out = np.empty_like(logits), np.empty_like(logits)
    loss.link(logits, predictions)
    count, formulas = len(logits), loss.formulas(logits.shape[1])
    scratch = LossScratch(count, logits.shape[1], logits.dtype)
    of_rows = []
    for row in range(count):
        at = slice(row, row + 1)
        part = scratch.part(row, row + 1, batch=count)
        of_row = None if weight is None else weight[at]
        of_rows.append(float(loss.value_and_gradient(logits[at], y[at], of_row, out[at], part)))
    return {
        "loss": loss.model_dump(mode="json", by_alias=True),
        "link": formulas.prediction,
        "formula": formulas.loss,
        "gradient": formulas.gradient,
        "logits": logits.tolist(),
        "predictions": predictions.tolist(),
        "in_units": None if (units := target.in_units(predictions)) is None else units.tolist(),
        "targets": y.tolist(),
        "dlogits": last.dy.tolist(),
        "of_rows": of_rows,
        "penalty": objective.rules.penalty(params),
    }
