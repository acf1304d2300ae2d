"""Layers that hold no other layers."""

from __future__ import annotations

from typing import Annotated

from bpcli.nn.layers.base import LayerSpecBase
from bpcli.spec import BareName, Family

PLAIN_LAYERS = {
    "dense": "bpcli.nn.layers.dense:Dense",
    "dropout": "bpcli.nn.layers.dropout:Dropout",
    "batch_norm": "bpcli.nn.layers.batch_norm:BatchNorm",
    "layer_norm": "bpcli.nn.layers.layer_norm:LayerNorm",
    "scale": "bpcli.nn.layers.scale:Scale",
    "parametric": "bpcli.nn.layers.parametric:Parametric",
    "conv": "bpcli.nn.layers.conv:Conv",
    "max_pool": "bpcli.nn.layers.max_pool:MaxPool",
    "avg_pool": "bpcli.nn.layers.avg_pool:AvgPool",
    "global_avg_pool": "bpcli.nn.layers.global_avg_pool:GlobalAvgPool",
    "flatten": "bpcli.nn.layers.flatten:Flatten",
}
"""Import paths by name."""

PlainLayerSpec = Annotated[LayerSpecBase, Family(PLAIN_LAYERS), BareName(default="dense")]
