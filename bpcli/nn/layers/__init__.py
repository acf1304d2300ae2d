"""Layers: each is a spec that plans a layer once its input shape is known."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from bpcli.nn.layers.base import Layer, LayerSummary, Position, RowwiseLayer, Shape, Views, rowwise
from bpcli.nn.layers.batch_norm import BatchNorm
from bpcli.nn.layers.dense import Dense, UnbiasedDenseLayer
from bpcli.nn.layers.dense_layer import DenseLayer
from bpcli.nn.layers.dropout import Dropout, DropoutLayer, ScheduledDropoutLayer
from bpcli.nn.layers.layer_norm import LayerNorm, LayerNormLayer
from bpcli.nn.layers.parametric import Parametric, ParametricLayer
from bpcli.nn.layers.scale import Scale, ScaleLayer
from bpcli.spec import BareName

LayerSpec = Annotated[
    Dense | Dropout | BatchNorm | LayerNorm | Scale | Parametric, Field(discriminator="type"), BareName(default="dense")
]

__all__ = [
    "BatchNorm",
    "Dense",
    "DenseLayer",
    "Dropout",
    "DropoutLayer",
    "Layer",
    "LayerNorm",
    "LayerNormLayer",
    "LayerSpec",
    "LayerSummary",
    "Parametric",
    "ParametricLayer",
    "Position",
    "RowwiseLayer",
    "Scale",
    "ScaleLayer",
    "ScheduledDropoutLayer",
    "Shape",
    "UnbiasedDenseLayer",
    "Views",
    "rowwise",
]
