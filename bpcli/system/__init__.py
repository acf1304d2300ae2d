"""The machine: files, memory, threads, BLAS, and what the bits of a result depend on."""
