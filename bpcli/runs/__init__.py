"""Runs: their folders, training into them, going on, doing it again, with several seeds, and what runs there are."""
