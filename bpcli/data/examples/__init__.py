"""Examples: selection of rows, splits, and checks for data leaks."""
