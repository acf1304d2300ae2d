"""Checks of a network before it is trained: gradients, learning rates."""
