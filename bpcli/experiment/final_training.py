"""The final training of `training.final`: the plan of a second training, on all rows that are not test rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from bpcli.config.experiment import ExperimentConfig
from bpcli.data.batches import Dataset
from bpcli.data.examples.selection import Examples
from bpcli.data.examples.weightless import Weightless
from bpcli.data.preprocess import Preprocessor
from bpcli.data.table import PARTS, Part
from bpcli.errors import Mismatch, MismatchError
from bpcli.experiment.encoding import encode, fit_preprocessor
from bpcli.experiment.initial_parameters import initial_parameters
from bpcli.experiment.memory_estimate import Footprint, estimate_memory
from bpcli.experiment.row_weights import weighted
from bpcli.system.memory import require_memory
from bpcli.training.plan import TrainingPlan
from bpcli.training.steps import choose_stepping

if TYPE_CHECKING:
    from bpcli.data.windows.fitted import FittedWindows
    from bpcli.experiment.warm_start import StartingModel


class FinalPart(NamedTuple):
    """What the final training has of its own. memory: of both trainings."""

    preprocessor: Preprocessor
    plan: TrainingPlan
    datasets: dict[Part, Dataset]
    memory: Footprint


def require_best_epoch(validation: Dataset | None) -> None:
    """Raise MismatchError for a final training without validation rows, by which its number of epochs is found."""
    if validation is None:
        what = (
            "there are no validation rows, by which the number of epochs is found; set data.split.validation, or "
            "ensemble: {members: 8, folds: true}, or omit it"
        )
        raise MismatchError(Mismatch(("training", "final"), what))


def final_part(
    config: ExperimentConfig,
    selection: Examples,
    first: TrainingPlan,
    fitted: Preprocessor,
    datasets: Mapping[Part, Dataset],
    memory: Footprint,
    weightless: Weightless,
    before: Preprocessor | None,
    model: StartingModel | None,
    windows: FittedWindows | None = None,
) -> FinalPart:
    """Plan the final training.

    first: plan of the first training, with its preprocessing, encoded rows and memory. before: preprocessing to use
    instead of fitting it, of the same rows. model: the one to start from. windows: what the rows are, if windows.

    With folds, the training rows are all rows already, and the preprocessing is the same.
    """
    if first.folds is not None:
        plan = _with_stepping(replace(first, folds=None, validation=None))
        parameters = memory.parameters * 2
        return FinalPart(fitted, plan, dict(datasets), replace(memory, parameters=parameters))
    split = selection.split
    together = np.sort(np.concatenate([split.train, split.validation]))
    selection = replace(selection, split=replace(split, train=together, validation=split.validation[:0]))
    tables = {part: selection.table.take(selection.split.part(part)) for part in PARTS}
    preprocessor, difference = fit_preprocessor(config, selection, tables["train"], before, model, windows)
    network = config.plan_network(preprocessor.signature, preprocessor.target.outputs, preprocessor.stems)
    if model is not None:
        model.require_layers(network)
    needed = estimate_memory(config, network, preprocessor, {part: tables[part].rows for part in PARTS})
    both = Footprint(
        data=memory.data + needed.data,
        parameters=memory.parameters + needed.parameters,
        workspace=max(memory.workspace, needed.workspace),
        checkpoint=max(memory.checkpoint, needed.checkpoint),
        compiled=memory.compiled,
    )
    require_memory(needed.data + both.remaining, "training.final", "omit it, or use fewer rows")
    encoded = encode(preprocessor, selection, tables, np.dtype(config.dtype), weightless).datasets
    encoded["train"] = weighted(encoded["train"], config, preprocessor)
    taken = model.taken(with_output=difference is None) if model else ({}, {})
    plan = replace(
        first,
        network=network,
        train=encoded["train"],
        validation=None,
        initial_parameters=initial_parameters(config, network) | taken[0],
        initial_state=taken[1],
    )
    return FinalPart(preprocessor, _with_stepping(plan), encoded, both)


def _with_stepping(plan: TrainingPlan) -> TrainingPlan:
    return replace(plan, stepping=choose_stepping(plan))
