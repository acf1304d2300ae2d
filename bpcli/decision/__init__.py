"""Decisions from probabilities: calibration, and the threshold above which a class or label is predicted."""
