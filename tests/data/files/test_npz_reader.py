import io
import pickle
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bpcli.data.files.cells import ReadOptions
from bpcli.data.files.npz_reader import npz_header, read_npz, usual_arrays
from bpcli.data.table import Table
from bpcli.errors import DataError, MemoryLimitError
from bpcli.system import memory

DATASETS = Path(__file__).parents[3] / "datasets"


def npy(array: Any) -> bytes:
    stream = io.BytesIO()
    np.lib.format.write_array(stream, np.asarray(array), allow_pickle=True)
    return stream.getvalue()


def read(tmp_path: Path, members: Mapping[str, Any], **options: object) -> Table:
    path = tmp_path / "t.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, array in members.items():
            archive.writestr(f"{name}.npy", array if isinstance(array, bytes) else npy(array))
    return read_npz(path, ReadOptions(**options))  # type: ignore[arg-type]


def error(tmp_path: Path, members: Mapping[str, Any], **options: object) -> str:
    with pytest.raises(DataError) as raised:
        read(tmp_path, members, **options)
    message = str(raised.value)
    assert message.startswith(f"{tmp_path / 't.npz'}: ")
    assert "\n" not in message
    return message


X = np.arange(6, dtype=np.float32).reshape(3, 2)


def test_a_matrix_and_a_vector_become_columns(tmp_path: Path) -> None:
    table = read(tmp_path, {"X": X, "y": np.array([1, 0, 2], np.int8)})
    assert list(table) == ["X0", "X1", "y"]
    assert table.rows == 3
    assert table.parts is None
    assert table["X1"].values.tolist() == [1, 3, 5]
    assert table["X1"].values.dtype == np.float32
    assert table["y"].values.dtype == np.int8
    assert {column.kind for column in table.values()} == {"numeric"}


def test_columns_are_views_into_one_array(tmp_path: Path) -> None:
    table = read(tmp_path, {"X": X})
    assert table["X0"].values.base is table["X1"].values.base
    assert table["X0"].values.base is not None


IMAGES = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)


def test_inputs_of_more_axes_are_one_column_of_their_shape_and_dtype(tmp_path: Path) -> None:
    table = read(tmp_path, {"X": IMAGES, "y": np.zeros((2, 1, 1))})
    assert list(table) == npz_header(tmp_path / "t.npz", ReadOptions()) == ["X", "y"]
    assert (table["X"].kind, table["X"].shape, table["X"].values.dtype) == ("numeric", (3, 4), np.uint8)
    np.testing.assert_array_equal(table["X"].values, IMAGES)
    assert table["y"].shape == ()


def test_inputs_of_more_axes_are_split_on_request(tmp_path: Path) -> None:
    table = read(tmp_path, {"X": IMAGES, "y": np.zeros((2, 1, 1))}, split_arrays=True)
    assert list(table) == [*(f"X{index}" for index in range(12)), "y"]
    assert list(table) == npz_header(tmp_path / "t.npz", ReadOptions(split_arrays=True))
    assert [table[f"X{index}"].values[1] for index in (0, 11)] == [12, 23]


def test_targets_of_more_axes_are_flattened(tmp_path: Path) -> None:
    table = read(tmp_path, {"X": IMAGES, "y": np.arange(12).reshape(2, 2, 3)})
    assert list(table) == ["X", *(f"y{index}" for index in range(6))]
    assert table["y5"].values.tolist() == [5, 11]


def test_an_array_in_columns_order_is_turned_into_rows(tmp_path: Path) -> None:
    table = read(tmp_path, {"X": np.asfortranarray(IMAGES)})
    assert table["X"].values.flags.c_contiguous
    np.testing.assert_array_equal(table["X"].values, IMAGES)


def test_an_array_of_booleans_stays_one(tmp_path: Path) -> None:
    table = read(tmp_path, {"X": IMAGES > 7})
    assert (table["X"].kind, table["X"].values.dtype) == ("boolean", np.bool_)
    numbers = read(tmp_path, {"X": IMAGES > 7}, kinds={"X": "numeric"})["X"]
    assert (numbers.kind, numbers.values.tolist()) == ("numeric", (IMAGES > 7).astype(int).tolist())
    zeros = np.zeros((2, 2, 2))
    assert read(tmp_path, {"X": zeros}, kinds={"X": "boolean"})["X"].kind == "boolean"
    assert "row 1: 2 is not a boolean" in error(
        tmp_path, {"X": np.stack([zeros[0], zeros[1] + 2])}, kinds={"X": "boolean"}
    )


def test_arrays_by_split_must_have_one_shape(tmp_path: Path) -> None:
    members = {"X_train": IMAGES, "X_test": IMAGES[:1] + 1}
    assert read(tmp_path, members)["X"].values[:, 0, 0].tolist() == [0, 12, 1]
    message = error(tmp_path, {**members, "X_test": IMAGES.reshape(2, 4, 3)})
    assert message.endswith("arrays 'X_train', 'X_test' differ in their columns")


def test_vectors_and_matrices_are_named_by_their_width(tmp_path: Path) -> None:
    assert list(read(tmp_path, {"X": np.zeros(2), "y": np.zeros((2, 1))})) == ["X0", "y"]
    assert list(read(tmp_path, {"X": np.zeros((2, 1)), "y": np.zeros((2, 2))})) == ["X0", "y0", "y1"]
    assert npz_header(tmp_path / "t.npz", ReadOptions()) == ["X0", "y0", "y1"]
    assert list(read(tmp_path, {"a": np.zeros(2), "b": np.zeros(2)}, x="a", y="b")) == ["a0", "b"]


def test_arrays_without_rows_keep_their_columns(tmp_path: Path) -> None:
    table = read(tmp_path, {"X": np.zeros((0, 4)), "y": np.zeros(0)})
    assert list(table) == ["X0", "X1", "X2", "X3", "y"]
    assert table.rows == 0
    table = read(tmp_path, {"X": np.zeros((0, 2, 2)), "y": np.zeros(0)})
    assert (list(table), table["X"].shape, table.rows) == (["X", "y"], (2, 2), 0)
    assert list(read(tmp_path, {"X": np.zeros((3, 0, 2))})) == []


def test_only_the_wanted_columns_are_given(tmp_path: Path) -> None:
    assert list(read(tmp_path, {"X": X, "y": X[:, 0]}, columns=frozenset({"X1", "y", "z"}))) == ["X1", "y"]


def test_booleans_are_a_boolean_column(tmp_path: Path) -> None:
    table = read(tmp_path, {"X": np.array([[True], [False]]), "y": np.array([0, 1])}, kinds={"y": "boolean"})
    assert [column.kind for column in table.values()] == ["boolean", "boolean"]
    assert table["X0"].values.tolist() == [1.0, 0.0]
    assert table["y"].values.dtype == np.float64
    assert "row 1: 2 is not a boolean" in error(tmp_path, {"X": X[:2], "y": np.array([0, 2])}, kinds={"y": "boolean"})


@pytest.mark.parametrize("dtype", ["U", "S"])
def test_text_is_categorical(tmp_path: Path, dtype: str) -> None:
    table = read(tmp_path, {"X": X, "y": np.array(["b", "NA", "a"], dtype)})
    assert table["y"].categories == ("a", "b")
    assert table["y"].values.tolist() == [1, -1, 0]


def test_text_can_be_read_as_numbers(tmp_path: Path) -> None:
    table = read(tmp_path, {"X": X, "y": np.array(["1.5", "NA", "2"])}, kinds={"y": "numeric"})
    np.testing.assert_array_equal(table["y"].values, [1.5, np.nan, 2])
    message = error(tmp_path, {"X": X, "y": np.array(["1", "b", "2"])}, kinds={"y": "numeric"})
    assert message.endswith("row 1: column 'y': 'b' is not a finite number")


def test_numbers_can_be_read_as_categories(tmp_path: Path) -> None:
    table = read(tmp_path, {"X": X, "y": np.array([10.0, np.nan, 2.5])}, kinds={"y": "categorical"})
    assert table["y"].categories == ("10", "2.5")
    assert table["y"].values.tolist() == [0, -1, 1]


def test_another_byte_order_is_turned_round(tmp_path: Path) -> None:
    table = read(tmp_path, {"X": X.astype(">f8")})
    assert table["X1"].values.dtype.isnative
    assert table["X1"].values.tolist() == [1, 3, 5]


def test_arrays_by_split_become_one_table_with_parts(tmp_path: Path) -> None:
    members = {"X_train": X, "y_train": np.arange(3), "X_test": X[:1] + 10, "y_test": np.array([9])}
    table = read(tmp_path, members)
    assert table.parts is not None
    assert table.parts.tolist() == [0, 0, 0, 2]
    assert table["X0"].values.tolist() == [0, 2, 4, 10]
    assert table["y"].values.tolist() == [0, 1, 2, 9]
    members |= {"X_validation": X[:2], "y_validation": np.array([7, 8])}
    assert read(tmp_path, members)["y"].values.tolist() == [0, 1, 2, 7, 8, 9]


def test_arrays_by_split_must_fit_together(tmp_path: Path) -> None:
    assert "differ in their columns" in error(tmp_path, {"X_train": X, "X_test": X[:, :1]})
    assert "holds 'y_train' but not 'y_test'" in error(tmp_path, {"X_train": X, "X_test": X, "y_train": np.zeros(3)})
    assert "holds both 'X', 'X_train'" in error(tmp_path, {"X": X, "X_train": X})


def test_a_missing_array_is_an_error_that_lists_what_there_is(tmp_path: Path) -> None:
    absent, advice = "no array 'X'", ": name those to read under data.arrays"
    assert error(tmp_path, {"images": X, "labels": X}).endswith(f"{absent}; it holds 'images', 'labels'{advice}")
    assert error(tmp_path, {"x": X}).endswith(f"{absent}; it holds 'x'{advice}")
    assert error(tmp_path, {}).endswith("no array 'X'; it holds nothing")


def test_lengths_that_differ_are_an_error(tmp_path: Path) -> None:
    assert error(tmp_path, {"X": X, "y": np.zeros(2)}).endswith("'X' has 3 rows, 'y' has 2")


def test_an_infinity_is_an_error_that_names_its_row(tmp_path: Path) -> None:
    message = error(tmp_path, {"X": np.array([[0, 1], [np.nan, -np.inf]])})
    assert message.endswith(
        "array 'X': row 2 (index 1) holds an infinite value; numbers must be finite, or NaN if missing"
    )


@pytest.mark.parametrize(
    ("array", "word"),
    [
        (np.array([1, None], dtype=object), "Python objects"),
        (np.zeros(2, complex), "complex numbers"),
        (np.zeros(2, [("a", "f8")]), "records"),
        (np.zeros(2, [("a", object)]), "Python objects"),
        (np.zeros(2, "M8[D]"), "dates"),
        (np.array(["a", "b"]), "holds text"),
        (np.float64(1), "no rows"),
    ],
)
def test_arrays_that_are_no_numbers_are_refused(tmp_path: Path, array: Any, word: str) -> None:
    assert word in error(tmp_path, {"X": array})


def test_an_array_of_dates_says_where_dates_can_be_read(tmp_path: Path) -> None:
    dates = np.array([["2024-03-01", "NaT"], ["2024-03-02", "2024-03-04"]], "M8[ns]")
    says = (
        "holds dates; only numbers, booleans and text are supported; write the table to CSV or Parquet, where columns "
        "can be dates, or days as numbers: (x - numpy.datetime64('1970-01-01')) / numpy.timedelta64(1, 'D')"
    )
    assert error(tmp_path, {"X": dates}).endswith(f": array 'X': {says}")
    assert error(tmp_path, {"X": X, "y": dates[:, 0]}).endswith(f": array 'y': {says}")
    days = (dates - np.datetime64("1970-01-01")) / np.timedelta64(1, "D")
    assert read(tmp_path, {"X": days})["X1"].missing().tolist() == [True, False], "NaT is a missing value"
    assert read(tmp_path, {"X": days})["X0"].values.tolist() == [19_783, 19_784]


def test_structured_arrays_durations_and_objects_say_what_to_do(tmp_path: Path) -> None:
    records = np.zeros(2, [("d", "M8[D]"), ("x", "f8")])
    supported = "only numbers, booleans and text are supported; "
    table = "write the table to CSV or Parquet, "
    assert error(tmp_path, {"X": records}).endswith(
        f"array 'X': holds records; {supported}{table}where columns have names and types"
    )
    assert error(tmp_path, {"X": np.zeros(2, "m8[s]")}).endswith(
        f"holds durations; {supported}write them as numbers, such as seconds: x / numpy.timedelta64(1, 's')"
    )
    columns = np.array({"d": np.zeros(2, "M8[D]")}, dtype=object)
    assert error(tmp_path, {"X": columns}).endswith(f"holds Python objects; {supported}{table}or one plain array to X")


class Canary:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.path,)


def test_pickles_are_never_executed(tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    array = np.array([Canary(canary)], dtype=object)
    error(tmp_path, {"X": array})
    error(tmp_path, {"X": pickle.dumps(Canary(canary))})
    honest = npy(array)
    error(tmp_path, {"X": honest.replace(b"'|O'", b"'f8'", 1)})
    (tmp_path / "p.npz").write_bytes(pickle.dumps(Canary(canary)))
    with pytest.raises(DataError, match="not a readable NPZ file"):
        read_npz(tmp_path / "p.npz", ReadOptions())
    assert not canary.exists()


def test_a_header_that_declares_other_sizes_than_the_archive_holds_is_refused(tmp_path: Path) -> None:
    honest = npy(X)
    for shape in (b"(9, 2)", b"(1, 2)", b"(-3,2)"):
        assert "array 'X': " in error(tmp_path, {"X": honest.replace(b"(3, 2)", shape)})
    assert "header is damaged" in error(tmp_path, {"X": honest.replace(b"(3, 2)", b"(3, x)")})
    assert "header is damaged" in error(tmp_path, {"X": honest[:20]})
    assert "header is damaged" in error(tmp_path, {"X": b"no array at all"})
    assert "array format 9.9" in error(tmp_path, {"X": honest[:6] + b"\x09\x09" + honest[8:]})


def test_an_array_beyond_memory_is_refused_before_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "available_memory", lambda: 10)
    with pytest.raises(MemoryLimitError, match="array 'X' needs 24 B, but only 10 B is available"):
        read(tmp_path, {"X": X})


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_name_that_stands_twice_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "t.npz", "w") as archive:
        archive.writestr("X.npy", npy(X))
        archive.writestr("X.npy", npy(X + 1))
    with pytest.raises(DataError, match=r"holds 'X\.npy' more than once"):
        read_npz(tmp_path / "t.npz", ReadOptions())


def test_members_that_climb_out_of_the_archive_are_left_alone(tmp_path: Path) -> None:
    table = read(tmp_path, {"../X": X + 1, "X": X})
    assert table["X0"].values.tolist() == [0, 2, 4]
    assert [path.name for path in tmp_path.iterdir()] == ["t.npz"]


def test_every_truncation_and_many_flips_are_errors_or_the_same_table(tmp_path: Path) -> None:
    read(tmp_path, {"X": X, "y": np.array(["a", "b", "c"])})
    path = tmp_path / "t.npz"
    whole = path.read_bytes()
    for size in range(0, len(whole), 7):
        path.write_bytes(whole[:size])
        with pytest.raises(DataError):
            read_npz(path, ReadOptions())
    for position in range(0, len(whole), 3):
        path.write_bytes(whole[:position] + bytes([whole[position] ^ 0x10]) + whole[position + 1 :])
        try:
            table = read_npz(path, ReadOptions())
        except (DataError, MemoryLimitError):
            continue
        assert table["X1"].values.tolist() == [1, 3, 5]


def test_shipped_archives_are_read() -> None:
    digits = read_npz(DATASETS / "digits_8x8.npz", ReadOptions())
    with np.load(DATASETS / "digits_8x8.npz") as arrays:
        assert digits.rows == len(arrays["X"])
        np.testing.assert_array_equal(digits["X20"].values, arrays["X"].reshape(digits.rows, -1)[:, 20])
    fashion = read_npz(DATASETS / "fashion_mnist_2k.npz", ReadOptions())
    assert (list(fashion), fashion["X"].shape) == (["X", "y"], (28, 28))
    assert fashion.parts is not None
    assert set(fashion.parts.tolist()) == {0, 2}


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ("X y", ("X", "y")),
        ("x_train y_train x_test y_test", ("x", "y")),
        ("x_train y_train", ("x_train", "y_train")),
        ("X_train y_train X_test y_test", ("X", "y")),
        ("arr_0 arr_1", ("arr_0", "arr_1")),
        ("images labels", ("images", "labels")),
        ("other names", ("X", "y")),
    ],
)
def test_usual_names_of_arrays_are_known(tmp_path: Path, names: str, expected: tuple[str, str]) -> None:
    np.savez(tmp_path / "t.npz", **{name: np.zeros(2) for name in names.split()})
    assert usual_arrays(tmp_path / "t.npz") == expected
