"""Comparison of runs: configs, curves, scores on the same rows, and significance of their differences."""
