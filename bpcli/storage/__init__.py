"""Runs on disk: run directories, checkpoints, and the listing of runs."""
