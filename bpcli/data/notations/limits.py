"""Limits of the recognition of columns by their words."""

MOSTLY = 0.8
"""Share of a column's rows that must fit a notation, for the other words to be missing values."""

MOST_WORDS = 8
"""Maximum number of distinct other words."""

MOST_LOOKED_AT = 100
"""Distinct words that are looked at first, before all are."""
