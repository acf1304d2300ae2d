import hashlib
from pathlib import Path

import numpy as np
import pytest

from bpcli.data.files import parquet_reader
from bpcli.data.files.read import ReadOptions, data_digest, read_chunks, read_header, read_table
from bpcli.data.table import PARTS, Table
from bpcli.errors import DataError

OPTIONS = ReadOptions()


def write(tmp_path: Path, name: str, text: str) -> Path:
    path = tmp_path / name
    path.write_text(text)
    return path


def parts(tmp_path: Path, train: str, test: str, options: ReadOptions = OPTIONS) -> Table:
    return read_table(
        [(write(tmp_path, "train.csv", train), "train"), (write(tmp_path, "test.csv", test), "test")], options
    )


def test_one_file_has_no_parts(tmp_path: Path) -> None:
    table = read_table([(write(tmp_path, "t.csv", "a\n1\n"), None)], OPTIONS)
    assert table.parts is None
    assert table["a"].values.tolist() == [1]


def test_files_by_split_become_one_table(tmp_path: Path) -> None:
    table = parts(tmp_path, "a,b\n1,x\n2,z\n", "b,extra,a\ny,9,3\n")
    assert list(table) == ["a", "b"]
    assert table.parts is not None
    assert table.parts.tolist() == [0, 0, 2]
    assert table["a"].values.tolist() == [1, 2, 3]
    assert table["b"].categories == ("x", "y", "z")
    assert table["b"].values.tolist() == [0, 2, 1]


def test_a_single_file_can_be_one_split(tmp_path: Path) -> None:
    table = read_table([(write(tmp_path, "t.csv", "a\n1\n"), "test")], OPTIONS)
    assert table.parts is not None
    assert table.parts.tolist() == [2]


@pytest.mark.parametrize(
    ("train", "test", "kind", "labels"),
    [
        ("1\n02", "x", "categorical", ["1", "02", "x"]),
        ("yes", "02", "categorical", ["yes", "02"]),
        ("YES", "maybe", "categorical", ["YES", "maybe"]),
        ("NA", "yes", "boolean", ["", "true"]),
        ("yes", "NA", "boolean", ["true", ""]),
        ("NA", "?", "numeric", ["", ""]),
        ("?", "x", "categorical", ["", "x"]),
    ],
)
def test_kinds_are_inferred_over_all_files_together(
    tmp_path: Path, train: str, test: str, kind: str, labels: list[str]
) -> None:
    column = parts(tmp_path, f"a\n{train}\n", f"a\n{test}\n")["a"]
    assert column.kind == kind
    assert column.labels() == labels


def test_a_column_that_one_file_lacks_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"test\.csv: no column 'weight'; did you mean 'weigth'\?"):
        parts(tmp_path, "a,weight\n1,2\n", "a,weigth\n1,2\n")


def test_archives_can_be_splits_unless_they_hold_splits(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", X=np.zeros((2, 1)), y=np.ones(2))
    np.savez(tmp_path / "b.npz", X_train=np.zeros((2, 1)), y_train=np.ones(2))
    csv = write(tmp_path, "c.csv", "X0,y\n5,6\n")
    table = read_table([(tmp_path / "a.npz", "train"), (csv, "validation")], OPTIONS)
    assert table["X0"].values.tolist() == [0, 0, 5]
    with pytest.raises(DataError, match="has its own splits"):
        read_table([(tmp_path / "b.npz", "train"), (csv, "validation")], OPTIONS)
    whole = read_table([(tmp_path / "b.npz", None)], OPTIONS)
    assert whole.parts is not None


def test_chunks_of_a_file_join_to_the_table(tmp_path: Path) -> None:
    path = write(tmp_path, "t.csv", "a\n" + "".join(f"{number}\n" for number in range(10)))
    np.savez(tmp_path / "t.npz", X=np.arange(10), y=np.arange(10))
    for source, name in ((path, "a"), (tmp_path / "t.npz", "X0")):
        tables = list(read_chunks(source, OPTIONS, 4))
        assert [table.rows for table in tables] == [4, 4, 2]
        assert np.concatenate([table[name].values for table in tables]).tolist() == list(range(10))


def test_an_archive_without_rows_gives_one_empty_chunk(tmp_path: Path) -> None:
    np.savez(tmp_path / "t.npz", X=np.zeros((0, 2)))
    (table,) = read_chunks(tmp_path / "t.npz", OPTIONS, 4)
    assert list(table) == ["X0", "X1"]


def test_headers_are_read_alone(tmp_path: Path) -> None:
    assert read_header(write(tmp_path, "t.csv", " b ,a\n1\n"), OPTIONS) == ["b", "a"]
    np.savez(tmp_path / "t.npz", X=np.zeros((0, 2)))
    assert read_header(tmp_path / "t.npz", OPTIONS) == ["X0", "X1"]


def test_the_digest_is_that_of_all_bytes(tmp_path: Path) -> None:
    first, second = write(tmp_path, "a.csv", "a\n1\n"), write(tmp_path, "b.csv", "a\n2\n")
    assert data_digest([first]) == hashlib.sha256(b"a\n1\n").hexdigest()
    assert data_digest([first, second]) == hashlib.sha256(b"a\n1\na\n2\n").hexdigest()
    with pytest.raises(DataError, match="no such file"):
        data_digest([tmp_path / "c.csv"])


def test_without_polars_the_message_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet_reader, "find_spec", lambda _: None)
    with pytest.raises(DataError, match=r't\.parquet: Parquet .* not installed: pip install "backprop-cli\[tables\]"'):
        read_table([(write(tmp_path, "t.parquet", "a\n1\n"), None)], OPTIONS)


def test_parquet_columns_keep_their_types(tmp_path: Path) -> None:
    pl = pytest.importorskip("polars")
    path = tmp_path / "t.parquet"
    frame = pl.DataFrame({"n": [1, None, 3], "b": [True, None, False], "t": ["x", None, "12"], "f": [0.5, 1.5, None]})
    frame.write_parquet(path)
    table = read_table([(path, None)], OPTIONS)
    assert read_header(path, OPTIONS) == ["n", "b", "t", "f"]
    assert [column.kind for column in table.values()] == ["numeric", "boolean", "categorical", "numeric"]
    np.testing.assert_array_equal(table["n"].values, [1, np.nan, 3])
    np.testing.assert_array_equal(table["b"].values, [1, np.nan, 0])
    assert table["t"].labels() == ["x", "", "12"]
    given = ReadOptions(kinds={"n": "categorical", "t": "numeric"}, columns=frozenset({"n", "t"}))
    with pytest.raises(DataError, match="row 0: column 't': 'x' is not a finite number"):
        read_table([(path, None)], given)
    assert read_table([(path, None)], ReadOptions(kinds={"n": "categorical"}))["n"].categories == ("1", "3")


def test_parquet_that_is_no_table_of_numbers_and_text_is_refused(tmp_path: Path) -> None:
    pl = pytest.importorskip("polars")
    path = tmp_path / "t.parquet"
    for frame, words in (
        (pl.DataFrame({"a": [[1], [2]]}), "column 'a': holds List"),
        (pl.DataFrame({"a": [1.0, float("-inf")]}), "column 'a': row 2 holds an infinite value"),
    ):
        frame.write_parquet(path)
        with pytest.raises(DataError, match=words):
            read_table([(path, None)], OPTIONS)
    pl.DataFrame({"a": ["yes", "perhaps"], "b": [0, 2]}).write_parquet(path)
    for name, words in (
        ("a", "row 1: column 'a': 'perhaps' is neither true nor false"),
        ("b", "column 'b': holds numb"),
    ):
        with pytest.raises(DataError, match=words):
            read_table([(path, None)], ReadOptions(kinds={name: "boolean"}))
    path.write_bytes(b"PAR1 no, not really PAR1")
    with pytest.raises(DataError, match="not a readable Parquet file"):
        read_table([(path, None)], OPTIONS)


def test_arrays_of_files_by_split_are_joined_if_they_are_of_one_shape(tmp_path: Path) -> None:
    images = np.arange(24, dtype=np.uint8).reshape(4, 2, 3)
    np.savez(tmp_path / "a.npz", X=images[:3], y=np.zeros(3))
    np.savez(tmp_path / "b.npz", X=images[3:], y=np.zeros(1))
    table = read_table([(tmp_path / "a.npz", "train"), (tmp_path / "b.npz", "test")], OPTIONS)
    assert np.array_equal(table["X"].values, images)
    assert table["X"].values.dtype == np.uint8
    np.savez(tmp_path / "b.npz", X=images[3:].reshape(1, 3, 2), y=np.zeros(1))
    with pytest.raises(DataError, match=r"b.npz: array 'X' has rows of 3 × 2, the first file 2 × 3"):
        read_table([(tmp_path / "a.npz", "train"), (tmp_path / "b.npz", "test")], OPTIONS)


def whole(tmp_path: Path, *texts: str, options: ReadOptions = OPTIONS) -> Table:
    """Files that are all of one table."""
    return read_table([(write(tmp_path, f"{place}.csv", text), None) for place, text in enumerate(texts)], options)


def test_several_files_are_one_table_in_their_order(tmp_path: Path) -> None:
    table = whole(tmp_path, "a,b\n1,x\n2,y\n", "b,a\nz,3\n", "a,b\n")
    assert table.parts is None
    assert (table.rows, table["a"].values.tolist(), table["b"].labels()) == (3, [1, 2, 3], ["x", "y", "z"])
    assert whole(tmp_path, "a\n1\n", "a\nx\n", "a\nNA\n")["a"].labels() == ["1", "x", ""]


def test_several_files_may_be_of_one_split(tmp_path: Path) -> None:
    files = [(write(tmp_path, f"{place}.csv", f"a\n{place}\n"), part) for place, part in enumerate(PARTS * 2)]
    table = read_table(files, OPTIONS)
    assert table.parts is not None
    assert table.parts.tolist() == [0, 1, 2, 0, 1, 2]


def test_several_files_need_the_same_columns(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"1\.csv: no column 'b'"):
        whole(tmp_path, "a,b\n1,2\n", "a\n1\n")
    with pytest.raises(DataError, match=r"1\.csv: 'c', 'd' are not in the first file"):
        whole(tmp_path, "a,b\n1,2\n", "a,c,b,d\n1,2,3,4\n")
    with pytest.raises(DataError, match=r"1\.csv: line 3: "):
        whole(tmp_path, "a,b\n1,2\n", "a,b\n1,2\n3\n")


def test_files_of_several_formats_are_one_table(tmp_path: Path) -> None:
    files = [write(tmp_path, "t.csv", "a,b\n1,x\n"), write(tmp_path, "t.jsonl", '{"b": "y", "a": 2}\n')]
    table = read_table([(path, None) for path in files], OPTIONS)
    assert (table["a"].values.tolist(), table["b"].labels()) == ([1, 2], ["x", "y"])


def test_an_npy_file_is_columns(tmp_path: Path) -> None:
    rows = np.array([[1, 2], [3, 4]], np.int16)
    np.save(tmp_path / "t.npy", rows)
    path = tmp_path / "t.npy"
    table = read_table([(path, None)], OPTIONS)
    assert {name: column.values.tolist() for name, column in table.items()} == {"X0": [1, 3], "X1": [2, 4]}
    assert read_header(path, OPTIONS) == ["X0", "X1"]
    assert [chunk["X1"].values.tolist() for chunk in read_chunks(path, OPTIONS, 1)] == [[2], [4]]
    sound = path.read_bytes()
    np.save(path, np.array([[1, "x"]], object), allow_pickle=True)
    with pytest.raises(DataError, match="array 'X': holds Python objects"):
        read_table([(path, None)], OPTIONS)
    for damaged, words in (
        (sound[:-1], "its header declares 8 bytes, but the archive holds 7"),
        (b"a,b\n1,2\n", "its header is damaged"),
        (b"", "its header is damaged"),
    ):
        path.write_bytes(damaged)
        with pytest.raises(DataError, match=words):
            read_table([(path, None)], OPTIONS)
