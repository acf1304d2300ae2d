"""Arithmetic of augmentation, which only moves numbers."""

from __future__ import annotations

from bpcli.nn.layers import AugmentLayer
from bpcli.tracing.layers.base import WorkedLayer, worked_layer


@worked_layer.register(AugmentLayer)
class WorkedAugment(WorkedLayer[AugmentLayer]):
    """Images before and after the changes."""

    def forward_stage(self) -> tuple[list[str], str]:
        """Formula and explanation."""
        return [self.layer.formula], "Images are shifted, flipped and cut out at random; in inference they are not"

    def backward_stage(self) -> tuple[list[str], str]:
        """Explanation."""
        return [self.layer.gradient], "There is nothing to train before the data"
