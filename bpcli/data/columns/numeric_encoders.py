"""Families of encoders of numeric columns, and of their fitted encodings."""

from __future__ import annotations

from typing import Annotated

from bpcli.arrays import fields
from bpcli.data.columns.encoders import Affine, Landmarks, MinMax, NoScaling, Quantile, Robust, Standard
from bpcli.data.columns.periodic import EmbeddedNumber, PeriodicEncoder
from bpcli.data.columns.piecewise_linear import Bins, PiecewiseLinear
from bpcli.data.columns.smooth_clip import SmoothClip, SmoothlyClipped
from bpcli.errors import Mismatch, MismatchError
from bpcli.nn.periodic import Periodic
from bpcli.spec import BareName, Family
from bpcli.wording import quoted, yaml_scalar

Encoding = Annotated[Affine | Landmarks | SmoothlyClipped | Bins | EmbeddedNumber, Family()]

NumericEncoder = Annotated[
    Standard | MinMax | Robust | SmoothClip | PiecewiseLinear | PeriodicEncoder | Quantile | NoScaling,
    Family(),
    BareName(),
]


def require_for_array(encoder: NumericEncoder, name: str, owner: tuple[str, ...]) -> None:
    """Raise MismatchError for an encoder that the array `name` cannot have; owner: its place below `data`."""
    if isinstance(encoder, SmoothClip | PiecewiseLinear | PeriodicEncoder):
        what = (
            f"{encoder.type} encodes columns of single numbers, but {quoted(name)} is an array; set "
            f"data.columns: {{{yaml_scalar(name)}: {{type: numeric, encoder: standard}}}}"
        )
        raise MismatchError(Mismatch(("data", *owner), what))


def stem_of(encoding: Encoding) -> Periodic | None:
    """Stem that embeds the number of an encoding; None if it has none."""
    return encoding.stem if isinstance(encoding, EmbeddedNumber) else None


def embedded_units(encoding: Encoding) -> int:
    """Outputs of the stem of an encoding beside the numbers that it takes; 0 without a stem."""
    stem = stem_of(encoding)
    return 0 if stem is None else stem.units


def field_of(encoding: Encoding, name: str, width: int, place: int) -> fields.Field | None:
    """Field of the features (width, 1) of column `name`, the first of which a stem embeds; None without a stem."""
    return None if stem_of(encoding) is None else fields.Field(name, (width, 1), places=(place,))


def with_bins(encoder: NumericEncoder, numeric_columns: int) -> NumericEncoder:
    """The encoder, with `bins: auto` settled for a table of this many numeric columns."""
    return encoder.settled(numeric_columns) if isinstance(encoder, PiecewiseLinear) else encoder
