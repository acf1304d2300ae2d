"""An experiment on texts with the terms of some rows, as numbers: a step on these rows changes no other weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bpcli.arrays.rows import Rows
from bpcli.arrays.tokens import Tokens
from bpcli.data.batches import Dataset
from bpcli.data.columns import FittedInput
from bpcli.data.columns.text_input import TextInput
from bpcli.experiment.prepared import Prepared
from bpcli.training.state import TrainingState


@dataclass(frozen=True)
class TermsOfRows:
    """Experiment whose columns of texts have the terms of some rows; `columns` are their indices, by column."""

    prepared: Prepared
    columns: dict[str, NDArray[np.intp]]

    @classmethod
    def of(cls, prepared: Prepared, tokens: Sequence[dict[str, Tokens]]) -> TermsOfRows:
        """Narrow an experiment to the terms of rows, given by the name of the column; itself without texts."""
        columns: dict[str, NDArray[np.intp]] = {}
        inputs: list[FittedInput] = []
        for column in prepared.preprocessor.inputs:
            if isinstance(column, TextInput):
                used = [of_row[column.name].columns_used() for of_row in tokens]
                columns[column.name] = np.unique(np.concatenate([*used, np.zeros(1, np.intp)]))
                inputs.append(column.narrowed(columns[column.name], dense=True))
            else:
                inputs.append(column)
        if not columns:
            return cls(prepared, columns)
        preprocessor = prepared.preprocessor.model_copy(update={"inputs": tuple(inputs)})
        config, target = prepared.config, preprocessor.target
        network = config.plan_network(preprocessor.signature, target.outputs, preprocessor.stems)
        plan = replace(prepared.plan, network=network)
        return cls(replace(prepared, preprocessor=preprocessor, plan=plan), columns)

    def rows_of(self, dataset: Dataset, chosen: NDArray[np.intp]) -> Rows:
        """Chosen rows of a data set of the whole experiment, with their terms as numbers."""
        x, signature = dataset.x, self.prepared.preprocessor.signature
        if not self.columns:
            return Rows(x.signature, [store[chosen] for store in x.stores], x.dtype)
        names = [field.name for field in x.signature if len(field.shape) > 1]
        records = x.stores[: len(x.stores) - len(names)]
        values = {name: store[chosen] for name, store in zip(names, x.stores[len(records) :], strict=True)}
        for name, tokens in x.tokens_by_name().items():
            values[name] = tokens.take(chosen).narrowed(self.columns[name]).dense()
        own = [values[field.name] for field in signature if field.name in values]
        return Rows(signature, [*(store[chosen] for store in records), *own], x.dtype)

    def state_of(self, state: TrainingState, whole: Prepared) -> TrainingState:
        """Copy of a state of the whole experiment for the narrowed one; itself without texts."""
        if not self.columns:
            return state
        own, to = whole.network.layout, self.prepared.network.layout
        return state.mapped(lambda vector: own.narrowed(vector, to, self.columns), np.copy)
