"""Trained models and their answers."""
