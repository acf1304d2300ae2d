"""Compiled kernels for a training step, used where the extra `fast` is installed and training is long.

NumPy's kernels are the reference; what may differ from them, and by how much, is in tests/nn/test_compiled.py.
"""
