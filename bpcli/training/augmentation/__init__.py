"""Augmentation: random changes of the training images, batch by batch."""
