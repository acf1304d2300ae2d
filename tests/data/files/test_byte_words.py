import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bpcli.data.files import byte_words as words
from bpcli.data.files.byte_words import Words, clear_behind, first_alike, gather_words


def packed(cells: list[bytes]) -> Words:
    data = b"".join(cells) + b"#" * 32
    lengths = np.array([len(cell) for cell in cells], np.intp)
    starts = np.cumsum(lengths) - lengths
    count = max(1, -(-max(map(len, cells), default=0) // 8))
    return clear_behind(gather_words(np.frombuffer(data, np.uint8), starts, count), lengths)


@given(st.lists(st.binary(max_size=30)))
def test_cells_are_padded_with_zeros_to_whole_words(cells: list[bytes]) -> None:
    found = packed(cells)
    assert [cell.tobytes() for cell in found.T] == [cell.ljust(8 * len(found), b"\0") for cell in cells]


@pytest.mark.parametrize("bits", [1, 3, 13])
@given(st.lists(st.sampled_from([b"", b"a", b"b", b"a" * 8, b"a" * 9, b"b" * 8 + b"a", b"c" * 20])))
def test_cells_are_never_taken_for_others_however_few_slots_there_are(bits: int, cells: list[bytes]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(words, "_SLOT_BITS", bits)
        first = first_alike(packed(cells)).tolist()
    for index, (cell, other) in enumerate(zip(cells, first, strict=True)):
        assert cells[other] == cell
        assert other in (cells.index(cell), index)


def test_cells_that_repeat_are_found() -> None:
    cells = [b"level %d" % (index % 7) for index in range(1000)]
    assert first_alike(packed(cells)).tolist() == [index % 7 for index in range(1000)]
