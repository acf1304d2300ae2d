"""Differences between a run and its repetition: of metrics, and of weights."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from math import inf, isfinite
from typing import NamedTuple

import numpy as np

from bpcli.arrays.layout import Layout
from bpcli.arrays.memory import Array
from bpcli.documents.json_value import Json, measured
from bpcli.storage.records import FINAL


def scaled_difference(was: Json, now: Json) -> float:
    """|now − was| / max(1, |was|): absolute for small numbers, relative for large ones.

    Equal values of any kind have the difference 0, others an infinite one unless both are finite numbers.
    """
    if was == now:
        return 0.0
    before, after = measured(was), measured(now)
    return inf if before is None or after is None else abs(after - before) / max(1.0, abs(before))


@dataclass(frozen=True)
class FirstDifference:
    """Value of an epoch that differs. A side that lacks the value is None; `metric` is None if the epoch is missing.

    `was` comes from the run's file and may be any JSON value.
    """

    epoch: int
    metric: str | None
    was: Json = None
    now: Json = None
    final: bool = False
    """Whether it is an epoch of the final training."""

    @property
    def size(self) -> float | None:
        """Absolute difference of two floats; None for counts and other values."""
        return abs(self.now - self.was) if isinstance(self.was, float) and isinstance(self.now, float) else None

    @property
    def scaled(self) -> float:
        """Difference that a tolerance bounds, as `scaled_difference`; infinite if the epoch is missing."""
        return inf if self.metric is None else scaled_difference(self.was, self.now)

    @property
    def place(self) -> str:
        """Epoch and metric."""
        epoch = f"{'final ' if self.final else ''}epoch {self.epoch}"
        return epoch if self.metric is None else f"{epoch}, {self.metric}"

    def to_json(self) -> dict[str, Json]:
        """Difference as a JSON object."""
        return {
            "epoch": self.epoch,
            **({"phase": FINAL} if self.final else {}),
            "metric": self.metric,
            "was": finite(self.was),
            "now": self.now,
            "difference": finite(self.size),
        }

    def __str__(self) -> str:
        first = f"{'final ' if self.final else ''}epoch {self.epoch} is the first that differs"
        if self.metric is None:
            return f"{first}: the run has it, but training now ended earlier"
        by = "" if self.size is None else f", off by {self.size:.2g}"
        return f"{first}: {self.metric} was {_shown(self.was)}, is now {_shown(self.now)}{by}"


class WeightDifference(NamedTuple):
    """Largest scaled difference of a parameter or running statistic, by its name and index."""

    name: str
    was: float
    now: float
    scaled: float

    @property
    def place(self) -> str:
        """Name and index."""
        return self.name


@dataclasses.dataclass
class Weights:
    """SHA-256 of a checkpoint's parameters and running statistics, with its epoch and steps.

    `now` is None until the repeated training reaches that step.
    """

    epoch: int
    steps: int
    was: str
    now: str | None = None
    largest: WeightDifference | None = None
    """Largest difference, if they are reached and not identical."""

    @property
    def identical(self) -> bool:
        """Whether both trainings gave the same weights."""
        return self.was == self.now

    @property
    def scaled(self) -> float:
        """Largest scaled difference; infinite if the step was not reached."""
        return 0.0 if self.identical else inf if self.largest is None else self.largest.scaled

    def to_json(self) -> dict[str, Json]:
        """Weights as a JSON object."""
        return {
            "epoch": self.epoch,
            "steps": self.steps,
            "was": self.was,
            "now": self.now,
            "identical": self.identical,
        }


def weights_sha256(params: Array, layer_state: Array) -> str:
    """SHA-256 of the bytes of the parameters, followed by those of the running statistics."""
    digest = hashlib.sha256(params.data)
    digest.update(layer_state.data)
    return digest.hexdigest()


def largest_difference(layout: Layout, was: Array, now: Array) -> WeightDifference | None:
    """Largest scaled difference of vectors with a layout; None if they are equal."""
    before, after = layout.views(was), layout.views(now)
    found = [_largest_in(name, before[name], after[name]) for name in before if before[name].size]
    return max((one for one in found if one.scaled > 0), key=lambda one: one.scaled, default=None)


def _largest_in(name: str, was: Array, now: Array) -> WeightDifference:
    was, now = was.astype(np.float64), now.astype(np.float64)
    with np.errstate(all="ignore"):
        scaled = np.nan_to_num(np.abs(now - was) / np.maximum(1.0, np.abs(was)), nan=inf, posinf=inf)
    index = np.unravel_index(int(np.argmax(scaled)), scaled.shape)
    place = f"{name}[{', '.join(map(str, index))}]"
    return WeightDifference(place, float(was[index]), float(now[index]), float(scaled[index]))


def largest_to_json(place: str, found: FirstDifference | WeightDifference) -> Mapping[str, Json]:
    """Largest difference as a JSON object; `scaled` is the number that a tolerance bounds."""
    return {"where": place, "was": finite(found.was), "now": finite(found.now), "scaled": finite(found.scaled)}


def largest_shown(place: str, found: FirstDifference | WeightDifference) -> str:
    """Largest difference as a phrase."""
    if isinstance(found, FirstDifference) and found.metric is None:
        return f"{place}: the run has it, but training now ended earlier"
    return f"{place}: was {_shown(found.was)}, is now {_shown(found.now)}"


def finite(value: Json) -> Json:
    """JSON value of a float: NaN and infinities, which JSON lacks, become strings."""
    return str(value) if isinstance(value, float) and not isfinite(value) else value


def _shown(value: Json) -> str:
    text = repr(value)
    return "missing" if value is None else text if len(text) <= 80 else f"{text[:80]}…"
