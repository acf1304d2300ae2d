"""Data: files, tables, splits, preprocessing, batches."""
