"""Families of encoders of numeric columns, and of their fitted encodings."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from bpcli.data.columns.encoders import Affine, Landmarks, MinMax, NoScaling, Quantile, Robust, Standard
from bpcli.data.columns.piecewise_linear import Bins, PiecewiseLinear
from bpcli.data.columns.smooth_clip import SmoothClip, SmoothlyClipped
from bpcli.errors import Mismatch, MismatchError
from bpcli.spec import BareName
from bpcli.wording import quoted, yaml_scalar

Encoding = Annotated[Affine | Landmarks | SmoothlyClipped | Bins, Field(discriminator="type")]

NumericEncoder = Annotated[
    Standard | MinMax | Robust | SmoothClip | PiecewiseLinear | Quantile | NoScaling,
    Field(discriminator="type"),
    BareName(),
]


def require_for_array(encoder: NumericEncoder, name: str, owner: tuple[str, ...]) -> None:
    """Raise MismatchError for an encoder that the array `name` cannot have; owner: its place below `data`."""
    if isinstance(encoder, SmoothClip | PiecewiseLinear):
        what = (
            f"{encoder.type} encodes columns of single numbers, but {quoted(name)} is an array; set "
            f"data.columns: {{{yaml_scalar(name)}: {{type: numeric, encoder: standard}}}}"
        )
        raise MismatchError(Mismatch(("data", *owner), what))


def with_bins(encoder: NumericEncoder, numeric_columns: int) -> NumericEncoder:
    """The encoder, with `bins: auto` settled for a table of this many numeric columns."""
    return encoder.settled(numeric_columns) if isinstance(encoder, PiecewiseLinear) else encoder
