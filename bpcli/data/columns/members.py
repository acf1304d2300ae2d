"""Inputs of a class of their own among others; the class is imported only if there is one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bpcli.data.columns.base import InputBase
from bpcli.spec import type_name

if TYPE_CHECKING:
    from bpcli.data.columns.arrays import ArrayInput
    from bpcli.data.columns.target_mean import TargetMeanInput
    from bpcli.data.columns.text_input import TextInput


def array_of(column: InputBase) -> ArrayInput | None:
    """The input if it is an array; None for others."""
    if type_name(column) != "array":
        return None
    from bpcli.data.columns.arrays import ArrayInput

    return column if isinstance(column, ArrayInput) else None


def text_of(column: InputBase) -> TextInput | None:
    """The input if it is a text; None for others."""
    if type_name(column) != "text":
        return None
    from bpcli.data.columns.text_input import TextInput

    return column if isinstance(column, TextInput) else None


def target_mean_of(column: InputBase) -> TargetMeanInput | None:
    """The input if it is encoded by target statistics; None for others."""
    if type_name(column) != "target_mean":
        return None
    from bpcli.data.columns.target_mean import TargetMeanInput

    return column if isinstance(column, TargetMeanInput) else None
