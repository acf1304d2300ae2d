"""Report section on the terms of texts."""

from __future__ import annotations

from collections.abc import Sequence

from bpcli.inspection.term_ranking import RankedTerms
from bpcli.pages.page import Section
from bpcli.wording import counted

MOST_TERMS = 50
"""Maximum number of terms in a table, the most important first."""


def terms_section(found: Sequence[RankedTerms]) -> Section:
    """Section with a table of the terms of each column of texts."""
    sentence = (
        f"Terms by the mean size of their contribution to the answer over {counted(found[0].rows, 'row')} (integrated "
        "gradients). The contribution is the mean over the rows with the term, for the answer that it speaks for."
    )
    return Section("Terms", [sentence], (), [one.table(MOST_TERMS) for one in found])
