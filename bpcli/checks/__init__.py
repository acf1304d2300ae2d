"""Checks of a network before training: gradient check and learning rate range test."""
