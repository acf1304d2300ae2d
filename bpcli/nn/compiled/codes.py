"""Codes and table columns that describe a network to compiled code."""

from __future__ import annotations

DENSE, DROPOUT = 0, 1
"""Kinds of layers."""

KIND, N_IN, N_OUT, ACTIVATION, WEIGHT, BIAS, OUTPUT, ERROR, MASK, COLUMNS = range(10)
"""Columns of the table of layers: sizes, then the start of parameters, outputs, errors dL/dz and masks."""

IS_WEIGHT, LAYER, FIRST, START, STOP = range(5)
"""Columns of the table of parameter blocks: weights of inputs, or biases, from FIRST on, then their range."""

IDENTITY, RELU, LEAKY_RELU, TANH, SIGMOID = range(5)
"""Activations."""

CROSS_ENTROPY, BINARY_CROSS_ENTROPY, SQUARED_ERROR = range(3)
"""Losses."""

ADAM, SGD = range(2)
"""Optimizers."""

BETA1, BETA2, EPSILON, MOMENTUM, NESTEROV, WEIGHT_DECAY = range(6)
"""Coefficients of optimizers."""

L1, L2, BOUND, NORM = range(4)
"""Penalties and clipping bounds."""
