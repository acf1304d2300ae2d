"""Report section on the data: splits, target distribution, input columns."""

from __future__ import annotations

import numpy as np

from bpcli.data.columns.base import InputSummary
from bpcli.data.table import PARTS
from bpcli.documents.table import Table
from bpcli.models.evaluation import OwnData
from bpcli.models.model import Model
from bpcli.models.summary import NetworkSummary
from bpcli.models.tables import column_table
from bpcli.pages.page import Section, as_sentence, number
from bpcli.storage.records import Summary
from bpcli.wording import counted, grouped, quoted


def data_section(model: Model, own: OwnData | None, summary: Summary) -> Section:
    """Section on rows, targets and inputs. Without the unchanged data it has only what the checkpoint stores."""
    header, preprocessor = model.header, model.preprocessor
    features = counted(model.inference.network.n_in, "feature")
    sentences = [
        f"{counted(len(preprocessor.inputs), 'input column')} become {features}; "
        f"the target is {', '.join(quoted(name) for name in preprocessor.target.names)}.",
        *(as_sentence(f"warning: {line}") for line in grouped(summary.warnings)),
        f"SHA-256 of the data: {header.data.sha256}",
    ]
    tables = [Table("Rows", ["split", "rows"], [[part, number(count)] for part, count in header.data.rows.items()])]
    if own is not None and not own.is_changed:
        tables.append(_target_table(model, own))
    tables.append(_input_table(model, own))
    return Section("Data", sentences, (), tables)


def _target_table(model: Model, own: OwnData) -> Table:
    """Table of rows per class or label and split, or of each target's distribution per split."""
    target, split = model.preprocessor.target, own.selection.split
    parts = [part for part in PARTS if len(split.part(part))]
    rows_of_parts = [split.part(part) for part in parts]
    columns = [own.selection.table[name].take(np.concatenate(rows_of_parts)) for name in target.names]
    truth = target.truth_of(columns)
    truths = np.split(truth.values, np.cumsum([len(rows) for rows in rows_of_parts])[:-1])
    names = (*model.classes, *truth.unseen)
    if target.task == "regression":
        rows = [
            [name, part, *(number(float(of(truth[:, index]))) for of in (np.mean, np.std, np.min, np.max))]
            for index, name in enumerate(target.names)
            for part, truth in zip(parts, truths, strict=True)
        ]
        return Table("Target", ["target", "split", "mean", "standard deviation", "least", "greatest"], rows)
    if target.task == "multilabel":
        counts = [truth.sum(axis=0) for truth in truths]
    else:
        counts = [np.bincount(truth, minlength=len(names)) for truth in truths]
    rows = [[name, *(number(int(count[index])) for count in counts)] for index, name in enumerate(names)]
    what = "label" if target.task == "multilabel" else "class"
    return Table(f"Rows per {what}", [what, *parts], rows)


def _input_table(model: Model, own: OwnData | None) -> Table:
    """Table of the input columns, as in `check`."""
    columns: list[tuple[InputSummary, int | None]] = []
    for column in NetworkSummary.of(model.preprocessor, model.inference.network, model.loss).columns:
        known = own is not None and column.name in own.selection.table
        missing = int(np.count_nonzero(own.selection.table[column.name].missing())) if known and own else None
        columns.append((column, missing))
    return column_table(columns)
