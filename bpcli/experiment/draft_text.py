"""Text of the config that `bpcli init` writes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bpcli.config.loading import run_name
from bpcli.data.arrays_spec import ArraysSpec
from bpcli.data.columns.censored import bounds_of
from bpcli.data.columns.censored_column import CensoredColumn
from bpcli.data.columns.image_column import ImageColumn
from bpcli.data.columns.recognition import spec_yaml
from bpcli.data.columns.spec import ColumnSpec
from bpcli.data.columns.text_column import TextColumn
from bpcli.data.examples.split import DEFAULT_SHARE
from bpcli.data.notations.dialect import Dialect
from bpcli.data.spec import DataSpec
from bpcli.data.table import PARTS, Column, Table
from bpcli.data.targets.positive import PositiveChoice
from bpcli.experiment.draft_images import Images, images_in, picture_column
from bpcli.experiment.expected_time import Expected
from bpcli.wording import counted, double_quoted, shown_shape, yaml_scalar

RECIPE_MEANS = "gives every key that is not here; bpcli check says what, and why"

FEWEST_ROWS = 20
"""Minimum number of rows for a validation and test split: smaller splits have too few rows to be informative."""


@dataclass(frozen=True)
class Findings:
    """What was found in the data: the columns, and what the config says of them."""

    data: DataSpec
    table: Table
    targets: list[str]
    target_columns: list[Column]
    """Known values of the targets, as the loss learns them."""
    excluded: dict[str, str]
    """Columns left out, with the reason."""
    loss: str
    loss_reason: str
    encoder_reason: str | None
    """Reason to learn the logarithm of the target; None to learn it as it is."""
    reasons: dict[str, str]
    """Reason of each reading option and of each column described under `columns`."""
    positive: PositiveChoice | None = None
    """Positive class of a target of two classes."""
    expected: Expected | None = None
    """Recipe of everything but the data, and its time; None to write out a plain network."""
    budget: float | None = None
    """Seconds of training."""


def config_text(found: Findings) -> str:
    """Commented config, with all choices that depend on the data."""
    data, table, targets, columns, reasons = found.data, found.table, found.targets, found.target_columns, found.reasons
    rows, source = table.rows, Path(data.shown).name
    classes = found.loss != "mse" and len(columns) == 1
    few = table.parts is None and (
        len(columns[0]) < FEWEST_ROWS or (classes and _largest_class(columns[0]) < len(PARTS))
    )
    target = yaml_scalar(targets[0]) if len(targets) == 1 else f"[{', '.join(map(yaml_scalar, targets))}]"
    lines = [
        f"# Made by bpcli init from {yaml_scalar(source)}: {counted(rows, 'row')}, {counted(len(table), 'column')}.",
        f"name: {yaml_scalar(run_name(source.split('.')[0]))}",
        "seed: 0                       # seed of all random numbers",
        *([] if found.expected is None else [f"recipe: {found.expected.recipe}             # {RECIPE_MEANS}"]),
        "data:",
        *_places(data),
        *(f"  {key}: {yaml_scalar(getattr(data, key))}    # {reasons[key]}" for key in _DIALECT if key in reasons),
        f"  target: {target}",
    ]
    if data.images.form.size is not None:
        height, width = data.images.form.size
        pixels = f"images: {{size: [{height}, {width}], channels: {data.images.channels}}}"
        lines.append(f"  {pixels}    # each picture is brought to that")
    if found.encoder_reason is not None:
        lines.append(f"  target_encoder: log    # {found.encoder_reason}")
        lines.append("  # This predicts typical values; to predict the mean, omit target_encoder, and set loss: gamma")
    if found.positive is not None:
        reason = f"{found.positive.reason}; precision, recall and F1 refer to it"
        lines.append(f"  positive: {yaml_scalar(found.positive.name)}    # {reason}")
    if found.excluded:
        lines.append("  exclude:")
        lines += [f"    - {yaml_scalar(name)}    # {why}" for name, why in found.excluded.items()]
    declared = {name: spec for name, spec in data.columns.items() if name not in found.excluded}
    if declared:
        lines.append("  columns:")
        for name, spec in declared.items():
            if isinstance(spec, ImageColumn) and found.expected is None:
                lines += picture_column(name, spec, table[name].shape, reasons[name])
            else:
                lines.append(f"    {yaml_scalar(name)}: {spec_yaml(spec)}    # {reasons[name]}")
    if classes and columns[0].kind == "numeric" and len(np.unique(columns[0].values)) > 2:
        lines.append("  # To predict the number instead of classes: bpcli init … --task regression")
    lines += ["  # Inferred kinds; to override one, use `columns`, such as {zip_code: categorical}:"]
    lines += [f"  #   {line}" for line in _described(table, targets, found.excluded, data.columns)]
    if table.parts is None:
        lines.append(f"  split: {_split(found, few)}")
    images = images_in(table, {*targets, *found.excluded}, data.pictures)
    if data.images.form.size is not None:
        shape = f"[{height}, {width}, {data.images.channels}]"
        lines.append(f"input: {{shape: {shape}, scale: channel}}    # one mean and spread a channel")
    elif images is not None:
        lines.append(images.line)
    if found.expected is None:
        lines += _plain_network(found, few, images)
    else:
        lines.append(f"loss: {found.loss}    # {found.loss_reason}")
        if found.expected.max_time is not None:
            limits = f"epochs: {found.expected.epochs}, max_time: {found.expected.max_time:g}"
            lines.append(f"training: {{{limits}}}    # seconds: the budget, and the epochs that it allows")
    return "\n".join(lines) + "\n"


def _split(found: Findings, few: bool) -> str:
    """Shares of the splits; few: whether there are too few rows for any."""
    if few:
        return "{validation: 0, test: 0}    # too few rows for validation and test"
    if found.expected is None:
        return f"{{validation: {DEFAULT_SHARE:g}, test: {DEFAULT_SHARE:g}}}"
    if found.expected.folds:
        return "{test: 0}    # every row is learned from and scored out of fold; test: 0.15 keeps rows apart"
    return f"{{test: {DEFAULT_SHARE:g}}}"


def _plain_network(found: Findings, few: bool, images: Images | None) -> list[str]:
    """Lines of layers, loss, optimizer and training; few: whether there are too few rows for validation."""
    rows = found.table.rows
    layers = ["  - {units: 64, activation: relu}", "  - {units: 32, activation: relu}"]
    has_images = images is not None or len(found.data.pictures) > 0
    batch = 32 if rows < 20_000 else 128 if rows < 200_000 else 512
    patience = 20 if rows < 20_000 else 10
    return [
        "layers:                       # the output layer is determined by target and loss",
        *(layers if images is None else images.layers()),
        f"loss: {found.loss}    # {found.loss_reason}",
        f"optimizer: {{type: adam, learning_rate: {0.002 if has_images else 0.001}}}",
        *(["schedule: cosine"] if has_images else []),
        "training:",
        f"  epochs: {30 if has_images else 200}",
        f"  batch_size: {batch}",
        f"  early_stopping: {{monitor: {'train' if few else 'validation'}_loss, patience: {patience}}}",
        *([] if found.budget is None else [f"  max_time: {found.budget:g}    # seconds: the budget"]),
    ]


_DIALECT = tuple(vars(Dialect()))


def _places(data: DataSpec) -> list[str]:
    """Lines of the config that say where the rows are."""
    named = {"url": data.url, "query": data.query, "path": data.path, "sheet": data.sheet}
    lines = [f"  {key}: {yaml_scalar(value)}" for key, value in named.items() if isinstance(value, str)]
    if data.arrays != ArraysSpec():
        lines.append(f"  arrays: {{x: {yaml_scalar(data.arrays.x)}, y: {yaml_scalar(data.arrays.y)}}}")
    return lines


def _described(
    table: Table, targets: list[str], excluded: dict[str, str], specs: Mapping[str, ColumnSpec]
) -> list[str]:
    """Kind and values of the input columns, one line per column, up to 40."""
    inputs = [column for name, column in table.items() if name not in targets and name not in excluded]
    lines = []
    for column in inputs[:40]:
        if column.shape:
            lines.append(f"{_comment(column.name)}: array {shown_shape(column.shape)}, {_range(column)}")
            continue
        known = column.known()
        missing = len(column) - len(known)
        kind: str = column.kind
        spec = specs.get(column.name)
        if isinstance(spec, CensoredColumn):
            kind = spec.type
            values, _ = bounds_of(column.present(), spec.decimal)
            what = f"{values.min():g} to {values.max():g}"
        elif isinstance(spec, TextColumn):
            kind, what = spec.type, f"{len(np.unique(known.values)):,} distinct"
        elif column.kind == "numeric":
            what = f"{known.values.min():g} to {known.values.max():g}"
        elif column.kind in ("date", "time_of_day"):
            what = " to ".join(Column("", column.kind, np.array([known.values.min(), known.values.max()])).labels())
        elif column.kind == "categorical":
            what = counted(len(np.unique(known.values)), "name")
        else:
            what = "true or false"
        lines.append(f"{_comment(column.name)}: {kind}, {what}" + (f", {missing:,} missing" if missing else ""))
    return lines if len(inputs) <= 40 else [*lines, f"and {len(inputs) - 40:,} more"]


def _range(column: Column) -> str:
    """Dtype and range of an array."""
    known = column.values[~column.missing()] if column.values.dtype.kind == "f" else column.values
    if column.kind == "boolean":
        return "true or false"
    return f"{column.values.dtype}, {known.min():g} to {known.max():g}" if known.size else "empty"


def _largest_class(column: Column) -> int:
    return int(np.unique(column.values, return_counts=True)[1].max())


def _comment(text: str) -> str:
    """Text for a comment, quoted if it has non-printable characters such as line breaks."""
    return text if text.isprintable() else double_quoted(text)
