"""Terminal output of `bpcli inspect` on columns of texts."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap
from typing import TYPE_CHECKING

from bpcli.cli.console import table_lines
from bpcli.cli.inspect_text import PROSE
from bpcli.wording import counted, printable

if TYPE_CHECKING:
    from bpcli.inspection.term_ranking import RankedTerms

MOST_TERMS = 20
"""Maximum number of terms listed, unless the column is named; --json has more."""


def term_lines(found: RankedTerms, named: Sequence[str]) -> list[str]:
    """Lines on the most important terms of a column of texts."""
    meaning = (
        f"{printable(found.column)}: terms by the mean size of their contribution over {counted(found.rows, 'row')}; "
        "contribution: mean over the rows with the term, for the answer that it speaks for"
    )
    table = found.table(len(found.terms) if found.column in named else MOST_TERMS)
    return [*wrap(meaning, PROSE), *table_lines(table, "less important; --json lists more")]
