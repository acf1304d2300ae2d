from pathlib import Path

import pytest

from bpcli.data.files.cells import ReadOptions
from bpcli.data.files.source import Source
from bpcli.data.notations import NumberNotation
from bpcli.experiment.mixed_units import warnings_of_units

NOTATIONS = {"share": NumberNotation(unit="%"), "size": NumberNotation(decimal=",")}


def found(path: Path, options: ReadOptions | None = None) -> list[tuple[str, str | None, str]]:
    warnings = warnings_of_units(Source([(path, None)], options, cache=False), NOTATIONS)
    return [(one.name, one.column, one.text.partition(";")[0]) for one in warnings]


def test_text_is_counted_as_written_without_missing_values(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text('share,size\n58%,"1,5"\n 0.04 ,2\n-999,3\n,4\n7 %,5\n')
    options = ReadOptions(kinds={"share": "numeric"}, notations=NOTATIONS, own_missing={"share": ("-999",)})
    assert found(path, options) == [("mixed_units", "share", "1 of 3 cells of 'share' has no unit %")]
    path.write_text("share,size\n58%,1\n-999,2\n7%,3\n")
    assert found(path, options) == []


def test_stored_numbers_of_a_sheet_have_no_unit(tmp_path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    pytest.importorskip("python_calamine")
    book = openpyxl.Workbook()
    for row in (["share"], ["58%"], [0.04], ["7%"], [None]):
        book.active.append(row)
    book.save(tmp_path / "t.xlsx")
    assert found(tmp_path / "t.xlsx") == [("mixed_units", "share", "1 of 3 cells of 'share' has no unit %")]


def test_columns_without_a_unit_are_not_read(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("size\n1,2,3\n")  # cannot be read
    assert found(path) == []
