"""One training step on chosen rows, with every number on the way, taken by the code that trains.

The step is `SerialSteps`' own, on a batch of those rows; the network is wrapped so that it keeps what passes through.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import isfinite

import numpy as np

from bpcli.arrays.fields import Batch
from bpcli.arrays.layout import Slot
from bpcli.arrays.memory import Array
from bpcli.arrays.rows import Rows
from bpcli.data.batches import Dataset
from bpcli.data.table import PARTS
from bpcli.errors import DivergedError, UsageError
from bpcli.experiment.prepare import Prepared
from bpcli.models.feature_names import Names
from bpcli.nn.layers import Layer, Position
from bpcli.nn.losses import LossScratch
from bpcli.nn.network import Bound, Network
from bpcli.nn.recording import LayerRecord, recorded
from bpcli.randomness import Stream
from bpcli.tracing.arithmetic import Arithmetic
from bpcli.tracing.encodings import inputs_made, targets_made
from bpcli.tracing.layers import worked_layers
from bpcli.tracing.optimizers import Rule, rule_of
from bpcli.tracing.trace import (
    LossChange,
    Moment,
    Trace,
    TracedError,
    TracedLayer,
    TracedParameter,
    TracedRow,
    TracedUpdate,
)
from bpcli.training import TrainingPlan, TrainingState
from bpcli.training.gradient_rules import GradientRules
from bpcli.training.objective import Objective
from bpcli.training.steps.serial import SerialSteps
from bpcli.wording import counted

Moments = dict[str, dict[str, Bound]]
"""Before and after the step: the parameters and the optimizer's slots by name."""


@dataclass(frozen=True)
class ChosenRows:
    """Rows of the data as the network takes them, and as they stand in the file."""

    batch: Batch
    described: list[TracedRow]
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
        xs.append(plan.network.expanded.reader(dataset.x, 1, plan.dtype).take(at)[0].copy())
        ys.append(dataset.target_reader(plan.network.n_out, 1).take(at)[0].copy())
        weights.append(1.0 if part != "train" or dataset.weight is None else float(dataset.weight[at[0]]))
        if part != "train":
            notes.append(f"row {number} is a {part} row, which training never sees; here it is trained on")
        row = table.take(np.array([number - 1]))
        described.append(
            TracedRow(
                row=number,
                split=part,
                columns={name: row[name].labels()[0] for name in selection.inputs},
                target={name: row[name].labels()[0] for name in selection.targets},
                inputs_made=inputs_made(prepared.preprocessor, row),
                targets_made=targets_made(prepared.preprocessor, row, plan.network.n_out),
                weight=weights[-1],
            )
        )
    weight = None if plan.train.weight is None else np.array(weights, plan.dtype)
    return ChosenRows(Batch((np.concatenate(xs),), np.concatenate(ys), weight), described, notes)


class _Step(SerialSteps):
    """One step on a batch, at the learning rate that the whole run has at that point."""

    def __init__(self, run: TrainingPlan, network: Network, batch: Batch, state: TrainingState) -> None:
        (x,), y, weight = batch
        spec = run.spec.model_copy(update={"batch_size": "full"})
        super().__init__(replace(run, network=network, spec=spec, train=Dataset(Rows.of_numbers(x), y, weight)), state)
        self._run = run

    def rate(self, epoch: int, step: int) -> float:
        return self._run.learning_rate(epoch, step, self.state.counters.plateau.factor)

    def take(self, epoch: int, step: int) -> Array:
        """Take it, and give the gradient that the optimizer was given."""
        (batch,) = self.batches.epoch(np.arange(self.batches.size))
        self.position.epoch, self.position.step = epoch, step
        with np.errstate(all="ignore"):
            self._step(batch, self.rate(epoch, step))
        return self.grads


def trace_step(prepared: Prepared, state: TrainingState, rows: ChosenRows, source: str) -> Trace:
    """Take the step that follows on `state`, which it changes, and give all numbers of it; `source` is named in it.

    Raises:
        DivergedError: a number is not finite.
    """
    plan, loss = prepared.plan, prepared.plan.loss
    epochs, done = state.counters.epoch, state.counters.epoch >= plan.spec.epochs
    epoch, step = (plan.spec.epochs - 1, 0) if done else (epochs, state.counters.step)
    position = Position(Stream(plan.seed, "dropout"), epoch, step)
    objective = Objective(plan.network.trunk, loss, plan.spec, rows.batch, state.layer_state, position)
    before = {name: vector.copy() for name, vector in _vectors(state).items()}
    loss_before = objective.value(state.params)
    if not isfinite(loss_before):
        raise DivergedError("the loss of these rows is not a finite number")
    network, records = recorded(plan.network.trunk)
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
    layers = [
        _layer(layer, record, names, given, views, rule)
        for layer, record in zip(plan.network.layers, records, strict=True)
    ]
    trace = Trace(
        name=prepared.config.name,
        dtype=prepared.config.dtype,
        epoch=epochs,
        step=step,
        rows=rows.described,
        inputs=names.inputs,
        outputs=names.outputs[-1],
        layers=layers,
        error=_error(prepared, records[-1], rows.batch, objective, before["params"]),
        update=TracedUpdate(
            optimizer=plan.optimizer,
            equations=rule.equations,
            decayed=rule.decayed,
            constants=rule.constants,
            learning_rate=steps.learning_rate,
            number=state.optimizer.steps,
            penalty=plan.spec.penalty,
            clip=plan.spec.clip,
            gradient_norm=norm,
            clip_factor=1.0 if bound is None or norm <= bound else bound / norm,
        ),
        loss=LossChange(loss_before, loss_after),
        notes=notes,
        source=source,
    )
    remarks = [layer.remark() for layer in worked_layers(trace, Arithmetic(trace.dtype))]
    return replace(trace, notes=[*notes, *dict.fromkeys(filter(None, remarks))])


def _vectors(state: TrainingState) -> dict[str, Array]:
    vectors = {"params": state.params, **state.optimizer.slots}
    return {name: member for name, (member,) in vectors.items()}


def _layer(layer: Layer, record: LayerRecord, names: Names, given: Bound, views: Moments, rule: Rule) -> TracedLayer:
    """A layer's forward and backward values, and its parameters around the step."""
    forward = {"x": record.x, "z": record.z, "y": record.y, **record.kept}
    backward = {"dy": record.dy, "slope": record.slope, "dz": record.dz}
    return TracedLayer(
        planned=layer,
        inputs=names.into(layer.index),
        outputs=names.outputs[layer.index],
        forward={name: _exact(array) for name, array in forward.items() if array is not None},
        backward={name: _exact(array) for name, array in backward.items() if array is not None},
        parameters={
            slot.name: _parameter(slot, layer.index, record, given, views, rule) for slot in layer.parameters()
        },
    )


def _norm(plan: TrainingPlan, records: Sequence[LayerRecord], params: Array) -> float:
    """The norm of the whole gradient with its penalties, before it is bounded by that norm."""
    grads = np.empty_like(params)
    for bound, record in zip(plan.network.bind(grads), records, strict=True):
        for name, gradient in record.grads.items():
            np.copyto(bound[name], gradient)
    spec = plan.spec.model_copy(update={"clip": plan.spec.clip.model_copy(update={"norm": None})})
    GradientRules(spec, plan.network.layout.weights).apply(0, len(grads), params, grads, np.empty_like(params))
    return float(np.linalg.norm(grads.astype(np.float64)))


def _parameter(
    slot: Slot, index: int, record: LayerRecord, given: Bound, views: Moments, rule: Rule
) -> TracedParameter:
    """A parameter array before and after the step, and what led from one to the other.

    Moments are in the scale of the optimizer's paper, which for Adam's is not that of the vectors it keeps.
    """
    name = slot.name

    def at(when: str, vector: str) -> Array:
        return _exact(views[when][vector][index][name])

    moments = {
        shown: Moment(at("before", kept) * by, at("after", kept) * by) for shown, (kept, by) in rule.slots.items()
    }
    g = _exact(given[index][name])
    terms = rule.terms(
        g,
        before={shown: moment.before for shown, moment in moments.items()},
        after={shown: moment.after for shown, moment in moments.items()},
    )
    before, after = at("before", "params"), at("after", "params")
    return TracedParameter(
        before=before,
        gradient=_exact(record.grads[name]),
        applied=g,
        is_weight=slot.weight,
        step=after - before,
        after=after,
        optimizer=moments,
        terms=terms,
    )


def _error(prepared: Prepared, last: LayerRecord, batch: Batch, objective: Objective, params: Array) -> TracedError:
    """Logits, predictions, loss and gradient; `in_units` has predicted numbers in the file's units."""
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
    in_units = target.in_units(predictions)
    return TracedError(
        loss=loss,
        link=formulas.prediction,
        formula=formulas.loss,
        gradient=formulas.gradient,
        logits=_exact(logits),
        predictions=_exact(predictions),
        in_units=None if in_units is None else _exact(in_units),
        targets=_exact(y),
        dlogits=_exact(last.dy),
        of_rows=of_rows,
        penalty=objective.rules.penalty(params),
    )


def _exact(array: Array) -> Array:
    """The same numbers as float64."""
    return array.astype(np.float64)
