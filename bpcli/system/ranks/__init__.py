"""Processes of one training on one or several machines: communication, watchdog, and launch."""
