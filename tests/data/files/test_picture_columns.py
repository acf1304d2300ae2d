"""Columns of paths: the pictures that their cells name take their place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bpcli.data.files.cells import ReadOptions
from bpcli.data.files.pictured_rows import picture_names
from bpcli.data.files.read import data_digest, read_chunks, read_table
from bpcli.data.files.source import Source
from bpcli.data.picture_form import AS_THEY_ARE, PictureForm
from bpcli.data.table import Table
from bpcli.errors import DataError

Image: Any = pytest.importorskip("PIL.Image")


@pytest.fixture
def goods(tmp_path: Path) -> Path:
    """Five rows, of which the third has the picture of the first; pictures of 2 × 3 pixels in a folder beside."""
    for place, shade in enumerate([10, 200, 90]):
        path = tmp_path / "in stock" / f"{place}.png"
        path.parent.mkdir(exist_ok=True)
        Image.new("L", (3, 2), shade).save(path)
    names = ["in stock/0.png", "in stock/2.png", "in stock/0.png", "in stock/1.png", "in stock/2.png"]
    lines = [f"{place},{name}" for place, name in enumerate(names)]
    (tmp_path / "goods.csv").write_text("\n".join(["price,photo", *lines]) + "\n")
    return tmp_path / "goods.csv"


def options(form: PictureForm = AS_THEY_ARE, **others: Any) -> ReadOptions:
    return ReadOptions(pictures={"photo": form}, verbatim=frozenset({"photo"}), **others)


def shades(table: Table) -> list[int]:
    values = table["photo"].values
    assert (values == values[:, :1, :1]).all()
    return [int(row[0, 0, 0]) for row in values]


def refusal(path: Path, **form: Any) -> str:
    with pytest.raises(DataError) as caught:
        read_table([(path, None)], options(PictureForm(**form)))
    assert "\n" not in str(caught.value)
    return str(caught.value).replace(str(path.parent), "FOLDER")


def test_each_row_has_the_pixels_of_its_picture(goods: Path) -> None:
    table = read_table([(goods, None)], options())
    assert list(table) == ["price", "photo"]
    assert (table["photo"].kind, table["photo"].values.dtype, table["photo"].shape) == ("numeric", np.uint8, (2, 3, 1))
    assert shades(table) == [10, 90, 10, 200, 90]
    assert table["price"].values.tolist() == [0, 1, 2, 3, 4]


def test_pictures_are_scaled_and_given_the_channels_of_the_form(goods: Path) -> None:
    table = read_table([(goods, None)], options(PictureForm((4, 4), 3)))
    assert table["photo"].shape == (4, 4, 3)
    assert shades(table) == [10, 90, 10, 200, 90]


def test_a_table_in_chunks_has_the_same_pictures(goods: Path) -> None:
    chunks = list(read_chunks(goods, options(), 2))
    assert [shades(chunk) for chunk in chunks] == [[10, 90], [10, 200], [90]]


def test_paths_start_from_the_folder_of_their_file(goods: Path, tmp_path: Path) -> None:
    (tmp_path / "more").mkdir()
    Image.new("L", (3, 2), 44).save(tmp_path / "more" / "a.png")
    more = tmp_path / "more" / "more.csv"
    more.write_text(f"price,photo\n7,a.png\n8,{tmp_path / 'in stock' / '1.png'}\n")
    table = read_table([(goods, "train"), (more, "test")], options())
    assert shades(table) == [10, 90, 10, 200, 90, 44, 200]


def test_an_empty_cell_is_refused_with_its_row(goods: Path) -> None:
    goods.write_text(goods.read_text().replace("1,in stock/2.png", "1,"))
    assert refusal(goods) == "FOLDER/goods.csv: column 'photo': 1 row without a picture, such as row 2"


def test_a_path_without_a_file_is_refused_by_name(goods: Path) -> None:
    (goods.parent / "in stock" / "2.png").unlink()
    assert refusal(goods) == ("FOLDER/goods.csv: column 'photo': 'in stock/2.png' in row 2 is no file in FOLDER")
    (goods.parent / "in stock" / "1.png").unlink()
    assert refusal(goods).endswith("'in stock/1.png' in row 4 is no file in FOLDER, as 1 other path")


def test_pictures_of_several_sizes_need_a_size(goods: Path) -> None:
    Image.new("L", (5, 5)).save(goods.parent / "in stock" / "2.png")
    key = "data.columns.photo.size"
    assert refusal(goods, key=key) == (
        "FOLDER/in stock/2.png: 5 × 5 pixels, where 'in stock/0.png' has 2 × 3; set data.columns.photo.size to scale "
        "them all, such as [32, 32]"
    )
    assert read_table([(goods, None)], options(PictureForm((2, 2))))["photo"].shape == (2, 2, 1)


def test_a_damaged_picture_is_refused_by_name(goods: Path) -> None:
    (goods.parent / "in stock" / "1.png").write_bytes(b"no picture")
    assert refusal(goods).startswith("FOLDER/in stock/1.png: not a picture in PNG")


def test_numbers_are_no_paths(goods: Path) -> None:
    with pytest.raises(DataError, match="column 'price': holds numeric values, where paths of pictures are expected"):
        read_table([(goods, None)], ReadOptions(pictures={"price": PictureForm()}))


def test_the_digest_is_also_that_of_the_pictures(goods: Path) -> None:
    before = data_digest([goods], options())
    assert data_digest([goods], options()) == before != data_digest([goods])
    Image.new("L", (3, 2), 11).save(goods.parent / "in stock" / "1.png")
    assert data_digest([goods], options()) != before


def test_pictures_come_from_the_cache_until_one_of_them_changes(
    goods: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    first = Source([(goods, None)], options()).table()
    assert len(list((tmp_path / "cache").rglob("*.safetensors"))) == 1
    again = Source([(goods, None)], options()).table()
    assert again["photo"].values.flags.writeable is False
    assert shades(again) == shades(first)
    Image.new("L", (3, 2), 11).save(goods.parent / "in stock" / "0.png")
    assert shades(Source([(goods, None)], options()).table()) == [11, 90, 11, 200, 90]


def test_rows_are_named_by_the_paths_of_their_pictures(goods: Path, tmp_path: Path) -> None:
    source = Source([(goods, None)], options(), cache=False)
    assert picture_names(source) == [
        *("in stock/0.png", "in stock/2.png", "in stock/0.png", "in stock/1.png", "in stock/2.png")
    ]
    assert picture_names(Source([(tmp_path / "in stock", None)], cache=False)) == ["0.png", "1.png", "2.png"]
    assert picture_names(Source([(goods, None)], cache=False)) is None
