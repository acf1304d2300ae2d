"""Categories and classes whose names usually stand for a missing value, such as n/a."""

from __future__ import annotations

import numpy as np

from bpcli.data.columns.recognition import RecognisedColumn, column_hint
from bpcli.data.columns.spec import BooleanColumn, CategoricalColumn
from bpcli.data.examples.identifiers import tells_rows_apart
from bpcli.data.files.kind_hints import MISSING_WORDS
from bpcli.data.notations.limits import MOSTLY
from bpcli.data.table import FALSE_WORDS, TRUE_WORDS, Column
from bpcli.wording import counted, listed, quoted, yaml_scalar

AMBIGUOUS = frozenset(["missing", "na", "nil", "none", "unknown"])
"""Missing words, in lower case, that may as well be a category: no damage, or the abbreviation of a name."""

FEWEST_NAMES = 2
"""Minimum number of other names: in a column of `x` and `-`, both have a meaning."""


def names_with_missing_words(column: Column, is_target: bool, with_own_name: bool) -> RecognisedColumn | None:
    """Config of a column of names of which some usually mark missing values, else None.

    Ambiguous words are missing values in inputs only, and only if few rows have them: a class is not given up for a
    word. with_own_name: the file repeats its header, so that the column's name is a missing value, too.
    """
    if column.kind != "categorical" or tells_rows_apart(column):
        return None
    rows = np.bincount(column.values[column.values >= 0], minlength=len(column.categories))
    usual = _missing_words(column)
    ambiguous = [word for word in usual if word.strip().lower() in AMBIGUOUS]
    counts = dict(zip(column.categories, rows.tolist(), strict=True))
    are_few = sum(counts[word] for word in ambiguous) <= (1 - MOSTLY) * rows.sum()
    words = [word for word in usual if word not in ambiguous or (are_few and not is_target)]
    reasons = [f"names except {listed(words)}, usual for a missing value"] if words else []
    if with_own_name and column.name in counts:
        words.append(column.name)
        reasons.append(f"{quoted(column.name)} is the repeated header")
    others = [name for name in column.present() if name not in words]
    if not words or len(others) < FEWEST_NAMES:
        return None
    is_boolean = not is_target and all(name.lower() in TRUE_WORDS + FALSE_WORDS for name in others)
    spec = (BooleanColumn if is_boolean else CategoricalColumn)(missing=tuple(words))
    return RecognisedColumn(spec, "; ".join(reasons))


def missing_classes_noted(column: Column) -> str:
    """Note on classes whose names usually stand for a missing value, and what to do. Empty if there are none."""
    words = _missing_words(column)
    if not words:
        return ""
    rows = int(np.isin(column.values, [column.categories.index(word) for word in words]).sum())
    hint = column_hint(column.name, CategoricalColumn(missing=tuple(words)))
    classes = "class" if len(words) == 1 else "classes"
    return (
        f"{classes} {listed(words)} ({counted(rows, 'row')}) may mark missing values; if so, set data.columns: {hint}, "
        f"else {{{yaml_scalar(column.name)}: categorical}}"
    )


def _missing_words(column: Column) -> list[str]:
    """Names in a column that usually stand for a missing value; beside a `+`, `-` does not."""
    names = column.present() if column.kind == "categorical" else ()
    return [name for name in names if name.strip().lower() in MISSING_WORDS and not (name == "-" and "+" in names)]
