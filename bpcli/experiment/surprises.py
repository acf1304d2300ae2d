"""Notes on values unlike those of the training rows."""

from __future__ import annotations

from collections import Counter

import numpy as np

from bpcli.data.columns import Range, Surprise
from bpcli.data.preprocess import Preprocessor
from bpcli.data.table import Column, Kind, Table
from bpcli.data.targets import TargetBase
from bpcli.wording import counted, listed, quoted

MOST_FAR = 3
"""Limit on notes about out-of-range columns, since many pixels of an image may be out of range."""


def surprise_notes(surprises: Counter[Surprise], fitted_on: str = "training", of_these_rows: bool = False) -> list[str]:
    """Notes about values unlike the rows that preprocessing was fitted on, by column, most frequent categories first.

    fitted_on: phrase for these rows. of_these_rows: whether the values are those of these very rows.
    """
    notes = []
    unseen: dict[str, list[tuple[str, int]]] = {}
    far: list[tuple[int, str, tuple[str, str]]] = []
    ignored: dict[str, int] = {}
    for surprise, count in sorted(surprises.items(), key=lambda item: (item[0].column, -item[1], item[0].value or "")):
        if surprise.ignored:
            ignored[surprise.column] = count
        elif surprise.text is not None:
            notes.append(f"column {quoted(surprise.column)}: {_text_note(surprise, count, fitted_on)}")
        elif surprise.outside is not None:
            far.append((count, surprise.column, _shown(surprise.outside, surprise.kind)))
        elif surprise.value is None:
            column = quoted(surprise.column)
            although = "" if of_these_rows or surprise.usual else f", although {fitted_on} had none"
            notes.append(f"column {column}: {counted(count, 'value')} missing{although}; imputed")
        else:
            unseen.setdefault(surprise.column, []).append((surprise.value, count))
    treated = "" if fitted_on == "training" else "; treated as unknown"
    for name, found in unseen.items():
        rows = counted(sum(count for _, count in found), "row")
        values = listed([value for value, _ in found])
        notes.append(f"column {quoted(name)}: {rows} with {values}, not seen in {fitted_on}{treated}")
    return notes + _notes_of_ranges(far, fitted_on) + _notes_of_constants(ignored, fitted_on)


def _text_note(surprise: Surprise, count: int, fitted_on: str) -> str:
    """Note on texts without a word, without a known word, or of which the end is not read."""
    texts = counted(count, "text")
    if surprise.text == "empty":
        return f"{texts} without a word"
    if surprise.text == "unknown":
        return f"{texts} without a word that {fitted_on} had: treated as empty"
    return f"{texts} longer than {surprise.value} tokens (max_tokens): the rest is not read"


def _notes_of_constants(ignored: dict[str, int], fitted_on: str) -> list[str]:
    """Note about columns that were constant in training, with their number of other values."""
    if not ignored:
        return []
    values = counted(sum(ignored.values()), "other value")
    if len(ignored) == 1:
        return [
            f"column {quoted(next(iter(ignored)))} was constant in {fitted_on}, so it carries nothing: {values} ignored"
        ]
    return [
        f"{counted(len(ignored), 'column')} were constant in {fitted_on}, so they carry nothing: {values} ignored in "
        f"{listed(ignored)}"
    ]


def _shown(outside: Range, kind: Kind) -> tuple[str, str]:
    """Minimum and maximum as text."""
    if kind == "numeric":
        return f"{outside[0]:.6g}", f"{outside[1]:.6g}"
    least, greatest = Column("", kind, np.array(outside)).labels()
    return least, greatest


def _notes_of_ranges(far: list[tuple[int, str, tuple[str, str]]], fitted_on: str) -> list[str]:
    """Notes about numbers and dates outside the training range, most frequent first."""
    notes, of_training = [], "the training range" if fitted_on == "training" else f"the range of {fitted_on}"
    far = sorted(far, key=lambda found: -found[0])
    for count, column, (least, greatest) in far[:MOST_FAR]:
        notes.append(
            f"column {quoted(column)}: {counted(count, 'value')} far outside {least} to {greatest}, {of_training}"
        )
    if len(far) > MOST_FAR:
        notes.append(f"numbers far outside {of_training} in {counted(len(far) - MOST_FAR, 'more column')}")
    return notes


def notes_of_unseen_classes(fitted: Preprocessor, table: Table) -> list[str]:
    """Notes about classes of a table without missing targets that have no training rows."""
    return [
        f"target {listed(fitted.target.names)}: class {quoted(name)} has {counted(count, 'row')} here, none in the "
        "training set: counted as wrong, and left out of the metrics of probabilities"
        for name, count in fitted.unseen_classes(table).items()
    ]


def notes_of_targets(fitted: Preprocessor, table: Table) -> list[str]:
    """Notes about targets of a table without missing ones that the target's encoder takes for the nearest in training.

    Losses are computed on encoded targets, metrics on the targets themselves.
    """
    clamped = fitted.target.clamped([table[name] for name in fitted.target.names])
    return [
        f"target {quoted(name)}: {counted(count, 'value')} outside the training range; losses take the nearest "
        "training value for them, metrics the values themselves"
        for name, count in clamped.items()
        if count
    ]


def notes_of_clipped(target: TargetBase, clipped: int) -> list[str]:
    """Note about the number of predictions moved into the target's range; none for 0."""
    if not clipped:
        return []
    return [f"{counted(clipped, 'prediction')} clipped to {' or '.join(dict.fromkeys(target.shown_ranges.values()))}"]
