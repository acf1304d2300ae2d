"""Data files: readers, cells, and a cache of typed tables."""
