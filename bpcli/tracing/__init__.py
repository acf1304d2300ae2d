"""Trace of one training step: the step, its arithmetic, and its rendering as text, JSON and a page."""
