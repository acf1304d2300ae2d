import bz2
import gzip
import io
import lzma
from collections.abc import Callable
from pathlib import Path

import pytest

from bpcli.data.files.compression import decompressed, peeked
from bpcli.data.files.csv_reader import read_csv
from bpcli.data.files.read import ReadOptions
from bpcli.errors import DataError


def zstandard(data: bytes) -> bytes:
    return bytes(pytest.importorskip("zstandard").ZstdCompressor(write_checksum=True).compress(data))


COMPRESSORS: list[tuple[str, Callable[[bytes], bytes]]] = [
    ("gzip", gzip.compress),
    ("bzip2", bz2.compress),
    ("xz", lzma.compress),
    ("Zstandard", zstandard),
]
TEXT = b"a,b\n" + b"".join(b"%d,%d\n" % (number, number * number) for number in range(20_000))


def read(data: bytes, size: int = 1000) -> bytes:
    stream = decompressed(io.BytesIO(data), "t.csv")
    return b"".join(iter(lambda: stream.read(size), b""))


@pytest.mark.parametrize(("name", "compress"), COMPRESSORS)
def test_compressed_bytes_are_known_by_their_content(name: str, compress: Callable[[bytes], bytes]) -> None:
    packed = compress(TEXT)
    assert read(packed) == TEXT
    assert read(packed + packed) == TEXT + TEXT
    assert read(compress(b"")) == b""


@pytest.mark.parametrize("data", [b"", b"a", TEXT, b"BZh9,b\n1,2\n", b"\x1e\x8b"])
def test_other_bytes_are_left_as_they_are(data: bytes) -> None:
    assert read(data) == data
    beginning, whole = peeked(io.BytesIO(data))
    assert data.startswith(beginning)
    assert len(beginning) == min(len(data), 16)
    assert b"".join(iter(lambda: whole.read(7), b"")) == data


@pytest.mark.parametrize(("name", "compress"), COMPRESSORS)
def test_data_that_is_cut_short_or_damaged_is_an_error_that_names_the_format(
    name: str, compress: Callable[[bytes], bytes]
) -> None:
    packed = compress(TEXT)
    middle = len(packed) // 2
    for damaged in (packed[:-1], packed[:middle], packed[:20], packed[:middle] + bytes(40) + packed[middle + 40 :]):
        with pytest.raises(DataError, match=f"t.csv: the {name} data is damaged or cut short"):
            read(damaged)


@pytest.mark.parametrize(("name", "compress"), COMPRESSORS)
def test_what_is_much_larger_than_its_file_is_given_in_small_parts(
    name: str, compress: Callable[[bytes], bytes]
) -> None:
    stream = decompressed(io.BytesIO(compress(bytes(16 << 20))), "t.csv")
    assert 0 < len(stream.read(1000)) <= 1000


@pytest.mark.parametrize(("name", "compress"), COMPRESSORS)
def test_a_compressed_table_is_read_whatever_its_name(
    tmp_path: Path, name: str, compress: Callable[[bytes], bytes]
) -> None:
    (tmp_path / "t.csv").write_bytes(compress(TEXT))
    assert read_csv(tmp_path / "t.csv", ReadOptions())["b"].values[-1] == 19_999**2


def test_another_format_within_is_named(tmp_path: Path) -> None:
    (tmp_path / "t.csv.gz").write_bytes(gzip.compress(b"PAR1" + bytes(20)))
    with pytest.raises(DataError, match=r"t\.csv\.gz: Parquet, where text was expected"):
        read_csv(tmp_path / "t.csv.gz", ReadOptions())
