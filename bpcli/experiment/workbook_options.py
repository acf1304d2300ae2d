"""Options of delimited text in a config whose files are workbooks, which are read without them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bpcli.data.files.formats import format_of
from bpcli.data.spec import DataSpec
from bpcli.errors import Mismatch, MismatchError


def refuse_text_options(spec: DataSpec, folder: Path) -> None:
    """Raise MismatchError for options that none of the files, all workbooks, is read with.

    folder: base of relative paths. Beside a text file, the options are those of the text.
    """
    dialect = spec.dialect
    skip = "delete such rows in the sheet, or skip those at its beginning with data.skip_rows"
    remedies = {
        "header": (not dialect.header, "name the columns in the first row of the sheet"),
        "comment": (dialect.comment is not None, skip),
        "delimiter": (dialect.delimiter is not None, "omit it"),
    }
    problems = [
        Mismatch(("data", key), f"is for delimited text, but the data is a workbook; {remedy}")
        for key, (is_set, remedy) in remedies.items()
        if is_set
    ]
    if problems and spec.url is None and _are_workbooks([path for path, _ in spec.sources(folder)]):
        raise MismatchError(*problems)


def _are_workbooks(files: Sequence[Path]) -> bool:
    return all(path.exists() and format_of(path) == "workbook" for path in files)
