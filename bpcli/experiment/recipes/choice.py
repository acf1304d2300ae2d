"""Choices of a recipe, and their combination with what the config says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from bpcli.config.experiment import ExperimentConfig
from bpcli.errors import Mismatch, MismatchError


@dataclass(frozen=True)
class Choice:
    """Value that a recipe gives to a config key, with the reason in words.

    path: keys from the top of the config. overridden: whether the config has a value of its own there.
    """

    path: tuple[str, ...]
    value: Any
    reason: str
    overridden: bool = False

    @property
    def key(self) -> str:
        """Path with dots, such as `training.epochs`."""
        return ".".join(self.path)


def with_choices(config: ExperimentConfig, choices: Sequence[Choice]) -> tuple[ExperimentConfig, list[Choice]]:
    """Config with a recipe's choices where it has no values, and the choices, told whether they are overridden.

    A section of the same type is completed key by key; a section of another type stays as it is. Raises MismatchError
    if the two do not go together.
    """
    given = config.model_dump(mode="json", by_alias=True, exclude_unset=True)
    told = [Choice(one.path, one.value, one.reason, _overrides(given, one.path, one.value)) for one in choices]
    combined = given
    for choice in choices:
        value = choice.value
        for key in reversed(choice.path):
            value = {key: value}
        combined = _completed(combined, value)
    try:
        return type(config).model_validate(combined), told
    except ValidationError as error:
        first = error.errors()[0]
        path = tuple(part for part in first["loc"] if isinstance(part, str))
        reason = first["msg"].removeprefix("Value error, ")
        what = f"{'.'.join(path)}: {reason}; with {config.recipe}, which gives what is not in the config"
        raise MismatchError(Mismatch(("recipe",), what)) from None


def _completed(given: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """`given`, with keys of `defaults` that it lacks, also in its sections."""
    kind = given.get("type")
    if kind is not None and kind != defaults.get("type", kind):
        return dict(given)
    combined = {**defaults, **given}
    for key, value in given.items():
        default = defaults.get(key)
        if isinstance(value, Mapping) and isinstance(default, Mapping):
            combined[key] = _completed(value, default)
    return combined


def _overrides(given: Any, path: Sequence[str], value: Any) -> bool:
    """Whether `given` has a value at a path, or at a key of a section of values there."""
    for key in path:
        if not isinstance(given, Mapping) or key not in given:
            return False
        given = given[key]
    sections = isinstance(value, Mapping) and isinstance(given, Mapping)
    return not sections or any(given[key] != value[key] for key in value if key in given)
