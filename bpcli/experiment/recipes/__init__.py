"""Recipes: named sets of defaults that follow from rows, columns and task; a module for each version."""

from __future__ import annotations

from functools import reduce
from types import ModuleType
from typing import TYPE_CHECKING, Any

from bpcli.config.experiment import ExperimentConfig
from bpcli.config.partial import Partial
from bpcli.config.recipe import NEWEST, RecipeName
from bpcli.data.examples.selection import Examples
from bpcli.data.files.source import Source
from bpcli.errors import Mismatch, MismatchError

if TYPE_CHECKING:
    from bpcli.experiment.recipes.choice import Choice
    from bpcli.experiment.recipes.facts import DataFacts, RowFacts


def _version(name: str) -> ModuleType:
    """Module of a version."""
    from bpcli.experiment.recipes import version_1

    return {"1": version_1}[name]


def as_in_model(
    config: ExperimentConfig, model: ExperimentConfig, shown: str, partial: Partial
) -> tuple[ExperimentConfig, list[Choice]]:
    """Config of a recipe that starts from a model, with the model's network; as it is without a recipe.

    model: config of the model, whose name in messages is `shown`. partial: as for `with_choices`.
    """
    if config.recipe is None:
        return config, []
    from bpcli.experiment.recipes.choice import Choice, with_choices

    was = model.model_dump(mode="json", by_alias=True)
    paths = [("layers",), ("data", "encoders"), ("data", "target_encoder"), ("data", "target_range"), ("ensemble",)]
    choices = [Choice(path, reduce(lambda of, key: of[key], path, was), f"as in {shown}") for path in paths]
    return with_choices(config, choices, partial)


def before_split(config: ExperimentConfig, source: Source) -> tuple[ExperimentConfig, list[Choice]]:
    """Config with the recipe's choices of members and validation; as it is without a recipe."""
    if config.recipe is None:
        return config, []
    from bpcli.experiment.recipes.choice import with_choices
    from bpcli.experiment.recipes.facts import RowFacts

    name, _, version = config.recipe.partition("@")
    return with_choices(config, list(_version(version).of_rows(name, RowFacts.of(config, source))))


def of_examples(
    config: ExperimentConfig, selection: Examples, partial: Partial
) -> tuple[ExperimentConfig, list[Choice]]:
    """Config with the recipe's other choices; as it is without a recipe.

    partial: as for `with_choices`. Raises MismatchError for a section of it that the recipe does not give.
    """
    if config.recipe is None:
        return config, []
    from bpcli.experiment.recipes.choice import with_choices
    from bpcli.experiment.recipes.facts import DataFacts

    name, _, version = config.recipe.partition("@")
    choices = list(_version(version).of_data(name, DataFacts.of(config, selection)))
    for path in partial:
        if not any(path[: len(one.path)] == one.path for one in choices):
            what = f"{config.recipe} gives no value here, so that the key 'type' is needed"
            raise MismatchError(Mismatch(path, what))
    return with_choices(config, choices, partial)


def newest_choices(name: RecipeName, facts: RowFacts | DataFacts) -> dict[tuple[str, ...], Any]:
    """Values by path that the newest version of a recipe gives for facts, before or after the split."""
    from bpcli.experiment.recipes.facts import RowFacts

    of = _version(str(NEWEST))
    choices = of.of_rows(name, facts) if isinstance(facts, RowFacts) else of.of_data(name, facts)
    return {one.path: one.value for one in choices}
