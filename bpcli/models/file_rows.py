"""Rows of files and queries with known targets, as a model reads them."""

from __future__ import annotations

import filecmp
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bpcli.data.files.query import Location, shown_location
from bpcli.data.files.source import Source, read_options, read_together
from bpcli.data.table import Kind, Table, require_columns
from bpcli.data.targets import require_in_domain
from bpcli.errors import errors_in
from bpcli.models.model import Model
from bpcli.models.new_rows import options_of_new_rows


@dataclass(frozen=True)
class FileRows:
    """Rows of a file, as a model reads them."""

    source: Source
    table: Table
    has_target: NDArray[np.bool_]


def file_rows(model: Model, data: Sequence[Location], cache: bool = True) -> FileRows:
    """All rows of files, one after another, or of a query.

    cache: as for `prepare`.

    Raises:
        DataError: a column is missing or the file cannot be read.
    """
    return next(file_rows_for_each([model], data, cache))


def file_rows_for_each(models: Sequence[Model], data: Sequence[Location], cache: bool) -> Iterator[FileRows]:
    """Yield all rows of files or of a query for each model, reading them once. Raises as `file_rows`.

    Of series, these are the windows for which every model has enough rows.
    """
    sources = []
    history = max((model.header.windows.window for model in models if model.header.windows is not None), default=0)
    first = data[0] if isinstance(data[0], Path) else None
    for model in models:
        if model.header.windows is not None:
            from bpcli.models.new_windows import series_source

            sources.append(series_source(model.header, data, cache))
            continue
        fitted, spec = model.preprocessor, model.header.config.data
        whole = model.whole_arrays(first, read_options(spec, fitted.evaluation_kinds))
        kinds = fitted.evaluation_kinds_in(whole)
        weight: dict[str, Kind] = {} if fitted.weight is None else {fitted.weight: "numeric"}
        options = replace(options_of_new_rows(spec, kinds | weight, fitted), columns=frozenset(kinds | weight))
        sources.append(Source([(location, None) for location in data], options, cache))
    for model, source in zip(models, read_together(sources), strict=True):
        if (windows := model.header.windows) is not None:
            from bpcli.models.new_windows import rows_of_series, windows_with_targets

            series = rows_of_series(source.table(), model.header.config.data, windows, source.shown)
            table = windows_with_targets(series, windows, source.shown, history).table(with_targets=True)
            yield FileRows(source, table, np.ones(table.rows, np.bool_))
            continue
        model.require_positions(first, source.header)
        required = [name for name in source.options.kinds if name != model.preprocessor.weight]
        require_columns(required, source.header, shown_location(data[0]))
        model.require_width(first, [name for name in source.header if not source.options.includes(name)])
        table = source.table()
        columns = [table[name] for name in model.target.names]
        missing = np.any([column.missing() for column in columns], axis=0)
        rows = np.flatnonzero(~missing)
        with errors_in(source.shown):
            known = [column.take(rows) for column in columns]
            model.target.require_valid(known, rows + 1)
            require_in_domain(known, model.loss, None, rows + 1)
        yield FileRows(source, table, ~missing)


def trained_on(model: Model, found: FileRows) -> str | None:
    """Warning about rows that the model was trained on, all or some of them; None for any others."""
    header, files = model.header, model.header.config.data.files
    paths = [location for location in found.source.locations if isinstance(location, Path)]
    parts = {
        part
        for known, (_, part) in zip(header.data.paths, files, strict=True)
        if any(is_copy(path, Path(known)) for path in paths)
    }
    if header.data.sha256 != found.source.digest and parts <= {"test"}:
        return None
    if parts and "train" not in parts and None not in parts and not header.all_rows:
        return "these are the validation rows, by which the model was chosen; scores on them may be too optimistic"
    whole = not parts or "train" in parts or not (header.data.rows["validation"] or header.data.rows["test"])
    trained = "the rows" if whole and header.data.rows["train"] == found.table.rows else "rows"
    return (
        f"these are {trained} that the model was trained on: scores on them say nothing about new rows; without --data "
        "its own test rows are scored"
    )


def is_copy(path: Path, other: Path) -> bool:
    """Whether two files are the same or have equal content. Files of different sizes are not read."""
    return path.resolve() == other or (other.is_file() and filecmp.cmp(path, other, shallow=False))
