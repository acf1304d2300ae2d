import math
import random
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bpcli.data.files.decimals import WINDOW, parse_decimals

PLAIN = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)")


def parse(cells: list[str]) -> list[float]:
    data = b"0" * WINDOW + ",".join(cells).encode() + b"0" * WINDOW
    lengths = np.array([len(cell.encode()) for cell in cells], np.intp)
    ends = np.cumsum(lengths + 1) - 1 + WINDOW
    values: list[float] = parse_decimals(np.frombuffer(data, np.uint8), ends - lengths, ends).tolist()
    return values


def check(cells: list[str]) -> None:
    for cell, value in zip(cells, parse(cells), strict=True):
        if value != math.inf:
            assert PLAIN.fullmatch(cell), cell
            assert np.float64(value).tobytes() == np.float64(float(cell)).tobytes(), cell


@pytest.mark.parametrize(
    "cell", ["0", "-0", "+7", "3.25", ".5", "5.", "-.125", "12345678", "123456789012345.6", "0.30000000000000004"]
)
def test_plain_decimals_are_read(cell: str) -> None:
    assert parse(["1", cell, "22.5"]) == [1.0, float(cell), 22.5]
    assert math.copysign(1, parse([cell])[0]) == math.copysign(1, float(cell))


@pytest.mark.parametrize(
    "cell",
    [
        "",
        ".",
        "-",
        "+",
        "-.",
        "1e5",
        "1.2.3",
        "1-2",
        "--1",
        "1_0",
        " 1",
        "1 ",
        "x",
        "12:34",
        "1/2",
        "½",
        "9" * 25,
        "~" * 24,
        "9" * 20,
    ],
)
def test_the_rest_is_left_to_the_caller(cell: str) -> None:
    assert parse(["1", cell, "2"]) == [1.0, math.inf, 2.0]


@pytest.mark.parametrize("width", [7, 8, 9, 15, 16, 17, 23, 24])
def test_a_point_may_stand_anywhere_in_a_cell_of_any_width(width: int) -> None:
    digits = "1234567890" * 3
    cells = [digits[:point] + "." + digits[point : width - 1] for point in range(width)]
    check(cells)
    if width <= 20:
        assert math.inf not in parse(cells)


def test_numbers_next_to_a_rounding_boundary_are_exact_or_left() -> None:
    source = random.Random(0)
    halfway = [2 * (source.getrandbits(52) | 1 << 52) + 1 for _ in range(300)]
    cells = [str(value + step) for value in halfway for step in (-1, 0, 1)]
    check(cells + [f"{cell[:9]}.{cell[9:]}" for cell in cells])


def test_long_decimals_are_hardly_ever_left() -> None:
    source = random.Random(0)
    values = parse([repr(source.gauss(0, 1)) for _ in range(5000)])
    assert sum(map(math.isinf, values)) < 50


@pytest.mark.parametrize(
    "cell",
    [
        "9999999.99999999",
        "0.00000001",
        "12345678.5",
        "1.123456789",
        "99999999",
        "1234567890123456",
        "12345678901234568",
    ],
)
def test_short_and_long_numbers_are_read_beside_one_another(cell: str) -> None:
    for others in (["7"] * 10, ["0.1234567890123456"] * 10, ["12345678901234"] * 10, ["x"] * 10):
        cells = [*others, cell, f"-{cell}", *others]
        check(cells)
        assert parse(cells)[10:12] == [float(cell), -float(cell)]


def test_more_cells_than_fit_in_one_piece_keep_their_order() -> None:
    cells = [str(number) for number in range(20_000)]
    assert parse(cells) == [float(cell) for cell in cells]


@given(
    st.lists(
        st.text("0123456789.+-eE:/ ", max_size=26) | st.floats(allow_nan=False, allow_infinity=False).map(repr),
        min_size=1,
    )
)
def test_whatever_is_read_is_rounded_correctly(cells: list[str]) -> None:
    check(cells)
