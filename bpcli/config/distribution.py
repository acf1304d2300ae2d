"""Distributions of settings that a search chooses from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from bpcli.spec import Sequence, Spec

Value = bool | int | float | str | None

Reals = Annotated[Sequence[float], Field(min_length=2, max_length=2)]
Integers = Annotated[Sequence[int], Field(min_length=2, max_length=2)]

KINDS = ("uniform", "log_uniform", "int", "int_log", "choice")


class Distribution(Spec):
    """Distribution of one setting: exactly one of these keys."""

    uniform: Reals | None = Field(default=None, description="Least and greatest real number.")
    log_uniform: Reals | None = Field(default=None, description="The same, even in the logarithm.")
    whole: Integers | None = Field(default=None, alias="int", description="Least and greatest integer.")
    whole_log: Integers | None = Field(default=None, alias="int_log", description="The same, even in the logarithm.")
    choice: Sequence[Value] | None = Field(default=None, description="Values to choose from.")

    @model_validator(mode="after")
    def _check(self) -> Self:
        self._require_one()
        return self

    def _require_one(self) -> None:
        """Raise ValueError unless one distribution is given, and a possible one."""
        if len(self._given) != 1:
            raise ValueError(f"give exactly one of {', '.join(KINDS[:-1])} and {KINDS[-1]}")
        if (bounds := self.bounds) is not None:
            low, high = bounds
            if low > high:
                raise ValueError(f"the least value, {low:g}, is above the greatest, {high:g}")
            if low <= 0 and self.is_log:
                raise ValueError(f"{low:g} has no logarithm; begin above 0")
        elif not self.choice or len(set(map(repr, self.choice))) < len(self.choice):
            raise ValueError("list different values to choose from")

    @property
    def _given(self) -> list[str]:
        values = (self.uniform, self.log_uniform, self.whole, self.whole_log, self.choice)
        return [kind for kind, value in zip(KINDS, values, strict=True) if value is not None]

    @property
    def kind(self) -> str:
        """The key that is given, as in the config."""
        return self._given[0]

    @property
    def bounds(self) -> tuple[float, float] | None:
        """Least and greatest value; None for a choice."""
        found = (self.uniform, self.log_uniform, self.whole, self.whole_log)
        return next(((bounds[0], bounds[1]) for bounds in found if bounds is not None), None)

    @property
    def is_log(self) -> bool:
        """Whether values are even in the logarithm."""
        return self.log_uniform is not None or self.whole_log is not None

    @property
    def is_whole(self) -> bool:
        """Whether values are integers."""
        return self.whole is not None or self.whole_log is not None

    @property
    def ends(self) -> tuple[Value, ...]:
        """Values that must be valid if all are to be: both bounds, or every choice."""
        return self.bounds or self.choice or ()


class SpaceEntry(Distribution):
    """Distribution of a setting; of `layers`, the number of hidden layers and what each is made of."""

    depth: Integers | None = Field(default=None, description="Of layers: least and greatest number of hidden layers.")
    units: Distribution | None = Field(default=None, description="Units of each layer, chosen one by one.")
    activation: Distribution | None = Field(default=None, description="Activation of all layers.")
    dropout: Distribution | None = Field(default=None, description="Dropout after all layers.")

    @model_validator(mode="after")
    def _check(self) -> Self:
        of_layers = {name: getattr(self, name) for name in ("depth", "units", "activation", "dropout")}
        given = [name for name, value in of_layers.items() if value is not None]
        if not given:
            self._require_one()
            return self
        if self._given or self.depth is None or self.units is None:
            raise ValueError("layers are chosen by depth and units, and perhaps activation and dropout")
        low, high = self.depth
        if not 1 <= low <= high:
            raise ValueError("depth is a least and a greatest number of layers, such as [1, 4]")
        return self

    @property
    def parameters(self) -> dict[str, Distribution]:
        """Distributions by name; with layers, `.depth`, `.0.units`, … .

        The units of layers beyond the depth are chosen in vain, so that every trial has the same parameters.
        """
        if self.depth is None or self.units is None:
            return {"": self}
        found = {".depth": Distribution.model_validate({"int": self.depth})}
        found |= {f".{index}.units": self.units for index in range(self.depth[1])}
        shared = {".activation": self.activation, ".dropout": self.dropout}
        return found | {name: one for name, one in shared.items() if one is not None}

    def setting(self, values: Mapping[str, Any]) -> Any:
        """Value of the config's key, of values by the names of `parameters`."""
        if self.depth is None:
            return values[""]
        layers: list[dict[str, Any]] = []
        for index in range(values[".depth"]):
            shared = {"activation": values[".activation"]} if ".activation" in values else {}
            layers.append({"units": values[f".{index}.units"], **shared})
            if ".dropout" in values:
                layers.append({"type": "dropout", "rate": values[".dropout"]})
        return layers
