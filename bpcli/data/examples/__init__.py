"""Examples: which rows are used, in which split, and what is suspicious about them."""
