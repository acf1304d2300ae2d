"""Answers on the six tables that no recipe was chosen by; measured and told as in tables."""

from __future__ import annotations

from argparse import Namespace

from benchmarks.tables import of_group
from benchmarks.tabular.catalogue import HELD_OUT


def run(quick: bool, chosen: Namespace) -> str:
    """The tables in Markdown."""
    return of_group(HELD_OUT[:2] if quick else HELD_OUT, quick, chosen)
