"""Folders of pictures: every kind becomes bytes of one shape, and what cannot is refused by name."""

from __future__ import annotations

import struct
import sys
import tracemalloc
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bpcli.data.files.cells import ReadOptions
from bpcli.data.files.picture import MOST_PIXELS
from bpcli.data.files.read import data_digest, read_header, read_table
from bpcli.data.files.source import Source
from bpcli.data.picture_form import PictureForm
from bpcli.data.table import Table
from bpcli.errors import DataError

Image: Any = pytest.importorskip("PIL.Image")

RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)


def picture(path: Path, *rows: list[Any], mode: str = "RGB", **options: Any) -> Path:
    """Write a picture of these rows of pixels."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.new(mode, (len(rows[0]), len(rows)))
    image.putdata([pixel for row in rows for pixel in row])
    image.save(path, **options)
    return path


def read(folder: Path, **options: Any) -> Table:
    return read_table([(folder, None)], ReadOptions(**options))


def pixels(folder: Path, **options: Any) -> list[Any]:
    values: list[Any] = read(folder, **options)["image"].values.tolist()
    return values


def refusal(folder: Path, **options: Any) -> str:
    with pytest.raises(DataError) as caught:
        read(folder, **options)
    message = str(caught.value)
    assert "\n" not in message
    return message.replace(str(folder), "FOLDER")


def png(width: int, height: int, data: bytes = b"") -> bytes:
    """A PNG file of gray pixels whose header declares this size."""
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(data)), (b"IEND", b"")]
    parts = [struct.pack(">I", len(of)) + name + of + struct.pack(">I", zlib.crc32(name + of)) for name, of in chunks]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def test_a_folder_for_each_class_is_a_table_ordered_by_path(tmp_path: Path) -> None:
    picture(tmp_path / "b" / "1.png", [RED, GREEN])
    picture(tmp_path / "a" / "x" / "2.PNG", [BLUE, RED])
    picture(tmp_path / "a" / "1.png", [GREEN, GREEN])
    (tmp_path / "a" / "Thumbs.db").write_bytes(b"no picture")
    (tmp_path / ".hidden").mkdir()
    (tmp_path / ".hidden" / "1.png").write_bytes(b"no picture")
    table = read(tmp_path)
    assert read_header(tmp_path, ReadOptions()) == list(table) == ["file", "image", "label"]
    assert table["file"].labels() == ["a/1.png", "a/x/2.PNG", "b/1.png"]
    assert table["label"].labels() == ["a", "a", "b"]
    assert table["image"].values.dtype == np.uint8
    assert pixels(tmp_path) == [[[[*GREEN], [*GREEN]]], [[[*BLUE], [*RED]]], [[[*RED], [*GREEN]]]]


def test_pictures_without_folders_have_no_label(tmp_path: Path) -> None:
    picture(tmp_path / "1.png", [RED])
    assert list(read(tmp_path)) == ["file", "image"]


def test_names_of_classes_are_names_whatever_they_look_like(tmp_path: Path) -> None:
    for name in ("1", "NA", "true"):
        picture(tmp_path / name / "1.png", [RED])
    assert read(tmp_path)["label"].labels() == ["1", "NA", "true"]
    assert not read(tmp_path)["label"].missing().any()


def test_folders_can_be_numbers(tmp_path: Path) -> None:
    for name in ("1.5", "20"):
        picture(tmp_path / name / "1.png", [RED])
    assert read(tmp_path, kinds={"label": "numeric"})["label"].values.tolist() == [1.5, 20.0]
    picture(tmp_path / "old" / "1.png", [RED])
    assert (
        refusal(tmp_path, kinds={"label": "numeric"}) == "FOLDER: row 2: column 'label': 'old' is not a finite number"
    )


@pytest.mark.parametrize(
    ("mode", "given", "suffix", "expected"),
    [
        ("L", 7, ".png", [7]),
        ("1", 255, ".png", [255]),
        ("I;16", 7 << 8 | 200, ".png", [7]),
        ("LA", (7, 255), ".png", [7]),
        ("LA", (7, 0), ".png", [255]),
        ("RGB", RED, ".png", [255, 0, 0]),
        ("RGB", RED, ".bmp", [255, 0, 0]),
        ("RGB", RED, ".gif", [255, 0, 0]),
        ("RGBA", (255, 0, 0, 255), ".png", [255, 0, 0]),
        ("RGBA", (255, 0, 0, 0), ".png", [255, 255, 255]),
        ("RGBA", (0, 0, 0, 127), ".webp", [128, 128, 128]),
        ("CMYK", (0, 255, 255, 0), ".tif", [255, 0, 0]),
    ],
)
def test_every_mode_becomes_bytes(tmp_path: Path, mode: str, given: Any, suffix: str, expected: list[int]) -> None:
    options = {"lossless": True} if suffix == ".webp" else {}
    picture(tmp_path / f"1{suffix}", [given], mode=mode, **options)
    assert pixels(tmp_path) == [[[expected]]]


def test_gray_among_colors_has_three_equal_channels(tmp_path: Path) -> None:
    picture(tmp_path / "1.png", [7], mode="L")
    picture(tmp_path / "2.png", [RED])
    assert pixels(tmp_path) == [[[[7, 7, 7]]], [[[255, 0, 0]]]]
    assert pixels(tmp_path, picture_form=PictureForm(channels=1)) == [[[[7]]], [[[76]]]]


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_a_picture_is_turned_as_its_exif_says(tmp_path: Path, orientation: int) -> None:
    shown = np.array([[1, 2, 3], [4, 5, 6]], np.uint8)
    turns = {1: 0, 3: 2, 6: 1, 8: 3}[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    for place, value in enumerate((shown, shown.astype(np.uint16) << 8)):
        stored = Image.fromarray(np.ascontiguousarray(np.rot90(value, turns)))
        stored.save(tmp_path / f"{place}.png", exif=exif)
    assert read(tmp_path)["image"].values[:, :, :, 0].tolist() == [shown.tolist()] * 2


def test_pictures_of_several_sizes_need_one(tmp_path: Path) -> None:
    picture(tmp_path / "1.png", [RED])
    picture(tmp_path / "2.png", [RED, BLUE], [RED, BLUE])
    assert refusal(tmp_path) == (
        "FOLDER/2.png: 2 × 2 pixels, where '1.png' has 1 × 1; set data.images.size to scale them all, such as [32, 32]"
    )
    assert pixels(tmp_path, picture_form=PictureForm((1, 1))) == [[[[255, 0, 0]]], [[[128, 0, 128]]]]


def damaged(tmp_path: Path) -> dict[str, bytes]:
    """Contents of files that are no whole picture, by what is wrong with them."""
    noise = np.random.default_rng(0).integers(0, 255, (40, 40, 3), dtype=np.uint8)
    found = {"empty": b"", "text": b"hello", "header alone": png(4, 4)[:20], "wrong size": png(4, 4, b"\0\1\2")}
    for name, kind in (("jpeg", "jpg"), ("png", "png"), ("webp", "webp"), ("gif", "gif"), ("tiff", "tif")):
        path = tmp_path / f"whole.{kind}"
        Image.fromarray(noise).save(path)
        found[f"half a {name}"] = path.read_bytes()[: path.stat().st_size // 2]
        path.unlink()
    return found


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_a_damaged_picture_is_named(tmp_path: Path, suffix: str) -> None:
    for wrong, content in damaged(tmp_path).items():
        picture(tmp_path / wrong / "good.png", [RED])
        (tmp_path / wrong / f"photo{suffix}").write_bytes(content)
        message = refusal(tmp_path / wrong, picture_form=PictureForm((8, 8), 3))
        assert message.startswith(f"FOLDER/photo{suffix}: "), wrong
        assert message.endswith("remove the file, or save it again"), wrong


@pytest.mark.parametrize("form", [PictureForm(), PictureForm((8, 8), 3)])
def test_several_damaged_pictures_are_named_in_one_error(tmp_path: Path, form: PictureForm) -> None:
    (tmp_path / "0.png").write_bytes(png(4, 4, bytes(20)))
    (tmp_path / "1.png").write_bytes(png(4, 4, bytes(3)))  # with a header
    (tmp_path / "2.png").write_bytes(b"no picture")
    with pytest.raises(DataError) as caught:
        read(tmp_path, picture_form=form)
    assert caught.value.messages[0] == f"{tmp_path}: 2 of 3 pictures cannot be read:"
    assert sorted(message.split(": ")[0] for message in caught.value.messages[1:]) == [
        str(tmp_path / name) for name in ("1.png", "2.png")
    ]
    for place in range(3, 9):
        (tmp_path / f"{place}.png").write_bytes(b"no picture")
    with pytest.raises(DataError) as caught:
        read(tmp_path, picture_form=form)
    assert caught.value.messages[0] == f"{tmp_path}: 8 of 9 pictures cannot be read; the first 5:"
    assert len(caught.value.messages) == 6


@pytest.mark.parametrize("side", [12_000, 1_000_000])
def test_a_picture_is_refused_by_its_size_before_it_is_decoded(tmp_path: Path, side: int) -> None:
    (tmp_path / "huge.png").write_bytes(png(side, side, b"\0" * 1000))
    tracemalloc.start()
    try:
        for options in ({}, {"picture_form": PictureForm((8, 8), 3)}):
            message = refusal(tmp_path, **options)
            assert message.startswith("FOLDER/huge.png: declares ")
            assert message.endswith(f" pixels; at most {MOST_PIXELS:,} are decoded: make it smaller")
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()


def test_numbers_of_32_bits_are_refused(tmp_path: Path) -> None:
    picture(tmp_path / "1.tif", [1.5], mode="F")
    assert refusal(tmp_path) == "FOLDER/1.tif: a picture of 32-bit numbers; save it with 8 or 16 bits a channel"


def test_a_folder_that_is_no_table_of_pictures_is_refused(tmp_path: Path) -> None:
    assert refusal(tmp_path) == "FOLDER: a folder without pictures; expected a data file, or a folder of pictures"
    picture(tmp_path / "1.png", [RED])
    picture(tmp_path / "a" / "2.png", [RED])
    assert refusal(tmp_path) == (
        "FOLDER: 1 picture, such as '1.png', beside folders of classes; move them to a class, or out of the folder"
    )
    (tmp_path / "1.png").rename(tmp_path / "a" / "\udcff.png")
    assert refusal(tmp_path).endswith(": a name that is not UTF-8; rename it")


def test_without_pillow_the_install_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("1.png", "2.png"):
        picture(tmp_path / name, [RED])
    monkeypatch.setitem(sys.modules, "PIL", None)
    assert refusal(tmp_path) == (
        'FOLDER/1.png: pictures need Pillow, which is not installed: pip install "backprop-cli[images]"'
    )


def test_the_digest_is_of_names_and_contents(tmp_path: Path) -> None:
    path = picture(tmp_path / "a" / "1.png", [RED])
    (tmp_path / "b").mkdir()
    first = data_digest([tmp_path])
    (tmp_path / "notes.txt").write_text("no picture")
    assert data_digest([tmp_path]) == first
    moved = path.rename(tmp_path / "b" / "1.png")
    assert data_digest([tmp_path]) != first
    picture(moved.rename(path), [BLUE])
    assert data_digest([tmp_path]) != first
    picture(path, [RED])
    assert data_digest([tmp_path]) == first


def test_pictures_are_decoded_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = tmp_path / "pictures"
    picture(folder / "a" / "1.png", [RED, GREEN])
    first = Source([(folder, None)]).table()
    monkeypatch.setitem(sys.modules, "PIL", None)
    again = Source([(folder, None)]).table()
    assert again["image"].values.dtype == np.uint8
    np.testing.assert_array_equal(again["image"].values, first["image"].values)
    with pytest.raises(DataError, match="Pillow"):
        Source([(folder, None)], ReadOptions(picture_form=PictureForm((2, 2)))).table()
    with pytest.raises(DataError, match="Pillow"):
        Source([(folder, None)], cache=False).table()
