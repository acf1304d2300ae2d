import gzip
import json
import os
import threading
from pathlib import Path

import pytest

from bpcli.data.files import json_reader
from bpcli.data.files.read import ReadOptions, read_chunks, read_header, read_stream, read_table
from bpcli.data.table import Table
from bpcli.errors import DataError

OPTIONS = ReadOptions()


def write(tmp_path: Path, content: str | bytes, name: str = "t.jsonl") -> Path:
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def labels(table: Table) -> dict[str, list[str]]:
    return {name: column.labels() for name, column in table.items()}


def test_each_line_is_a_row_and_its_keys_are_columns(tmp_path: Path) -> None:
    lines = '{"n": 1, "b": true, "t": "é"}\n\n  {"t": "x", "late": 2.5, "n": null}\r\n{"n": -3e2, "b": false}'
    path = write(tmp_path, lines)
    table = read_table([(path, None)], OPTIONS)
    assert labels(table) == {
        "n": ["1", "", "-300"],
        "b": ["true", "", "false"],
        "t": ["é", "x", ""],
        "late": ["", "2.5", ""],
    }
    assert [column.kind for column in table.values()] == ["numeric", "boolean", "categorical", "numeric"]
    assert read_header(path, OPTIONS) == ["n", "b", "t", "late"]


def test_an_array_of_objects_is_the_same(tmp_path: Path) -> None:
    rows = [{"a": 1, "b": "x"}, {"b": "y"}]
    table = read_table([(write(tmp_path, json.dumps(rows, indent=2), "t.json"), None)], OPTIONS)
    assert labels(table) == {"a": ["1", ""], "b": ["x", "y"]}
    with pytest.raises(DataError, match=r"t\.json: item 2: a number, where an object such as"):
        read_table([(write(tmp_path, '[{"a": 1}, 2]', "t.json"), None)], OPTIONS)


def test_compressed_lines_and_a_byte_order_mark_are_read(tmp_path: Path) -> None:
    path = write(tmp_path, gzip.compress(b'\xef\xbb\xbf{"a": 1}\n'), "t.ndjson.gz")
    assert labels(read_table([(path, None)], OPTIONS)) == {"a": ["1"]}


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('{"a": [1]}', "column 'a': holds an array; only numbers, booleans and text are read"),
        ('{"a": {"b": 1}}', "column 'a': holds an object; only"),
        ('{"a": 1, "a": 2}', "'a' stands more than once in an object"),
        ('{"a": 1', "not valid JSON: "),
        ("{'a': 1}", "not valid JSON: "),
        ("[1, 2]", "an array, where an object such as"),
        ('"x"', "a text, where an object such as"),
        ("null", "null, where an object such as"),
        ('{"a": ' + "[" * 200_000, "nested too deeply"),
        ('{"a": ' + "9" * 5000 + "}", "Exceeds the limit"),
        ('{"a": Infinity}', "column 'a': 'inf' is not a finite number"),
        ('{"a": -1e999}', "column 'a': 'inf' is not a finite number"),
        ('{"a": "\\ud800', "not valid JSON: "),
    ],
)
def test_a_line_that_is_no_row_is_an_error_with_its_number(tmp_path: Path, line: str, words: str) -> None:
    with pytest.raises(DataError) as caught:
        read_table([(write(tmp_path, f'{{"a": 1}}\n\n{line}\n'), None)], OPTIONS)
    assert str(caught.value).startswith(f"{tmp_path / 't.jsonl'}: line 3: {words}")


def test_bytes_that_are_no_text_are_an_error_with_their_line(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="line 2: byte 14 is not valid UTF-8"):
        read_table([(write(tmp_path, b'{"a": 1}\n{"a":\xff}'), None)], OPTIONS)
    for empty in ("", "\n \n", "{}\n", "[]"):
        with pytest.raises(DataError, match="the file is empty; one JSON object a line was expected"):
            read_table([(write(tmp_path, empty), None)], OPTIONS)


def test_half_a_character_is_no_text(tmp_path: Path) -> None:
    for line in ('{"a": "\\ud800"}', '{"\\udfff": 1}'):
        with pytest.raises(DataError, match="line 1: holds half of a character, which no text can"):
            read_table([(write(tmp_path, line), None)], OPTIONS)
    assert labels(read_table([(write(tmp_path, '{"a": "\\ud83d\\ude00"}'), None)], OPTIONS)) == {"a": ["😀"]}


def test_nan_as_python_writes_it_is_missing(tmp_path: Path) -> None:
    path = write(tmp_path, json.dumps({"a": float("nan"), "b": 1}) + "\n" + json.dumps({"a": 2, "b": 3}))
    assert labels(read_table([(path, None)], OPTIONS)) == {"a": ["", "2"], "b": ["1", "3"]}


def test_chunks_have_the_columns_that_only_later_rows_have(tmp_path: Path) -> None:
    path = write(tmp_path, "".join(f'{{"a": {row}}}\n' for row in range(9)) + '{"a": 9, "b": "x"}\n')
    options = ReadOptions(kinds={"a": "numeric", "b": "categorical"}, columns=frozenset({"a", "b"}))
    tables = list(read_chunks(path, options, 4))
    assert [table.rows for table in tables] == [4, 4, 2]
    assert [list(table) for table in tables] == [["a", "b"]] * 3
    assert tables[2]["b"].labels() == ["", "x"]
    wanted = ReadOptions(columns=frozenset({"a", "c"}))
    assert next(read_chunks(path, wanted, 4)).header == ("a", "b")


def test_chunks_of_a_pipe_are_read_once(tmp_path: Path) -> None:
    pipe = tmp_path / "t.jsonl"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_text, args=('{"a": 1}\n{"a": 2}\n{"b": 3}\n',))
    writer.start()
    found = read_stream(pipe, ReadOptions(kinds={"a": "numeric"}, columns=frozenset({"a"})), 2)
    tables = [table for table in found if table is not None]
    writer.join()
    assert [row for table in tables for row in labels(table)["a"]] == ["1", "2", ""]


@pytest.mark.parametrize("block", [1, 7, 100])
def test_where_a_block_ends_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: int) -> None:
    path = write(tmp_path, "".join(f'{{"a": {row}, "b": "é{row}"}}\n' for row in range(50)) + '{"a": "x"}')
    expected = labels(read_table([(path, None)], OPTIONS))
    monkeypatch.setattr(json_reader, "BLOCK", block)
    monkeypatch.setattr(json_reader, "ROWS", block)
    assert labels(read_table([(path, None)], OPTIONS)) == expected
