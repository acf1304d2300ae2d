"""One training step on chosen rows, with all intermediate arrays, by the code that trains.

It is a step of `SerialSteps` on a batch of those rows, with a network that records its arrays.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import isfinite

import numpy as np

from bpcli.arrays.fields import Batch
from bpcli.arrays.layout import Slot
from bpcli.arrays.memory import Array
from bpcli.data.batches import Dataset
from bpcli.errors import DivergedError
from bpcli.experiment.prepared import Prepared
from bpcli.models.feature_names import Names
from bpcli.nn.layers import Views
from bpcli.nn.losses import LossScratch
from bpcli.nn.named_layers import NamedLayer, all_views, named_layers
from bpcli.nn.network import Network
from bpcli.nn.optimizers import OptimizerBase, RateFactors
from bpcli.nn.recording import LayerRecord, recorded
from bpcli.tracing.arithmetic import Arithmetic
from bpcli.tracing.chosen_rows import ChosenRows
from bpcli.tracing.layers import worked_layers
from bpcli.tracing.optimizers import Rule, rule_of
from bpcli.tracing.trace import (
    LossChange,
    Moment,
    Trace,
    TracedError,
    TracedLayer,
    TracedParameter,
    TracedUpdate,
)
from bpcli.training.gradient_rules import GradientRules
from bpcli.training.objective import Objective
from bpcli.training.plan import TrainingPlan
from bpcli.training.state import TrainingState
from bpcli.training.steps.serial import SerialSteps
from bpcli.wording import counted

Moments = dict[str, dict[str, tuple[Views, ...]]]
"""Parameters and optimizer slots by name, before and after the step, of each stem and layer."""


class _Step(SerialSteps):
    """One step on all rows of a data set, with the learning rate of the run at that point."""

    def __init__(self, run: TrainingPlan, network: Network, dataset: Dataset, state: TrainingState) -> None:
        spec = run.spec.model_copy(update={"batch_size": "full"})
        super().__init__(replace(run, network=network, spec=spec, train=dataset), state)
        self._run = run
        (self.batch,) = self.batches.epoch(np.arange(dataset.rows))

    def take(self, epoch: int, step: int) -> Array:
        """Take the step. Return the gradient that the optimizer received."""
        run = self._run
        self.position = run.position(epoch, step)
        rate = run.learning_rate(epoch, step, self.state.counters.plateau.factor)
        with np.errstate(all="ignore"):
            self.step(self.batch, rate, run.weight_decay(epoch, step))
        return self.grads


def trace_step(prepared: Prepared, state: TrainingState, rows: ChosenRows, source: str) -> Trace:
    """Trace the next step from `state`, which it updates; `source` is the name of the config or checkpoint.

    Raises: DivergedError: a value is not finite.
    """
    plan, loss = prepared.plan, prepared.plan.loss
    epochs, done = state.counters.epoch, state.counters.epoch >= plan.spec.epochs
    epoch, step = (plan.spec.epochs - 1, 0) if done else (epochs, state.counters.step)
    position = plan.position(epoch, step)
    network, records = recorded(plan.network.expanded)
    steps = _Step(plan, network, rows.dataset, state)
    objective = Objective(plan.network.expanded, loss, plan.spec, steps.batch, state.layer_state, position)
    before = {name: vector.copy() for name, vector in _vectors(state).items()}
    loss_before = objective.value(state.params)
    if not isfinite(loss_before):
        raise DivergedError("non-finite loss on these rows")
    applied = steps.take(epoch, step)
    loss_after = objective.value(state.params)
    if not isfinite(loss_after) or not all(np.isfinite(vector).all() for vector in _vectors(state).values()):
        raise DivergedError("non-finite values after the step; lower optimizer.learning_rate")
    names = Names.of(plan.network, prepared.preprocessor)
    views: Moments = {
        when: {name: all_views(plan.network.bind(vector)) for name, vector in vectors.items()}
        for when, vectors in (("before", before), ("after", _vectors(state)))
    }
    given = all_views(plan.network.bind(applied))
    optimizer = _with_factors(plan)
    rule = rule_of(optimizer.with_decay(plan.weight_decay(epoch, step)), state.optimizer, steps.learning_rate)
    terms = {text.name: text.terms for text in prepared.preprocessor.texts}
    features = {name for text in prepared.preprocessor.texts for name in text.features}
    made = {stem.field.name: stem.features for stem in plan.network.stems.trained}
    norm = _norm(plan, records, before["params"])
    bound = plan.spec.clip.norm
    notes = list(rows.notes)
    if plan.augment is not None:
        notes.append("augment is left out: this step trains on the images as they are")
    if done:
        notes.append(
            f"training is complete after {counted(plan.spec.epochs, 'epoch')}: this is an additional step, "
            "at the initial learning rate of the last epoch"
        )
    traced = [
        _layer(at, named, record, names, given, views, rule, optimizer.rate_factors, made, terms)
        for at, (named, record) in enumerate(zip(named_layers(plan.network), records, strict=True))
    ]
    trace = Trace(
        name=prepared.config.name,
        dtype=prepared.config.dtype,
        epoch=epochs,
        step=step,
        rows=rows.described,
        inputs=names.inputs,
        outputs=names.outputs[-1],
        layers=[layer for layer in traced if layer.field is None],
        error=_error(prepared, records[-1], steps.batch, objective, before["params"]),
        update=TracedUpdate(
            optimizer=optimizer,
            equations=rule.equations,
            decayed=rule.decayed,
            constants=rule.constants,
            learning_rate=steps.learning_rate,
            number=state.optimizer.steps,
            penalty=plan.spec.penalty,
            clip=plan.spec.clip,
            gradient_norm=norm,
            clip_factor=1.0 if bound is None or norm <= bound else bound / norm,
            own_factors={
                stem.layer.type: slot.rate
                for stem in plan.network.stems.trained
                for slot in stem.layer.parameters()
                if slot.rate is not None
            },
        ),
        loss=LossChange(loss_before, loss_after),
        notes=notes,
        source=source,
        stems=[layer for layer in traced if layer.field is not None],
        terms=[place for place, name in enumerate(names.inputs) if name in features],
    )
    remarks = [layer.remark() for layer in worked_layers(trace, Arithmetic(trace.dtype))]
    return replace(trace, notes=[*notes, *dict.fromkeys(filter(None, remarks))])


def _vectors(state: TrainingState) -> dict[str, Array]:
    vectors = {"params": state.params, **state.optimizer.slots}
    return {name: member for name, (member,) in vectors.items()}


def _layer(
    at: int,
    named: NamedLayer,
    record: LayerRecord,
    names: Names,
    given: tuple[Views, ...],
    views: Moments,
    rule: Rule,
    factors: RateFactors | None,
    made: Mapping[str, slice],
    terms: Mapping[str, Sequence[str]],
) -> TracedLayer:
    """Trace of the stem or layer at a place: forward and backward arrays, and parameters before and after the step.

    made: range of the features of each stem, by field. terms: names of what stems of texts take, by field.
    """
    layer = named.layer
    field = named.field
    if field is None:
        inputs: Sequence[str] = names.into(layer.index)
    else:
        inputs = terms.get(field) or (field, *(f"{field} {place}" for place in range(1, layer.n_in)))
    outputs = names.outputs[layer.index] if field is None else names.inputs[made[field]]
    forward = {"x": record.x, "z": record.z, "y": record.y, **record.kept}
    backward = {"dy": record.dy, "slope": record.slope, "dz": record.dz}
    return TracedLayer(
        planned=layer,
        inputs=inputs,
        outputs=outputs,
        forward={name: _exact(array) for name, array in forward.items() if array is not None},
        backward={name: _exact(array) for name, array in backward.items() if array is not None},
        parameters={
            slot.name: _parameter(slot, at, record, given, views, rule, factors) for slot in layer.parameters()
        },
        field=field,
    )


def _norm(plan: TrainingPlan, records: Sequence[LayerRecord], params: Array) -> float:
    """Norm of the whole gradient with penalties, before clipping by norm."""
    grads = np.empty_like(params)
    for bound, record in zip(all_views(plan.network.bind(grads)), records, strict=True):
        for name, gradient in record.grads.items():
            np.copyto(bound[name], gradient)
    spec = plan.spec.model_copy(update={"clip": plan.spec.clip.model_copy(update={"norm": None})})
    GradientRules(spec, plan.network.layout.weights).apply(0, len(grads), params, grads, np.empty_like(params))
    return float(np.linalg.norm(grads.astype(np.float64)))


def _with_factors(plan: TrainingPlan) -> OptimizerBase:
    """Optimizer with rate factors, which are 1, if parameters have factors of their own."""
    own = any(slot.rate is not None for slot in plan.network.layout.slots)
    if not own or plan.optimizer.rate_factors is not None:
        return plan.optimizer
    return plan.optimizer.model_copy(update={"rate_factors": RateFactors()})


def _parameter(
    slot: Slot,
    index: int,
    record: LayerRecord,
    given: tuple[Views, ...],
    views: Moments,
    rule: Rule,
    factors: RateFactors | None,
) -> TracedParameter:
    """Trace of a parameter array: before and after the step, with the gradient and moments.

    Moments are in the scale of the optimizer's paper, which for Adam differs from that of the vectors it keeps.
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
        rate_factor=1.0 if factors is None else factors.of(slot),
    )


def _error(prepared: Prepared, last: LayerRecord, batch: Batch, objective: Objective, params: Array) -> TracedError:
    """Logits, predictions, loss and gradient; `in_units` has numeric predictions in the file's units."""
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
    """Array converted to float64, which is exact."""
    return array.astype(np.float64)
