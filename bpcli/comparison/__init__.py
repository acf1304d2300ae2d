"""Runs beside each other: what was asked, how it went, how good they are on the same rows, and whether that is chance.

All of it is one document of plain values, which the terminal, `--json` and the page read.
"""
