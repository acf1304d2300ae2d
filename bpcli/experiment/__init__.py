"""Preparation of an experiment: everything before the first training step."""
