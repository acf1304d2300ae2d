"""Data structures of documents: JSON values, score reports, tables."""
