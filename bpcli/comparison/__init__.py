"""Runs beside each other: configs, curves, scores on the same rows, and whether those differ by more than chance."""
