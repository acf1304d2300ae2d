"""Report section on the terms of texts."""

from __future__ import annotations

from collections.abc import Sequence

from bpcli.inspection.term_ranking import RankedTerms
from bpcli.pages.page import Section, as_sentence

MOST_TERMS = 50
"""Maximum number of terms in a table, the most important first."""


def terms_section(found: Sequence[RankedTerms]) -> Section:
    """Section with a table of the terms of each column of texts."""
    return Section("Terms", [as_sentence(found[0].meaning)], (), [one.table(MOST_TERMS) for one in found])
