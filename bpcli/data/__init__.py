"""From files on disk to arrays: tables, splits, preprocessing, batches."""
