"""Recipes: named sets of defaults that follow from rows, columns and task; a module for each version."""

from __future__ import annotations

from bpcli.config.experiment import ExperimentConfig
from bpcli.data.examples.selection import Examples
from bpcli.data.files.source import Source
from bpcli.experiment.recipes import version_1
from bpcli.experiment.recipes.choice import Choice, with_choices
from bpcli.experiment.recipes.facts import DataFacts, RowFacts

__all__ = ["Choice", "before_split", "of_examples"]

VERSIONS = {"1": version_1}


def before_split(config: ExperimentConfig, source: Source) -> tuple[ExperimentConfig, list[Choice]]:
    """Config with the recipe's choices of members and validation; as it is without a recipe."""
    if config.recipe is None:
        return config, []
    name, _, version = config.recipe.partition("@")
    return with_choices(config, list(VERSIONS[version].of_rows(name, RowFacts.of(config, source))))


def of_examples(config: ExperimentConfig, selection: Examples) -> tuple[ExperimentConfig, list[Choice]]:
    """Config with the recipe's other choices; as it is without a recipe."""
    if config.recipe is None:
        return config, []
    name, _, version = config.recipe.partition("@")
    return with_choices(config, list(VERSIONS[version].of_data(name, DataFacts.of(config, selection))))
