"""Validation of the columns that a config gives a role."""

from __future__ import annotations

from collections.abc import Callable

from bpcli.data.spec import DataSpec
from bpcli.data.table import Kind, Table, absent_name_hint
from bpcli.errors import Mismatch, MismatchError
from bpcli.wording import is_number, quoted, shown_shape

_OF_CELLS: dict[Kind, str] = {"categorical": "categorical", "date": "a date", "time_of_day": "a time of day"}
"""Kinds that an array cannot have."""


def check_names(
    spec: DataSpec, header: list[str], targets: list[str], elsewhere: Callable[[str], str] = lambda _: ""
) -> None:
    """Raise MismatchError for all columns that the spec names and the file lacks, and for conflicting uses.

    elsewhere: hint for a target that the header lacks, such as the line that has it; or empty.
    """
    named: list[tuple[tuple[str | int, ...], str]] = []
    if isinstance(spec.target, str):
        named.append((("data", "target"), spec.target))
    elif spec.target is not None:
        named += [(("data", "target", index), name) for index, name in enumerate(spec.target)]
    named += [(("data", "exclude", index), name) for index, name in enumerate(spec.exclude)]
    named += [(("data", "columns", name), name) for name in spec.columns]
    named += [(("data", "weight"), spec.weight)] if spec.weight is not None else []
    named += [(("data", "split", "column"), spec.split.column)] if spec.split.column is not None else []
    if isinstance(spec.group, str):
        named.append((("data", "group"), spec.group))
    else:
        named += [(("data", "group", index), name) for index, name in enumerate(spec.groups)]
    named += [(("data", "time"), name) for name in spec.times]
    named += [(("data", "known", index), name) for index, name in enumerate(spec.known)]
    absent = []
    for path, name in named:
        if name not in header:
            what = f"no column {quoted(name)} in {quoted(spec.shown)}{_hint(spec, header, targets, name, elsewhere)}"
            absent.append(Mismatch(path, what, at_key=path[:2] == ("data", "columns")))
    if absent:
        raise MismatchError(*absent)
    if len(set(targets)) < len(targets):
        raise MismatchError(Mismatch(("data", "target"), "a column is named twice"))
    others = {*spec.exclude, spec.weight, spec.split.column, *spec.groups, *spec.known}
    both = [name for name in targets if name in others]
    if both:
        raise MismatchError(
            Mismatch(("data", "target"), f"column {quoted(both[0])} cannot be the target and have another role")
        )


def _hint(spec: DataSpec, header: list[str], targets: list[str], name: str, elsewhere: Callable[[str], str]) -> str:
    if name in targets and (found := elsewhere(name)):
        return found
    if spec.dialect.header and header and all(map(is_number, header)):
        return "; the first row looks like data: data.header: false names the columns column0, column1, …"
    return absent_name_hint(name, header)


def refuse_arrays(table: Table, spec: DataSpec, targets: list[str]) -> None:
    """Raise MismatchError if an array is used as target, weight, split column, time or categorical column."""
    named: list[tuple[tuple[str | int, ...], str | None, str]] = [
        *((("data", "target"), name, "the target") for name in targets),
        (("data", "weight"), spec.weight, "a weight"),
        (("data", "split", "column"), spec.split.column, "the split column"),
        *((("data", "group"), name, "a group") for name in spec.groups),
        *((("data", "time"), name, "a time") for name in spec.times),
        *(
            (("data", "columns", name), name, _OF_CELLS[column.kind])
            for name, column in spec.columns.items()
            if column.kind in _OF_CELLS and column.picture_form(name) is None
        ),
    ]
    for path, name, what in named:
        if name is not None and name in table and (shape := table[name].shape):
            raise MismatchError(
                Mismatch(path, f"{quoted(name)} is an array of {shown_shape(shape)}, and cannot be {what}")
            )
