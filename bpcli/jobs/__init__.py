"""Training as runs: into a folder, going on, doing it again, with several seeds, and why it ended."""
