"""The machine: files, memory, threads, BLAS, and the environment that determines the bits of a result."""
