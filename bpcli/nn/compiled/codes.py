"""Codes and table columns that describe a network to compiled code."""

from __future__ import annotations

DENSE, DROPOUT, CONV, MAX_POOL, AVG_POOL, NONE, IMAGES = range(7)
"""Kinds of layers. NONE: it computes nothing. IMAGES: all layers of images, which precede the dense ones, as one."""

KIND, N_IN, N_OUT, ACTIVATION, WEIGHT, BIAS, OUTPUT, ERROR, MASK, COLUMNS = range(10)
"""Columns of the table of layers: sizes, then the start of parameters, outputs, errors dL/dz and masks."""

(HEIGHT, WIDTH, CHANNELS, OUT_HEIGHT, OUT_WIDTH, FILTERS, KERNEL_HEIGHT, KERNEL_WIDTH) = range(COLUMNS, COLUMNS + 8)
DOWN, ACROSS, TOP, LEFT, LINES, OF_WEIGHT, OF_BIAS, IMAGE_COLUMNS = range(FILTERS + 3, FILTERS + 11)
"""Further columns of the table of image layers: shapes, strides, padding before the first value, lines of windows per
block, and start of the parameters in the gradient of a part."""

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
