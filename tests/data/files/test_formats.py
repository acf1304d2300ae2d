import io
import os
from pathlib import Path

import numpy as np
import pytest

from bpcli.data.files.formats import format_of
from bpcli.errors import DataError


def write(path: Path, content: bytes = b"a,b\n1,2\n") -> Path:
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("t.csv", "text"),
        ("t", "text"),
        ("t.csv.gz", "text"),
        ("t.parquet", "parquet"),
        ("t.NPZ", "npz"),
        ("t.npy", "npy"),
        ("t.jsonl", "json"),
        ("t.ndjson.zst", "json"),
        ("t.json.gz", "json"),
        ("t.xlsx", "workbook"),
        ("t.ods", "workbook"),
    ],
)
def test_a_name_says_the_format(tmp_path: Path, name: str, expected: str) -> None:
    assert format_of(write(tmp_path / name)) == expected


def archive() -> bytes:
    content = io.BytesIO()
    np.savez(content, X=np.zeros(2))
    return content.getvalue()


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"PAR1" + bytes(20), "parquet"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(20), "workbook"),
        (b"", "text"),
        (b"PA", "text"),
    ],
)
def test_content_says_it_where_the_name_does_not(tmp_path: Path, content: bytes, expected: str) -> None:
    assert format_of(write(tmp_path / "t.csv", content)) == expected


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (archive(), "a NumPy array; its name must end in .npy, or in .npz"),
        (b"\x93NUMPY" + bytes(20), "a NumPy array; its name must end in .npy, or in .npz"),
        (b"SQLite format 3\0", r"an SQLite database; name it by data.url as sqlite:///.*t\.csv, with data.query"),
        (b"%PDF-1.7", "Parquet and workbooks are read; this is a PDF document"),
    ],
)
def test_other_formats_are_named_with_what_to_do(tmp_path: Path, content: bytes, words: str) -> None:
    with pytest.raises(DataError, match=words):
        format_of(write(tmp_path / "t.csv", content))


def test_a_pipe_is_text_and_is_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert format_of(tmp_path / "pipe") == "text"
    with pytest.raises(DataError, match="no such file"):
        format_of(tmp_path / "none")
