"""Preparation of training: data, preprocessing, network and plan from a config."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bpcli.config.experiment import ExperimentConfig
from bpcli.config.partial import NOTHING, Partial
from bpcli.data.data_warning import Acceptance, DataWarning
from bpcli.data.examples.leaks import find_leaks
from bpcli.data.examples.repeated_texts import warnings_of_texts
from bpcli.data.examples.selection import Examples, select_examples
from bpcli.data.examples.weightless import Weightless
from bpcli.data.files.source import Source, open_source
from bpcli.data.table import PARTS
from bpcli.experiment import recipes
from bpcli.experiment.decidable import notes_of_decision, require_decidable
from bpcli.experiment.encoding import encode, fit_preprocessor
from bpcli.experiment.initial_parameters import initial_parameters
from bpcli.experiment.memory_estimate import COMPILED_BYTES, estimate_memory, shards_bytes
from bpcli.experiment.monitors import watched
from bpcli.experiment.notes import (
    notes_of_arrays,
    notes_of_inputs,
    notes_of_layers,
    notes_of_new_words,
    notes_of_ranges,
)
from bpcli.experiment.prepared import Prepared
from bpcli.experiment.reading_warnings import warnings_of_reading
from bpcli.experiment.row_weights import weighted
from bpcli.experiment.surprises import notes_of_targets, surprise_notes
from bpcli.experiment.trainable import require_trainable
from bpcli.experiment.workbook_options import refuse_text_options
from bpcli.system.memory import require_memory
from bpcli.training.plan import TrainingPlan
from bpcli.training.steps import choose_stepping

if TYPE_CHECKING:
    from bpcli.experiment.earlier_fit import EarlierFit
    from bpcli.experiment.recipes.choice import Choice
    from bpcli.experiment.warm_start import StartingModel
    from bpcli.experiment.windowing import Windowed


def prepare(
    config: ExperimentConfig,
    folder: Path,
    cache: bool = True,
    keep_examples: bool = False,
    source: Source | None = None,
    earlier: EarlierFit | None = None,
    model: StartingModel | None = None,
    starting: StartingModel | None = None,
    partial: Partial = NOTHING,
) -> Prepared:
    """Read, split and encode the data of a config, and plan its network.

    folder: base of the config's relative paths. cache: use the data cache for large text files. keep_examples: keep the
    table in the result; otherwise its memory is freed once the rows are encoded. source: data that is already open.
    earlier: preprocessing to apply instead of fitting it, if it is of the same rows. model: the model that
    `config.start_from` names, not needed with `earlier`. starting: with `earlier`, the model that the final training
    starts from. partial: keys of sections that the recipe of the config completes.

    Raises:
        MismatchError: config and data do not fit together.
        DataError: the data cannot be used.
        MemoryLimitError: training needs more memory than is available.
    """
    config = config.model_copy(update={"data": config.data.expanded(folder)})
    known = None if config.start_from is None else (model or earlier)
    of_model: list[Choice] = []
    if model is not None:
        config, of_model = recipes.as_in_model(config, model.config, model.shown, partial)
        model.require_members(config)
    kinds = None
    if known is not None:
        from bpcli.experiment.warm_start import known_inputs, known_kinds

        kinds = known_kinds(known.preprocessor, config.data)
    if earlier is None:
        refuse_text_options(config.data, folder)
    source = (source or open_source(config.data, folder, kinds, cache)).read_once()  # by recipe and selection
    if model is not None:
        model.require_encoders(config, source.header)
    config, of_rows = recipes.before_split(config, source)
    if config.folds:
        from bpcli.experiment.member_folds import without_validation_rows

        config = without_validation_rows(config)
    series: Windowed | None = None
    if config.forecast is not None:
        from bpcli.experiment.windowing import Windowed

        series = Windowed.of(config, source)
        config, source = series.config, series.source
    weightless: Weightless = earlier.weightless if earlier else "dropped"
    preferred = model.preferred_loss if model else lambda columns: None
    selection = select_examples(
        source, config.data, config.seed, config.loss, weightless=weightless, preferred_loss=preferred
    )
    if known is not None:
        inputs = known_inputs(known.preprocessor, config.data, selection, model.shown if model else "the run")
        selection = replace(selection, inputs=inputs)
    config, of_data = recipes.of_examples(series.of_rows(config) if series else config, selection, partial)
    asked = config.data
    config = _resolved(series.of_windows(config) if series else config, selection)
    dtype = np.dtype(config.dtype)
    table, split, data = selection.table, selection.split, config.data
    tables = {part: table.take(split.part(part)) for part in PARTS}
    train = tables["train"]
    before = earlier.for_rows(config, selection) if earlier else None
    fitted = None if series is None else series.fitted
    preprocessor, difference = fit_preprocessor(config, selection, train, before, model, fitted)
    network = config.plan_network(preprocessor.signature, preprocessor.target.outputs, preprocessor.stems)
    if model is not None:
        model.require_layers(network)
    require_trainable(network, config, train.rows, selection.loss)
    memory = estimate_memory(config, network, preprocessor, {part: tables[part].rows for part in PARTS})
    if model is not None:
        memory = replace(memory, parameters=memory.parameters + model.params.nbytes)
    require_memory(memory.total, "training", "use fewer units, a smaller batch, or fewer rows")
    images = selection.inputs if config.input else data.pictures
    # Windows of a series overlap; what they may know follows from their time alone.
    warnings = [] if series else find_leaks(selection, data.columns, images)  # 30 to 70 ms: 100,000 rows of 20 columns
    warnings += warnings_of_texts(table, [text.name for text in preprocessor.texts], split)
    datasets, surprises, unseen = encode(preprocessor, selection, tables, dtype, weightless)
    warnings += unseen
    notes_of_images: list[str] = []
    if preprocessor.arrays:
        from bpcli.experiment.image_notes import notes_of_augment, notes_of_windows
        from bpcli.experiment.image_warnings import warnings_of_images

        warnings += warnings_of_images(preprocessor.arrays, selection, preprocessor.target, source)
        notes_of_images += notes_of_windows(network)
        notes_of_images += notes_of_augment(config.augment, network, preprocessor, selection, source)
    folds, validation = None, datasets.get("validation")
    if config.folds:
        from bpcli.experiment.member_folds import folds_of, validated_rows

        folds = folds_of(config, selection, preprocessor.target, datasets["train"])
    if folds is not None:
        validation = validated_rows(folds, preprocessor, selection, datasets["train"])
    datasets["train"] = weighted(datasets["train"], config, preprocessor)
    if config.training.final is not None:
        from bpcli.experiment.final_training import final_part, require_best_epoch

        require_best_epoch(validation)
    require_decidable(config.decision, preprocessor.target, selection.loss, validation)
    steering = watched(config, preprocessor.target, selection.loss, datasets["train"], validation)
    taken = model.taken(with_output=difference is None) if model else ({}, {})
    plan = TrainingPlan(
        network=network,
        loss=selection.loss,
        optimizer=config.optimizer,
        schedule=config.schedule,
        spec=config.training,
        seed=config.seed,
        train=datasets["train"],
        validation=validation,
        score=steering.score,
        monitor=steering.monitor,
        goal=steering.goal,
        initial_parameters=initial_parameters(config, network) | taken[0],
        initial_state=taken[1],
        prior_bias=config.output.bias == "prior",
        augment=config.augment,
        members=tuple(range(config.trained_members)),
        folds=folds,
    )
    plan = replace(plan, stepping=choose_stepping(plan))
    if plan.stepping.way == "sharded":
        own = shards_bytes(network, plan.batch_size, plan.stepping.parts, plan.dtype)
        memory = replace(memory, workspace=memory.workspace + own)
    if config.training.shards is not None:
        from bpcli.training.steps.tree_gradient import tree_bytes

        own = tree_bytes(config.training.shards, network.layout.size, dtype.itemsize) * len(plan.members)
        memory = replace(memory, parameters=memory.parameters + own)
    if plan.stepping.uses_numba:
        memory = replace(memory, compiled=COMPILED_BYTES)
        require_memory(memory.remaining, "training by compiled steps", "free memory, or uninstall numba")
    arrays = {name for array in preprocessor.arrays for name in (array.name, *array.columns)}
    cells = [name for name in selection.inputs if name not in arrays]
    if series is None:
        warnings += warnings_of_reading(source, table, train, data, cells, selection.targets)
    start = earlier.warm_start if earlier else None
    if model is not None:
        start = model.record(plan, config, selection.digest, difference)
    warnings += [DataWarning("earlier_training", line) for line in (start.warnings if start else ())]
    acceptance = Acceptance.of(warnings, data.accept)
    notes = [
        *(series.notes if series else ()),
        *selection.notes,
        *acceptance.notes,
        *notes_of_inputs(train, cells, data.columns),
        *notes_of_arrays(preprocessor.arrays),
        *notes_of_ranges(preprocessor.target, data.target_range),
        *notes_of_layers(network, plan.initial_parameters),
        *notes_of_images,
        *notes_of_decision(config.decision, preprocessor.target, validation),
    ]
    if model is not None and start is not None:
        notes += [*model.notes(start, network, config), *notes_of_new_words(preprocessor.texts, train)]
    fitted_on = "training" if known is None else "the earlier training"
    for part, found in surprises.items():
        of_them = surprise_notes(found, fitted_on, of_these_rows=part == "train" and known is None)
        found_notes = [*of_them, *notes_of_targets(preprocessor, tables[part])]
        notes += [f"{part} rows: {note}" for note in found_notes]
    missing = {name: int(np.count_nonzero(table[name].missing())) for name in selection.inputs}
    examples = selection if keep_examples else None
    prepared = Prepared(
        config.model_copy(update={"data": asked}) if series else config,
        preprocessor,
        plan,
        datasets,
        memory,
        missing,
        tuple(source.paths),
        selection.digest,
        notes,
        acceptance.remaining,
        weightless,
        examples,
        selection.groups_of_parts,
        acceptance.accepted,
        start,
        [*of_model, *of_rows, *of_data],
        None if folds is None else split.train,
        windows=fitted,
        latest=None if series is None else series.latest,
    )
    if config.training.final is None:
        return prepared
    # The source table is still in memory, and errors are raised before the first training.
    found_final = final_part(
        config,
        selection,
        plan,
        preprocessor,
        datasets,
        memory,
        weightless,
        earlier.final if before and earlier else None,
        model or starting,
        fitted,
    )
    final = replace(
        prepared,
        preprocessor=found_final.preprocessor,
        plan=found_final.plan,
        datasets=found_final.datasets,
        train_rows=None,
    )
    return replace(prepared, final=final, memory=found_final.memory)


def _resolved(config: ExperimentConfig, selection: Examples) -> ExperimentConfig:
    """Config with loss, targets, shares and batch size filled in."""
    targets = tuple(selection.targets)
    validation, test = selection.split.shares
    shares = {"validation": validation} if config.data.split.fold else {"validation": validation, "test": test}
    split = config.data.split.model_copy(update=shares)
    data = config.data.model_copy(
        update={"target": targets[0] if len(targets) == 1 else targets, "split": split},
    )
    rows = len(selection.split.train)
    training = config.training.resolved(rows - rows // config.members if config.folds else rows)
    return config.model_copy(update={"data": data, "loss": selection.loss, "training": training})
