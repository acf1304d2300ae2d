"""Dropout whose rate follows a schedule."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from bpcli.arrays.memory import Array
from bpcli.nn.layers.base import Position
from bpcli.nn.layers.dropout_layer import DropoutLayer
from bpcli.nn.schedules import TimedSchedule
from bpcli.randomness import POOL_RANGE


@dataclass(frozen=True)
class ScheduledDropoutLayer(DropoutLayer):
    """Dropout whose rate follows a schedule, with masks from a pool of random numbers.

    Reading random numbers at a random place of a pool takes an eighth of the time of drawing them. The rate is a
    multiple of 2^-16, and 1 / (1 - rate) is exact for it.
    """

    formula: ClassVar[str] = "y = x · mask, mask = 0 with probability p, else 1 / (1 - p), p = {rate:g} · schedule"

    schedule: TimedSchedule = field(kw_only=True)

    def of_members(self, count: int) -> ScheduledDropoutLayer:
        """Layer with the masks that each member has alone."""
        return ScheduledDropoutOfMembers(
            self.index, self.in_shape, self.out_shape, self.rate, schedule=self.schedule, members=count
        )

    def rate_at(self, position: Position) -> float:
        """Probability of dropping an input in a step."""
        return self.rate * self.schedule.factor_of_step(
            position.epoch, position.step, position.steps_per_epoch, position.epochs
        )

    def dropped(self, position: Position) -> int:
        """Random numbers below this one drop their input in a step."""
        return min(round(self.rate_at(position) * POOL_RANGE), POOL_RANGE - 1)

    def write_masks(self, position: Position, out: Array) -> None:
        """Write 0, or 1 / (1 - rate) for inputs that are kept, to `out`, (rows, *in_shape)."""
        self._write(position, position.member, out.reshape(-1))

    def _write(self, position: Position, member: int, out: Array) -> None:
        """Write the masks of one member to `out`, (numbers,)."""
        dropped = self.dropped(position)
        at = position.epoch, position.step, self.index, position.shard, member
        for part, numbers in position.noise.from_pool(out, *at):
            np.greater_equal(numbers, dropped, out=part, casting="unsafe")
        np.multiply(out, POOL_RANGE / (POOL_RANGE - dropped), out=out)


@dataclass(frozen=True)
class ScheduledDropoutOfMembers(ScheduledDropoutLayer):
    """Scheduled dropout of several members, whose rows come one after another."""

    members: int = field(kw_only=True)

    def write_masks(self, position: Position, out: Array) -> None:
        """Write the masks of each member to `out`, (members · rows, *in_shape)."""
        for member, part in enumerate(out.reshape(self.members, -1), position.member):
            self._write(position, member, part)
