"""Space of a search: its parameters, and the settings of the config that follow from their values."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product

from bpcli.config.distribution import Distribution, SpaceEntry, Value
from bpcli.errors import ConfigError, Mismatch, MismatchError
from bpcli.storage.config_text import flow_text

Values = Mapping[str, Value]
"""Values by the names of parameters."""

OF_ROWS = ("path", "query", "sheet", "validation", "test", "split", "group", "time", "drop_duplicates", "weight")
"""Keys of `data` that determine which rows validate, or what they count."""

OF_TARGET = ("target", "positive", "missing")
"""Keys of `data` that determine what is predicted."""


@dataclass(frozen=True)
class Space:
    """Parameters by name: the key of a setting, for `layers` followed by `.depth`, `.0.units`, … ."""

    entries: Mapping[str, SpaceEntry]

    @cached_property
    def parameters(self) -> dict[str, Distribution]:
        """Distributions by name."""
        return {key + name: one for key, entry in self.entries.items() for name, one in entry.parameters.items()}

    def settings(self, values: Values) -> list[str]:
        """Overrides of the config, such as `optimizer.learning_rate=0.01`."""
        return [self._setting(key, values) for key in self.entries]

    def _setting(self, key: str, values: Values) -> str:
        entry = self.entries[key]
        return f"{key}={flow_text(entry.setting({name: values[key + name] for name in entry.parameters}))}"

    def used(self, values: Values) -> dict[str, Value]:
        """Values that the config has: without the units of layers beyond the depth."""
        found = dict(values)
        for key, entry in self.entries.items():
            if entry.depth is not None:
                beyond = range(int(str(values[f"{key}.depth"])), entry.depth[1])
                found = {
                    name: value for name, value in found.items() if name not in {f"{key}.{at}.units" for at in beyond}
                }
        return found

    def grid(self) -> list[Values]:
        """All combinations of values, the last parameter changing first. Raises MismatchError for infinite ones."""
        lists: dict[str, Sequence[Value]] = {}
        for name, one in self.parameters.items():
            if one.bounds is None:
                lists[name] = one.choice or ()
            elif one.is_whole:
                lists[name] = range(int(one.bounds[0]), int(one.bounds[1]) + 1)
            else:
                key = self._key_of(name)
                what = "a grid takes every value of a parameter; give a choice, or integers"
                raise MismatchError(Mismatch(("tune", "space", key), what))
        found: dict[tuple[str, ...], Values] = {}
        for values in product(*lists.values()):
            by_name = dict(zip(lists, values, strict=True))
            found.setdefault(tuple(self.settings(by_name)), by_name)
        return list(found.values())

    def require_valid(self, load: Callable[[list[str]], object]) -> None:
        """Raise MismatchError for a parameter whose bounds or choices the config would not take.

        load: function that validates the config with overrides, and raises ConfigError.
        """
        self._require_apart()
        problems = []
        for key, entry in self.entries.items():
            usual = {key + name: one.ends[0] for name, one in entry.parameters.items()}
            usual |= {key + name: one.ends[-1] for name, one in entry.parameters.items() if name == ".depth"}
            tried = [{**usual, key + name: end} for name, one in entry.parameters.items() for end in one.ends]
            messages: dict[str, None] = {}
            for values in tried:
                try:
                    load([self._setting(key, values)])
                except ConfigError as error:
                    messages |= dict.fromkeys(map(_plain, error.messages))
            problems += [Mismatch(("tune", "space", key), message) for message in messages]
        if problems:
            raise MismatchError(*problems)

    def require_comparable(self, metrics: Sequence[str]) -> None:
        """Raise MismatchError for keys of whose values the scores do not compare. metrics: those to improve."""
        found = {key: _why_not(key, "validation_loss" in metrics) for key in self.entries}
        problems = [Mismatch(("tune", "space", key), why) for key, why in found.items() if why]
        if problems:
            raise MismatchError(*problems)

    def _require_apart(self) -> None:
        """Raise MismatchError for two entries of one place."""
        paths = {key: [part.strip().strip('"') for part in key.split(".")] for key in self.entries}
        for key, path in paths.items():
            for other, longer in paths.items():
                if key != other and longer[: len(path)] == path:
                    what = f"lies within {key}, which is chosen as well; leave one of them out"
                    raise MismatchError(Mismatch(("tune", "space", other), what))

    def _key_of(self, name: str) -> str:
        return next(key for key, entry in self.entries.items() if name.removeprefix(key) in entry.parameters)


def _why_not(key: str, by_loss: bool) -> str:
    """Why a key cannot be chosen by scores; empty if it can. by_loss: by the validation loss."""
    root, *below = (part.strip().strip('"') for part in key.split("."))
    of_data = below[0] if root == "data" and below else ""
    if root in ("tune", "name"):
        return "is no setting of a training; leave it out"
    if root == "seed" or of_data in OF_ROWS:
        return "changes which rows validate, so that scores would not compare; leave it out"
    if of_data in OF_TARGET:
        return "changes what is predicted, so that scores would not compare; leave it out"
    if by_loss and (root == "loss" or of_data == "target_encoder"):
        return "changes what validation_loss is; choose another metric, such as validation_rmse"
    return ""


def _plain(message: str) -> str:
    """Message without the place of the override that it is about."""
    return message.partition(": ")[2] if message.startswith("--set ") else message
