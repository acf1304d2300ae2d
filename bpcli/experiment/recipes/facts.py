"""What a recipe knows of the data."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bpcli.config.experiment import ExperimentConfig
from bpcli.data.columns.image_column import ImageColumn
from bpcli.data.columns.text_column import TextColumn
from bpcli.data.examples.selection import Examples
from bpcli.data.files.source import Source
from bpcli.data.table import PARTS, Column

MOST_READ = 4_000
"""Texts whose length is measured."""


@dataclass(frozen=True)
class RowFacts:
    """Facts that are known before the rows are split.

    rows: of the whole table. own_validation: whether the data or the config has validation rows, or none on purpose.
    """

    rows: int
    own_validation: bool

    @classmethod
    def of(cls, config: ExperimentConfig, source: Source) -> RowFacts:
        """Facts of a source and the split of a config."""
        table, split = source.table(), config.data.split
        parts = table.parts is not None and (table.parts == PARTS.index("validation")).any()
        named = split.validation is not None or config.data.validation is not None
        if split.column is not None and split.column in table:
            named = named or any(label.strip().lower() == "validation" for label in table[split.column].labels())
        return cls(table.rows, bool(parts) or named)


@dataclass(frozen=True)
class DataFacts:
    """Facts of the selected examples.

    rows: training rows of each member. numeric, others: numbers of input columns by kind. arrays: whether an input has
    a shape of its own, such as an image.
    """

    rows: int
    classes: bool
    numeric: int
    others: int
    arrays: bool
    validated: bool
    """Whether there are validation rows, or folds."""
    ordered: bool = False
    """Whether the rows are in time order."""
    epochs: int | None = None
    """Epochs of the config, if it has a number of its own."""
    image: tuple[int, ...] = ()
    """Shape of the input, if a row is an image or a series; empty for columns."""
    images: int = 0
    """Number of columns of images."""
    texts: int = 0
    """Number of columns of texts, which are not among the others."""
    characters: int = 0
    """Median length of the texts of the training rows, of the longest column."""
    outcomes: int = 0
    """Number of classes of one target of classes."""
    series: bool = False
    """Whether the rows are windows of series."""

    @classmethod
    def of(cls, config: ExperimentConfig, selection: Examples) -> DataFacts:
        """Facts of examples."""
        table = selection.table
        arrays = [name for name in selection.inputs if table[name].shape]
        numeric = sum(table[name].kind == "numeric" and not table[name].shape for name in selection.inputs)
        texts = [name for name in selection.inputs if isinstance(config.data.columns.get(name), TextColumn)]
        rows = len(selection.split.train)
        members = config.members if config.folds else 1
        return cls(
            rows=rows - rows // members if members > 1 else rows,
            classes="regression" not in selection.loss.tasks,
            numeric=numeric,
            others=len(selection.inputs) - numeric - len(arrays) - len(texts),
            arrays=config.input is not None or len(arrays) > 0,
            validated=config.folds or len(selection.split.validation) > 0,
            ordered=config.data.split.order == "time",
            epochs=config.training.epochs if "epochs" in config.training.model_fields_set else None,
            image=() if config.input is None else config.input.shape,
            images=sum(isinstance(config.data.columns.get(name), ImageColumn) for name in arrays),
            texts=len(texts),
            characters=max((median_length(table[name].take(selection.split.train)) for name in texts), default=0),
            outcomes=_outcomes(selection),
            series=config.forecast is not None,
        )


def median_length(column: Column) -> int:
    """Median number of characters of the texts of a column, of which it looks at a few thousand."""
    codes = column.known().values[:MOST_READ].tolist()
    return int(np.median([len(column.categories[code]) for code in codes] or [0]))


def _outcomes(selection: Examples) -> int:
    """Number of classes of one target of classes; 0 for others."""
    if "regression" in selection.loss.tasks or len(selection.targets) > 1:
        return 0
    target = selection.table[selection.targets[0]].take(selection.split.train).known()
    return len(set(target.values.tolist()))
