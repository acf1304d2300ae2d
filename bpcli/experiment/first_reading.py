"""Reading of a data file of which nothing is known: its dialect is recognised."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from pydantic import ValidationError

from bpcli.data.arrays_spec import ArraysSpec
from bpcli.data.database_url import without_password
from bpcli.data.files.elsewhere import elsewhere_hint
from bpcli.data.files.given import require_query
from bpcli.data.files.npz_reader import usual_arrays
from bpcli.data.files.recognition import dialect_of, rows_not_skipped
from bpcli.data.files.source import Source, open_source, read_options
from bpcli.data.spec import DataSpec
from bpcli.data.table import absent_name_hint
from bpcli.errors import UsageError
from bpcli.experiment.first_pictures import size_for
from bpcli.wording import composed, listed_with_last, printable, quoted, yaml_scalar


class FirstReading(NamedTuple):
    """Data section with the recognised dialect, its source, reasons by reading option, and notes for the user."""

    data: DataSpec
    source: Source
    reasons: dict[str, str]
    notes: list[str]


def first_reading(
    path: Path | str,
    targets: Sequence[str],
    query: str | None,
    sheet: str | None,
    given: Mapping[str, object],
    cache: bool,
) -> FirstReading:
    """Open a file, a pattern of files, or a database; `given` reading options are not recognised.

    Raises:
        DataError: the file cannot be read.
        UsageError: path, query, sheet and options do not go together.
    """
    data, notes = size_for(_data(path, query, sheet, given))
    options = read_options(data, {})
    source = open_source(data, Path(), cache=cache, split_arrays=any(map(options.names_position, targets)))
    if given.get("skip_rows") and (place := rows_not_skipped(source)):
        raise UsageError(f"--skip-rows: {place} has no lines to skip")
    dialect = dialect_of(source, data.skip_rows)
    reasons = {key: why for key, why in dialect.reasons.items() if key not in given}
    data = data.model_copy(update={key: getattr(dialect.dialect, key) for key in reasons})
    notes += [f"data.{key}: {yaml_scalar(getattr(data, key))}; {why}" for key, why in reasons.items()]
    reasons |= dict.fromkeys(given, "as given to bpcli init")
    _require_consistent(data)
    source = open_source(data, Path(), cache=cache, split_arrays=source.options.split_arrays)
    return FirstReading(data, source, reasons, notes)


def require_named(option: str, names: Sequence[str], reading: FirstReading, path: Path | str) -> list[str]:
    """The names that an option gives, in composed form. Raises UsageError for one that is no column."""
    data, source = reading.data, reading.source
    found = list(dict.fromkeys(map(composed, names)))
    for name in found:
        if name not in source.header:
            instead = elsewhere_hint(source.locations[0], source.options, name, option=True)
            instead = instead or _headless_hint(data, source.header) or absent_name_hint(name, source.header)
            raise UsageError(f"{option}: no column {quoted(name)} in {quoted(str(path))}{instead}")
    return found


def _require_consistent(data: DataSpec) -> None:
    """Raise UsageError for given reading options that exclude recognised ones."""
    try:
        _ = data.dialect
    except ValueError as error:
        raise UsageError(f"{error}; give --delimiter and --decimal together") from None


def _headless_hint(data: DataSpec, header: list[str]) -> str:
    """Hint for a name in a file without a header; empty for other files."""
    if data.header:
        return ""
    names = listed_with_last(header)
    return f"; the first row looks like data, so the columns are {names}; add --header if it has their names"


def _data(path: Path | str, query: str | None, sheet: str | None, reading: Mapping[str, object]) -> DataSpec:
    """Data section of the config, with paths relative to the working directory."""
    where = str(path)
    is_url = "://" in where
    if is_url and query is None:
        require_query(where)
    try:
        data = DataSpec.model_validate({"url" if is_url else "path": where, "query": query, "sheet": sheet, **reading})
    except ValidationError as error:
        first = error.errors()[0]
        reason = first["msg"].removeprefix("Value error, ")
        option = next((f"--{key.replace('_', '-')}" for key in reading if key in first["loc"]), None)
        raise UsageError(f"{option or printable(without_password(where))}: {reason}") from None
    if not where.lower().endswith(".npz") or not Path(where).is_file():
        return data
    x, y = usual_arrays(Path(where))
    return data.model_copy(update={"arrays": ArraysSpec(x=x, y=y)})
