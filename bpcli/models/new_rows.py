"""Reading of rows that a model was not trained on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from bpcli.data.files.cells import ReadOptions, shown_path
from bpcli.data.files.formats import format_of
from bpcli.data.files.picture_names import IMAGE
from bpcli.data.files.query import Location
from bpcli.data.files.source import read_options
from bpcli.data.picture_form import PictureForm
from bpcli.data.preprocess import Preprocessor
from bpcli.data.spec import DataSpec
from bpcli.data.table import Kind
from bpcli.system.files import is_stream
from bpcli.wording import quoted


def options_of_new_rows(spec: DataSpec, kinds: Mapping[str, Kind], fitted: Preprocessor) -> ReadOptions:
    """Read options of a model for new rows: the only sheet of a workbook is read, whatever its name.

    Pictures have the channels that were fitted.
    """
    options = read_options(spec, kinds)
    channels = {array.name: array.shape[-1] for array in fitted.arrays}

    def as_fitted(name: str, form: PictureForm) -> PictureForm:
        return replace(form, channels=form.channels or channels.get(name))

    pictures = {name: as_fitted(name, form) for name, form in options.pictures.items()}
    return replace(options, or_only_sheet=True, picture_form=as_fitted(IMAGE, options.picture_form), pictures=pictures)


def notes_of_sheets(locations: Iterable[Location | None], options: ReadOptions) -> list[str]:
    """Notes about workbooks whose only sheet is read although the model names another."""
    if options.sheet is None:
        return []
    from bpcli.data.files.workbook_reader import only_sheet_instead

    notes = []
    for path in locations:
        if not isinstance(path, Path) or is_stream(path) or format_of(path) != "workbook":
            continue
        if name := only_sheet_instead(path, options):
            notes.append(f"{shown_path(path)}: no sheet {quoted(options.sheet)}; read its only sheet, {quoted(name)}")
    return notes
