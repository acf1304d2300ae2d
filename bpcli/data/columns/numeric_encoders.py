"""Families of encoders of numeric columns, and of their fitted encodings."""

from __future__ import annotations

from typing import Annotated

from bpcli.arrays import fields
from bpcli.data.columns.encoders import EncodingBase, NumericEncoderBase
from bpcli.errors import Mismatch, MismatchError
from bpcli.spec import BareName, Family, type_name
from bpcli.wording import quoted, yaml_scalar

Encoding = Annotated[
    EncodingBase,
    Family(
        {
            "affine": "bpcli.data.columns.encoders:Affine",
            "landmarks": "bpcli.data.columns.encoders:Landmarks",
            "smooth_clip": "bpcli.data.columns.smooth_clip:SmoothlyClipped",
            "bins": "bpcli.data.columns.piecewise_linear:Bins",
            "periodic": "bpcli.data.columns.periodic:EmbeddedNumber",
        }
    ),
]

NumericEncoder = Annotated[
    NumericEncoderBase,
    Family(
        {
            "standard": "bpcli.data.columns.encoders:Standard",
            "min_max": "bpcli.data.columns.encoders:MinMax",
            "robust": "bpcli.data.columns.encoders:Robust",
            "smooth_clip": "bpcli.data.columns.smooth_clip:SmoothClip",
            "piecewise_linear": "bpcli.data.columns.piecewise_linear:PiecewiseLinear",
            "periodic": "bpcli.data.columns.periodic:PeriodicEncoder",
            "quantile": "bpcli.data.columns.encoders:Quantile",
            "none": "bpcli.data.columns.encoders:NoScaling",
        }
    ),
    BareName(),
]


def require_for_array(encoder: NumericEncoder, name: str, owner: tuple[str, ...]) -> None:
    """Raise MismatchError for an encoder that the array `name` cannot have; owner: its place below `data`."""
    if not encoder.fits_arrays:
        what = (
            f"{type_name(encoder)} encodes columns of single numbers, but {quoted(name)} is an array; set "
            f"data.columns: {{{yaml_scalar(name)}: {{type: numeric, encoder: standard}}}}"
        )
        raise MismatchError(Mismatch(("data", *owner), what))


def embedded_units(encoding: Encoding) -> int:
    """Outputs of the stem of an encoding beside the numbers that it takes; 0 without a stem."""
    return 0 if encoding.embedding is None else encoding.embedding.units


def field_of(encoding: Encoding, name: str, width: int, place: int) -> fields.Field | None:
    """Field of the features (width, 1) of column `name`, the first of which a stem embeds; None without a stem."""
    return None if encoding.embedding is None else fields.Field(name, (width, 1), places=(place,))
