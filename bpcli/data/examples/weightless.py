"""Treatment of rows of weight 0."""

from __future__ import annotations

from typing import Literal

Weightless = Literal["kept", "dropped"]
"""Treatment of rows of weight 0: dropped before the split; version 0.1 kept them."""
