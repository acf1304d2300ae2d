from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from bpcli.data.files.column_file import ColumnFile, header_digest, pack
from bpcli.data.table import Column, Kind, Table

NAN = np.nan
TABLE = Table(
    [
        Column("codes", "categorical", np.array([1, -1, 0], np.int32), ("", 'é "\n,')),
        Column("__metadata__", "numeric", np.array([0.1, NAN, -5e300])),
        Column("flag", "boolean", np.array([1.0, NAN, 0.0])),
        Column("nothing", "categorical", np.array([-1, -1, -1], np.int32)),
    ],
    parts=np.array([0, 2, 2], np.int8),
)
INFERRED: dict[str, Kind | None] = dict.fromkeys(TABLE)


def write(path: Path, table: Table, asked: dict[str, Kind | None]) -> str:
    """The digest by which the file is opened."""
    header, arrays = pack(table, asked)
    path.write_bytes(header + b"".join(array.tobytes() for array in arrays))
    return header_digest(header)


def content(table: Table) -> object:
    columns = {(c.name, c.kind, c.values.dtype.str, c.values.tobytes(), c.categories) for c in table.values()}
    return table.rows, columns, None if table.parts is None else table.parts.tolist()


@pytest.mark.parametrize(
    "table", [TABLE, TABLE.take(np.arange(0)), Table([TABLE["codes"]])], ids=["all kinds", "no rows", "no parts"]
)
def test_columns_come_back_to_the_bit(tmp_path: Path, table: Table) -> None:
    file = ColumnFile(tmp_path / "f", write(tmp_path / "f", table, dict.fromkeys(table)))
    assert content(file.take(dict.fromkeys(table))) == content(table)


def test_columns_are_mapped_aligned_and_read_only(tmp_path: Path) -> None:
    taken = ColumnFile(tmp_path / "f", write(tmp_path / "f", TABLE, INFERRED)).take(INFERRED)
    (tmp_path / "f").unlink()
    assert content(taken) == content(TABLE)
    for column in taken.values():
        assert type(column.values) is np.ndarray
        assert column.values.flags.aligned
        assert not column.values.flags.owndata
        assert not column.values.flags.writeable
    assert taken["__metadata__"].values.ctypes.data % 64 == 0


def test_other_programs_can_read_the_arrays(tmp_path: Path) -> None:
    write(tmp_path / "f", TABLE, INFERRED)
    arrays = load_file(tmp_path / "f")
    np.testing.assert_array_equal(arrays["0"], TABLE["codes"].values)
    np.testing.assert_array_equal(arrays["1"], TABLE["__metadata__"].values)
    assert arrays["0.categories"].tobytes() == '\0é "\n,\0'.encode()


def test_a_column_answers_the_kind_that_it_was_read_as_or_that_was_inferred(tmp_path: Path) -> None:
    table = Table([TABLE["codes"], TABLE["flag"]])
    file = ColumnFile(tmp_path / "f", write(tmp_path / "f", table, {"codes": "categorical", "flag": None}))
    assert list(file.take({"codes": "categorical", "flag": "boolean"})) == ["codes", "flag"]
    assert list(file.take({"codes": None, "flag": None})) == ["flag"]
    assert not len(file.take({"codes": "numeric", "flag": "categorical", "other": None}))


@pytest.mark.parametrize("step", [7, pytest.param(1, marks=pytest.mark.exhaustive)])
def test_every_damage_is_seen(tmp_path: Path, step: int) -> None:
    path = tmp_path / "f"
    digest = write(path, TABLE, INFERRED)
    sound = path.read_bytes()
    damaged = [sound[:size] for size in range(0, len(sound), step)]
    for bit in range(0, 8 * len(sound), step):
        flipped = bytearray(sound)
        flipped[bit // 8] ^= 1 << bit % 8
        damaged.append(bytes(flipped))
    for index, copy in enumerate(damaged):
        path = tmp_path / str(index % 2)  # a mapped file may not be written to
        path.unlink(missing_ok=True)
        path.write_bytes(copy)
        with pytest.raises(ValueError, match=r"damaged|empty"):
            ColumnFile(path, digest).take(INFERRED)


def test_a_file_under_another_name_is_not_taken_for_it(tmp_path: Path) -> None:
    digest = write(tmp_path / "f", TABLE, INFERRED)
    write(tmp_path / "f", Table([TABLE["flag"]]), INFERRED)
    with pytest.raises(ValueError, match="damaged"):
        ColumnFile(tmp_path / "f", digest)
