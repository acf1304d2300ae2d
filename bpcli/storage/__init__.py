"""Runs on disk: the folder of one, and what runs there are."""
