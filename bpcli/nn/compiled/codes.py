"""What a network is to compiled code: numbers in a table."""

from __future__ import annotations

DENSE, DROPOUT = 0, 1
"""Kinds of layers."""

KIND, N_IN, N_OUT, ACTIVATION, WEIGHT, BIAS, OUTPUT, ERROR, MASK, COLUMNS = range(10)
"""Columns of the table of layers: sizes, then where parameters, outputs, errors dL/dy and masks begin."""

IS_WEIGHT, LAYER, FIRST, START, STOP = range(5)
"""Columns of the table of blocks of parameters: weights of inputs from FIRST on, or biases from there; then which
parameters they are."""

IDENTITY, RELU, LEAKY_RELU, TANH, SIGMOID = range(5)
"""Activations."""

CROSS_ENTROPY, BINARY_CROSS_ENTROPY, SQUARED_ERROR = range(3)
"""Losses."""

ADAM, SGD = range(2)
"""Optimizers."""

BETA1, BETA2, EPSILON, MOMENTUM, NESTEROV, WEIGHT_DECAY = range(6)
"""Their coefficients."""

L1, L2, BOUND, NORM = range(4)
"""Penalties and bounds of the gradient."""
