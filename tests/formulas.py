"""Formulas that members of a family give of themselves."""

from __future__ import annotations

import re


def require_whole(formula: str) -> None:
    """Not cut, and nothing of a docstring."""
    assert formula
    assert not re.search(r"[`{}]|et al|\d{4}\)|request|As ", formula), formula
    for opening, closing in ("()", "[]"):
        assert formula.count(opening) == formula.count(closing), formula
