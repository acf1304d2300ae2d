"""Answers on tables at the edges of what a table can be; measured and told as in tables.

30, 100 and 300 training rows of two real tables, the others being test rows; 40,455 rows of a real one; and generated
ones of 500,000 rows, 1,000 columns, a category of 5,000 names, 99 % missing cells, and a class of one row in 1,000.
"""

from __future__ import annotations

from argparse import Namespace

from benchmarks.tables import of_group
from benchmarks.tabular.catalogue import EXTREME


def run(quick: bool, chosen: Namespace) -> str:
    """The tables in Markdown."""
    return of_group(list(EXTREME)[:2] if quick else list(EXTREME), quick, chosen)
