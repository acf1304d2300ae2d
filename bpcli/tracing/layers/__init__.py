"""Arithmetic of layers: one class for each kind, chosen by `worked_layer`."""

from bpcli.tracing.layers.base import (
    Derivation,
    LayerInStep,
    Weighted,
    WorkedLayer,
    worked_layer,
    worked_layers,
    worked_stems,
)
from bpcli.tracing.layers.batch_norm import WorkedBatchNorm
from bpcli.tracing.layers.conv import WorkedConv
from bpcli.tracing.layers.dense import WorkedDense
from bpcli.tracing.layers.dropout import WorkedDropout
from bpcli.tracing.layers.flatten import WorkedFlatten
from bpcli.tracing.layers.layer_norm import WorkedLayerNorm
from bpcli.tracing.layers.parametric import WorkedParametric
from bpcli.tracing.layers.pools import WorkedAvgPool, WorkedGlobalAvgPool, WorkedMaxPool
from bpcli.tracing.layers.residual import WorkedResidual
from bpcli.tracing.layers.scale import WorkedScale
from bpcli.tracing.layers.skip import WorkedSkip

__all__ = [
    "Derivation",
    "LayerInStep",
    "Weighted",
    "WorkedAugment",
    "WorkedAvgPool",
    "WorkedBatchNorm",
    "WorkedConv",
    "WorkedDense",
    "WorkedDropout",
    "WorkedFlatten",
    "WorkedGlobalAvgPool",
    "WorkedLayer",
    "WorkedLayerNorm",
    "WorkedMaxPool",
    "WorkedParametric",
    "WorkedResidual",
    "WorkedScale",
    "WorkedSkip",
    "worked_layer",
    "worked_layers",
    "worked_stems",
]
