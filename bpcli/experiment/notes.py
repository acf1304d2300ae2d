"""Notes about an experiment, or about the rows given to a model, that are not errors."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from bpcli.data.columns.recognition import column_hint, recognised_dates, recognised_numbers
from bpcli.data.columns.spec import ColumnSpec
from bpcli.data.columns.text_recognition import has_letters, recognised_text
from bpcli.data.data_warning import DataWarning
from bpcli.data.examples.missing_names import missing_classes_noted
from bpcli.data.examples.repeated_headers import repeated_headers, repeats_noted
from bpcli.data.files.kind_hints import is_padded, numbers_with_words, padded_noted, variants_noted
from bpcli.data.files.recognition import dialect_of, rows_not_skipped
from bpcli.data.files.source import Source
from bpcli.data.notations.dialect import Dialect
from bpcli.data.spec import DataSpec
from bpcli.data.table import Column, Table
from bpcli.data.targets import TargetBase
from bpcli.nn.network import Network
from bpcli.spec import type_name
from bpcli.wording import counted, listed, quoted, yaml_scalar

if TYPE_CHECKING:
    from bpcli.data.columns.arrays import ArrayInput
    from bpcli.data.columns.target_range import TargetRange
    from bpcli.data.columns.text_input import TextInput

_LEAVE_OUT = "leave initializer out"


def notes_of_ranges(target: TargetBase, given: TargetRange) -> Iterator[str]:
    """Note about ranges to which predictions are clipped. given: as in the config."""
    ranges = target.shown_ranges
    for shown in dict.fromkeys(ranges.values()):
        names = listed(name for name, other in ranges.items() if other == shown)
        why = {
            "auto": ", as no training value is negative; data.target_range: none turns that off",
            "training": ", the range of the training values",
        }
        yield f"predictions of {names} are clipped to {shown}{why.get(given, '') if isinstance(given, str) else ''}"


def notes_of_layers(network: Network, given: Collection[str]) -> Iterator[str]:
    """Notes about hidden layers that cannot learn, or whose units stay identical.

    given: names of parameters in the config. Units with zero weights receive different gradients through random weights
    of the next layer. They stay identical if those are 0 too, and receive no gradient if f'(0) = 0.
    """
    zero = {
        layer.index for layer in network.layers if layer.starts_at_zero and f"layers.{layer.index}.weight" not in given
    }
    for layer in network.layers[:-1]:
        following = next((one for one in network.layers[layer.index + 1 :] if one.multiplications), layer)
        if layer.index not in zero or f"layers.{layer.index}.bias" in given:
            continue
        if layer.units is not None and layer.units.has_dead_region:
            yield (
                f"layer {layer.index}: all weights are 0, where relu has no gradient, so it cannot learn; {_LEAVE_OUT}"
            )
        elif following.index in zero:
            yield (
                f"layer {layer.index}: its weights and those of layer {following.index} are 0, so its units stay "
                f"identical; {_LEAVE_OUT}"
            )


def warnings_of_dialect(source: Source, given: Dialect) -> Iterator[DataWarning]:
    """Warnings about reading options that have no effect, and those left out although the file calls for them."""
    if given.skip_rows and (place := rows_not_skipped(source)):
        yield DataWarning("reading_option", f"data.skip_rows is ignored: {place} has no lines to skip")
    found = dialect_of(source)
    for key, why in found.reasons.items():
        if getattr(given, key) == getattr(Dialect(), key):
            text = f"{why}: should data.{key} be {yaml_scalar(getattr(found.dialect, key))}?"
            yield DataWarning("reading_option", text)


def warnings_of_columns(columns: Iterable[Column], dialect: Dialect) -> Iterator[DataWarning]:
    """Warnings about columns read as categories that look like numbers or dates."""
    for column in columns:
        if text := _unrecognised_notation(column, dialect):
            yield DataWarning("column_notation", f"column {quoted(column.name)}: {text}", column.name)


def _unrecognised_notation(column: Column, dialect: Dialect) -> str:
    """Why a column looks like numbers or dates although it is read as categories; empty if it does not."""
    if dates := recognised_dates(column):
        read = "numbers" if column.kind == "numeric" else counted(len(column.present()), "category", "categories")
        return (
            f"looks like {dates.read_as}, {dates.reason}, read as {read}; to read them as {dates.read_as}, set "
            f"data.columns: {column_hint(column.name, dates.spec)}"
        )
    if column.kind != "categorical":
        return ""
    if found := recognised_numbers(column, dialect):
        hint = column_hint(column.name, found.spec)
        return f"{found.reason}, so read as categories; to read them as numbers, set data.columns: {hint}"
    if found := numbers_with_words(column, dialect):
        hint = column_hint(column.name, found.spec)
        return f"{found.reason}, so read as categories; if missing values are meant, set data.columns: {hint}"
    return ""


def warnings_of_headers(table: Table, data: DataSpec) -> Iterator[DataWarning]:
    """Warning about rows that repeat the header."""
    if said := repeats_noted(repeated_headers(table, data)):
        yield DataWarning("repeated_header", said)


def warnings_of_classes(targets: Iterable[Column], given: Collection[str]) -> Iterator[DataWarning]:
    """Warnings about classes that differ only in case or blanks, or whose names usually stand for a missing value.

    given: columns whose kind the config sets; each of their names is then meant.
    """
    for column in targets:
        if said := variants_noted(column, "classes"):
            yield DataWarning("class_spelling", f"target {quoted(column.name)}: {said}", column.name)
        if column.name not in given and (said := missing_classes_noted(column)):
            yield DataWarning("missing_class", f"target {quoted(column.name)}: {said}", column.name)


def notes_of_inputs(train: Table, inputs: list[str], given: Mapping[str, ColumnSpec]) -> list[str]:
    """Notes about constant inputs, texts, categories that differ in case or blanks, and numbers with leading zeros.

    given: columns whose kind the config sets; numbers with leading zeros are then as they should be. One row does not
    show whether a column is constant.
    """
    notes, constant = [], []
    for name in inputs:
        column = train[name]
        known = column.values[~column.missing()]
        if not len(known) or (len(known) == len(column) and (known == known[0]).all()):
            constant.append(name)
        elif name not in given and is_padded(column):
            notes.append(f"column {quoted(name)}: {padded_noted(column)}, so read as categories")
        elif name not in given and (text := recognised_text(column)):
            hint = column_hint(name, text.spec)
            notes.append(
                f"column {quoted(name)}: texts, {text.reason}, read as categories; to read their words, set "
                f"data.columns: {hint}"
            )
        if name in given and type_name(given[name]) == "text":
            if name not in constant and not has_letters(column):
                notes.append(
                    f"column {quoted(name)}: declared as text, but no cell has a letter: its words are digits and "
                    "signs; should it be numeric or categorical?"
                )
            continue
        if said := variants_noted(column, "categories"):
            notes.append(f"column {quoted(name)}: {said}")
    if constant and train.rows > 1:
        notes.append(
            f"{counted(len(constant), 'column')} {'is' if len(constant) == 1 else 'are'} constant in the training set: "
            f"{listed(constant)}"
        )
    return notes


def notes_of_new_words(texts: Iterable[TextInput], train: Table) -> Iterator[str]:
    """Notes about words of the training rows that the model to start from has no weight for."""
    for text in texts:
        if words := text.new_words(train[text.name]):
            yield (
                f"column {quoted(text.name)}: {counted(len(words), 'word')} of the training rows without a weight, as "
                f"the earlier training did not have {'it' if len(words) == 1 else 'them'}: {listed(words)}"
            )


def notes_of_arrays(arrays: Iterable[ArrayInput]) -> Iterator[str]:
    """Notes about arrays with positions that are constant in the training set."""
    for array in arrays:
        if constant := array.constant_positions:
            of = f"{constant:,} of {array.size:,} positions"
            yield f"{of} of {quoted(array.name)} are constant in the training set"
