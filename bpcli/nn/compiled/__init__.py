"""Compiled kernels of a training step, used if the extra `fast` is installed and training is long.

NumPy's kernels are the reference. tests/nn/test_compiled.py defines what may differ from them, and by how much.
"""
