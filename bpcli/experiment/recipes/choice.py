"""Choices of a recipe, and their combination with what the config says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any

from pydantic import ValidationError

from bpcli.config.experiment import ExperimentConfig
from bpcli.config.partial import NOTHING, Partial
from bpcli.config.problems import mismatches
from bpcli.errors import Mismatch, MismatchError
from bpcli.experiment.recipes.refined import completed, refined


@dataclass(frozen=True)
class Choice:
    """Value that a recipe gives to a config key, with the reason in words.

    path: keys from the top of the config. overridden: whether the config has a value of its own there. own: keys in it
    that the config sets, if the others remain the recipe's.
    """

    path: tuple[str, ...]
    value: Any
    reason: str
    overridden: bool = False
    own: tuple[str, ...] = ()

    @property
    def remaining(self) -> Any:
        """Value without the config's own keys; None if nothing is left of it."""
        if not self.overridden or not isinstance(self.value, Mapping):
            return self.value if self.own or not self.overridden else None
        return {key: value for key, value in self.value.items() if key not in self.own} if self.own else None

    @property
    def key(self) -> str:
        """Path with dots, such as `training.epochs`."""
        return ".".join(self.path)


def with_choices(
    config: ExperimentConfig, choices: Sequence[Choice], partial: Partial = NOTHING
) -> tuple[ExperimentConfig, list[Choice]]:
    """Config with a recipe's choices where it has no values, and the choices, told whether they are overridden.

    A section of the same type is completed key by key; a section of another type stays as it is. partial: keys of
    sections, and items of lists, that are the config's within the recipe's value. Raises MismatchError if the two do
    not go together.
    """
    given = config.model_dump(mode="json", by_alias=True, exclude_unset=True)
    told, combined = [], given
    for choice in choices:
        value, own = refined(choice.value, choice.path, partial)
        told.append(_told(choice, own, given))
        for key in reversed(choice.path):
            value = {key: value}
        combined = completed(combined, value)
    try:
        return type(config).model_validate(combined), told
    except ValidationError as error:
        if found := [one for one in mismatches(type(config), error, combined) if _is_within(one.path, partial)]:
            raise MismatchError(*found) from None
        first = error.errors()[0]
        path = ".".join(part for part in first["loc"] if isinstance(part, str))
        reason = first["msg"].removeprefix("Value error, ")
        what = f"{path and f'{path}: '}{reason}; with {config.recipe}, which gives what is not in the config"
        raise MismatchError(Mismatch(("recipe",), what)) from None


def _told(choice: Choice, own: tuple[str, ...], given: Any) -> Choice:
    """The choice, told what of it the config has."""
    if own:
        return replace(choice, overridden=True, own=own)
    section = reduce(lambda of, key: of.get(key) if isinstance(of, Mapping) else None, choice.path, given)
    if isinstance(section, Mapping) and isinstance(choice.value, Mapping):
        same_type = section.get("type", choice.value.get("type")) == choice.value.get("type")
        own = tuple(key for key in choice.value if key in section and section[key] != choice.value[key])
        if same_type and len(own) < len([key for key in choice.value if key != "type"]):
            return replace(choice, overridden=_overrides(given, choice.path, choice.value), own=own)
    return replace(choice, overridden=_overrides(given, choice.path, choice.value))


def _is_within(path: Sequence[str | int], partial: Partial) -> bool:
    return any(tuple(path[: len(at)]) == at for at in partial)


def _overrides(given: Any, path: Sequence[str], value: Any) -> bool:
    """Whether `given` has a value at a path, or at a key of a section of values there."""
    for key in path:
        if not isinstance(given, Mapping) or key not in given:
            return False
        given = given[key]
    sections = isinstance(value, Mapping) and isinstance(given, Mapping)
    return not sections or any(given[key] != value[key] for key in value if key in given)
