"""Layers: each is a spec that plans a layer once its input shape is known. The family is the registry."""

from __future__ import annotations

from typing import Annotated

from bpcli.nn.layers.base import Layer, LayerSpecBase, LayerSummary, Position, Shape, Views
from bpcli.nn.layers.plain import PLAIN_LAYERS
from bpcli.spec import BareName, Family

LayerSpec = Annotated[
    LayerSpecBase,
    Family(
        {
            **PLAIN_LAYERS,
            "residual": "bpcli.nn.layers.residual:Residual",
            "skip": "bpcli.nn.layers.skip:Skip",
        }
    ),
    BareName(default="dense"),
]

__all__ = ["Layer", "LayerSpec", "LayerSpecBase", "LayerSummary", "Position", "Shape", "Views"]
