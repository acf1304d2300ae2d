"""Preprocessing of selected examples: fitted on the training rows, applied to the rows of each split."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from bpcli.config.experiment import ExperimentConfig
from bpcli.data.batches import Dataset
from bpcli.data.columns import Surprise
from bpcli.data.data_warning import DataWarning
from bpcli.data.examples.selection import Examples
from bpcli.data.examples.weightless import Weightless
from bpcli.data.preprocess import Preprocessor
from bpcli.data.table import PARTS, Part, Table
from bpcli.errors import DataError, errors_in
from bpcli.experiment.surprises import notes_of_unseen_classes

if TYPE_CHECKING:
    from bpcli.data.windows.fitted import FittedWindows
    from bpcli.experiment.warm_start import StartingModel


class Fitted(NamedTuple):
    """Fitted preprocessing; difference: why the output layer of the model to start from is not taken over, if so."""

    preprocessor: Preprocessor
    difference: str | None = None


class Encoded(NamedTuple):
    """Encoded rows, values unseen in training, and warnings, by split."""

    datasets: dict[Part, Dataset]
    surprises: dict[Part, Counter[Surprise]]
    warnings: list[DataWarning]


def fit_preprocessor(
    config: ExperimentConfig,
    selection: Examples,
    train: Table,
    before: Preprocessor | None,
    model: StartingModel | None,
    windows: FittedWindows | None = None,
) -> Fitted:
    """Fit the preprocessing on the training rows.

    train: these rows. before: preprocessing to use instead, fitted on the same rows. model: the one to start from.
    windows: what the rows are, if they are windows of series.
    """
    data = config.data
    with errors_in(f"{selection.source}: train rows"):
        preprocessor = before or Preprocessor.fit(
            train,
            selection.inputs,
            selection.targets,
            data.columns,
            data.encoders,
            data.target_encoder,
            data.weight,
            selection.loss,
            data.positive,
            model.preprocessor.inputs if model else None,
            data.target_range,
            config.seed,
            selection.train_groups,
            config.input,
            None if windows is None else windows.origins,
        )
    if model is None:
        return Fitted(preprocessor)
    columns = [train[name] for name in selection.targets]
    difference = model.target_difference(config, selection.loss, preprocessor, columns)
    return Fitted(preprocessor if difference else model.with_target(preprocessor), difference)


def encode(
    preprocessor: Preprocessor,
    selection: Examples,
    tables: Mapping[Part, Table],
    dtype: np.dtype[Any],
    weightless: Weightless,
) -> Encoded:
    """Encode the rows of each split, the training rows as the preprocessor's target statistics demand.

    Raises DataError if no validation row has a class of the training set.
    """
    found = Encoded({}, {}, [])
    for part in PARTS:
        if not tables[part].rows:
            continue
        with errors_in(f"{selection.source}: {part} rows"):
            encoder = preprocessor
            if part == "train":
                encoder = preprocessor.of_training_rows(tables[part], selection.train_groups)
            dataset, found.surprises[part] = encoder.apply(tables[part], dtype)
            if weightless == "kept":  # version 0.1, whose metrics were not weighted
                dataset = replace(dataset, row_weight=None)
            found.datasets[part] = dataset
            unseen = notes_of_unseen_classes(preprocessor, tables[part])
            name = ", ".join(selection.targets)
            found.warnings.extend(DataWarning("unseen_class", f"{part} rows: {line}", name) for line in unseen)
            if part == "validation" and unseen and not np.any(dataset.weight):
                raise DataError("no row has a class of the training set")
    return found
