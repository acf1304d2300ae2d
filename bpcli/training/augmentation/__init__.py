"""Augmentation: random changes of the training images, batch by batch."""

from bpcli.training.augmentation.augmenter import Augmenter, image_inputs
from bpcli.training.augmentation.spec import AugmentSpec

__all__ = ["AugmentSpec", "Augmenter", "image_inputs"]
