"""Trained models: prediction, evaluation and summaries."""
