"""Sizes of layers that take grids: images (height, width, channels) and series (length, channels)."""

from __future__ import annotations

from math import prod
from typing import Annotated

from pydantic import Field

from bpcli.arrays.fields import Grid
from bpcli.arrays.memory import Array
from bpcli.errors import Mismatch, MismatchError
from bpcli.frozen import dataclass
from bpcli.nn.layers.base import Shape
from bpcli.nn.layers.windows import Extent, Padding, Pair, extent
from bpcli.spec import Sequence
from bpcli.wording import counted, shown_shape

Size = Annotated[int, Field(gt=0, le=1024)]
Sizes = Size | Annotated[Sequence[Size], Field(min_length=1, max_length=2)]
"""One size for all axes, or one for each."""


def grid_of(index: int, kind: str, in_shape: Shape) -> Grid:
    """The input shape of a layer that takes a grid. Raises MismatchError for another one."""
    if isinstance(in_shape, Grid):
        return in_shape
    found = counted(prod(in_shape), "number") if len(in_shape) == 1 else f"arrays of {shown_shape(in_shape)}"
    remedy = "place it before the layers that flatten its input, or" if index else "for images,"
    raise MismatchError(
        Mismatch(
            ("layers", index),
            f"{kind} takes images or series, not {found}: {remedy} declare their shape by "
            "`input: {shape: [height, width, channels]}`; beside other columns, place it in the layers of the image's",
        )
    )


def per_axis(index: int, key: str, value: int | tuple[int, ...], grid: Grid) -> tuple[int, ...]:
    """A value for each axis of positions. Raises MismatchError for another number of values."""
    axes = len(grid) - 1
    values = (value,) * axes if isinstance(value, int) else value
    if len(values) != axes:
        what = f"gives {counted(len(values), 'number')} for inputs of {shown_shape(grid)}: give one, or one for each "
        raise MismatchError(Mismatch(("layers", index, key), f"{what}of the {axes} axes before the channels"))
    return values


@dataclass(frozen=True)
class Sliding:
    """Windows that slide over a grid, by axis of an image; a series is an image of height 1."""

    source: tuple[int, int, int]
    kernel: Pair
    extents: tuple[Extent, Extent]

    @classmethod
    def over(
        cls,
        index: int,
        grid: Grid,
        kernel: tuple[str, int | tuple[int, ...]],
        stride: int | tuple[int, ...],
        padding: Padding,
    ) -> Sliding:
        """Plan the windows of a layer. `kernel` has its key in the config. Raises MismatchError for impossible ones."""
        key, given = kernel
        sizes, strides = per_axis(index, key, given, grid), per_axis(index, "stride", stride, grid)
        if not isinstance(padding, str) and padding >= min(sizes):
            what = f"must be less than the {key}, {min(sizes)}: windows would hold nothing else"
            raise MismatchError(Mismatch(("layers", index, "padding"), what))
        extents = []
        for size, width, step in zip(grid, sizes, strides, strict=False):
            try:
                extents.append(extent(size, width, step, padding))
            except ValueError as error:
                what = f"its input is {shown_shape(grid)}, and {error}: use a smaller {key}, `padding: same`, or fewer "
                raise MismatchError(Mismatch(("layers", index, key), f"{what}layers that shrink it before")) from None
        if len(grid) == 2:
            return cls((1, grid[0], grid[1]), (1, sizes[0]), (Extent(1, 0, 1), extents[0]))
        return cls((grid[0], grid[1], grid[2]), (sizes[0], sizes[1]), (extents[0], extents[1]))

    @property
    def out(self) -> Pair:
        """Windows by axis."""
        return self.extents[0].windows, self.extents[1].windows

    @property
    def before(self) -> Pair:
        """Padding before the first value, by axis."""
        return self.extents[0].before, self.extents[1].before

    @property
    def stride(self) -> Pair:
        """Stride by axis."""
        return self.extents[0].stride, self.extents[1].stride

    @property
    def is_padded(self) -> bool:
        """Whether a window has a place without a value."""
        axes = zip(self.source, self.kernel, self.extents, strict=False)
        return any(one.before > 0 or (one.windows - 1) * one.stride + kernel > size for size, kernel, one in axes)

    @property
    def overlaps(self) -> bool:
        """Whether a value may be in several windows."""
        return any(one.stride < kernel for one, kernel in zip(self.extents, self.kernel, strict=True))

    def out_grid(self, grid: Grid, channels: int) -> Grid:
        """Output shape for inputs of `grid`."""
        return Grid((*self.out[3 - len(grid) :], channels))


def as_images(x: Array, source: tuple[int, int, int]) -> Array:
    """View of rows (rows, *grid) as images (rows, height, width, channels)."""
    return x.reshape(len(x), *source)


def channel_names(count: int) -> tuple[str, ...]:
    """`channel 0` and so on."""
    return tuple(f"channel {channel}" for channel in range(count))


def output_names(kind: str, grid: Grid) -> tuple[str, ...]:
    """`filter 3 at 4, 5` and so on, in the order of a flattened grid."""
    names = [""]
    for size in grid[:-1]:
        names = [f"{name}, {place}" if name else str(place) for name in names for place in range(size)]
    return tuple(f"{kind} {channel} at {place}" for place in names for channel in range(grid[-1]))
