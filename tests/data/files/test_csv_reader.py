import csv
import gzip
import io
import math
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bpcli.data.files import text_source
from bpcli.data.files.cells import ReadOptions
from bpcli.data.files.csv_reader import read_csv
from bpcli.data.files.read import read_stream
from bpcli.data.notations.dialect import Dialect
from bpcli.data.table import Table
from bpcli.errors import DataError, FileAccessError

DATASETS = Path(__file__).parents[3] / "datasets"


def read(tmp_path: Path, data: bytes | str, name: str = "t.csv", **options: Any) -> Table:
    path = tmp_path / name
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return read_csv(path, ReadOptions(**options))


def error(tmp_path: Path, data: bytes | str, **options: Any) -> str:
    with pytest.raises(DataError) as raised:
        read(tmp_path, data, **options)
    message = str(raised.value)
    assert message.startswith(f"{tmp_path / 't.csv'}: ")
    assert "\n" not in message
    return message.removeprefix(f"{tmp_path / 't.csv'}: ")


def cells(table: Table) -> dict[str, list[str]]:
    return {name: column.labels() for name, column in table.items()}


def kinds(table: Table) -> dict[str, str]:
    return {name: column.kind for name, column in table.items()}


def verbatim(tmp_path: Path, data: bytes | str, names: str) -> dict[str, list[str]]:
    return cells(read(tmp_path, data, verbatim=frozenset(names)))


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_source, "BLOCK", 16)


# What the cells of a file are.


def test_words_of_one_column_are_missing_in_it_alone(tmp_path: Path) -> None:
    data = "n,m,b,c\nunknown,1,yes,unknown\n2,-9,unknown,\n"
    own = {"n": ("unknown",), "m": ("-9.0", "-9"), "b": ("unknown",)}
    given = {"n": "numeric", "m": "numeric", "b": "boolean"}
    table = read(tmp_path, data, kinds=given, own_missing=own)
    np.testing.assert_array_equal(table["n"].values, [math.nan, 2])
    np.testing.assert_array_equal(table["m"].values, [1, math.nan])
    np.testing.assert_array_equal(table["b"].values, [1, math.nan])
    assert cells(table)["c"] == ["unknown", ""]
    others = {"own_missing": {"n": ("unknown",)}, "kinds": {"n": "numeric", "b": "boolean"}}
    assert error(tmp_path, data, **others).startswith("line 3: column 'b': 'unknown' is neither true nor false")


def test_kinds_are_inferred(tmp_path: Path) -> None:
    table = read(tmp_path, "n,c,b,e,m\n1,x,yes,,1\n,,NO,NA,x\n-2.5e1,1,?,,2\n")
    assert kinds(table) == {"n": "numeric", "c": "categorical", "b": "boolean", "e": "numeric", "m": "categorical"}
    np.testing.assert_array_equal(table["n"].values, [1, np.nan, -25])
    assert table["c"].categories == ("1", "x")
    assert table["c"].values.tolist() == [1, -1, 0]
    np.testing.assert_array_equal(table["b"].values, [1, 0, np.nan])
    assert np.isnan(table["e"].values).all()
    assert table["m"].labels() == ["1", "x", "2"]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
def test_line_ends_and_a_byte_order_mark_change_nothing(tmp_path: Path, end: str, bom: bytes) -> None:
    data = bom + 'a,"b"\n1,x\n\n2,"y"\n\n'.replace("\n", end).encode()
    assert cells(read(tmp_path, data)) == {"a": ["1", "2"], "b": ["x", "y"]}
    assert cells(read(tmp_path, data.rstrip())) == {"a": ["1", "2"], "b": ["x", "y"]}


def test_quotes_hold_delimiters_newlines_and_doubled_quotes(tmp_path: Path) -> None:
    data = 'a,b\n"x, ""y""","1\r\n2\n3"\n"",""""\n'
    assert verbatim(tmp_path, data, "ab") == {"a": ['x, "y"', ""], "b": ["1\r\n2\n3", '"']}


def test_a_quote_inside_an_unquoted_cell_is_a_character(tmp_path: Path) -> None:
    assert verbatim(tmp_path, 'a,b\n12" LP,x\ny,5"\n"q",z\n', "ab") == {
        "a": ['12" LP', "y", "q"],
        "b": ["x", '5"', "z"],
    }


def test_quoted_numbers_and_missing_words_are_what_they_are_unquoted(tmp_path: Path) -> None:
    np.testing.assert_array_equal(read(tmp_path, 'a,b\n"1.5",x\n"NA",y\n" 2 ",z\n')["a"].values, [1.5, np.nan, 2])


def test_blanks_around_cells_and_names_are_stripped(tmp_path: Path) -> None:
    table = read(tmp_path, "  a ,\tb\n 1, x\n  2\t,x \n   3,NA \n")
    assert cells(table) == {"a": ["1", "2", "3"], "b": ["x", "x", ""]}


def test_lines_of_blanks_are_skipped(tmp_path: Path) -> None:
    assert cells(read(tmp_path, "\n\na,b\n1,2\n   \n\n3,4\n")) == {"a": ["1", "3"], "b": ["2", "4"]}


def test_in_a_single_column_a_blank_line_is_skipped_and_a_quoted_blank_is_missing(tmp_path: Path) -> None:
    np.testing.assert_array_equal(read(tmp_path, 'a\n1\n\n""\n2\n')["a"].values, [1, np.nan, 2])


@pytest.mark.parametrize(
    ("name", "mark"), [("t.tsv", "\t"), ("t.tab", "\t"), ("t.csv", ","), ("t.csv", ";"), ("t.txt", "\t"), ("t", ";")]
)
def test_the_delimiter_follows_from_the_name_and_the_header(tmp_path: Path, name: str, mark: str) -> None:
    assert cells(read(tmp_path, f"a{mark}b\n1{mark}2\n", name)) == {"a": ["1"], "b": ["2"]}


def test_a_tsv_keeps_commas_and_a_quoted_name_does_not_choose_the_delimiter(tmp_path: Path) -> None:
    assert list(read(tmp_path, "a,b\tc\n1\t2\n", "t.tsv")) == ["a,b", "c"]
    assert list(read(tmp_path, '"a,b";c\n1;2\n')) == ["a,b", "c"]


def test_gzip_is_read_whatever_the_name(tmp_path: Path) -> None:
    for name in ("t.csv.gz", "t.csv"):
        assert cells(read(tmp_path, gzip.compress(b"a,b\n1,x\n"), name)) == {"a": ["1"], "b": ["x"]}


def test_only_the_wanted_columns_are_read(tmp_path: Path) -> None:
    table = read(tmp_path, "a,b,c\n1,2,3\n", columns=frozenset({"c", "a", "not there"}))
    assert cells(table) == {"a": ["1"], "c": ["3"]}


def test_rows_are_counted_when_no_column_is_wanted(tmp_path: Path) -> None:
    assert read(tmp_path, "a\n1\n2\n", columns=frozenset()).rows == 2


def test_a_header_alone_is_a_table_without_rows(tmp_path: Path) -> None:
    for data in ("a,b", "a,b\n", "a,b\r\n\r\n"):
        table = read(tmp_path, data, kinds={"b": "categorical"})
        assert table.rows == 0
        assert kinds(table) == {"a": "numeric", "b": "categorical"}


def test_a_given_kind_keeps_the_text_of_numbers(tmp_path: Path) -> None:
    table = read(tmp_path, "a\n012\n12\nyes\n", kinds={"a": "categorical"})
    assert table["a"].labels() == ["012", "12", "yes"]


def test_other_missing_words_replace_the_usual_ones(tmp_path: Path) -> None:
    table = read(tmp_path, "a,b\n-1,NA\n2,\n", missing=("-1",))
    np.testing.assert_array_equal(table["a"].values, [np.nan, 2])
    assert table["b"].labels() == ["NA", ""]
    assert table["b"].categories == ("", "NA")


def test_huge_integers_are_rounded_to_the_nearest_float(tmp_path: Path) -> None:
    assert read(tmp_path, "a\n9007199254740993\n-12345678901234567890123\n")["a"].values.tolist() == [
        9007199254740992.0,
        -1.2345678901234568e22,
    ]


def test_a_number_that_is_not_finite_makes_an_inferred_column_categorical(tmp_path: Path) -> None:
    assert kinds(read(tmp_path, "a,b,c\n1e309,inf,1_000\n1,1,1\n")) == dict.fromkeys("abc", "categorical")


@pytest.mark.usefixtures("small_blocks")
def test_a_column_that_turns_out_to_be_text_late_keeps_the_text_of_its_first_cells(tmp_path: Path) -> None:
    rows = "".join(f"{number:03},{number},yes\n" for number in range(50))
    table = read(tmp_path, f"a,b,c\n{rows}x,1,no\n")
    assert table["a"].labels() == [f"{number:03}" for number in range(50)] + ["x"]
    assert kinds(table) == {"a": "categorical", "b": "numeric", "c": "boolean"}
    assert list(table) == ["a", "b", "c"]


@pytest.mark.usefixtures("small_blocks")
def test_a_column_that_begins_with_missing_cells_can_be_boolean(tmp_path: Path) -> None:
    table = read(tmp_path, "a,b\n" + ",1\n" * 30 + "yes,1\n")
    assert table["a"].kind == "boolean"
    assert np.isnan(table["a"].values[:30]).all()


@pytest.mark.usefixtures("small_blocks")
def test_rows_and_cells_longer_than_a_block_are_read(tmp_path: Path) -> None:
    long = 'x"\n' * 200
    data = "a,b\n" + '"{}",{}\n'.format(long.replace('"', '""'), "9" * 100) + "y,2\n"
    table = read(tmp_path, data, verbatim=frozenset("a"))
    assert table["a"].labels() == [long, "y"]
    assert table["b"].values.tolist() == [float("9" * 100), 2]


def test_fields_of_up_to_a_mebibyte_are_read(tmp_path: Path) -> None:
    long = "x" * (1 << 20)
    assert read(tmp_path, f"a,b\n{long},1\n")["a"].categories == (long,)
    assert error(tmp_path, f"a,b\n1,2\n{long}x,1\n") == (
        "line 3: a field longer than 1 MiB starts here; close its quote if one is missing, or give texts of that "
        "length as JSON lines"
    )
    assert "line 2: a field longer than 1 MiB" in error(tmp_path, b"a,b\n1," + b"x" * (3 << 20))
    assert "line 2: a field longer than 1 MiB" in error(tmp_path, b'a,b\n1,"' + b"x\n" * (2 << 20))


@pytest.mark.parametrize("distinct", [1, 7, 1000, 50_000])
@pytest.mark.parametrize(
    "form", ["{}", "a street, {}", 'said ""{}""', "{} and a text of more than sixty-four bytes, as long ones are"]
)
def test_each_of_many_rows_keeps_its_text(tmp_path: Path, distinct: int, form: str) -> None:
    texts = [form.format(number * 7919 % distinct) for number in range(4000)]
    rows = "".join(f'{number},"{text}"\n' for number, text in enumerate(texts))
    table = read(tmp_path, f"a,b\n{rows}", kinds={"b": "categorical"})
    assert table["b"].labels() == [text.replace('""', '"') for text in texts]
    assert table["b"].categories == tuple(sorted(set(table["b"].labels())))
    assert table["a"].values.tolist() == list(range(4000))


def test_a_column_of_text_may_hold_numbers_in_any_spelling(tmp_path: Path) -> None:
    cells_of = ["1", "1e5", " 2", "NA", "x", "1e6", "3"]
    table = read(tmp_path, "a,b\n" + "".join(f"{cell},{cell}\n" for cell in cells_of).replace(",x", ",4"))
    assert table["a"].labels() == ["1", "1e5", "2", "", "x", "1e6", "3"]
    np.testing.assert_array_equal(table["b"].values, [1, 1e5, 2, np.nan, 4, 1e6, 3])


# What is refused, and where the message points.


def test_a_ragged_row_is_named_by_its_line(tmp_path: Path) -> None:
    assert error(tmp_path, "a,b\n1,2\n\n3\n4,5\n") == "line 4: 1 field, but the header has 2 columns"
    assert error(tmp_path, 'a,b\r\n1,"x\r\ny"\r\n3,4,5\r\n') == "line 4: 3 fields, but the header has 2 columns"
    assert error(tmp_path, "a\n1\n2,3\n") == "line 3: 2 fields, but the header has 1 column"


@pytest.mark.usefixtures("small_blocks")
def test_lines_are_counted_over_blocks(tmp_path: Path) -> None:
    for end in ("\n", "\r\n", "\r"):
        data = "a,b\n" + '1,"x\ny"\n' * 40 + "3\n"
        assert error(tmp_path, data.replace("\n", end)).startswith("line 82: 1 field")


@pytest.mark.parametrize(
    ("data", "line"),
    [
        ('a,b\n1,2\n3,"4\n5,6\n', 3),
        ('a,b\n1,"x\n2,"y"\n', 2),
        ('a,b\n1,"x"y\n', 2),
        ('a,b\n"1","x" \n', 2),
        ('a,b\n"p\nq",1\n2,"', 4),
    ],
)
def test_a_quote_that_does_not_close_is_named_by_the_line_it_opens_on(tmp_path: Path, data: str, line: int) -> None:
    assert error(tmp_path, data).startswith(f"line {line}: the quoted field that starts here")


@pytest.mark.parametrize("block", [16, 1 << 20])
@pytest.mark.parametrize(
    ("data", "first"),
    [
        ('1,2\n3\n4,"5"6\n', "line 3: 1 field"),
        ('1,2\n3,"4"5\n6\n', "line 3: the quoted field"),
        ('1,2\n3\n4,"5\n', "line 3: 1 field"),
        ('1,2\nx,3\n4,"5\n', "line 3: column 'a'"),
        ('1,2\nx,3\n4,5"\n7,"8"9\n', "line 3: column 'a'"),
    ],
)
def test_of_two_errors_the_first_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: int, data: str, first: str
) -> None:
    monkeypatch.setattr(text_source, "BLOCK", block)
    assert error(tmp_path, "a,b\n" + data, kinds={"a": "numeric"}).startswith(first)


def test_an_open_quote_in_the_header_is_an_error(tmp_path: Path) -> None:
    assert error(tmp_path, 'a,"b\n1,2\n') == "line 1: the header does not end; is a closing quote missing?"


def test_a_column_without_a_name_is_called_by_its_position(tmp_path: Path) -> None:
    assert cells(read(tmp_path, ",a,\n0,x,1\n1,y,2\n")) == {
        "Unnamed: 0": ["0", "1"],
        "a": ["x", "y"],
        "Unnamed: 2": ["1", "2"],
    }


def test_a_delimiter_at_the_end_of_lines_makes_one_column_without_a_name_at_most(tmp_path: Path) -> None:
    empty = {"a": ["1", "3"], "b": ["2", "4"], "Unnamed: 2": ["", ""]}
    assert cells(read(tmp_path, "a,b,\n1,2,\n3,4,\n")) == empty
    assert cells(read(tmp_path, 'a,b\n1,2,\n3,4,""\n')) == empty
    assert cells(read(tmp_path, "a,b\n\n \r\n1,2,\n3,4,\n")) == empty
    assert cells(read(tmp_path, "a,b\n#\n# x,y,z\n1,2,\n3,4,\n", dialect=Dialect(comment="#"))) == empty
    assert cells(read(tmp_path, "a,b,\n1,2\n3,4\n")) == {"a": ["1", "3"], "b": ["2", "4"]}
    assert error(tmp_path, "a,b\n1,2,\n3,4\n") == "line 3: 2 fields, but the header has 3 columns"
    assert error(tmp_path, "a,b\n1,2,3\n") == "line 2: 3 fields, but the header has 2 columns"


def test_the_line_that_names_the_delimiter_is_skipped(tmp_path: Path) -> None:
    assert cells(read(tmp_path, "sep=|\r\na|b,c\r\n1|2\r\n")) == {"a": ["1"], "b,c": ["2"]}
    assert error(tmp_path, "sep=;\na;b\n1;x\n", kinds={"b": "numeric"}).startswith("line 3: column 'b'")


def test_whole_numbers_with_leading_zeros_are_names(tmp_path: Path) -> None:
    table = read(tmp_path, 'zip,share,n\n60601,0.5,7\n"00501",00.25,0\n')
    assert [table[name].kind for name in table] == ["categorical", "numeric", "numeric"]
    assert table["zip"].labels() == ["60601", "00501"]
    given = read(tmp_path, "zip\n60601\n00501\n", kinds={"zip": "numeric"})
    assert given["zip"].values.tolist() == [60601, 501]
    assert read(tmp_path, "n\n1\n00\n", missing=("00",))["n"].kind == "numeric"


def test_leading_zeros_are_seen_after_the_first_block(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_source, "BLOCK", 8)
    assert cells(read(tmp_path, "a,b\n1,2\n3,4\n5,6\n07,8\n9,1\n"))["a"] == ["1", "3", "5", "07", "9"]


def test_repeated_and_absent_names_are_errors(tmp_path: Path) -> None:
    assert error(tmp_path, ",,\n1,2,3\n").endswith(
        "line 1: none of the 3 columns has a name in the header; if the header is further down, skip the lines above "
        "it by data.skip_rows, or bpcli init --skip-rows"
    )
    assert error(tmp_path, "a,b, a\n1,2,3\n").endswith(
        "line 1: duplicate names in the header: 'a'; rename them, or have the columns named column0, column1, … by "
        "data.header: false, data.skip_rows: 1"
    )
    missing = "line 1: duplicate names in the header: '0'; is the header line missing? Then data.header: false"
    assert missing in error(tmp_path, "0,1.5,0\n1,2,3\n")


@pytest.mark.parametrize("data", ["", "\n\n", "\ufeff", " \n"])
def test_an_empty_file_is_an_error(tmp_path: Path, data: str) -> None:
    assert "the file is empty" in error(tmp_path, data)


def test_encodings_other_than_utf_8_are_errors_that_say_so(tmp_path: Path) -> None:
    assert "UTF-16; save the file as UTF-8, or set data.encoding" in error(tmp_path, "a,b\n1,2\n".encode("utf-16"))
    assert "UTF-16" in error(tmp_path, "a,b\n1,2\n".encode("utf-16-be"))
    latin = "a,b\n1,x\n2,é\n".encode("latin-1")
    remedy = "save the file as UTF-8, or set data.encoding before training"
    assert error(tmp_path, latin) == f"line 3: byte 10 is not valid UTF-8; {remedy}"
    assert error(tmp_path, b"\xef\xbb\xbf" + latin).startswith("line 3: byte 13 ")
    assert error(tmp_path, "é,b\n1,x\n".encode("latin-1")).startswith("line 1: byte 0 ")
    assert "line 2: a NUL byte (byte 4)" in error(tmp_path, b"a,b\n\0,1\n")


def test_a_cell_that_a_given_kind_does_not_fit_is_shown_with_its_place(tmp_path: Path) -> None:
    data = 'x,b\n1,yes\n"\n2",no\n 1e309,oui\n'
    assert error(tmp_path, data, kinds={"x": "numeric"}) == "line 3: column 'x': '\\n2' is not a finite number"
    assert error(tmp_path, data.replace('"\n2"', "2"), kinds={"x": "numeric"}) == (
        "line 4: column 'x': '1e309' is not a finite number"
    )
    assert error(tmp_path, data, kinds={"b": "boolean"}).startswith(
        "line 5: column 'b': 'oui' is neither true nor false"
    )


def test_text_in_messages_cannot_command_the_terminal(tmp_path: Path) -> None:
    message = error(tmp_path, "\x1b[2J,b\n\x1b]0;x\x07,1\n", kinds={"\x1b[2J": "numeric"})
    assert message.isprintable()


def test_a_missing_file_is_an_error_with_the_nearest_name(tmp_path: Path) -> None:
    (tmp_path / "penguins.csv").touch()
    with pytest.raises(DataError, match=r"pengiuns\.csv: no such file; did you mean 'penguins\.csv'\?"):
        read_csv(tmp_path / "pengiuns.csv", ReadOptions())
    with pytest.raises(DataError, match=r"no such file$"):
        read_csv(tmp_path / "no folder" / "x.csv", ReadOptions())


def test_folders_and_pipes_are_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(DataError, match=r"a pipe, which can be read only once \(bpcli predict does\)"):
        read_csv(tmp_path / "pipe", ReadOptions())
    with pytest.raises(DataError, match="not a regular file"):
        read_csv(Path("/dev/null"), ReadOptions())
    with pytest.raises(DataError, match="a folder"):
        read_csv(tmp_path, ReadOptions())


def test_what_the_system_refuses_is_a_file_access_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    (tmp_path / "t.csv").touch()
    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(FileAccessError, match=r"t\.csv: Permission denied"):
        read_csv(tmp_path / "t.csv", ReadOptions())


def test_damaged_gzip_is_an_error(tmp_path: Path) -> None:
    packed = gzip.compress(b"a,b\n" + bytes(str(list(range(3000))), "ascii"))
    for damaged in (packed[:-20], packed[:40] + b"\0" * 50 + packed[90:]):
        assert error(tmp_path, damaged) == "the gzip data is damaged or cut short"


def test_a_row_without_end_is_an_error_before_memory_runs_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_source, "BLOCK", 1 << 10)
    monkeypatch.setattr(text_source, "FIELD_LIMIT", 1 << 10)
    monkeypatch.setattr(text_source, "ROW_LIMIT", 1 << 14)
    assert "line 2: a row longer than" in error(tmp_path, "a,b\n" + "1," * 20_000)
    assert "line 1: the header does not end" in error(tmp_path, "a," * 20_000)


# Other dialects.


def test_a_decimal_comma_makes_the_semicolon_the_delimiter(tmp_path: Path) -> None:
    table = read(tmp_path, "a;b\n0,5;x,y\n-1,25;z\n", dialect=Dialect(decimal=","))
    assert table["a"].values.tolist() == [0.5, -1.25]
    assert table["b"].labels() == ["x,y", "z"]
    quoted = read(tmp_path, 'a,b\n"0,5",x\n7,y\n', dialect=Dialect(decimal=",", delimiter=","))
    assert quoted["a"].values.tolist() == [0.5, 7]


def test_groups_of_thousands_stand_among_plain_numbers(tmp_path: Path) -> None:
    data = 'a;b;c\n1.234,5;"1 000";1\n3565;2\u00a0000\u00a0000;\n108;7;-999\n'
    dialect = Dialect(decimal=",", thousands=".")
    table = read(tmp_path, data, dialect=dialect, missing=("", "-999"))
    np.testing.assert_array_equal(table["a"].values, [1234.5, 3565, 108])
    assert table["b"].kind == "categorical"
    np.testing.assert_array_equal(table["c"].values, [1, np.nan, np.nan])
    spaced = read(tmp_path, data, dialect=Dialect(decimal=",", thousands=" "), columns=frozenset("b"))
    assert spaced["b"].values.tolist() == [1000, 2000000, 7]


def test_a_number_of_another_dialect_is_named_with_its_line(tmp_path: Path) -> None:
    kinds = {"a": "numeric"}
    message = error(tmp_path, "a;b\n0,5;1\n0.5;2\n", dialect=Dialect(decimal=","), kinds=kinds)
    assert message == "line 3: column 'a': '0.5' is not a finite number with a decimal comma"
    grouped = error(tmp_path, "a;b\n1.234;1\n1.5;2\n", dialect=Dialect(decimal=",", thousands="."), kinds=kinds)
    assert grouped == "line 3: column 'a': '1.5' is not a finite number with a decimal comma"


@pytest.mark.parametrize("mark", ["|", ":", " ", "^"])
def test_any_mark_can_be_given_as_the_delimiter(tmp_path: Path, mark: str) -> None:
    data = 'a,;b\n1,;"x,;y"\n'.replace(",;", mark)
    assert cells(read(tmp_path, data, dialect=Dialect(delimiter=mark))) == {"a": ["1"], "b": [f"x{mark}y"]}


def test_a_given_delimiter_is_that_of_a_tsv_too(tmp_path: Path) -> None:
    assert list(read(tmp_path, "a,b\n1,2\n", "t.tsv", dialect=Dialect(delimiter=","))) == ["a", "b"]


@pytest.mark.parametrize("block", [8, 1 << 20])
def test_comment_lines_are_left_out_wherever_they_stand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: int
) -> None:
    monkeypatch.setattr(text_source, "BLOCK", block)
    data = '# of 2024, "draft\n\n#\na,b\n# 1,2,3\n1,"x\n# y"\n#\n2,#z\n# the end'
    table = read(tmp_path, data, dialect=Dialect(comment="#"))
    assert cells(table) == {"a": ["1", "2"], "b": ["x\n# y", "#z"]}
    message = error(tmp_path, data.replace("2,#z", "2"), dialect=Dialect(comment="#"))
    assert message.startswith("line 9: 1 field")
    assert "duplicate names" not in error(tmp_path, "a,#b\n1,2\n#3\n")


@pytest.mark.parametrize("block", [3, 1 << 20])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_skipped_lines_may_hold_anything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: int, end: str) -> None:
    monkeypatch.setattr(text_source, "BLOCK", block)
    data = 'Report "2024\n\na;b\n\na,b\n1,2\n3\n'.replace("\n", end)
    assert error(tmp_path, data, dialect=Dialect(skip_rows=3)).startswith("line 7: 1 field")
    table = read(tmp_path, data.replace(f"3{end}", "3,4"), dialect=Dialect(skip_rows=3))
    assert cells(table) == {"a": ["1", "3"], "b": ["2", "4"]}


def test_more_lines_than_there_are_cannot_be_skipped(tmp_path: Path) -> None:
    assert error(tmp_path, "a\n1\n", dialect=Dialect(skip_rows=3)) == "2 lines, but skip_rows is 3"
    assert "the file is empty" in error(tmp_path, "a\n1\n", dialect=Dialect(skip_rows=2))


@pytest.mark.parametrize("block", [3, 1 << 20])
def test_without_a_header_columns_are_numbered_and_no_row_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: int
) -> None:
    monkeypatch.setattr(text_source, "BLOCK", block)
    table = read(tmp_path, '\n1,"x\ny",1\n2,z,\n', dialect=Dialect(header=False))
    assert cells(table) == {"column0": ["1", "2"], "column1": ["x\ny", "z"], "column2": ["1", ""]}
    assert error(tmp_path, "1,2\n1\n", dialect=Dialect(header=False)).startswith("line 2: 1 field")
    assert error(tmp_path, "1,x\n", dialect=Dialect(header=False), kinds={"column1": "numeric"}) == (
        "line 1: column 'column1': 'x' is not a finite number"
    )
    assert error(tmp_path, "\n", dialect=Dialect(header=False)) == "the file is empty"


@pytest.mark.parametrize(
    ("encoding", "written"),
    [
        ("utf-8", "utf-8-sig"),
        ("utf-8-sig", "utf-8"),
        ("utf-16", "utf-16"),
        ("utf-16-le", "utf-16-le"),
        ("latin-1", "latin-1"),
        ("cp1252", "cp1252"),
    ],
)
@pytest.mark.parametrize("block", [3, 1 << 20])
def test_encodings_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, encoding: str, written: str, block: int
) -> None:
    monkeypatch.setattr(text_source, "BLOCK", block)
    data = 'Größe,b\r\n1,"é\r\n"\r\n2,x\r\n'
    expected = {"Größe": ["1", "2"], "b": ["é\r\n", "x"]}
    verbatim = frozenset("b")
    assert (
        cells(read(tmp_path, data.encode(written), dialect=Dialect(encoding=encoding), verbatim=verbatim)) == expected
    )
    packed = gzip.compress(data.encode(written))
    assert cells(read(tmp_path, packed, dialect=Dialect(encoding=encoding), verbatim=verbatim)) == expected


@pytest.mark.parametrize("block", [3, 1 << 20])
def test_bytes_that_an_encoding_does_not_have_are_named_with_their_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: int
) -> None:
    monkeypatch.setattr(text_source, "BLOCK", block)
    message = error(tmp_path, b"a,b\n1,2\n3,\x81\n", dialect=Dialect(encoding="cp1252"))
    assert message.startswith("line 3: byte 10 is not valid cp1252; save the file as UTF-8, or set data.encoding")
    cut = "a,b\n1,2\n".encode("utf-16")[:-1]
    assert error(tmp_path, cut, dialect=Dialect(encoding="utf-16")).startswith("line 2: byte 16 is not valid utf-16")


def test_a_table_may_stand_under_a_report_of_another_program(tmp_path: Path) -> None:
    data = "Messreihe 7\r\n% Größe in mm\r\n1,5;1\u00a0200;ja\r\n% Pause\r\n2,25;900;nein\r\n"
    dialect = Dialect(decimal=",", thousands=" ", comment="%", skip_rows=1, header=False, encoding="cp1252")
    table = read(tmp_path, data.encode("cp1252"), dialect=dialect)
    assert table["column0"].values.tolist() == [1.5, 2.25]
    assert table["column1"].values.tolist() == [1200, 900]
    assert table["column2"].labels() == ["ja", "nein"]


# Chunks.


def chunks(data: str, rows: int, monkeypatch: pytest.MonkeyPatch, **options: Any) -> list[Table]:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data.encode())))
    return [table for table in read_stream(None, ReadOptions(**options), rows) if table is not None]


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("rows", [1, 3, 7, 1000])
def test_chunks_of_standard_input_have_the_asked_number_of_rows(rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    data = "a,b\n" + "".join(f'{number},"x\n{number}"\n\n' for number in range(50))
    tables = chunks(data, rows, monkeypatch)
    assert [table.rows for table in tables] == [rows] * (50 // rows) + [50 % rows] * bool(50 % rows)
    assert [label for table in tables for label in table["a"].labels()] == [str(number) for number in range(50)]
    assert tables[0]["b"].categories == tuple(sorted(f"x\n{number}" for number in range(min(rows, 50))))


@pytest.mark.usefixtures("small_blocks")
def test_in_a_chunk_a_column_may_turn_out_to_be_text_late(monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = [f"{number:03}" for number in range(50)]
    first, second = chunks("a,b\n" + "".join(f"{n},1\n" for n in numbers) + "x,2\n1,3\n", 51, monkeypatch)
    assert first["a"].labels() == [*numbers, "x"]
    assert first["b"].values.tolist() == [1] * 50 + [2]
    assert second["a"].values.tolist() == [1]
    assert list(first) == ["a", "b"]


def test_chunks_of_a_header_alone_are_one_empty_table(monkeypatch: pytest.MonkeyPatch) -> None:
    (table,) = chunks("a,b\n", 10, monkeypatch, kinds={"a": "boolean"})
    assert table.rows == 0
    assert kinds(table) == {"a": "boolean", "b": "numeric"}


def test_messages_about_standard_input_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DataError, match=r"^standard input: line 2: 1 field"):
        chunks("a,b\n1\n", 10, monkeypatch)


# Held against the csv module.

TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), max_size=8) | st.sampled_from(
    ["", " ", '"', '""', "a,b", "\r\n", "\n", "x" * 70, 'say "hi"', "NA", "1.5"]
)


@given(
    rows=st.integers(1, 4).flatmap(lambda n: st.lists(st.lists(TEXT, min_size=n, max_size=n), min_size=1, max_size=12)),
    end=st.sampled_from(["\n", "\r\n"]),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    block=st.sampled_from([8, 64, 1 << 20]),
)
def test_what_the_csv_module_writes_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]], end: str, quoting: int, block: int
) -> None:
    path = tmp_path_factory.mktemp("csv") / "t.csv"
    names = [f"c{index}" for index in range(len(rows[0]))]
    with path.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream, lineterminator=end, quoting=quoting).writerows([names, *rows])  # type: ignore[arg-type]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(text_source, "BLOCK", block)
        table = read_csv(path, ReadOptions(verbatim=frozenset(names)))
    assert [list(row) for row in zip(*cells(table).values(), strict=True)] == rows


# The shipped data.


@pytest.mark.parametrize("name", ["auto_mpg", "concrete", "credit_data", "penguins"])
def test_shipped_data_has_the_missing_values_that_the_csv_module_counts(name: str) -> None:
    path = DATASETS / f"{name}.csv"
    table = read_csv(path, ReadOptions())
    with path.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert table.rows == len(rows)
    for column in table.values():
        expected = [row[column.name].strip() in ReadOptions().missing for row in rows]
        assert column.missing().tolist() == expected
        if column.kind == "numeric":
            written = [math.nan if gone else float(row[column.name]) for row, gone in zip(rows, expected, strict=True)]
            np.testing.assert_array_equal(column.values, written)


def test_shipped_data_has_the_kinds_that_a_person_sees() -> None:
    penguins = kinds(read_csv(DATASETS / "penguins.csv", ReadOptions()))
    assert {name for name, kind in penguins.items() if kind == "categorical"} == {"species", "island", "sex"}
    assert set(penguins.values()) == {"numeric", "categorical"}
    credit = read_csv(DATASETS / "credit_data.csv", ReadOptions())
    assert [name for name in credit if credit[name].kind == "boolean"] == ["Records"]
    mpg = read_csv(DATASETS / "auto_mpg.csv", ReadOptions())
    assert int(mpg["Miles_per_Gallon"].missing().sum()) == 8
