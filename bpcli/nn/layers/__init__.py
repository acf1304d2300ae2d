"""Layers: each is a spec that plans a layer once its input shape is known."""

from __future__ import annotations

from typing import Annotated

from bpcli.nn.layers.avg_pool import AvgPool, AvgPoolLayer
from bpcli.nn.layers.base import Layer, LayerSummary, Position, Shape, Views
from bpcli.nn.layers.batch_norm import BatchNorm
from bpcli.nn.layers.conv import Conv
from bpcli.nn.layers.conv_layer import ConvLayer
from bpcli.nn.layers.dense import Dense, UnbiasedDenseLayer
from bpcli.nn.layers.dense_layer import DenseLayer
from bpcli.nn.layers.dropout import Dropout, DropoutLayer, ScheduledDropoutLayer
from bpcli.nn.layers.flatten import Flatten, FlattenLayer
from bpcli.nn.layers.global_avg_pool import GlobalAvgPool, GlobalAvgPoolLayer
from bpcli.nn.layers.layer_norm import LayerNorm, LayerNormLayer
from bpcli.nn.layers.max_pool import MaxPool, MaxPoolLayer
from bpcli.nn.layers.parametric import Parametric, ParametricLayer
from bpcli.nn.layers.residual import PlainLayer, Residual, ResidualLayer
from bpcli.nn.layers.rowwise import RowwiseLayer, rowwise
from bpcli.nn.layers.scale import Scale, ScaleLayer
from bpcli.nn.layers.skip import Skip, SkipLayer, passed_by
from bpcli.spec import BareName, Family

LayerSpec = Annotated[PlainLayer | Residual | Skip, Family(), BareName(default="dense")]

__all__ = [
    "AvgPool",
    "AvgPoolLayer",
    "BatchNorm",
    "Conv",
    "ConvLayer",
    "Dense",
    "DenseLayer",
    "Dropout",
    "DropoutLayer",
    "Flatten",
    "FlattenLayer",
    "GlobalAvgPool",
    "GlobalAvgPoolLayer",
    "Layer",
    "LayerNorm",
    "LayerNormLayer",
    "LayerSpec",
    "LayerSummary",
    "MaxPool",
    "MaxPoolLayer",
    "Parametric",
    "ParametricLayer",
    "Position",
    "Residual",
    "ResidualLayer",
    "RowwiseLayer",
    "Scale",
    "ScaleLayer",
    "ScheduledDropoutLayer",
    "Shape",
    "Skip",
    "SkipLayer",
    "UnbiasedDenseLayer",
    "Views",
    "passed_by",
    "rowwise",
]
