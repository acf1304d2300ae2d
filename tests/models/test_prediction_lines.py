"""Predictions as text."""

from __future__ import annotations

import csv
import io
import json

import pytest

from bpcli.models.prediction_lines import CsvLines, JsonLines, Lines

TEXTS = ["", "a", "a,b", 'say "hi"', '""', "two\nlines", "cr\rhere", "é", "100%", "%s", " x ", "'"]
NUMBERS = [0.1, 1e-08, 1e300, -0.0, 1 / 3, 5e-324, 123456789.0, 2.0, 1e16, 1e17, 0.30000000000000004, 7.0]


def text_of(lines: Lines, texts: list[str], numbers: list[float]) -> str:
    return lines.beginning() + lines.rows([lines.cells(texts), numbers, list(range(len(texts)))])


def test_csv_reads_back_the_same() -> None:
    header = ["a,b", 'x"%d', "n"]
    found = list(csv.reader(io.StringIO(text_of(CsvLines(header), TEXTS, NUMBERS), newline="")))
    assert found[0] == header
    assert [row[0] for row in found[1:]] == TEXTS
    assert [float(row[1]) for row in found[1:]] == NUMBERS
    assert [row[2] for row in found[1:]] == [str(number) for number in range(len(TEXTS))]


def test_csv_is_quoted_as_the_csv_module_quotes_it() -> None:
    for header in (["name"], ["name", "other"]):
        out = io.StringIO()
        rows = [[text] * len(header) for text in TEXTS]
        csv.writer(out, lineterminator="\r\n").writerows([header, *rows])
        lines = CsvLines(header)
        found = lines.beginning() + lines.rows([lines.cells(TEXTS)] * len(header))
        assert found == out.getvalue().replace("\r\n", "\n")


def test_texts_are_cleaned_before_they_are_quoted() -> None:
    lines = CsvLines(["=a", "b"], cleaning=[lambda text: "'" + text, str.upper])
    assert lines.beginning() == "'=A,'B\n"
    assert lines.cells(["x,y"]) == ['"\'X,Y"']


def test_json_lines_read_back_the_same() -> None:
    header = ["a,b", 'x"%d', "n"]
    found = [json.loads(line) for line in text_of(JsonLines(header), TEXTS, NUMBERS).splitlines()]
    expected = zip(TEXTS, NUMBERS, range(len(TEXTS)), strict=True)
    assert found == [dict(zip(header, row, strict=True)) for row in expected]


@pytest.mark.parametrize(("lines", "cell"), [(CsvLines(["a", "b"]), ""), (JsonLines(["a", "b"]), "null")])
def test_a_missing_value_is_empty_or_null(lines: Lines, cell: str) -> None:
    assert lines.cells([None]) == [cell]


def test_no_rows_are_no_lines() -> None:
    for lines in (CsvLines(["a"]), JsonLines(["a"])):
        assert lines.rows([[]]) == ""
