"""Report section on baselines: what the network adds to a constant and a linear model."""

from __future__ import annotations

from bpcli.documents.baselines import Baselines
from bpcli.pages.page import Section, as_sentence


def baselines_section(baselines: Baselines | None) -> list[Section]:
    """Section with a table of the models; empty for a run without baselines."""
    if baselines is None:
        return []
    sentences = [
        as_sentence(baselines.verdict),
        as_sentence(baselines.scored),
        *([as_sentence(baselines.fitted)] if baselines.fitted else []),
    ]
    return [Section("Against simple models", sentences, (), [baselines.table])]
