"""Compiled steps: one call of machine code per block of batches, by one or several threads."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice, pairwise
from math import ceil

import numpy as np
from numpy.typing import NDArray

from bpcli.arrays.fields import Batch, numbers
from bpcli.nn.compiled.arguments import Block
from bpcli.nn.compiled.kernels import masked_numbers
from bpcli.nn.compiled.program import Program, Rules
from bpcli.system.threads import Crew, move_to_core
from bpcli.training.plan import TrainingPlan
from bpcli.training.state import TrainingState
from bpcli.training.steps.base import Steps, StepSums
from bpcli.training.steps.choice import operations

MASKED_NUMBERS = 1 << 18
"""Random numbers drawn ahead for dropout: 1 MiB."""

HANDED_OVER = 1e9
"""Minimum floating-point operations per call when threads share the steps.

It is about 10 ms of work; waking the threads and waiting for the last of them takes a tenth of a millisecond.
"""

NO_WEIGHT = np.empty(0, np.float32)


class CompiledSteps(Steps):
    """Runs the steps of a block of batches in one call per thread, and the last step of an epoch in a separate call.

    Images that are changed at random are changed batch by batch, with a call for each.
    """

    _program: Program

    def __init__(self, plan: TrainingPlan, state: TrainingState, crew: Crew, beside: Steps | None = None) -> None:
        """beside: compiled steps of another member, whose scratch memory to use too."""
        stepping, penalty, clip = plan.stepping, plan.spec.penalty, plan.spec.clip
        super().__init__(plan, state, ceil(HANDED_OVER / operations(plan)) if stepping.parts > 1 else 1)
        batch = self.batches.size
        masked = masked_numbers(plan.network.layers)
        most = max(1, MASKED_NUMBERS // (batch * masked)) * batch if masked else self.batches.block_rows
        self._rows = min(self.batches.block_rows, most if plan.augment is None else batch)
        value, norm = (np.inf if bound is None else bound for bound in (clip.value, clip.norm))
        (params,) = state.params
        self._program = Program(
            plan.network,
            plan.loss,
            plan.optimizer,
            Rules(penalty.l1, penalty.l2, value, norm),
            params,
            {name: slot[0] for name, slot in state.optimizer.slots.items()},
            batch=plan.batch_size,
            rows=self._rows,
            parts=stepping.parts,
            line=stepping.line,
            beside=beside._program if isinstance(beside, CompiledSteps) else None,
        )
        self.grads = self._program.vectors.grads.reshape(1, -1)
        self._crew, self._lanes = crew, min(crew.lanes, self._program.parts)
        self._losses = np.empty(-(-self._rows // batch))

    def epoch(self, order: NDArray[np.intp], epoch: int, first: int) -> Iterator[StepSums]:
        """Take the steps of an epoch, as described in the base class."""
        step, last = first, self.batches.count - 1
        for block in self.batches.blocks(order, first):
            rows = block.rows
            cuts = {*range(0, rows, self._rows), min((last - step) * self.batches.size, rows), rows}
            for start, stop in pairwise(sorted(cuts)):
                self.remember(epoch, step)
                self.position.epoch, self.position.step = epoch, step
                part = self.augmented(block.part(start, stop))
                losses = self._call(part, epoch, step)
                step += len(losses)
                yield list(zip(losses.tolist(), self._weights(part), strict=True))

    def _weights(self, block: Batch) -> list[float]:
        """Sum of the weights of each batch's rows."""
        size, weight = self.batches.size, block.weight
        if weight is None:
            whole, rest = divmod(block.rows, size)
            return [float(size)] * whole + [float(rest)] * bool(rest)
        sums: list[float] = np.add.reduceat(weight, np.arange(0, block.rows, size), dtype=np.float64).tolist()
        return sums

    def _call(self, block: Batch, epoch: int, first: int) -> NDArray[np.float64]:
        """Take the steps over the batches of a block. Return their losses, each summed over rows."""
        state, batch = self.state, self.batches.size
        count = -(-block.rows // batch)
        self.position.epoch = epoch
        self._draw(block.rows, first)
        rates = np.fromiter(islice(self.rates(epoch, first), count), np.float64, count)
        taken = self._take(block, rates)
        state.optimizer.steps += taken
        self.position.step = first + min(taken, count - 1)
        self.learning_rate = float(rates[max(taken - 1, 0)])
        if taken < count:
            raise self.explain(block.part(taken * batch, (taken + 1) * batch))
        return self._losses[:count]

    def _draw(self, rows: int, first: int) -> None:
        """Draw the masks of all dropout layers."""
        program, batch = self._program, self.batches.size
        for start in range(0, rows if program.dropout else 0, batch):
            self.position.step = first + start // batch
            for layer, mask in zip(program.dropout, program.masks, strict=True):
                layer.draw(self.position, mask[start : min(rows, start + batch)])
        for layer, mask in zip(program.dropout, program.masks, strict=True):
            layer.make_masks(mask[:rows])

    def _take(self, block: Batch, rates: NDArray[np.float64]) -> int:
        """Take as many steps as there are rates. Return how many were taken before one diverged."""
        from bpcli.nn.compiled.barrier import abort, new_barrier
        from bpcli.nn.compiled.steps import steps

        (x,), y, weight = block
        data = Block(
            numbers(x).reshape(-1),
            y.reshape(-1),
            NO_WEIGHT if weight is None else weight,
            self._program.flat_masks,
            len(x),
            self.batches.size,
        )
        program, taken = self._program, [0] * self._lanes
        barrier = new_barrier(self._lanes)

        def take(lane: int) -> None:
            try:
                if self._lanes > 1:
                    move_to_core(lane)
                taken[lane] = steps(
                    program.code,
                    program.vectors,
                    data,
                    self.state.optimizer.steps,
                    rates,
                    self._losses,
                    barrier,
                    lane,
                    self._lanes,
                    program.images,
                )
            except BaseException:
                abort(barrier)
                raise

        self._crew.run([take] * self._lanes)
        return min(taken)
