"""Dropout."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from bpcli.arrays.memory import Array
from bpcli.arrays.workspace import Buffer, LayerArrays
from bpcli.nn.layers.base import LayerSpecBase, Position, Shape, Views
from bpcli.nn.layers.rowwise import RowwiseLayer
from bpcli.nn.schedules import TimedSchedule
from bpcli.randomness import POOL_RANGE


class Dropout(LayerSpecBase):
    """Set each input to 0 with probability `rate` in training, else scale it by 1 / (1 - rate)."""

    type: Literal["dropout"] = "dropout"
    rate: float = Field(ge=0, lt=1, description="Probability of dropping an input in each step.")
    schedule: TimedSchedule | None = Field(
        default=None, description="Schedule of the rate: its factor in each step, as of the learning rate's."
    )

    def plan(self, index: int, in_shape: Shape) -> DropoutLayer:
        """Layer for inputs (rows, *in_shape)."""
        if self.schedule is not None:
            return ScheduledDropoutLayer(index, in_shape, in_shape, self.rate, schedule=self.schedule)
        return DropoutLayer(index, in_shape, in_shape, self.rate)


@dataclass(frozen=True)
class DropoutLayer(RowwiseLayer):
    """Inverted dropout (Srivastava et al. 2014, section 10): the identity in inference."""

    type: ClassVar[str] = "dropout"
    formula: ClassVar[str] = "y = x · mask, mask = 0 with probability {rate:g}, else 1 / (1 - {rate:g})"
    gradient: ClassVar[str] = "dL/dx = dL/dy · mask"

    rate: float

    @property
    def linear_in_pieces(self) -> bool:
        """True: the identity in inference."""
        return True

    def of_members(self, count: int) -> DropoutLayer:
        """Layer that draws the masks that each member draws alone."""
        return DropoutOfMembers(self.index, self.in_shape, self.out_shape, self.rate, members=count)

    def buffers(self, training: bool) -> dict[str, Buffer]:
        """Output and mask, in training only."""
        return {"y": Buffer(self.in_shape), "mask": Buffer(self.in_shape)} if training else {}

    def forward(
        self, params: Views, state: Views, x: Array, workspace: LayerArrays, position: Position | None
    ) -> Array:
        """x · mask, with a new mask in each training step."""
        if position is None:
            return x
        y, mask = workspace["y"], workspace["mask"]
        self.write_masks(position, mask)
        np.multiply(x, mask, out=y)
        return y

    def write_masks(self, position: Position, out: Array) -> None:
        """Write 0, or 1 / (1 - rate) for inputs that are kept, to `out`, (rows, *in_shape)."""
        self.draw(position, out)
        self.make_masks(out)

    def draw(self, position: Position, out: Array) -> None:
        """Write the step's uniform random numbers to `out`, (rows, *in_shape)."""
        generator = position.noise.at(position.epoch, position.step, self.index, position.shard, position.member)
        generator.random(dtype=out.dtype.type, out=out)

    def make_masks(self, out: Array) -> None:
        """Turn uniform random numbers in place into 0, or 1 / (1 - rate) for inputs that are kept."""
        keep = 1.0 - self.rate
        # ceil(keep - u) is 1 where u < keep, else 0, under any rounding. A comparison would need a cast.
        np.subtract(keep, out, out=out)
        np.ceil(out, out=out)
        np.divide(out, keep, out=out)

    def backward_rows(self, params: Views, dy: Array, workspace: LayerArrays) -> Array:
        """dx = dy · mask."""
        np.multiply(dy, workspace["mask"], out=dy)
        return dy

    def input_gradient(self, params: Views, state: Views, dy: Array, workspace: LayerArrays) -> Array:
        """dx = dy."""
        return dy


@dataclass(frozen=True)
class DropoutOfMembers(DropoutLayer):
    """Dropout of several members, whose rows come one after another."""

    members: int = field(kw_only=True)

    def draw(self, position: Position, out: Array) -> None:
        """Write the step's uniform random numbers to `out`, (members · rows, *in_shape), those of each member."""
        for member, part in enumerate(out.reshape(self.members, -1), position.member):
            at = position.epoch, position.step, self.index, position.shard, member
            position.noise.at(*at).random(dtype=out.dtype.type, out=part)


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
