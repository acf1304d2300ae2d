import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bpcli.data.files.utf8_stream import UndecodableError, Utf8Stream
from bpcli.errors import DataError

ENCODINGS = ["utf-8", "utf-8-sig", "UTF8", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "gb18030"]


def pieces(data: bytes, encoding: str, size: int) -> list[bytes]:
    stream = Utf8Stream(io.BytesIO(data), encoding, "t.csv")
    found = []
    while piece := stream.read(size):
        found.append(piece)
    assert stream.read(size) == b""
    return found


@given(
    text=st.text(st.characters(codec="utf-8", exclude_characters="\0\ufeff")),
    encoding=st.sampled_from(ENCODINGS),
    size=st.integers(1, 9),
)
def test_text_in_any_encoding_is_read_as_utf_8_in_pieces_of_any_size(text: str, encoding: str, size: int) -> None:
    data = text.encode(encoding)
    if "8" in encoding[:4] and "\0" in data[:2].decode("latin-1"):
        return
    assert b"".join(pieces(data, encoding, size)) == text.encode()


SAVE_IT = "save the file as UTF-8, or set data.encoding before training"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("size", [1, 3, 100])
def test_a_byte_order_mark_is_no_part_of_the_text(encoding: str, size: int) -> None:
    mark = "" if encoding in ("utf-8-sig", "utf-16") else "\ufeff"
    assert b"".join(pieces(f"{mark}a\n\ufeffb".encode(encoding), encoding, size)) == "a\n\ufeffb".encode()


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252"])
def test_letters_of_one_byte_are_read(encoding: str) -> None:
    assert b"".join(pieces("größer é\n".encode(encoding), encoding, 3)) == "größer é\n".encode()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_both_halves_of_a_line_end_come_together(encoding: str) -> None:
    found = pieces("a\r\nb\r\n\rc".encode(encoding), encoding, 1)
    assert b"".join(found) == b"a\r\nb\r\n\rc"
    assert not any(piece.startswith(b"\n") for piece in found)


@pytest.mark.parametrize(
    ("data", "encoding", "before", "wrong"),
    [
        (b"a,\xe9\n", "utf-8", b"a,", f"byte 2 is not valid UTF-8; {SAVE_IT}"),
        (
            b"\xef\xbb\xbf12\xff",
            "utf-8",
            b"12",
            f"byte 5 is not valid UTF-8; {SAVE_IT}",
        ),
        (
            b"\xef\xbb\xbf12\xff",
            "utf-8-sig",
            b"12",
            f"byte 5 is not valid UTF-8; {SAVE_IT}",
        ),
        (b"12\xc3", "utf-8", b"12", f"byte 2 is not valid UTF-8; {SAVE_IT}"),
        (b"1\x81", "cp1252", b"1", f"byte 1 is not valid cp1252; {SAVE_IT}"),
        (
            "12".encode("utf-16") + b"3",
            "utf-16",
            b"12",
            f"byte 6 is not valid utf-16; {SAVE_IT}",
        ),
        (
            b"12\0003",
            "utf-8",
            b"12",
            f"a NUL byte (byte 2), which no text file has: remove it, {SAVE_IT}",
        ),
        (
            b"1\r\0",
            "latin-1",
            b"1\r",
            f"a NUL byte (byte 2), which no text file has: remove it, {SAVE_IT}",
        ),
    ],
)
@pytest.mark.parametrize("size", [1, 2, 100])
def test_what_is_no_text_is_named_after_all_that_precedes_it(
    data: bytes, encoding: str, before: bytes, wrong: str, size: int
) -> None:
    stream = Utf8Stream(io.BytesIO(data), encoding, "t.csv")
    found = b""
    while len(found) < len(before):
        found += stream.read(size)
    assert found == before
    for _ in range(2):
        with pytest.raises(UndecodableError) as raised:
            stream.read(size)
        assert str(raised.value) == wrong


@pytest.mark.parametrize("data", ["a,b\n".encode("utf-16"), "a,b\n".encode("utf-16-be"), "a,b\n".encode("utf-16-le")])
def test_utf_16_is_recognized_where_utf_8_was_expected(data: bytes) -> None:
    with pytest.raises(
        DataError,
        match=r"^t\.csv: the text is encoded as UTF-16; save the file as UTF-8, or set data.encoding before training$",
    ):
        Utf8Stream(io.BytesIO(data), "utf-8", "t.csv").read(100)


@pytest.mark.parametrize("encoding", ["cp1252", "latin-1", "iso8859-15"])
@pytest.mark.parametrize("size", [1, 8, 9, 100])
def test_utf_8_is_refused_where_an_encoding_of_single_bytes_is_given(encoding: str, size: int) -> None:
    wrong = (
        f"t.csv: the text is encoded as UTF-8, but data.encoding is {encoding}, which would garble it; save the file "
        f"as {encoding}, or set data.encoding: utf-8 before training"
    )
    for data in ("town\nM\u00fcnchen\n".encode(), "town\n\u20ac\n".encode(), b"\xef\xbb\xbftown\n"):
        with pytest.raises(DataError) as raised:
            pieces(data, encoding, size)
        assert str(raised.value) == wrong


@pytest.mark.parametrize("size", [3, 4, 100])
def test_letters_that_could_begin_utf_8_are_read_in_their_encoding(size: int) -> None:
    text = "\u00c4b\u00c3\u00c4\n"
    assert b"".join(pieces(text.encode("cp1252"), "cp1252", size)) == text.encode()


def test_marks_of_other_encodings_are_refused() -> None:
    with pytest.raises(DataError, match=r"encoded as UTF-16, but data\.encoding is cp1252"):
        pieces("a,b\n".encode("utf-16"), "cp1252", 100)
    with pytest.raises(DataError, match=r"encoded as UTF-8, but data\.encoding is utf-16"):
        pieces("a,b\n".encode("utf-8-sig"), "utf-16", 100)
